//! What a payload may ask for.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use uptime::{InstanceId, Month};
use uptime_ledger::Moment;

/// What a run is asked to calculate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The month.
    pub month: Month,
    /// These servers only; none: the whole fleet.
    pub servers: Option<Vec<InstanceId>>,
    /// A past month is recomputed though it is final.
    pub reopen: bool,
}

/// A payload that asks for something that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRequest {
    /// Not even an object.
    #[error("invalid request: expected an object such as `{{}}`, got `{0}`")]
    NoObject(Value),
    /// A field that is not known, or whose value cannot be read.
    #[error("invalid request: {0}")]
    Field(#[from] serde_path_to_error::Error<serde_json::Error>),
    /// An EventBridge event of another kind.
    #[error("invalid request: detail-type: expected `Scheduled Event`, got `{0}`")]
    OtherEvent(String),
    /// `month` has not begun.
    #[error("invalid request: month {0} is in the future")]
    Future(Month),
    /// `month` is final.
    #[error("invalid request: month {0} is final: add \"reopen\": true to recompute it")]
    Final(Month),
    /// `reopen` without a month that is over.
    #[error("invalid request: reopen is for a past month, and {0} is not over")]
    NotOver(Month),
    /// Nothing is known of `month` any more, and nothing was kept.
    #[error(
        "invalid request: month {month} is beyond what can be known: the ledger has nothing of it, and CloudTrail remembers 90 days, since {since}"
    )]
    Forgotten {
        /// The month asked for.
        month: Month,
        /// The earliest that CloudTrail remembers.
        since: DateTime<Utc>,
    },
    /// `servers` is there but empty.
    #[error("invalid request: servers is empty: leave it out to calculate the whole fleet")]
    NoServers,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    month: Option<Month>,
    servers: Option<Vec<InstanceId>>,
    #[serde(default)]
    reopen: bool,
}

impl Request {
    /// Reads a payload: `{}`, an EventBridge scheduled event, or an object with `servers`, `month` and `reopen`, all optional.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn read(payload: Value, now: DateTime<Utc>) -> Result<Self, InvalidRequest> {
        if let Some(kind) = payload.get("detail-type") {
            return match kind.as_str() {
                Some("Scheduled Event") => Ok(Self { month: Month::of(now), servers: None, reopen: false }),
                _ => Err(InvalidRequest::OtherEvent(kind.as_str().map_or(kind.to_string(), str::to_owned))),
            };
        }
        if !payload.is_object() {
            return Err(InvalidRequest::NoObject(payload));
        }
        let fields: Fields = serde_path_to_error::deserialize(payload)?;
        let month = fields.month.unwrap_or(Month::of(now));
        if month > Month::of(now) {
            return Err(InvalidRequest::Future(month));
        }
        if fields.reopen && month == Month::of(now) {
            return Err(InvalidRequest::NotOver(month));
        }
        Ok(Self { month, servers: fields.servers.map(each_once).transpose()?, reopen: fields.reopen })
    }

    /// True where it is about a month that is over.
    pub(crate) fn is_past(&self, moment: Moment) -> bool {
        self.month != moment.month()
    }

    /// True for a server that it is about.
    pub(crate) fn asks_for(&self, id: &InstanceId) -> bool {
        self.servers.as_ref().is_none_or(|asked| asked.contains(id))
    }

    /// The servers asked for that are not there.
    pub(crate) fn missing(&self, is_there: impl Fn(&InstanceId) -> bool) -> Vec<InstanceId> {
        self.servers.iter().flatten().filter(|id| !is_there(id)).cloned().collect()
    }
}

fn each_once(mut ids: Vec<InstanceId>) -> Result<Vec<InstanceId>, InvalidRequest> {
    ids.sort();
    ids.dedup();
    if ids.is_empty() { Err(InvalidRequest::NoServers) } else { Ok(ids) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(payload: Value) -> Result<Request, String> {
        let now = "2025-10-15T12:00:00Z".parse().unwrap();
        Request::read(payload, now).map_err(|error| error.to_string())
    }

    #[test]
    fn an_empty_object_and_a_scheduled_event_ask_for_the_whole_fleet_this_month() {
        let whole = Request { month: "2025-10".parse().unwrap(), servers: None, reopen: false };
        let scheduled = json!({"version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events",
            "account": "123456789012", "time": "2025-10-15T12:00:00Z", "region": "eu-west-1", "resources": [], "detail": {}});
        assert_eq!(read(json!({})), Ok(whole.clone()));
        assert_eq!(read(scheduled), Ok(whole));
    }

    #[test]
    fn servers_and_a_past_month_can_be_asked_for() {
        let request = read(json!({"servers": ["i-abcd2222", "i-abcd1111", "i-abcd2222"], "month": "2025-08"})).unwrap();
        let ids: Vec<_> = request.servers.unwrap().iter().map(InstanceId::to_string).collect();
        assert_eq!((ids.join(" "), request.month.to_string()), ("i-abcd1111 i-abcd2222".into(), "2025-08".into()));
    }

    #[test]
    fn bad_requests_are_refused_with_the_reason() {
        let cases = [
            (
                json!({"server": ["i-abcd1111"]}),
                "invalid request: server: unknown field `server`, expected one of `month`, `servers`, `reopen`",
            ),
            (
                json!({"month": "2025-1"}),
                "invalid request: month: `2025-1` is not a month: expected `YYYY-MM`, such as `2025-10`",
            ),
            (json!({"month": "2025-11"}), "invalid request: month 2025-11 is in the future"),
            (
                json!({"month": "2025-10", "reopen": true}),
                "invalid request: reopen is for a past month, and 2025-10 is not over",
            ),
            (json!({"reopen": true}), "invalid request: reopen is for a past month, and 2025-10 is not over"),
            (json!({"servers": []}), "invalid request: servers is empty: leave it out to calculate the whole fleet"),
            (
                json!({"servers": ["i-abcd1111", "server-1"]}),
                "invalid request: servers[1]: `server-1` is not an EC2 instance id: expected `i-` and 8 or 17 hexadecimal digits",
            ),
            (
                json!({"servers": "i-abcd1111"}),
                "invalid request: servers: invalid type: string \"i-abcd1111\", expected a sequence",
            ),
            (json!({"servers": [7]}), "invalid request: servers[0]: invalid type: integer `7`, expected a string"),
            (json!({"month": 7}), "invalid request: month: invalid type: integer `7`, expected a string"),
            (json!({"reopen": "yes"}), "invalid request: reopen: invalid type: string \"yes\", expected a boolean"),
            (
                json!({"detail-type": "EC2 Instance State-change Notification"}),
                "invalid request: detail-type: expected `Scheduled Event`, got `EC2 Instance State-change Notification`",
            ),
            (json!([]), "invalid request: expected an object such as `{}`, got `[]`"),
            (json!("now"), "invalid request: expected an object such as `{}`, got `\"now\"`"),
        ];
        for (payload, why) in cases {
            assert_eq!(read(payload.clone()).unwrap_err(), why, "{payload}");
        }
    }
}
