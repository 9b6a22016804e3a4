//! How far the fleet has been swept, as an item that no reader takes for a server's.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use uptime::{BlindSpots, Coverage, InstanceId, Month, Scope, Window, instant_text};

use super::item::attribute;
use crate::dynamodb::{Item, string, text};
use uptime_ledger::ports::{Hole, SweepState};
use uptime_ledger::{Part, ServiceError, SharedLook};

/// Stands where a server's item has its month.
const WATERMARK: &str = "watermark";

const COVERAGE: &str = "coverage";
const DEEP_SWEEP_AT: &str = "deepSweepAt";
const LACKS_PAST: &str = "lacksPast";
const FINAL_MONTH: &str = "finalMonth";
const RESUME_AFTER: &str = "resumeAfter";
const UNREADABLE: &str = "unreadable";
const HOLES: &str = "holes";
const LOOKS: &str = "looks";
const UNREPORTED: &str = "unreported";
const UNAUDITED: &str = "unaudited";
const REVISION: &str = "revision";

/// The calls whose records may be unreadable, as they are named in the item.
const STARTS: &str = "StartInstances";
const LAUNCHES: &str = "RunInstances";

/// No look.
const NEVER: &str = "-";
/// A look at all servers.
const ALL: &str = "all";

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
            (DEEP_SWEEP_AT, updated.deep_sweep_at.map(|at| text(instant_text(at)))),
            (LACKS_PAST, Some(AttributeValue::Bool(updated.lacks_past))),
            (FINAL_MONTH, updated.final_month.map(text)),
            (RESUME_AFTER, updated.resume_after.as_ref().map(text)),
            (UNREADABLE, list(blind_texts(&updated.blind))),
            (LOOKS, list(updated.looks.iter().map(look_text).collect())),
            (HOLES, list(updated.holes.iter().map(hole_text).collect())),
            (UNREPORTED, months(&updated.unreported)),
            (UNAUDITED, months(&updated.unaudited)),
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

fn months(months: &BTreeSet<Month>) -> Option<AttributeValue> {
    list(months.iter().map(ToString::to_string).collect())
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

/// `i-0123456789abcdef0 2026-10,2026-11 2026-11-03T09:00:00.000Z 2026-11-03T10:00:00Z/2026-11-03T11:00:00Z`: server, months,
/// when it was last seen as its items say (`-`: by no look), windows.
fn hole_text((id, hole): (&InstanceId, &Hole)) -> String {
    let months: Vec<String> = hole.months.iter().map(ToString::to_string).collect();
    let windows: Vec<String> = hole.windows.windows().iter().map(ToString::to_string).collect();
    let seen_at = hole.seen_at.map_or_else(|| NEVER.to_owned(), instant_text);
    format!("{id} {} {seen_at} {}", months.join(","), windows.join(" "))
}

fn read_hole(text: &str) -> Option<(InstanceId, Hole)> {
    let mut words = text.split(' ');
    let id = words.next()?.parse().ok()?;
    let months = words.next()?.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
    let seen_at = match words.next()? {
        NEVER => None,
        at => Some(at.parse().ok()?),
    };
    let windows = words.map(str::parse::<Window>).collect::<Result<Coverage, _>>().ok()?;
    Some((id, Hole { windows, months, seen_at }))
}

/// `2026-11-03T10:00:00.000Z all i-…,i-…`: time, whose items were compared (`all`, `..i-…` or `i-…..i-…`), and who was between
/// two states.
fn look_text(look: &SharedLook) -> String {
    let part = match &look.part {
        None => ALL.to_owned(),
        Some(Part { after: None, up_to }) => format!("..{up_to}"),
        Some(Part { after: Some(after), up_to }) => format!("{after}..{up_to}"),
    };
    let except: Vec<&str> = look.except.iter().map(InstanceId::as_str).collect();
    format!("{} {part} {}", instant_text(look.at), except.join(","))
}

fn read_look(text: &str) -> Option<SharedLook> {
    let mut words = text.splitn(3, ' ');
    let at = words.next()?.parse().ok()?;
    let part = match words.next()? {
        ALL => None,
        part => {
            let (after, up_to) = part.split_once("..")?;
            let after = if after.is_empty() { None } else { Some(after.parse().ok()?) };
            Some(Part { after, up_to: up_to.parse().ok()? })
        }
    };
    let except = words.next()?.split(',').filter(|id| !id.is_empty()).map(str::parse).collect::<Result<_, _>>().ok()?;
    Some(SharedLook { at, part, except })
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
    let looks = texts(item, LOOKS).ok_or_else(|| unreadable(LOOKS))?;
    let looks = looks.iter().map(|text| read_look(text)).collect::<Option<_>>();
    let months = |name: &str| read_months(item, name).ok_or_else(|| unreadable(name));
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
        looks: looks.ok_or_else(|| unreadable(LOOKS))?,
        unreported: months(UNREPORTED)?,
        unaudited: months(UNAUDITED)?,
        revision: revision.ok_or_else(|| unreadable(REVISION))?,
    })
}

fn read_months(item: &Item, name: &str) -> Option<BTreeSet<Month>> {
    texts(item, name)?.iter().map(|text| text.parse().ok()).collect()
}

/// A list of texts; empty where it is not there, none where it is something else.
fn texts(item: &Item, name: &str) -> Option<Vec<String>> {
    let Some(value) = item.get(name) else { return Some(Vec::new()) };
    value.as_l().ok()?.iter().map(|text| text.as_s().ok().cloned()).collect()
}
