//! EventBridge's `EC2 Instance State-change Notification`, and the evidence in it.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::evidence::{Evidence, Fact, Source};
use crate::instance::{InstanceId, InvalidInstanceId};
use crate::observation::{InstanceState, UnknownState};

/// `detail-type` of the events read here.
const DETAIL_TYPE: &str = "EC2 Instance State-change Notification";

/// One change of a server's state, at the event's own time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
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
    /// No JSON, or not of an event's shape.
    #[error("not an EventBridge event: {0}")]
    Json(#[from] serde_json::Error),
    /// An event, but another one.
    #[error("expected `{DETAIL_TYPE}` from `aws.ec2`, got `{detail_type}` from `{event_source}`")]
    OtherEvent {
        /// `detail-type`.
        detail_type: String,
        /// `source`.
        event_source: String,
    },
    /// `detail.instance-id` is none.
    #[error("detail.instance-id: {0}")]
    Instance(#[from] InvalidInstanceId),
    /// `detail.state` is none.
    #[error("detail.state: {0}")]
    State(#[from] UnknownState),
    /// `detail` lacks `instance-id` or `state`.
    #[error("detail has no `{0}`")]
    Missing(&'static str),
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    id: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    source: String,
    time: DateTime<Utc>,
    #[serde(default)]
    detail: Detail,
}

#[derive(Default, Deserialize)]
struct Detail {
    #[serde(rename = "instance-id")]
    instance_id: Option<String>,
    state: Option<String>,
}

impl StateChange {
    /// Reads an EventBridge event.
    ///
    /// # Errors
    /// Where it is no state-change event, naming the part that is wrong.
    pub fn read(json: &str) -> Result<Self, StateChangeError> {
        Self::of(serde_json::from_str(json)?)
    }

    /// The same of an event that was parsed already.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn from_value(event: serde_json::Value) -> Result<Self, StateChangeError> {
        Self::of(serde_json::from_value(event)?)
    }

    fn of(event: Event) -> Result<Self, StateChangeError> {
        if event.detail_type != DETAIL_TYPE || event.source != "aws.ec2" {
            return Err(StateChangeError::OtherEvent { detail_type: event.detail_type, event_source: event.source });
        }
        let id = event.detail.instance_id.ok_or(StateChangeError::Missing("instance-id"))?;
        let state = event.detail.state.ok_or(StateChangeError::Missing("state"))?;
        // Samples carry ids with a stray blank.
        let (id, state) = (id.trim().parse()?, state.trim().parse()?);
        Ok(Self { id, state, at: event.time, event_id: event.id })
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
            r#"{{"id":"e1","detail-type":"{DETAIL_TYPE}","source":"aws.ec2","time":"2025-10-04T14:13:33Z","detail":{{"instance-id":"{id}","state":"{state}"}}}}"#
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
        assert_eq!(why(&event("i-abcd1111", "asleep")), "detail.state: `asleep` is not an EC2 instance state");
        assert!(why(&event("server-1", "running")).starts_with("detail.instance-id: `server-1` is not"));
        let other = event("i-abcd1111", "running").replace("aws.ec2", "aws.rds");
        assert!(why(&other).ends_with("got `EC2 Instance State-change Notification` from `aws.rds`"));
    }
}
