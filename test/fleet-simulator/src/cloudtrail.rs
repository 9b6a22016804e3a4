//! CloudTrail's JSON 1.1 protocol: `LookupEvents`.

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::records::render::Source;
use crate::service::Answer;
use crate::trail::{Entry, Selection, Window};
use crate::world::World;

/// Most events on one page.
const PAGE: usize = 50;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LookupEventsRequest {
    #[serde(default)]
    lookup_attributes: Vec<LookupAttribute>,
    start_time: Option<f64>,
    end_time: Option<f64>,
    event_category: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LookupAttribute {
    attribute_key: String,
    attribute_value: String,
}

/// Whether an `X-Amz-Target` header names an operation, and which; clients write it with and without the namespace.
#[must_use]
pub fn operation(target: &str) -> Option<&str> {
    let target = target.strip_prefix("com.amazonaws.cloudtrail.v20131101.").unwrap_or(target);
    target.strip_prefix("CloudTrail_20131101.")
}

/// An error as this protocol writes it.
#[must_use]
pub fn error(status: u16, kind: &str, message: &str) -> Answer {
    Answer::json_1_1(status, &json!({ "__type": kind, "message": message }))
}

/// What a caller above the account's rate gets.
#[must_use]
pub fn throttled() -> Answer {
    error(400, "ThrottlingException", "Rate exceeded")
}

/// What a caller from an account gets that has not enabled the region.
#[must_use]
pub fn not_enabled() -> Answer {
    error(400, "UnrecognizedClientException", "The security token included in the request is invalid.")
}

/// Answers `LookupEvents`. With `spoil`, the first record of the page can't be parsed.
#[must_use]
pub fn lookup_events(world: &World, now: DateTime<Utc>, body: &[u8], spoil: bool) -> Answer {
    let request: LookupEventsRequest = match serde_json::from_slice(body) {
        Ok(request) => request,
        Err(cause) => return error(400, "SerializationException", &cause.to_string()),
    };
    match request.answer(world, now, spoil) {
        Ok(page) => Answer::json_1_1(200, &page),
        Err((kind, message)) => error(400, kind, &message),
    }
}

type Refused = (&'static str, String);

impl LookupEventsRequest {
    fn answer(&self, world: &World, now: DateTime<Utc>, spoil: bool) -> Result<Value, Refused> {
        let attribute = self.attribute()?;
        let limit = self.limit()?;
        let window = Window { start: self.time(self.start_time)?, end: self.time(self.end_time)?, now };
        if window.start.zip(window.end).is_some_and(|(start, end)| start > end) {
            return Err(("InvalidTimeRangeException", "The start time is after the end time.".to_owned()));
        }
        let below = self.next_token.as_deref().map(|token| self.position(token)).transpose()?;
        let source = Source { servers: world.servers(), place: world.place(), seed: world.rules().seed };
        let selection = match attribute {
            Some(("EventName", value)) => Selection::Name(value),
            Some(("ResourceName", value)) => Selection::Resource(value),
            _ => Selection::All,
        };
        let found = world.trail().newest_first(selection, window, below);
        let mut found = found.filter(|(_, entry)| attribute.is_none_or(|wanted| matches(&source, entry, wanted)));
        let mut events = Vec::with_capacity(limit);
        let mut last = 0;
        for (position, entry) in found.by_ref().take(limit) {
            events.push(outer(&source, entry, spoil && events.is_empty()));
            last = position;
        }
        let more = found.next().is_some();
        let mut page = json!({ "Events": events });
        if more {
            page["NextToken"] = json!(self.token(last));
        }
        Ok(page)
    }

    fn attribute(&self) -> Result<Option<(&str, &str)>, Refused> {
        let kinds = [
            "EventId",
            "EventName",
            "ReadOnly",
            "Username",
            "ResourceType",
            "ResourceName",
            "EventSource",
            "AccessKeyId",
        ];
        match self.lookup_attributes.as_slice() {
            [] => Ok(None),
            [one] if kinds.contains(&one.attribute_key.as_str()) => {
                Ok(Some((one.attribute_key.as_str(), one.attribute_value.as_str())))
            }
            [_] => Err(("InvalidLookupAttributesException", "The lookup attribute is not valid.".to_owned())),
            _ => Err(("InvalidLookupAttributesException", "Only one lookup attribute is allowed.".to_owned())),
        }
    }

    fn limit(&self) -> Result<usize, Refused> {
        let limit = self.max_results.map_or(Some(PAGE), |wanted| usize::try_from(wanted).ok());
        limit.filter(|limit| (1..=PAGE).contains(limit)).ok_or_else(|| {
            ("InvalidMaxResultsException", format!("MaxResults must be between 1 and {PAGE}, inclusive."))
        })
    }

    fn time(&self, seconds: Option<f64>) -> Result<Option<DateTime<Utc>>, Refused> {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "milliseconds of any date fit; what does not is refused below"
        )]
        let at = seconds.map(|seconds| DateTime::from_timestamp_millis((seconds * 1000.0) as i64));
        match at {
            Some(None) => Err(("InvalidTimeRangeException", "A time is out of range.".to_owned())),
            at => Ok(at.flatten()),
        }
    }

    /// A token carries the position to go on from and a print of the parameters that it is good for.
    fn token(&self, position: usize) -> String {
        format!("{:016x}{position:016x}", self.fingerprint(position))
    }

    fn position(&self, token: &str) -> Result<usize, Refused> {
        let parts = token.split_at_checked(16).and_then(|(print, position)| {
            Some((u64::from_str_radix(print, 16).ok()?, usize::from_str_radix(position, 16).ok()?))
        });
        match parts {
            Some((print, position)) if print == self.fingerprint(position) => Ok(position),
            _ => Err((
                "InvalidNextTokenException",
                "The token is not valid, or was used in a request with different parameters.".to_owned(),
            )),
        }
    }

    fn fingerprint(&self, position: usize) -> u64 {
        let mut hasher = DefaultHasher::new();
        for attribute in &self.lookup_attributes {
            (&attribute.attribute_key, &attribute.attribute_value).hash(&mut hasher);
        }
        (self.start_time.map(f64::to_bits), self.end_time.map(f64::to_bits)).hash(&mut hasher);
        (&self.event_category, self.max_results, position).hash(&mut hasher);
        hasher.finish()
    }
}

/// Whether an entry has an attribute. The two that are indexed are only confirmed here.
fn matches(source: &Source<'_>, entry: &Entry, (key, value): (&str, &str)) -> bool {
    match key {
        "EventId" => source.event_id(entry) == value,
        "EventName" | "ResourceName" => true,
        _ => {
            let event = outer(source, entry, false);
            match key {
                "ResourceType" => {
                    event["Resources"].as_array().into_iter().flatten().any(|named| named["ResourceType"] == value)
                }
                _ => event[key] == value,
            }
        }
    }
}

/// An entry as `LookupEvents` shows it: the record is a string inside.
fn outer(source: &Source<'_>, entry: &Entry, spoil: bool) -> Value {
    let record = source.record(entry);
    let mut written = record.to_string();
    if spoil {
        written.truncate((0..=written.len() / 2).rev().find(|&end| written.is_char_boundary(end)).unwrap_or(0));
    }
    let mut event = json!({
        "EventId": source.event_id(entry),
        "EventName": entry.name,
        "ReadOnly": record["readOnly"].as_bool().unwrap_or(false).to_string(),
        "EventTime": entry.at.timestamp(),
        "EventSource": record["eventSource"],
        "Resources": entry.body.resources(source.servers)
            .into_iter()
            .map(|id| json!({ "ResourceType": "AWS::EC2::Instance", "ResourceName": id }))
            .collect::<Vec<_>>(),
        "CloudTrailEvent": written,
    });
    let identity = &record["userIdentity"];
    let name = [&identity["userName"], &identity["sessionContext"]["sessionIssuer"]["userName"]];
    let root = json!("root");
    let name = name.into_iter().find(|name| name.is_string()).or((identity["type"] == "Root").then_some(&root));
    if let Some(name) = name {
        event["Username"] = name.clone();
    }
    if identity["accessKeyId"].is_string() {
        event["AccessKeyId"] = identity["accessKeyId"].clone();
    }
    event
}
