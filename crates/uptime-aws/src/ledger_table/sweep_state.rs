//! How far the fleet has been swept, as an item that no reader takes for a server's.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use uptime::{BlindSpots, Coverage, InstanceId, Scope, Window};

use super::item::attribute;
use crate::dynamodb::{Item, string, text, timestamp};
use uptime_ledger::ServiceError;
use uptime_ledger::ports::{Hole, SweepState};

/// Stands where a server's item has its month.
const WATERMARK: &str = "watermark";

const COVERAGE: &str = "coverage";
const DEEP_SWEEP_AT: &str = "deepSweepAt";
const LACKS_PAST: &str = "lacksPast";
const FINAL_MONTH: &str = "finalMonth";
const RESUME_AFTER: &str = "resumeAfter";
const UNREADABLE: &str = "unreadable";
const HOLES: &str = "holes";
const REVISION: &str = "revision";

/// The calls whose records may be unreadable, as they are named in the item.
const STARTS: &str = "StartInstances";
const LAUNCHES: &str = "RunInstances";

/// The item of a scope.
pub(super) fn key(scope: &Scope) -> Item {
    let key = [(attribute::ID, format!("sweep#{scope}")), (attribute::MONTH, WATERMARK.to_owned())];
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
            (LACKS_PAST, Some(AttributeValue::Bool(updated.lacks_past))),
            (FINAL_MONTH, updated.final_month.map(text)),
            (RESUME_AFTER, updated.resume_after.as_ref().map(text)),
            (UNREADABLE, list(blind_texts(&updated.blind))),
            (HOLES, list(updated.holes.iter().map(hole_text).collect())),
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

/// None where it is empty, as it mostly is.
fn list(texts: Vec<String>) -> Option<AttributeValue> {
    (!texts.is_empty()).then(|| AttributeValue::L(texts.iter().map(text).collect()))
}

/// `StartInstances 2026-11-03T10:00:00Z/2026-11-03T10:00:01Z`
fn blind_texts(blind: &BlindSpots) -> Vec<String> {
    let texts = |name: &'static str, windows: &Coverage| -> Vec<String> {
        windows.windows().iter().map(|window| format!("{name} {window}")).collect()
    };
    [texts(STARTS, &blind.starts), texts(LAUNCHES, &blind.launches)].concat()
}

fn read_blind(texts: &[String]) -> Option<BlindSpots> {
    let mut blind = BlindSpots::none();
    for text in texts {
        let (name, window) = text.split_once(' ')?;
        let window = window.parse().ok()?;
        match name {
            STARTS => blind.starts.add(window),
            LAUNCHES => blind.launches.add(window),
            _ => return None,
        }
    }
    Some(blind)
}

/// `i-0123456789abcdef0 2026-10,2026-11 2026-11-03T10:00:00Z/2026-11-03T11:00:00Z`: server, months, windows.
fn hole_text((id, hole): (&InstanceId, &Hole)) -> String {
    let months: Vec<String> = hole.months.iter().map(ToString::to_string).collect();
    let windows: Vec<String> = hole.windows.windows().iter().map(ToString::to_string).collect();
    format!("{id} {} {}", months.join(","), windows.join(" "))
}

fn read_hole(text: &str) -> Option<(InstanceId, Hole)> {
    let mut words = text.split(' ');
    let id = words.next()?.parse().ok()?;
    let months = words.next()?.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
    let windows = words.map(str::parse::<Window>).collect::<Result<Coverage, _>>().ok()?;
    Some((id, Hole { windows, months }))
}

/// Reads the item.
///
/// # Errors
/// Where an attribute cannot be read: to take it for none would read whole months again.
pub(super) fn read(item: &Item) -> Result<SweepState, ServiceError> {
    let unreadable = |name: &str| {
        let what = format!("the watermark has an unreadable {name}: {:?}", item.get(name));
        ServiceError::unexpected("reading the ledger", what)
    };
    let windows = item.get(COVERAGE).and_then(|value| value.as_l().ok()).ok_or_else(|| unreadable(COVERAGE))?;
    let window = |value: &AttributeValue| value.as_s().ok()?.parse::<Window>().ok();
    let windows = windows.iter().map(window).collect::<Option<Vec<_>>>().ok_or_else(|| unreadable(COVERAGE))?;
    let blind = read_blind(&texts(item, UNREADABLE).ok_or_else(|| unreadable(UNREADABLE))?);
    let holes = texts(item, HOLES).ok_or_else(|| unreadable(HOLES))?;
    let holes = holes.iter().map(|text| read_hole(text)).collect::<Option<_>>();
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
        lacks_past: matches!(item.get(LACKS_PAST), Some(AttributeValue::Bool(true))),
        final_month: optional(item, FINAL_MONTH, unreadable)?,
        resume_after: optional(item, RESUME_AFTER, unreadable)?,
        blind: blind.ok_or_else(|| unreadable(UNREADABLE))?,
        holes: holes.ok_or_else(|| unreadable(HOLES))?,
        revision: revision.ok_or_else(|| unreadable(REVISION))?,
    })
}

/// A list of texts; empty where it is not there, none where it is something else.
fn texts(item: &Item, name: &str) -> Option<Vec<String>> {
    let Some(value) = item.get(name) else { return Some(Vec::new()) };
    value.as_l().ok()?.iter().map(|text| text.as_s().ok().cloned()).collect()
}
