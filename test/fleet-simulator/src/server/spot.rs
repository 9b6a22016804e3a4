//! Spot requests: what a Spot instance was launched for, and what becomes of it when EC2 takes the capacity back.

use crate::server::{Cause, Change, State};

/// What EC2 does to a Spot instance whose capacity it takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// Ends it.
    Terminate,
    /// Stops it, and starts it again when there is capacity.
    Stop,
    /// Hibernates it, and starts it again when there is capacity.
    Hibernate,
}

impl Interruption {
    /// EC2's name for the behaviour.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminate => "terminate",
            Self::Stop => "stop",
            Self::Hibernate => "hibernate",
        }
    }
}

/// The Spot request that a server was launched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpotRequest {
    /// `persistent`, or else `one-time`: whether EC2 goes on with it after an interruption.
    pub persistent: bool,
    /// What an interruption does.
    pub interruption: Interruption,
    /// Whether it was cancelled.
    pub cancelled: bool,
}

impl SpotRequest {
    /// A request that is over with its instance, which an interruption terminates: EC2's default.
    #[must_use]
    pub fn one_time() -> Self {
        Self { persistent: false, interruption: Interruption::Terminate, cancelled: false }
    }

    /// A request that EC2 goes on with; only such a one can have its instance stopped or hibernated.
    #[must_use]
    pub fn persistent(interruption: Interruption) -> Self {
        Self { persistent: true, interruption, cancelled: false }
    }

    /// EC2's name for its type.
    #[must_use]
    pub fn kind(self) -> &'static str {
        if self.persistent { "persistent" } else { "one-time" }
    }

    /// Its state and its status code, by the last change of its instance.
    #[must_use]
    pub fn state(self, last: Change) -> (&'static str, &'static str) {
        let by_ec2 = last.cause == Some(Cause::Spot);
        match last.state {
            State::Pending | State::Running if self.cancelled => ("cancelled", "request-canceled-and-instance-running"),
            State::Pending | State::Running => ("active", "fulfilled"),
            State::Stopping if by_ec2 => ("active", "marked-for-stop"),
            State::Stopping | State::Stopped if by_ec2 => ("disabled", "instance-stopped-no-capacity"),
            State::Stopping | State::Stopped => ("disabled", "instance-stopped-by-user"),
            State::ShuttingDown | State::Terminated if self.cancelled => ("cancelled", "instance-terminated-by-user"),
            State::ShuttingDown if by_ec2 => ("closed", "marked-for-termination"),
            State::ShuttingDown | State::Terminated => {
                let code = if by_ec2 { "instance-terminated-no-capacity" } else { "instance-terminated-by-user" };
                (if by_ec2 && self.persistent { "open" } else { "closed" }, code)
            }
        }
    }
}
