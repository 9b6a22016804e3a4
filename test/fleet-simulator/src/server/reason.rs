//! Why an instance is not running any more, and how EC2 words it.

use chrono::{DateTime, Utc};

/// Why an instance left `running`, or never got there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// `StopInstances` or `TerminateInstances`.
    User,
    /// `StopInstances` with `hibernate`.
    Hibernate,
    /// A shutdown from inside the guest: CloudTrail knows nothing of it.
    Guest,
    /// EC2 itself stopped or terminated a Spot instance.
    Spot,
    /// A start that fell back: EC2 had taken the call, and then could not carry it out.
    FailedStart,
}

/// How EC2 words `StateTransitionReason` for a server; the real service does all of these. Where EC2 itself acted, it
/// says `Service` instead of `User`.
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

/// The reason and the message of a start that fell back.
const FAILED_START: &str = "Server.InternalError: Internal error on launch";

impl Cause {
    /// `StateTransitionReason` of an instance that was told at `at` to leave `running`.
    pub(super) fn transition_reason(self, text: ReasonText, at: DateTime<Utc>) -> String {
        let who = match self {
            Self::FailedStart => return FAILED_START.to_owned(),
            Self::Spot => "Service",
            Self::User | Self::Hibernate | Self::Guest => "User",
        };
        let zone = match text {
            ReasonText::Empty => return String::new(),
            ReasonText::NoTime => return format!("{who} initiated"),
            ReasonText::Gmt => "GMT",
            ReasonText::Utc => "UTC",
        };
        format!("{who} initiated ({} {zone})", at.format("%Y-%m-%d %H:%M:%S"))
    }

    /// `StateReason` of an instance that came to rest: code and message. `stopped` tells whether it can be started again.
    pub(super) fn state_reason(self, stopped: bool) -> (&'static str, &'static str) {
        match self {
            Self::User => ("Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"),
            Self::Hibernate => {
                ("Client.UserInitiatedHibernate", "Client.UserInitiatedHibernate: User initiated hibernate")
            }
            Self::Guest => {
                ("Client.InstanceInitiatedShutdown", "Client.InstanceInitiatedShutdown: Instance initiated shutdown")
            }
            Self::Spot if stopped => {
                ("Server.SpotInstanceShutdown", "Server.SpotInstanceShutdown: Spot instance shutdown")
            }
            Self::Spot => {
                ("Server.SpotInstanceTermination", "Server.SpotInstanceTermination: Spot instance termination")
            }
            Self::FailedStart => ("Server.InternalError", FAILED_START),
        }
    }
}
