//! One EC2 instance: what it is, and the history of its states.

use chrono::{DateTime, TimeDelta, Utc};

mod reason;
mod spot;

pub use reason::{Cause, ReasonText};
pub use spot::{Interruption, SpotRequest};

/// An instance's lifecycle state, as EC2 names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Being launched or started.
    Pending,
    /// The only state that counts as running time.
    Running,
    /// On its way from running to terminated.
    ShuttingDown,
    /// Gone for good, and soon out of sight.
    Terminated,
    /// On its way from running to stopped.
    Stopping,
    /// Off, and can be started again.
    Stopped,
}

impl State {
    /// EC2's name for the state.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }

    /// EC2's number for the state.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::Pending => 0,
            Self::Running => 16,
            Self::ShuttingDown => 32,
            Self::Terminated => 48,
            Self::Stopping => 64,
            Self::Stopped => 80,
        }
    }

    /// The state EC2 calls `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Pending, Self::Running, Self::ShuttingDown, Self::Terminated, Self::Stopping, Self::Stopped]
            .into_iter()
            .find(|state| state.name() == name)
    }

    /// Whether the instance is on, or about to be.
    #[must_use]
    pub fn is_alive(self) -> bool {
        matches!(self, Self::Pending | Self::Running)
    }
}

/// The instance entered `state` at `at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: DateTime<Utc>,
    /// The state from then on.
    pub state: State,
    /// Why, where it left `running` or never got there.
    pub cause: Option<Cause>,
}

/// One instance with its whole history.
#[derive(Debug, Clone)]
pub struct Server {
    /// Instance id.
    pub id: String,
    /// Tags in the order EC2 shows them.
    pub tags: Vec<(String, String)>,
    /// How long after its launch it gets them: zero where the launch itself sets them.
    pub tagged_after: TimeDelta,
    /// Set where it runs on Spot capacity.
    pub spot: Option<SpotRequest>,
    /// For example `t3.micro`.
    pub instance_type: &'static str,
    /// How long its starts stay `pending`, where that is not as the account's rules say.
    pub pending: Option<TimeDelta>,
    /// How EC2 words its last stop.
    pub reason_text: ReasonText,
    /// The reservation of the launch that made it.
    pub reservation: String,
    /// Spans in which its state can't be told from what is known of it (only where real records are replayed).
    pub doubts: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    history: Vec<Change>,
}

/// A server as `DescribeInstances` shows it at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View<'a> {
    /// Its state.
    pub state: State,
    /// The tags it has by now.
    pub tags: &'a [(String, String)],
    /// `LaunchTime`: the last start.
    pub launched: DateTime<Utc>,
    /// Attach time of the primary network interface: the first launch. A terminated instance has no interface left.
    pub attached: Option<DateTime<Utc>>,
    /// `StateTransitionReason`.
    pub transition_reason: String,
    /// `StateReason`: code and message.
    pub state_reason: Option<(&'static str, &'static str)>,
}

impl Server {
    /// A server that was never launched yet.
    #[must_use]
    pub fn new(id: impl Into<String>, tags: Vec<(String, String)>) -> Self {
        Self {
            id: id.into(),
            tags,
            tagged_after: TimeDelta::zero(),
            spot: None,
            instance_type: "t3.micro",
            pending: None,
            reason_text: ReasonText::default(),
            reservation: String::new(),
            doubts: Vec::new(),
            history: Vec::new(),
        }
    }

    /// The same server, its tags set so long after its launch, as a script or a stack does it.
    #[must_use]
    pub fn tagged_after(mut self, delay: TimeDelta) -> Self {
        self.tagged_after = delay;
        self
    }

    /// The same server, launched for a Spot request.
    #[must_use]
    pub fn spot(mut self, request: SpotRequest) -> Self {
        self.spot = Some(request);
        self
    }

    /// The same server of a type such as `m5.metal`, which may take long to come up.
    #[must_use]
    pub fn of_type(mut self, instance_type: &'static str, pending: Option<TimeDelta>) -> Self {
        (self.instance_type, self.pending) = (instance_type, pending);
        self
    }

    /// The value of a tag, from whenever on it has it.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<&str> {
        value(&self.tags, key)
    }

    /// The tags it has at `at`.
    #[must_use]
    pub fn tags_at(&self, at: DateTime<Utc>) -> &[(String, String)] {
        let tagged = self.history.first().is_none_or(|launch| launch.at + self.tagged_after <= at);
        if tagged { &self.tags } else { &[] }
    }

    /// The id of its Spot request.
    #[must_use]
    pub fn spot_request_id(&self) -> Option<String> {
        let distinct = self.id.len().saturating_sub(8);
        self.spot.map(|_| format!("sir-{}", self.id.get(distinct..).unwrap_or(&self.id)))
    }

    /// Every state it was in, oldest first. The last ones may still lie ahead: `stopping` plans its `stopped`.
    #[must_use]
    pub fn history(&self) -> &[Change] {
        &self.history
    }

    /// Its state at `at`; none before its launch.
    #[must_use]
    pub fn state_at(&self, at: DateTime<Utc>) -> Option<State> {
        self.last_change(at).map(|change| change.state)
    }

    /// The change that brought it into its state at `at`; none before its launch.
    #[must_use]
    pub fn last_change(&self, at: DateTime<Utc>) -> Option<Change> {
        self.changes_until(at).last().copied()
    }

    /// Whether EC2 itself stopped it and may start it again.
    #[must_use]
    pub fn stopped_by_ec2(&self, at: DateTime<Utc>) -> bool {
        let last = self.last_change(at).map(|last| (last.state, last.cause));
        last == Some((State::Stopped, Some(Cause::Spot)))
    }

    /// Enters `via` at `at` and `then` after `after`. What was planned beyond `at` does not happen any more.
    pub fn change(&mut self, at: DateTime<Utc>, via: State, after: TimeDelta, then: State, cause: Option<Cause>) {
        self.history.truncate(self.changes_until(at).len());
        // A start that is to fall back has no reason yet.
        self.history.push(Change { at, state: via, cause: cause.filter(|_| !via.is_alive()) });
        self.history.push(Change { at: at + after, state: then, cause });
    }

    /// Takes over the state that a record claims where the history says another one: something between the last change
    /// and `at` was not recorded, so that span is in doubt.
    pub fn contradict(&mut self, at: DateTime<Utc>, claimed: State) {
        self.history.truncate(self.changes_until(at).len());
        let Some(last) = self.history.last_mut() else { return };
        self.doubts.push((last.at, at));
        if claimed.is_alive() {
            self.history.push(Change { at, state: State::Running, cause: None });
        } else {
            last.state = claimed;
        }
    }

    /// What `DescribeInstances` shows at `at`; nothing before the launch and some time after the termination.
    #[must_use]
    pub fn view(&self, at: DateTime<Utc>, terminated_visible: TimeDelta) -> Option<View<'_>> {
        let past = self.changes_until(at);
        let (first, last) = (past.first()?, past.last()?);
        if last.state == State::Terminated && at - last.at >= terminated_visible {
            return None;
        }
        let launched =
            past.iter().rev().find(|change| change.state == State::Pending).map_or(first.at, |start| start.at);
        // The reason names the moment the instance was told to leave `running`, not the one at which it arrived.
        let told = past.iter().rev().nth(1).filter(|before| before.cause.is_some() && before.cause == last.cause);
        let told = told.filter(|before| matches!(before.state, State::Stopping | State::ShuttingDown));
        Some(View {
            state: last.state,
            tags: self.tags_at(at),
            launched,
            attached: (last.state != State::Terminated).then_some(first.at),
            transition_reason: last.cause.map_or_else(String::new, |cause| {
                cause.transition_reason(self.reason_text, told.map_or(last.at, |before| before.at))
            }),
            state_reason: last.cause.map(|cause| cause.state_reason(last.state == State::Stopped)),
        })
    }

    fn changes_until(&self, at: DateTime<Utc>) -> &[Change] {
        &self.history[..self.history.partition_point(|change| change.at <= at)]
    }
}

/// The value of the tag `key` among `tags`.
#[must_use]
pub fn value<'a>(tags: &'a [(String, String)], key: &str) -> Option<&'a str> {
    tags.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
}
