//! CloudTrail records: reading what a real one says.
//!
//! Deliberately simple, and apart from the product's parser: the simulator replays records that are known to be good.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::server::State;

pub mod render;

/// What a record says of one instance.
#[derive(Debug, Clone, Copy)]
pub struct RecordedChange<'a> {
    /// The instance.
    pub id: &'a str,
    /// Its state before the call; none where the record creates it.
    pub previous: Option<State>,
    /// Its state right after; none where the record is only a sighting.
    pub current: Option<State>,
    /// Whether Spot capacity was taken back.
    pub spot: bool,
}

/// Calls `each` for everything that a successful lifecycle record says.
pub fn replay<'a>(record: &'a Value, mut each: impl FnMut(RecordedChange<'a>)) {
    if !record["errorCode"].is_null() || record["eventSource"] != "ec2.amazonaws.com" {
        return;
    }
    let name = record["eventName"].as_str().unwrap_or_default();
    let sighting = |id, previous, current| RecordedChange { id, previous, current, spot: false };
    match name {
        "BidEvictedEvent" => {
            for id in record["serviceEventDetails"]["instanceIdSet"].as_array().into_iter().flatten() {
                let (previous, current) = (Some(State::Running), Some(State::ShuttingDown));
                each(RecordedChange { id: id.as_str().unwrap_or_default(), previous, current, spot: true });
            }
        }
        "RebootInstances" => {
            for item in items(&record["requestParameters"]) {
                each(sighting(text(&item["instanceId"]), Some(State::Running), None));
            }
        }
        "RunInstances" => {
            for item in items(&record["responseElements"]) {
                // Sent again with its client token, a launch is answered with the instance as it is by now.
                let found =
                    State::from_name(text(&item["instanceState"]["name"])).filter(|state| *state != State::Pending);
                let launched = found.is_none().then_some(State::Pending);
                each(sighting(text(&item["instanceId"]), found, launched));
            }
        }
        "StartInstances" | "StopInstances" | "TerminateInstances" => {
            for item in items(&record["responseElements"]) {
                let state = |key: &str| State::from_name(text(&item[key]["name"]));
                each(sighting(text(&item["instanceId"]), state("previousState"), state("currentState")));
            }
        }
        _ => {}
    }
}

/// The instances that a record has as resources, whatever came of it, each once. An eviction has none.
#[must_use]
pub fn resources(record: &Value) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let named = items(&record["requestParameters"])
        .chain(items(&record["responseElements"]))
        .map(|item| &item["instanceId"])
        .chain(std::iter::once(&record["requestParameters"]["instanceId"]));
    for id in named.filter_map(Value::as_str) {
        if !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }
    ids
}

/// When a record's event happened. Most exporters write RFC 3339, one a date and a time with a blank between them.
#[must_use]
pub fn event_time(record: &Value) -> Option<DateTime<Utc>> {
    let written = record["eventTime"].as_str()?;
    DateTime::parse_from_rfc3339(written)
        .map(|at| at.to_utc())
        .ok()
        .or_else(|| NaiveDateTime::parse_from_str(written, "%Y-%m-%d %H:%M:%S%.f").ok().map(|at| at.and_utc()))
}

/// Moves a record in time: when it happened, and the launch and attach times it gives. Formats stay as they were.
pub fn shift(record: &mut Value, by: TimeDelta) {
    if let (Some(at), Some(written)) = (event_time(record), record["eventTime"].as_str()) {
        let format = if written.contains('T') { "%Y-%m-%dT%H:%M:%SZ" } else { "%Y-%m-%d %H:%M:%S" };
        record["eventTime"] = (at + by).format(format).to_string().into();
    }
    if let Some(response) = record.get_mut("responseElements") {
        shift_milliseconds(response, by.num_milliseconds());
    }
}

fn shift_milliseconds(value: &mut Value, by: i64) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|inner| shift_milliseconds(inner, by)),
        Value::Object(fields) => {
            for (key, inner) in fields {
                match inner.as_i64() {
                    Some(at) if key == "launchTime" || key == "attachTime" => *inner = (at + by).into(),
                    _ => shift_milliseconds(inner, by),
                }
            }
        }
        _ => {}
    }
}

fn items(parameters: &Value) -> impl Iterator<Item = &Value> {
    parameters["instancesSet"]["items"].as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
