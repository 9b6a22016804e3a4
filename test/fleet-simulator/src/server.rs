//! One EC2 instance: what it is, and the history of its states.

use chrono::{DateTime, TimeDelta, Utc};

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

/// Why an instance left `running`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// `StopInstances` or `TerminateInstances`.
    User,
    /// `StopInstances` with `hibernate`.
    Hibernate,
    /// A shutdown from inside the guest: CloudTrail knows nothing of it.
    Guest,
    /// Spot capacity was taken back.
    Spot,
}

/// How EC2 words `StateTransitionReason` for this server; the real service does all of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReasonText {
    /// `User initiated (2021-10-04 14:13:33 GMT)`
    #[default]
    Gmt,
    /// `User initiated (2021-10-04 14:13:33 UTC)`
    Utc,
    /// `User initiated`
    NoTime,
    /// Nothing at all.
    Empty,
}

/// The instance entered `state` at `at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: DateTime<Utc>,
    /// The state from then on.
    pub state: State,
    /// Why, where it left `running`.
    pub cause: Option<Cause>,
}

/// One instance with its whole history.
#[derive(Debug, Clone)]
pub struct Server {
    /// Instance id.
    pub id: String,
    /// Tags in the order EC2 shows them.
    pub tags: Vec<(String, String)>,
    /// Whether it runs on Spot capacity.
    pub spot: bool,
    /// For example `t3.micro`.
    pub instance_type: &'static str,
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
pub struct View {
    /// Its state.
    pub state: State,
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
            spot: false,
            instance_type: "t3.micro",
            reason_text: ReasonText::default(),
            reservation: String::new(),
            doubts: Vec::new(),
            history: Vec::new(),
        }
    }

    /// The value of a tag.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// Every state it was in, oldest first. The last ones may still lie ahead: `stopping` plans its `stopped`.
    #[must_use]
    pub fn history(&self) -> &[Change] {
        &self.history
    }

    /// Its state at `at`; none before its launch.
    #[must_use]
    pub fn state_at(&self, at: DateTime<Utc>) -> Option<State> {
        self.changes_until(at).last().map(|change| change.state)
    }

    /// Enters `via` at `at` and `then` after `after`. What was planned beyond `at` does not happen any more.
    pub fn change(&mut self, at: DateTime<Utc>, via: State, after: TimeDelta, then: State, cause: Option<Cause>) {
        self.history.truncate(self.changes_until(at).len());
        self.history.push(Change { at, state: via, cause });
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
    pub fn view(&self, at: DateTime<Utc>, terminated_visible: TimeDelta) -> Option<View> {
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
            launched,
            attached: (last.state != State::Terminated).then_some(first.at),
            transition_reason: self.transition_reason(last.cause, told.map_or(last.at, |before| before.at)),
            state_reason: last.cause.map(Cause::state_reason),
        })
    }

    fn transition_reason(&self, cause: Option<Cause>, at: DateTime<Utc>) -> String {
        match (cause, self.reason_text) {
            (None, _) | (_, ReasonText::Empty) => String::new(),
            (Some(Cause::Spot), _) => "Server.SpotInstanceTermination".to_owned(),
            (Some(_), ReasonText::Gmt) => format!("User initiated ({} GMT)", at.format("%Y-%m-%d %H:%M:%S")),
            (Some(_), ReasonText::Utc) => format!("User initiated ({} UTC)", at.format("%Y-%m-%d %H:%M:%S")),
            (Some(_), ReasonText::NoTime) => "User initiated".to_owned(),
        }
    }

    fn changes_until(&self, at: DateTime<Utc>) -> &[Change] {
        &self.history[..self.history.partition_point(|change| change.at <= at)]
    }
}

impl Cause {
    fn state_reason(self) -> (&'static str, &'static str) {
        match self {
            Self::User => ("Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"),
            Self::Hibernate => {
                ("Client.UserInitiatedHibernate", "Client.UserInitiatedHibernate: User initiated hibernate")
            }
            Self::Guest => {
                ("Client.InstanceInitiatedShutdown", "Client.InstanceInitiatedShutdown: Instance initiated shutdown")
            }
            Self::Spot => {
                ("Server.SpotInstanceTermination", "Server.SpotInstanceTermination: Spot instance termination")
            }
        }
    }
}
