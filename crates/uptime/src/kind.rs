//! What a point in a timeline says of the states around it.

use chrono::TimeDelta;

use crate::state::State;

/// How far apart a call, EC2's own note of it and the `stopping` event may tell of one change: clocks and rounding.
pub(crate) const SAME_CHANGE: TimeDelta = TimeDelta::minutes(2);

/// How a server that does not run can come to run again; of several that tell of one stop the last of these counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NextStart {
    /// By a call, which CloudTrail records.
    #[default]
    ByCall,
    /// Also by EC2 itself, which has stopped it: whether it records that is published nowhere.
    ByEc2,
    /// Not at all: it was terminated.
    Never,
}

/// What is known at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    SeenStopped,
    Start,
    /// A start of which the state before is not known: it may have been running.
    RunningAfter,
    SeenRunning,
    Stop,
    /// A start and a stop within one second, whose order only the neighbours can tell: the state is the same before and
    /// after it.
    Both,
}

impl Kind {
    /// The state before it, where it tells.
    pub(crate) fn before(self) -> Option<State> {
        match self {
            Self::SeenStopped | Self::Start => Some(State::NotRunning),
            Self::SeenRunning | Self::Stop => Some(State::Running),
            Self::RunningAfter | Self::Both => None,
        }
    }

    /// The state after it, where it tells.
    pub(crate) fn after(self) -> Option<State> {
        match self {
            Self::SeenStopped | Self::Stop => Some(State::NotRunning),
            Self::SeenRunning | Self::Start | Self::RunningAfter => Some(State::Running),
            Self::Both => None,
        }
    }

    pub(crate) fn is_sighting(self) -> bool {
        matches!(self, Self::SeenStopped | Self::SeenRunning)
    }
}
