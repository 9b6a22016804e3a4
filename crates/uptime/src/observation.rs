//! What `DescribeInstances` shows of a server, and the evidence in it.

use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::evidence::{Evidence, Fact, Source};
use crate::instance::InstanceId;
use crate::kind::SAME_CHANGE;
use crate::window::{Coverage, Window};

/// The state of an EC2 instance, as EC2 names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InstanceState {
    /// Starting; does not count as running.
    Pending,
    /// The only state that counts.
    Running,
    /// On its way to `stopped`; does not count.
    Stopping,
    /// Stopped; can be started again.
    Stopped,
    /// On its way to `terminated`; does not count.
    ShuttingDown,
    /// Gone for good.
    Terminated,
}

/// A text that is no instance state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an EC2 instance state")]
pub struct UnknownState(pub String);

impl InstanceState {
    /// The name EC2 uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
        }
    }
}

impl FromStr for InstanceState {
    type Err = UnknownState;

    /// Some exporters write states in capitals.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let states =
            [Self::Pending, Self::Running, Self::Stopping, Self::Stopped, Self::ShuttingDown, Self::Terminated];
        let named = states.into_iter().find(|state| state.as_str().eq_ignore_ascii_case(text));
        named.ok_or_else(|| UnknownState(text.to_owned()))
    }
}

/// The request behind a Spot server, as far as it changes what EC2 may do with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpotRequest {
    /// EC2 terminates the server when it takes its capacity back; nobody can stop it.
    OneTime,
    /// The server can be stopped, and EC2 may stop or hibernate it and start it again. Also taken for granted where the
    /// request cannot be read.
    Persistent,
}

/// One server as `DescribeInstances` showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The server.
    pub id: InstanceId,
    /// Its state when it was looked at.
    pub state: InstanceState,
    /// When EC2 was asked.
    pub observed_at: DateTime<Utc>,
    /// `LaunchTime`: its last start.
    pub launch_time: Option<DateTime<Utc>>,
    /// `StateTransitionReason`: free text, often with the time of the stop, see [`transition_time`].
    pub transition_reason: Option<String>,
    /// The attach time of the primary network interface: its first start.
    pub created_at: Option<DateTime<Utc>>,
    /// The value of its tag `Name`; none where it has none.
    pub name: Option<String>,
    /// `InstanceType`.
    pub instance_type: Option<String>,
    /// The request behind it; none of a server that is not a Spot server.
    pub spot: Option<SpotRequest>,
}

impl Observation {
    /// The evidence in it, about a server that was at `observed_at` in `state`.
    pub fn evidence(&self) -> Vec<Evidence> {
        let mut found = self.lasting_evidence();
        found.extend(match self.state {
            // Not running at that moment, though CloudTrail may already tell of the start: true of the moment only.
            InstanceState::Pending => Some(ec2(self.observed_at, Fact::SeenStopped { last_start: None })),
            _ => self.sighting(),
        });
        found
    }

    /// The state that it was seen in; none where EC2 shows a server between two states, of which nothing is to be kept.
    pub fn sighting(&self) -> Option<Evidence> {
        let last_start = self.last_start();
        match self.state {
            InstanceState::Pending => None,
            // Started while EC2 was asked, which is a little after the instant that the answer is taken for.
            InstanceState::Running if self.launch_time > Some(self.observed_at) => None,
            InstanceState::Running => Some(ec2(self.observed_at, Fact::SeenRunning { last_start })),
            // Stopped while EC2 was asked.
            _ if self.transition_time() > Some(self.observed_at) => {
                Some(ec2(self.observed_at, Fact::SeenRunning { last_start }))
            }
            InstanceState::ShuttingDown | InstanceState::Terminated => {
                Some(ec2(self.observed_at, Fact::SeenTerminated { last_start }))
            }
            _ => Some(ec2(self.observed_at, Fact::SeenStopped { last_start })),
        }
    }

    /// The time in which it tells all starts: since the last one, which [`Self::lasting_evidence`] has.
    pub fn since_last_start(&self) -> Coverage {
        let start = self.last_start().filter(|_| self.state != InstanceState::Pending);
        start.map_or(Coverage::none(), |start| Coverage::none().with(Window::new(start, self.observed_at)))
    }

    /// What it tells of other moments than its own: the creation, the last start, the last stop. It is the same from
    /// observation to observation until something happens.
    pub fn lasting_evidence(&self) -> Vec<Evidence> {
        let mut found: Vec<Evidence> = self.created_at.map(|at| ec2(at, Fact::Created)).into_iter().collect();
        // LaunchTime of a pending server is set, yet the run has not begun.
        if self.state == InstanceState::Pending {
            return found;
        }
        let last_start = self.last_start();
        let stops_later = self.transition_time() > Some(self.observed_at);
        if self.state != InstanceState::Running && !stops_later {
            found.extend(self.transition_evidence(last_start));
        }
        found.extend(last_start.map(|at| ec2(at, Fact::Started)));
        found
    }

    fn last_start(&self) -> Option<DateTime<Utc>> {
        self.launch_time.filter(|launch| *launch <= self.observed_at)
    }

    fn transition_time(&self) -> Option<DateTime<Utc>> {
        transition_time(self.transition_reason.as_deref()?)
    }

    /// The stop that `StateTransitionReason` tells, where it has a time that can belong to the last run.
    fn transition_evidence(&self, last_start: Option<DateTime<Utc>>) -> Option<Evidence> {
        let at = self.transition_time()?;
        if last_start.is_some_and(|start| at < start) {
            return None;
        }
        let by_ec2 = self.transition_reason.as_deref().is_some_and(is_by_ec2);
        Some(match (self.state, self.spot) {
            // It was never stopped, so EC2 found it running.
            (InstanceState::ShuttingDown | InstanceState::Terminated, Some(SpotRequest::OneTime)) if by_ec2 => {
                ec2(at, Fact::Terminated)
            }
            // The reason of a terminated server tells the termination, which may have found it stopped already: EC2 also
            // terminates a stopped Spot server whose request is cancelled. It may be noted a moment before CloudTrail's
            // time of the call, and must not seem to come before the stop.
            (InstanceState::ShuttingDown | InstanceState::Terminated, _) => {
                ec2((at + SAME_CHANGE).min(self.observed_at), Fact::SeenTerminated { last_start: None })
            }
            (_, Some(_)) if by_ec2 => ec2(at, Fact::Interrupted),
            _ => ec2(at, Fact::Stopped),
        })
    }
}

fn ec2(at: DateTime<Utc>, fact: Fact) -> Evidence {
    Evidence { at, fact, source: Source::Ec2 }
}

/// True for a `StateTransitionReason` that says EC2 changed the state by itself: `Service initiated (…)`.
pub fn is_by_ec2(reason: &str) -> bool {
    reason.starts_with("Service initiated")
}

/// The time in a `StateTransitionReason`, such as `User initiated (2021-10-04 14:13:33 GMT)`; `UTC` occurs too, and
/// often there is no time at all.
pub fn transition_time(reason: &str) -> Option<DateTime<Utc>> {
    let (_, tail) = reason.rsplit_once('(')?;
    let (text, _) = tail.split_once(')')?;
    let text = text.strip_suffix(" GMT").or_else(|| text.strip_suffix(" UTC"))?;
    Some(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok()?.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn observed(state: InstanceState, reason: &str) -> Observation {
        Observation {
            id: "i-abcd1111".parse().unwrap(),
            state,
            observed_at: at("2025-10-09T00:00:00Z"),
            launch_time: Some(at("2025-10-04T10:00:00Z")),
            transition_reason: Some(reason.to_owned()),
            created_at: Some(at("2025-01-01T00:00:00Z")),
            name: None,
            instance_type: Some("t3.small".to_owned()),
            spot: None,
        }
    }

    fn facts(observation: &Observation) -> Vec<(String, Fact)> {
        observation.evidence().into_iter().map(|e| (e.at.to_rfc3339(), e.fact)).collect()
    }

    #[test]
    fn the_time_of_a_stop_is_read_from_its_reason() {
        let stop = Some(at("2021-10-04T14:13:33Z"));
        assert_eq!(transition_time("User initiated (2021-10-04 14:13:33 GMT)"), stop);
        assert_eq!(transition_time("User initiated (2021-10-04 14:13:33 UTC)"), stop);
        for reason in
            ["", "User initiated", "Server.SpotInstanceTermination (soon)", "User initiated (2021-10-04)", "("]
        {
            assert_eq!(transition_time(reason), None, "{reason}");
        }
    }

    #[test]
    fn a_stopped_server_tells_its_last_run() {
        let found = facts(&observed(InstanceState::Stopped, "User initiated (2025-10-04 12:00:00 GMT)"));
        assert!(found.contains(&("2025-10-04T10:00:00+00:00".into(), Fact::Started)));
        assert!(found.contains(&("2025-10-04T12:00:00+00:00".into(), Fact::Stopped)));
    }

    #[test]
    fn a_reason_older_than_the_last_start_is_of_an_earlier_stop() {
        let found = facts(&observed(InstanceState::Stopped, "User initiated (2025-10-01 12:00:00 GMT)"));
        assert!(found.iter().all(|(_, fact)| *fact != Fact::Stopped));
    }

    #[test]
    fn the_reason_of_a_terminated_server_does_not_say_that_it_ran_until_then() {
        let found = facts(&observed(InstanceState::Terminated, "User initiated (2025-10-04 12:00:00 GMT)"));
        assert!(found.contains(&("2025-10-04T12:02:00+00:00".into(), Fact::SeenTerminated { last_start: None })));
    }

    #[test]
    fn what_ec2_did_by_itself_with_a_spot_server_depends_on_its_request() {
        let found = |state, spot| {
            let reason = "Service initiated (2025-10-04 12:00:00 GMT)";
            let all = facts(&Observation { spot, ..observed(state, reason) });
            all.into_iter().find(|(at, _)| at.starts_with("2025-10-04T12:0")).unwrap()
        };
        let (exactly, later) = ("2025-10-04T12:00:00+00:00".to_owned(), "2025-10-04T12:02:00+00:00".to_owned());
        let seen = Fact::SeenTerminated { last_start: None };
        let (one_time, persistent) = (Some(SpotRequest::OneTime), Some(SpotRequest::Persistent));
        assert_eq!(found(InstanceState::Terminated, one_time), (exactly.clone(), Fact::Terminated));
        assert_eq!(found(InstanceState::Terminated, persistent), (later.clone(), seen.clone()));
        assert_eq!(found(InstanceState::Terminated, None), (later, seen));
        assert_eq!(found(InstanceState::Stopped, persistent), (exactly.clone(), Fact::Interrupted));
        assert_eq!(found(InstanceState::Stopped, None), (exactly, Fact::Stopped));
    }

    #[test]
    fn a_pending_server_does_not_run_yet() {
        let found = facts(&observed(InstanceState::Pending, ""));
        let not_running = ("2025-10-09T00:00:00+00:00".into(), Fact::SeenStopped { last_start: None });
        assert_eq!(found, [("2025-01-01T00:00:00+00:00".into(), Fact::Created), not_running]);
    }

    #[test]
    fn a_change_while_ec2_was_asked_is_not_yet_one() {
        let last_start = Some(at("2025-10-04T10:00:00Z"));
        let stopping = facts(&observed(InstanceState::Stopping, "User initiated (2025-10-09 00:00:02 GMT)"));
        assert!(stopping.contains(&("2025-10-09T00:00:00+00:00".into(), Fact::SeenRunning { last_start })));
        let started =
            Observation { launch_time: Some(at("2025-10-09T00:00:02Z")), ..observed(InstanceState::Running, "") };
        assert_eq!(facts(&started), [("2025-01-01T00:00:00+00:00".into(), Fact::Created)]);
    }
}
