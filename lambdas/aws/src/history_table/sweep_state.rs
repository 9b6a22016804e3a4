//! How far the fleet has been swept, as an item that no reader takes for a server's.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use uptime::Window;

use super::item::attribute;
use crate::dynamodb::{Item, string, text, timestamp};
use crate::error::ServiceError;
use crate::ports::SweepState;

/// Stands where a server's item has its month.
const WATERMARK: &str = "watermark";

const COVERAGE: &str = "coverage";
const DEEP_SWEEP_AT: &str = "deepSweepAt";
const LACKS_HISTORY: &str = "lacksHistory";
const ROLLED_OVER: &str = "rolledOver";
const FINAL_MONTH: &str = "finalMonth";
const RESUME_AFTER: &str = "resumeAfter";
const REVISION: &str = "revision";

/// The item of a region.
pub(super) fn key(region: &str) -> Item {
    let key = [(attribute::ID, format!("sweep#{region}")), (attribute::MONTH, WATERMARK.to_owned())];
    key.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect()
}

/// One conditional update.
pub(super) struct Change {
    pub(super) update: String,
    pub(super) condition: String,
    pub(super) values: HashMap<String, AttributeValue>,
}

impl Change {
    /// Replaces the state, provided that it is as it was read.
    pub(super) fn of(read: &SweepState, updated: &SweepState) -> Self {
        let windows = updated.coverage.windows().iter().map(text).collect();
        let attributes = [
            (COVERAGE, Some(AttributeValue::L(windows))),
            (DEEP_SWEEP_AT, updated.deep_sweep_at.map(|at| text(timestamp(at)))),
            (LACKS_HISTORY, Some(AttributeValue::Bool(updated.lacks_history))),
            (ROLLED_OVER, updated.rolled_over.map(text)),
            (FINAL_MONTH, updated.final_month.map(text)),
            (RESUME_AFTER, updated.resume_after.as_ref().map(text)),
            (REVISION, Some(AttributeValue::N((read.revision + 1).to_string()))),
        ];
        let (mut set, mut remove, mut values) = (Vec::new(), Vec::new(), HashMap::new());
        for (name, value) in attributes {
            match value {
                Some(value) => {
                    set.push(format!("{name} = :{name}"));
                    values.insert(format!(":{name}"), value);
                }
                None => remove.push(name),
            }
        }
        let mut update = format!("SET {}", set.join(", "));
        if !remove.is_empty() {
            update.push_str(&format!(" REMOVE {}", remove.join(", ")));
        }
        values.insert(":read".to_owned(), AttributeValue::N(read.revision.to_string()));
        let condition = match read.revision {
            0 => format!("attribute_not_exists({REVISION}) OR {REVISION} = :read"),
            _ => format!("{REVISION} = :read"),
        };
        Self { update, condition, values }
    }
}

/// Reads the item.
///
/// # Errors
/// Where an attribute cannot be read: to take it for none would read whole months again.
pub(super) fn read(item: &Item) -> Result<SweepState, ServiceError> {
    let unreadable = |name: &str| {
        let what = format!("the watermark has an unreadable {name}: {:?}", item.get(name));
        ServiceError::unexpected("reading the history table", what)
    };
    let windows = item.get(COVERAGE).and_then(|value| value.as_l().ok()).ok_or_else(|| unreadable(COVERAGE))?;
    let window = |value: &AttributeValue| value.as_s().ok()?.parse::<Window>().ok();
    let windows = windows.iter().map(window).collect::<Option<Vec<_>>>().ok_or_else(|| unreadable(COVERAGE))?;
    let revision = item.get(REVISION).and_then(|value| value.as_n().ok()?.parse().ok());
    fn optional<T: std::str::FromStr>(
        item: &Item,
        name: &str,
        unreadable: impl Fn(&str) -> ServiceError,
    ) -> Result<Option<T>, ServiceError> {
        string(item, name).map(|text| text.parse().map_err(|_| unreadable(name))).transpose()
    }
    Ok(SweepState {
        coverage: windows.into_iter().collect(),
        deep_sweep_at: optional(item, DEEP_SWEEP_AT, unreadable)?,
        lacks_history: matches!(item.get(LACKS_HISTORY), Some(AttributeValue::Bool(true))),
        rolled_over: optional(item, ROLLED_OVER, unreadable)?,
        final_month: optional(item, FINAL_MONTH, unreadable)?,
        resume_after: optional(item, RESUME_AFTER, unreadable)?,
        revision: revision.ok_or_else(|| unreadable(REVISION))?,
    })
}
