//! What a payload may ask for.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use uptime::{InstanceId, Month, Scope};
use uptime_ledger::{Moment, Scopes};

pub use crate::invalid_request::InvalidRequest;

/// What an invocation is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// A run.
    Run(Request),
    /// How all scopes are, in one line of metrics.
    SumUp,
    /// Runs over the months of a scope from one on that are over and not final yet.
    Fill(Scope, Month),
    /// The report of a scope's final month, handed over once more.
    HandOver(Scope, Month),
}

/// What a run is asked to calculate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Whose servers.
    pub scope: Scope,
    /// The month.
    pub month: Month,
    /// These servers only; none: the whole fleet.
    pub servers: Option<Vec<InstanceId>>,
    /// What for.
    pub purpose: Purpose,
}

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The minutes as they are.
    Calculate,
    /// The minutes of a past month, though it is final.
    Reopen,
    /// The last minutes of a scope that is not counted any more.
    Close,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    scope: Option<Scope>,
    month: Option<Month>,
    servers: Option<Vec<InstanceId>>,
    since: Option<Month>,
    #[serde(default)]
    reopen: bool,
    #[serde(default)]
    close: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, tag = "report", rename_all = "lowercase")]
enum ReportFields {
    Scopes {},
    Month { month: Month, scope: Option<Scope> },
}

impl Payload {
    /// Reads a payload: `{}`, an EventBridge scheduled event, an object with `scope`, `month`, `servers` and `reopen`, all
    /// optional, or with `since` and `scope`, or with `scope` and `close`, or `{"report": "scopes"}`, or `{"report": "month"}` with `month` and `scope`.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn read(payload: Value, scopes: &Scopes, now: DateTime<Utc>) -> Result<Self, InvalidRequest> {
        if let Some(kind) = payload.get("detail-type") {
            return match kind.as_str() {
                Some("Scheduled Event") => Ok(Self::Run(Request::hourly(scopes.home().clone(), now))),
                _ => Err(InvalidRequest::OtherEvent(kind.as_str().map_or(kind.to_string(), str::to_owned))),
            };
        }
        if !payload.is_object() {
            return Err(InvalidRequest::NoObject(payload));
        }
        if payload.get("report").is_some() {
            return match serde_path_to_error::deserialize(payload)? {
                ReportFields::Scopes {} => Ok(Self::SumUp),
                ReportFields::Month { month, scope } => {
                    Ok(Self::HandOver(scope.unwrap_or_else(|| scopes.home().clone()), month))
                }
            };
        }
        let fields: Fields = serde_path_to_error::deserialize(payload)?;
        match fields.since {
            Some(since) => Self::fill(since, fields, scopes, now),
            None => Request::of(fields, scopes, now).map(Self::Run),
        }
    }
}

impl Payload {
    fn fill(since: Month, fields: Fields, scopes: &Scopes, now: DateTime<Utc>) -> Result<Self, InvalidRequest> {
        let Fields { month, servers, reopen, close, .. } = &fields;
        if month.is_some() || servers.is_some() || *reopen || *close {
            return Err(InvalidRequest::SinceWhat);
        }
        if since >= Month::of(now) {
            return Err(InvalidRequest::NotOver(since));
        }
        Ok(Self::Fill(Request::of(fields, scopes, now)?.scope, since))
    }
}

impl Request {
    fn of(fields: Fields, scopes: &Scopes, now: DateTime<Utc>) -> Result<Self, InvalidRequest> {
        let Fields { scope, month, servers, reopen, close, .. } = fields;
        if close {
            return match scope {
                Some(_) if month.is_some() || servers.is_some() || reopen => Err(InvalidRequest::CloseWhat),
                Some(scope) if scopes.contains(&scope) => Err(InvalidRequest::StillCounted(scope)),
                Some(scope) => Ok(Self { purpose: Purpose::Close, ..Self::hourly(scope, now) }),
                None => Err(InvalidRequest::CloseWhat),
            };
        }
        let scope = scope.unwrap_or_else(|| scopes.home().clone());
        if !scopes.contains(&scope) {
            return Err(InvalidRequest::UnknownScope(scope));
        }
        let month = month.unwrap_or(Month::of(now));
        if month > Month::of(now) {
            return Err(InvalidRequest::Future(month));
        }
        if reopen && month == Month::of(now) {
            return Err(InvalidRequest::NotOver(month));
        }
        let purpose = if reopen { Purpose::Reopen } else { Purpose::Calculate };
        Ok(Self { scope, month, servers: servers.map(each_once).transpose()?, purpose })
    }

    /// The whole fleet of a scope in the month that is going on.
    fn hourly(scope: Scope, now: DateTime<Utc>) -> Self {
        Self { scope, month: Month::of(now), servers: None, purpose: Purpose::Calculate }
    }

    /// True where it tells how the whole fleet of a scope is now.
    pub(crate) fn is_hourly(&self, moment: Moment) -> bool {
        self.purpose == Purpose::Calculate && self.is_of_all_now(moment)
    }

    /// True where it is about all servers of a scope, in the month that is going on.
    pub(crate) fn is_of_all_now(&self, moment: Moment) -> bool {
        self.servers.is_none() && !self.is_past(moment)
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

    fn home() -> Scope {
        "111122223333/eu-west-1".parse().unwrap()
    }

    fn read_any(payload: Value) -> Result<Payload, String> {
        let now = "2025-10-15T12:00:00Z".parse().unwrap();
        let scopes = Scopes::with(home(), ["444455556666/us-east-1".parse().unwrap()], "reader");
        Payload::read(payload, &scopes, now).map_err(|error| error.to_string())
    }

    fn read(payload: Value) -> Result<Request, String> {
        read_any(payload).map(|payload| match payload {
            Payload::Run(request) => request,
            Payload::SumUp | Payload::Fill(..) | Payload::HandOver(..) => panic!("no run"),
        })
    }

    #[test]
    fn an_empty_object_and_a_scheduled_event_ask_for_the_whole_fleet_this_month() {
        let month = "2025-10".parse().unwrap();
        let whole = Request { scope: home(), month, servers: None, purpose: Purpose::Calculate };
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
    fn a_scope_can_be_asked_for_closed_and_all_of_them_summed_up() {
        let there = json!({"account": "444455556666", "region": "us-east-1"});
        let request = read(json!({"scope": there})).unwrap();
        assert_eq!((request.scope.to_string(), request.purpose), ("444455556666/us-east-1".into(), Purpose::Calculate));
        let request =
            read(json!({"scope": {"account": "777788889999", "region": "eu-west-1"}, "close": true})).unwrap();
        assert_eq!((request.scope.to_string(), request.purpose), ("777788889999/eu-west-1".into(), Purpose::Close));
        assert_eq!(read_any(json!({"report": "scopes"})), Ok(Payload::SumUp));
        assert_eq!(read_any(json!({"since": "2025-03"})), Ok(Payload::Fill(home(), "2025-03".parse().unwrap())));
    }

    #[test]
    fn bad_requests_are_refused_with_the_reason() {
        let cases = [
            (
                json!({"server": ["i-abcd1111"]}),
                "invalid request: server: unknown field `server`, expected one of `scope`, `month`, `servers`, `since`, `reopen`, `close`",
            ),
            (
                json!({"month": "2025-1"}),
                "invalid request: month: `2025-1` is not a month: expected `YYYY-MM`, such as `2025-10`",
            ),
            (json!({"month": "2025-11"}), "invalid request: month 2025-11 is in the future"),
            (
                json!({"month": "2025-10", "reopen": true}),
                "invalid request: reopen and since are for past months, and 2025-10 is not over",
            ),
            (json!({"reopen": true}), "invalid request: reopen and since are for past months, and 2025-10 is not over"),
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
            (
                json!({"scope": {"account": "777788889999", "region": "eu-west-1"}}),
                "invalid request: scope: 777788889999/eu-west-1 is not one of this environment's scopes",
            ),
            (
                json!({"scope": {"account": "12", "region": "eu-west-1"}}),
                "invalid request: scope.account: `12` is not an account id: expected 12 digits",
            ),
            (json!({"scope": {"account": "111122223333"}}), "invalid request: scope: missing field `region`"),
            (
                json!({"scope": {"account": "444455556666", "region": "us-east-1"}, "close": true}),
                "invalid request: close: 444455556666/us-east-1 is still one of this environment's scopes: take it out of them first",
            ),
            (
                json!({"since": "2025-08", "month": "2025-09"}),
                "invalid request: since goes with a scope and nothing else",
            ),
            (
                json!({"since": "2025-10"}),
                "invalid request: reopen and since are for past months, and 2025-10 is not over",
            ),
            (json!({"close": true}), "invalid request: close goes with a scope and nothing else"),
            (
                json!({"report": "servers"}),
                "invalid request: report: unknown variant `servers`, expected `scopes` or `month`",
            ),
            (json!([]), "invalid request: expected an object such as `{}`, got `[]`"),
            (json!("now"), "invalid request: expected an object such as `{}`, got `\"now\"`"),
        ];
        for (payload, why) in cases {
            assert_eq!(read(payload.clone()).unwrap_err(), why, "{payload}");
        }
    }
}
