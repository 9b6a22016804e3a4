//! CloudTrail records, and the evidence in them. The oddities handled here were all seen in real records.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::evidence::{Evidence, Fact, ServerEvidence, Source};
use crate::instance::{InstanceId, InvalidInstanceId};
use crate::observation::InstanceState;
use crate::record::{Item, Record, State, items};

/// The event that EC2 records when it takes a Spot server's capacity back. It names no resources.
pub const EVICTION: &str = "BidEvictedEvent";

/// The event names that carry evidence, which are those a sweep has to read.
pub const LIFECYCLE_EVENTS: [&str; 6] =
    ["RunInstances", "StartInstances", "StopInstances", "TerminateInstances", "RebootInstances", EVICTION];

/// The name of an event, without memory of its own where it is one of those that carry evidence.
pub(crate) fn event_name(name: &str) -> Cow<'static, str> {
    let known = LIFECYCLE_EVENTS.into_iter().find(|known| *known == name);
    known.map_or_else(|| Cow::Owned(name.to_owned()), Cow::Borrowed)
}

/// Why a record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// No JSON, or not of a record's shape.
    #[error("not a CloudTrail record")]
    Json(#[from] serde_json::Error),
    /// `eventTime` is no time.
    #[error("eventTime `{0}` is not a time")]
    Time(String),
    /// An instance id is none.
    #[error("a server of the record")]
    Instance(#[from] InvalidInstanceId),
    /// The part that names the servers or their states is not there, as CloudTrail cuts it from large records.
    #[error("{event_name} does not say {missing}")]
    Incomplete {
        /// `eventName` of the record.
        event_name: String,
        /// What is not there.
        missing: &'static str,
    },
}

/// The evidence in one CloudTrail record.
///
/// `resources` are the instance ids that `LookupEvents` lists beside the record; they stand in for instances that were cut
/// from a large one. Records of other services, of other calls and of failed calls and
/// dry runs are no evidence.
///
/// # Errors
/// Where the record has evidence that cannot be read: it should be skipped and counted.
pub fn read_record(json: &str, resources: &[InstanceId]) -> Result<Vec<ServerEvidence>, RecordError> {
    let record: Record = serde_json::from_str(json)?;
    let failed = record.error_code.as_deref().is_some_and(|code| !code.is_empty());
    if record.event_source != "ec2.amazonaws.com" || failed {
        return Ok(Vec::new());
    }
    record.evidence(resources)
}

impl Record<'_> {
    fn evidence(&self, resources: &[InstanceId]) -> Result<Vec<ServerEvidence>, RecordError> {
        match &*self.event_name {
            "RunInstances" => self.launches(resources),
            "StartInstances" => self.transitions(start_fact, Fact::RunningAfter, resources),
            "StopInstances" => self.transitions(stop_fact, Fact::SeenStopped { last_start: None }, resources),
            "TerminateInstances" => {
                self.transitions(termination_fact, Fact::SeenTerminated { last_start: None }, resources)
            }
            "RebootInstances" => self.reboots(),
            EVICTION => self.evictions(),
            _ => Ok(Vec::new()),
        }
    }

    fn launches(&self, resources: &[InstanceId]) -> Result<Vec<ServerEvidence>, RecordError> {
        let at = self.time()?;
        let launched = [Fact::Created, Fact::Started];
        let mut found: Vec<ServerEvidence> = Vec::new();
        let mut tell = |id: &InstanceId, facts: &[Fact]| {
            found.extend(facts.iter().map(|fact| (id.clone(), self.tell(at, fact.clone()))));
        };
        let mut named = Vec::new();
        for item in items(&self.response_elements).unwrap_or_default() {
            let id = self.instance_id(item)?;
            match state_of(&item.instance_state) {
                // An old or shortened record has no state: such a record is of the call that launched.
                None | Some(InstanceState::Pending) => tell(&id, &launched),
                // The call was sent again with its client token, and answered with the instance as it was by then.
                Some(InstanceState::Running) => tell(&id, &[Fact::SeenRunning { last_start: None }]),
                Some(InstanceState::Stopping | InstanceState::Stopped) => {
                    tell(&id, &[Fact::SeenStopped { last_start: None }]);
                }
                Some(InstanceState::ShuttingDown | InstanceState::Terminated) => {
                    tell(&id, &[Fact::SeenTerminated { last_start: None }]);
                }
            }
            named.push(id);
        }
        for id in resources.iter().filter(|id| !named.contains(id)) {
            tell(id, &launched);
        }
        if found.is_empty() { Err(self.incomplete("which instances it launched")) } else { Ok(found) }
    }

    /// Start, stop and terminate calls: what each item means depends on the state before it. Where the items were cut, of
    /// all that it was called for `unknown` is true.
    fn transitions(
        &self,
        fact: fn(InstanceState) -> Option<Fact>,
        unknown: Fact,
        resources: &[InstanceId],
    ) -> Result<Vec<ServerEvidence>, RecordError> {
        let at = self.time()?;
        let Some(items) = items(&self.response_elements) else {
            let asked = items_asked_for(self)?.unwrap_or_else(|| resources.to_vec());
            if asked.is_empty() {
                return Err(self.incomplete("which instances it changed"));
            }
            return Ok(asked.into_iter().map(|id| (id, self.tell(at, unknown.clone()))).collect());
        };
        let mut found = Vec::with_capacity(items.len());
        for item in items {
            let id = self.instance_id(item)?;
            let previous = state_of(&item.previous_state).ok_or_else(|| self.incomplete("the state before it"))?;
            found.extend(fact(previous).map(|fact| (id, self.tell(at, fact))));
        }
        Ok(found)
    }

    /// A reboot answers without instances; it succeeds for running ones only and starts no new run.
    fn reboots(&self) -> Result<Vec<ServerEvidence>, RecordError> {
        let items = items(&self.request_parameters).ok_or_else(|| self.incomplete("which instances it rebooted"))?;
        let at = self.time()?;
        let seen = |item| Ok((self.instance_id(item)?, self.tell(at, Fact::SeenRunning { last_start: None })));
        items.iter().map(seen).collect()
    }

    /// Spot servers that EC2 took back: stopped, hibernated or terminated, which the record does not say.
    fn evictions(&self) -> Result<Vec<ServerEvidence>, RecordError> {
        let ids = self.service_event_details.as_ref().map(|details| &details.instance_id_set[..]).unwrap_or_default();
        if ids.is_empty() {
            return Err(self.incomplete("which instances were evicted"));
        }
        let at = self.time()?;
        ids.iter().map(|id| Ok((parse_id(id)?, self.tell(at, Fact::Interrupted)))).collect()
    }

    fn instance_id(&self, item: &Item<'_>) -> Result<InstanceId, RecordError> {
        parse_id(item.instance_id.as_deref().ok_or_else(|| self.incomplete("the id of an instance"))?)
    }

    fn tell(&self, at: DateTime<Utc>, fact: Fact) -> Evidence {
        let source =
            Source::CloudTrail { event_name: event_name(&self.event_name), event_id: self.event_id.to_string() };
        Evidence { at, fact, source }
    }

    /// RFC 3339, though one exporter writes `2022-10-13 16:35:33`, with up to nine decimals.
    fn time(&self) -> Result<DateTime<Utc>, RecordError> {
        let text = &*self.event_time;
        let rfc3339 = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
        let plain = || NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").map(|time| time.and_utc());
        rfc3339.or_else(|_| plain()).map_err(|_| RecordError::Time(text.to_owned()))
    }

    fn incomplete(&self, missing: &'static str) -> RecordError {
        RecordError::Incomplete { event_name: self.event_name.to_string(), missing }
    }
}

fn items_asked_for(record: &Record<'_>) -> Result<Option<Vec<InstanceId>>, RecordError> {
    let asked = items(&record.request_parameters);
    asked.map(|items| items.iter().map(|item| record.instance_id(item)).collect()).transpose()
}

/// Some samples carry a stray blank around an id.
fn parse_id(text: &str) -> Result<InstanceId, RecordError> {
    Ok(text.trim().parse()?)
}

/// The state that a record names; none where it names none, or one that EC2 does not have.
fn state_of(state: &Option<State<'_>>) -> Option<InstanceState> {
    state.as_ref()?.name.as_deref()?.parse().ok()
}

fn start_fact(previous: InstanceState) -> Option<Fact> {
    match previous {
        InstanceState::Stopped => Some(Fact::Started),
        InstanceState::Running => Some(Fact::SeenRunning { last_start: None }),
        // A second call while the first is under way; from the other states a start is refused.
        _ => None,
    }
}

fn stop_fact(previous: InstanceState) -> Option<Fact> {
    Some(match previous {
        InstanceState::Running | InstanceState::Pending => Fact::Stopped,
        // Already on its way, or there: none of these extends or doubles a run.
        _ => Fact::SeenStopped { last_start: None },
    })
}

fn termination_fact(previous: InstanceState) -> Option<Fact> {
    Some(match previous {
        InstanceState::Running | InstanceState::Pending => Fact::Terminated,
        _ => Fact::SeenTerminated { last_start: None },
    })
}
