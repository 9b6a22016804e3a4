//! EventBridge's `EC2 Instance State-change Notification`, and the evidence in it.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::evidence::{Evidence, Fact, Source};
use crate::instance::{InstanceId, InvalidInstanceId};
use crate::observation::{InstanceState, UnknownState};
use crate::scope::{InvalidAccountId, InvalidRegion, Scope};

/// `detail-type` of the events read here.
const DETAIL_TYPE: &str = "EC2 Instance State-change Notification";
/// Their `source`.
const SOURCE: &str = "aws.ec2";

/// One change of a server's state, at the event's own time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// Where the server is.
    pub scope: Scope,
    /// The server.
    pub id: InstanceId,
    /// The state it changed to.
    pub state: InstanceState,
    /// When it changed, not when the event arrived.
    pub at: DateTime<Utc>,
    /// The event's `id`.
    pub event_id: String,
}

/// Why an event could not be read.
#[derive(Debug, thiserror::Error)]
pub enum StateChangeError {
    /// No JSON.
    #[error("not JSON: {0}")]
    Json(#[source] serde_json::Error),
    /// Not of an event's shape.
    #[error("not an EventBridge event: {0}")]
    Shape(#[source] serde_json::Error),
    /// A field is of another type.
    #[error("{path}: {error}")]
    Field {
        /// Where it is.
        path: String,
        /// What it is.
        #[source]
        error: serde_json::Error,
    },
    /// An event, but of another kind.
    #[error("detail-type: `{0}` is not `{DETAIL_TYPE}`")]
    OtherType(String),
    /// An event, but of another service.
    #[error("source: `{0}` is not `{SOURCE}`")]
    OtherSource(String),
    /// `time` is none.
    #[error("time: `{0}` is not a time: expected one such as 2025-10-04T14:13:33Z")]
    Time(String),
    /// `account` is none.
    #[error("account: {0}")]
    Account(#[from] InvalidAccountId),
    /// `region` is none.
    #[error("region: {0}")]
    Region(#[from] InvalidRegion),
    /// `detail.instance-id` is none.
    #[error("detail.instance-id: {0}")]
    Instance(#[from] InvalidInstanceId),
    /// `detail.state` is none.
    #[error("detail.state: {0}")]
    State(#[from] UnknownState),
    /// `detail` lacks `instance-id` or `state`.
    #[error("detail: missing field `{0}`")]
    Missing(&'static str),
}

impl From<serde_path_to_error::Error<serde_json::Error>> for StateChangeError {
    fn from(error: serde_path_to_error::Error<serde_json::Error>) -> Self {
        let path = error.path().to_string();
        let at_root = error.path().iter().next().is_none();
        let error = error.into_inner();
        if at_root { Self::Shape(error) } else { Self::Field { path, error } }
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Event {
    #[serde(default)]
    id: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    source: String,
    account: String,
    region: String,
    time: String,
    #[serde(default)]
    detail: Detail,
}

#[derive(Default, Deserialize)]
#[serde(expecting = "an object")]
struct Detail {
    #[serde(rename = "instance-id")]
    instance_id: Option<String>,
    state: Option<String>,
}

impl StateChange {
    /// Reads an EventBridge event.
    ///
    /// # Errors
    /// Where it is no state-change event, naming the part that is wrong, and what it is.
    pub fn read(json: &str) -> Result<Self, StateChangeError> {
        Self::from_value(serde_json::from_str(json).map_err(StateChangeError::Json)?)
    }

    /// The same of an event that was parsed already.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn from_value(event: serde_json::Value) -> Result<Self, StateChangeError> {
        Self::of(serde_path_to_error::deserialize(event)?)
    }

    fn of(event: Event) -> Result<Self, StateChangeError> {
        if event.detail_type != DETAIL_TYPE {
            return Err(StateChangeError::OtherType(event.detail_type));
        }
        if event.source != SOURCE {
            return Err(StateChangeError::OtherSource(event.source));
        }
        let at = event.time.parse().map_err(|_| StateChangeError::Time(event.time))?;
        let scope = Scope { account: event.account.parse()?, region: event.region.parse()? };
        let id = event.detail.instance_id.ok_or(StateChangeError::Missing("instance-id"))?;
        let state = event.detail.state.ok_or(StateChangeError::Missing("state"))?;
        // Samples carry ids with a stray blank.
        let (id, state) = (id.trim().parse()?, state.trim().parse()?);
        Ok(Self { scope, id, state, at, event_id: event.id })
    }

    /// The evidence in it; none in a change to `pending`, which is neither running nor the end of a run.
    pub fn evidence(&self) -> Option<Evidence> {
        let fact = match self.state {
            InstanceState::Pending => return None,
            InstanceState::Running => Fact::Started,
            InstanceState::Stopping => Fact::Stopped,
            InstanceState::ShuttingDown => Fact::Terminated,
            // At or before its time: the run ended when the state before this one began.
            InstanceState::Stopped => Fact::SeenStopped { last_start: None },
            InstanceState::Terminated => Fact::SeenTerminated { last_start: None },
        };
        Some(Evidence { at: self.at, fact, source: Source::StateChange { event_id: self.event_id.clone() } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, state: &str) -> String {
        format!(
            r#"{{"id":"e1","detail-type":"{DETAIL_TYPE}","source":"aws.ec2","account":"123456789012","region":"eu-west-1","time":"2025-10-04T14:13:33Z","detail":{{"instance-id":"{id}","state":"{state}"}}}}"#
        )
    }

    #[test]
    fn a_change_is_told_at_its_own_time() {
        let fact = |state| StateChange::read(&event("i-abcd1111", state)).unwrap().evidence().map(|e| e.fact);
        assert_eq!(fact("pending"), None);
        assert_eq!(fact("running"), Some(Fact::Started));
        assert_eq!(fact("stopping"), Some(Fact::Stopped));
        assert_eq!(fact("shutting-down"), Some(Fact::Terminated));
        assert_eq!(fact("stopped"), Some(Fact::SeenStopped { last_start: None }));
        assert_eq!(fact("terminated"), Some(Fact::SeenTerminated { last_start: None }));
    }

    #[test]
    fn stray_blanks_and_capitals_are_read() {
        let change = StateChange::read(&event(" i-abcd1111", "RUNNING")).unwrap();
        assert_eq!((change.id.as_str(), change.state), ("i-abcd1111", InstanceState::Running));
    }

    #[test]
    fn bad_events_name_what_is_wrong() {
        let why = |json: &str| StateChange::read(json).unwrap_err().to_string();
        assert!(why("[]").starts_with("not an EventBridge event"));
        assert!(why("{").starts_with("not JSON: "));
        assert_eq!(why(&event("i-abcd1111", "asleep")), "detail.state: `asleep` is not an EC2 instance state");
        assert!(why(&event("server-1", "running")).starts_with("detail.instance-id: `server-1` is not"));
    }

    #[test]
    fn a_bad_field_is_named_by_its_path_and_value() {
        let good = event("i-abcd1111", "running");
        let why = |old: &str, new: &str| StateChange::read(&good.replacen(old, new, 1)).unwrap_err().to_string();
        let cases = [
            ("\"i-abcd1111\"", "7", "detail.instance-id: invalid type: integer `7`, expected a string"),
            ("\"running\"", "null", "detail: missing field `state`"),
            ("\"running\"", "[true]", "detail.state: invalid type: sequence, expected a string"),
            ("{\"instance-id\"", "7,\"x\":{\"x\"", "detail: invalid type: integer `7`, expected an object"),
            ("\"e1\"", "true", "id: invalid type: boolean `true`, expected a string"),
            (
                "2025-10-04T14:13:33Z",
                "yesterday",
                "time: `yesterday` is not a time: expected one such as 2025-10-04T14:13:33Z",
            ),
            (
                DETAIL_TYPE,
                "Scheduled Event",
                "detail-type: `Scheduled Event` is not `EC2 Instance State-change Notification`",
            ),
            ("aws.ec2", "aws.rds", "source: `aws.rds` is not `aws.ec2`"),
            ("123456789012", "12", "account: `12` is not an account id: expected 12 digits"),
            ("eu-west-1", "here", "region: `here` is not a region: expected a name such as `eu-west-1`"),
        ];
        for (old, new, expected) in cases {
            assert_eq!(why(old, new), expected);
        }
        assert_eq!(why("\"time\"", "\"times\""), "not an EventBridge event: missing field `time`");
    }
}
