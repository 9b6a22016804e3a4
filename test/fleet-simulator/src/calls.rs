//! What EC2 answers to a lifecycle call, by the state each of its targets is in.

use chrono::TimeDelta;

use crate::server::State;

/// Index of a server in its world.
pub type ServerKey = usize;

/// The EC2 calls that change when a server runs, or look as if they did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// `RunInstances`
    Run,
    /// `StartInstances`
    Start,
    /// `StopInstances`
    Stop {
        /// Without waiting for the guest.
        force: bool,
        /// Memory is kept on disk.
        hibernate: bool,
    },
    /// `TerminateInstances`
    Terminate,
    /// `RebootInstances`
    Reboot,
}

impl Action {
    /// A plain `StopInstances`.
    pub const STOP: Self = Self::Stop { force: false, hibernate: false };

    /// CloudTrail's `eventName`.
    #[must_use]
    pub fn event_name(self) -> &'static str {
        match self {
            Self::Run => "RunInstances",
            Self::Start => "StartInstances",
            Self::Stop { .. } => "StopInstances",
            Self::Terminate => "TerminateInstances",
            Self::Reboot => "RebootInstances",
        }
    }
}

/// Why a call is turned down whatever state its targets are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// AWS has no room: `Server.InsufficientInstanceCapacity`.
    NoCapacity,
    /// `DryRun` was set: `Client.DryRunOperation`, though nothing is wrong.
    DryRun,
    /// The caller may not: `Client.UnauthorizedOperation`.
    Unauthorized,
}

/// What a record leaves out, as CloudTrail does where a response is larger than 100 KB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Omission {
    /// Nothing.
    #[default]
    Nothing,
    /// The response; its instances are still named as the record's resources.
    Response,
    /// The response and the resources: nothing tells which instances a launch made.
    ResponseAndResources,
}

/// One API call.
#[derive(Debug, Clone)]
pub struct Call {
    /// Which.
    pub action: Action,
    /// The servers it names, in the order of the request.
    pub targets: Vec<ServerKey>,
    /// Ids it names that no server has: EC2 then does nothing at all.
    pub strangers: Vec<String>,
    /// Set where it is turned down in any case.
    pub refusal: Option<Refusal>,
    /// How often CloudTrail delivers its record.
    pub deliveries: u8,
    /// What its record leaves out.
    pub omission: Omission,
    /// Set where a start is taken and then can't be carried out: how long after the call the servers are `stopped` again.
    pub falls_back_after: Option<TimeDelta>,
    /// Whether Auto Scaling made it.
    pub auto_scaling: bool,
}

impl Call {
    /// A call that CloudTrail records once.
    #[must_use]
    pub fn new(action: Action, targets: Vec<ServerKey>) -> Self {
        Self {
            action,
            targets,
            strangers: Vec::new(),
            refusal: None,
            deliveries: 1,
            omission: Omission::default(),
            falls_back_after: None,
            auto_scaling: false,
        }
    }

    /// The same call, turned down.
    #[must_use]
    pub fn refused(mut self, refusal: Refusal) -> Self {
        self.refusal = Some(refusal);
        self
    }

    /// The same call, its record delivered twice.
    #[must_use]
    pub fn twice_delivered(mut self) -> Self {
        self.deliveries = 2;
        self
    }

    /// The same call, its record without what is too large.
    #[must_use]
    pub fn omitting(mut self, omission: Omission) -> Self {
        self.omission = omission;
        self
    }

    /// The same start, which comes to nothing: no event tells that its servers are `stopped` again after `delay`.
    #[must_use]
    pub fn falling_back(mut self, delay: TimeDelta) -> Self {
        self.falls_back_after = Some(delay);
        self
    }
}

/// What a call did to one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// The server.
    pub server: ServerKey,
    /// Its state before; a first launch has none.
    pub previous: Option<State>,
    /// Its state right after.
    pub current: State,
}

/// EC2's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing happened to any target.
    Refused {
        /// As CloudTrail spells it, with `Client.` or `Server.` in front.
        code: &'static str,
        /// For people.
        message: String,
    },
    /// Done, target by target.
    Done(Vec<Item>),
}

/// Answers a call whose targets are in `states` (`None`: not there, or not any more) and called `ids`.
#[must_use]
pub fn answer(call: &Call, states: &[Option<State>], ids: &[&str]) -> Outcome {
    if let Some(refusal) = call.refusal {
        return refusal.outcome(call.action);
    }
    let mut missing: Vec<&str> = call.strangers.iter().map(String::as_str).collect();
    if call.action != Action::Run {
        missing.extend(ids.iter().zip(states).filter(|(_, state)| state.is_none()).map(|(id, _)| *id));
    }
    if !missing.is_empty() {
        let message = format!("The instance IDs '{}' do not exist", missing.join(", "));
        return Outcome::Refused { code: "Client.InvalidInstanceID.NotFound", message };
    }
    let mut items = Vec::with_capacity(states.len());
    for ((&server, &previous), id) in call.targets.iter().zip(states).zip(ids) {
        match next(call.action, previous) {
            Some(current) => items.push(Item { server, previous, current }),
            None if call.action == Action::Run => {
                let message = "The client token is that of a launch whose instance has been terminated.".to_owned();
                return Outcome::Refused { code: "Client.IdempotentInstanceTerminated", message };
            }
            None => {
                let verb = call.action.event_name().trim_end_matches("Instances").to_lowercase();
                let message = format!("The instance '{id}' is not in a state from which it can be {verb}ed.");
                return Outcome::Refused { code: "Client.IncorrectInstanceState", message };
            }
        }
    }
    Outcome::Done(items)
}

/// The state right after a call, or nothing where EC2 refuses it.
fn next(action: Action, state: Option<State>) -> Option<State> {
    use State::{Pending, Running, ShuttingDown, Stopped, Stopping, Terminated};
    match (action, state) {
        (Action::Run, None) | (Action::Start, Some(Stopped)) => Some(Pending),
        // The same launch sent again, with its client token: the instance that it made, as it is by now.
        (Action::Run, Some(found)) if found != Terminated => Some(found),
        (Action::Start, Some(alive @ (Pending | Running))) | (Action::Reboot, Some(alive @ (Pending | Running))) => {
            Some(alive)
        }
        (Action::Stop { .. }, Some(Pending | Running | Stopping)) => Some(Stopping),
        (Action::Stop { .. }, Some(Stopped)) => Some(Stopped),
        (Action::Terminate, Some(Stopped | Terminated)) => Some(Terminated),
        (Action::Terminate, Some(Pending | Running | Stopping | ShuttingDown)) => Some(ShuttingDown),
        _ => None,
    }
}

impl Refusal {
    fn outcome(self, action: Action) -> Outcome {
        let (code, message) = match self {
            Self::NoCapacity => (
                "Server.InsufficientInstanceCapacity",
                "Insufficient capacity. Please try again later, or choose another instance type.".to_owned(),
            ),
            Self::DryRun => {
                ("Client.DryRunOperation", "Request would have succeeded, but DryRun flag is set.".to_owned())
            }
            Self::Unauthorized => (
                "Client.UnauthorizedOperation",
                format!(
                    "You are not authorized to perform this operation: no identity-based policy allows the ec2:{} action",
                    action.event_name()
                ),
            ),
        };
        Outcome::Refused { code, message }
    }
}
