//! A folder of real CloudTrail records, moved by whole days into this month and taken for all that ever happened.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::records;
use crate::scenario::tags;
use crate::server::{Server, State};
use crate::truth::month_start;
use crate::world::{Happening, World};

/// An instance whose launch no record tells was there so long before its first record: longer than CloudTrail remembers.
const AGE_BEFORE_FIRST_RECORD: TimeDelta = TimeDelta::days(100);

/// Adds the instances and records of every `*.json` file in a folder to a world.
///
/// # Errors
/// Where the folder or a file can't be read, a file is not JSON, or no file has a CloudTrail record.
pub fn populate(world: &mut World, folder: &Path, now: DateTime<Utc>, tag: (&str, &str)) -> anyhow::Result<()> {
    let mut total = 0;
    for path in json_files(folder)? {
        let mut records = read(&path)?;
        records.sort_by_key(records::event_time);
        let delivered = now - world.rules().delivery.1;
        let by = shift(&records, delivered);
        for record in &mut records {
            records::shift(record, by);
        }
        total += records.len();
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        add_servers(world, &records, &label(&stem), month_start(now), tag);
        for record in records {
            if let Some(at) = records::event_time(&record) {
                world.plan(at, Happening::Recorded(Box::new(record)));
            }
        }
    }
    if total == 0 {
        bail!("no CloudTrail record in {}", folder.display());
    }
    Ok(())
}

fn json_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read the folder {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<PathBuf>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> anyhow::Result<Vec<Value>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let content: Value = serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?;
    let list = match content {
        Value::Array(list) => list,
        Value::Object(mut fields) => match fields.remove("Records").or_else(|| fields.remove("Events")) {
            Some(Value::Array(list)) => list,
            _ => vec![Value::Object(fields)],
        },
        _ => Vec::new(),
    };
    Ok(list.into_iter().filter_map(unwrap).filter(|record| records::event_time(record).is_some()).collect())
}

/// Takes a record out of what it came in: an answer of `LookupEvents`, or an EventBridge event.
fn unwrap(mut value: Value) -> Option<Value> {
    if let Some(written) = value["CloudTrailEvent"].as_str() {
        return serde_json::from_str(written).ok();
    }
    if value["detail"]["eventName"].is_string() {
        return Some(value["detail"].take());
    }
    value["eventName"].is_string().then_some(value)
}

/// The whole number of days that moves most of a file's records into this month and before `now`.
fn shift(records: &[Value], now: DateTime<Utc>) -> TimeDelta {
    let times: Vec<DateTime<Utc>> = records.iter().filter_map(records::event_time).collect();
    let candidates = times.iter().map(|&at| TimeDelta::days((now - at).num_seconds().div_euclid(86_400)));
    let month = month_start(now);
    let score = |by: TimeDelta| {
        let in_month = times.iter().filter(|&&at| (month..=now).contains(&(at + by))).count();
        let ahead = times.iter().filter(|&&at| at + by > now).count();
        (in_month, usize::MAX - ahead, by)
    };
    candidates.max_by_key(|&by| score(by)).unwrap_or_default()
}

/// A name for a file's servers: what stands before its account numbers and dates.
fn label(stem: &str) -> String {
    let words = stem.split(['-', '_']).filter(|word| !word.is_empty());
    let words = words.take_while(|word| !word.starts_with(|first: char| first.is_ascii_digit()));
    let label = words.collect::<Vec<_>>().join("-");
    if label.is_empty() { stem.to_owned() } else { label }
}

/// Adds the instances a file's records name. What the first record of each says it was before, it had been all along.
fn add_servers(world: &mut World, records: &[Value], label: &str, month: DateTime<Utc>, tag: (&str, &str)) {
    let mut first: BTreeMap<String, (DateTime<Utc>, Option<State>)> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for record in records {
        let Some(at) = records::event_time(record) else { continue };
        records::replay(record, |change| {
            if !change.id.is_empty() && !first.contains_key(change.id) {
                first.insert(change.id.to_owned(), (at, change.previous));
                order.push(change.id.to_owned());
            }
        });
    }
    for (number, id) in order.iter().enumerate() {
        if world.find(id).is_some() {
            continue;
        }
        let mut server = Server::new(id.as_str(), tags(tag, &format!("{label}-{}", number + 1)));
        server.reservation = format!("r-{}", id.trim_start_matches("i-"));
        if let Some((at, Some(previous))) = first.get(id) {
            let created = (*at).min(month) - AGE_BEFORE_FIRST_RECORD;
            server.change(created, State::Pending, TimeDelta::zero(), *previous, None);
            if !previous.is_alive() {
                // It was off just before, but may have run and been shut down from inside any time earlier.
                server.doubts.push((created, *at));
            }
        }
        world.add_server(server);
    }
}
