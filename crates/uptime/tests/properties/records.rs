//! What the reference model's fleet leaves behind, in AWS's words.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use uptime::InstanceId;

fn record(name: &str, id: &str, at: DateTime<Utc>) -> Value {
    json!({
        "eventTime": at.to_rfc3339_opts(SecondsFormat::Secs, true),
        "eventSource": "ec2.amazonaws.com",
        "eventName": name,
        "eventID": id,
        "responseElements": null,
    })
}

/// A call over servers, each with the state before it; a refused one names them in its request only.
pub(crate) fn call(
    name: &str,
    number: usize,
    at: DateTime<Utc>,
    items: &[(&InstanceId, &str)],
    accepted: bool,
) -> String {
    let mut call = record(name, &format!("{name}-{number}"), at);
    let asked: Vec<Value> = items.iter().map(|(id, _)| json!({ "instanceId": id })).collect();
    call["requestParameters"] = json!({ "instancesSet": { "items": asked } });
    if !accepted {
        call["errorCode"] = "IncorrectInstanceState".into();
    } else if name == "RebootInstances" {
        call["responseElements"] = json!({ "requestId": "r", "_return": true });
    } else {
        let item =
            |(id, previous): &(&InstanceId, &str)| json!({ "instanceId": id, "previousState": { "name": previous } });
        // Not in the order of the request.
        let answered: Vec<Value> = items.iter().rev().map(item).collect();
        call["responseElements"] = json!({ "instancesSet": { "items": answered } });
    }
    call.to_string()
}

/// Spot servers that were taken back.
pub(crate) fn eviction<'i>(at: DateTime<Utc>, ids: impl Iterator<Item = &'i InstanceId>) -> String {
    let mut eviction = record("BidEvictedEvent", "", at);
    eviction["serviceEventDetails"] = json!({ "instanceIdSet": ids.collect::<Vec<_>>() });
    eviction.to_string()
}

/// A `StateTransitionReason`, with a time or without.
pub(crate) fn reason(at: Option<DateTime<Utc>>) -> String {
    at.map(|at| at.format("User initiated (%Y-%m-%d %H:%M:%S GMT)").to_string()).unwrap_or_default()
}
