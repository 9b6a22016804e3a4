//! Evidence: facts about when a server's running time started or stopped.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};

use crate::digest::Digest;
use crate::instance::InstanceId;
use crate::window::Window;

/// One fact about a server at an instant, with its source.
///
/// Equal evidence is the same evidence: put it into a set, and what came twice counts once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Evidence {
    /// When it happened or was seen.
    pub at: DateTime<Utc>,
    /// What happened or was seen.
    pub fact: Fact,
    /// Who says so.
    pub source: Source,
}

/// What a piece of evidence says. Each knows the state before and after it, as far as it says no other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fact {
    /// Stopped before, running after.
    Started,
    /// Running after; of the state before nothing is known.
    RunningAfter,
    /// Running before, not running after.
    Stopped,
    /// The same, by EC2 itself, which took a Spot server's capacity back: it may start the server again by itself, and
    /// whether it records that is published nowhere.
    Interrupted,
    /// Running before; it never runs again.
    Terminated,
    /// Running at that moment; says nothing of since when, except where EC2 showed the last start.
    SeenRunning {
        /// `LaunchTime`: the server's last start, after which there was no other up to the sighting.
        last_start: Option<DateTime<Utc>>,
    },
    /// Not running at that moment.
    SeenStopped {
        /// `LaunchTime`: the server's last start, after which there was no other up to the sighting.
        last_start: Option<DateTime<Utc>>,
    },
    /// Not running at that moment, and never again.
    SeenTerminated {
        /// `LaunchTime`: the server's last start.
        last_start: Option<DateTime<Utc>>,
    },
    /// Came into being: did not run before.
    Created,
    /// CloudWatch has a sample of every minute from here on: it ran all the time.
    Sampled {
        /// Up to then.
        until: DateTime<Utc>,
    },
    /// CloudWatch has no sample of any minute from here on, and others of the server: it did not run. That rests on CloudWatch's
    /// delivery and not on a record, so that whoever says otherwise is right.
    Unsampled {
        /// Up to then.
        until: DateTime<Utc>,
    },
    /// CloudWatch has samples of some minutes from here on, and does not say of which.
    PartlySampled {
        /// Up to then.
        until: DateTime<Utc>,
        /// How long it certainly ran in that time.
        proven: TimeDelta,
        /// How much longer it may have run.
        possible: TimeDelta,
    },
    /// What many pieces of evidence proved of the stretch that begins here. They are not kept any more, and what comes
    /// again of it changes nothing.
    Digest(Box<Digest>),
}

impl Fact {
    /// True for the end of a run, whoever ended it.
    pub fn is_stop(&self) -> bool {
        matches!(self, Self::Stopped | Self::Interrupted | Self::Terminated)
    }

    /// True for what a look shows of the instant at which it was taken.
    pub(crate) fn is_look(&self) -> bool {
        matches!(self, Self::SeenRunning { .. } | Self::SeenStopped { .. } | Self::SeenTerminated { .. })
    }

    /// The last start that a look showed; none of any other fact.
    pub(crate) fn last_start(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::SeenRunning { last_start }
            | Self::SeenStopped { last_start }
            | Self::SeenTerminated { last_start } => *last_start,
            _ => None,
        }
    }

    /// True for the start or the end of a run.
    pub fn is_change(&self) -> bool {
        self.is_stop() || *self == Self::Started
    }
}

/// Where a piece of evidence comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A CloudTrail record.
    CloudTrail {
        /// `eventName`, such as `StopInstances`. An item has hundreds of the few that there are.
        event_name: Cow<'static, str>,
        /// `eventID`; empty where an old record has none.
        event_id: String,
    },
    /// What `DescribeInstances` showed.
    Ec2,
    /// An EventBridge state-change event.
    StateChange {
        /// The event's `id`.
        event_id: String,
    },
    /// CloudWatch, which has a sample of the status checks for each minute in which a server runs.
    CloudWatch,
    /// The ledger itself, which has condensed evidence.
    Ledger,
}

impl Evidence {
    /// True for a start that CloudTrail recorded, which every start has one of.
    pub(crate) fn is_start_call(&self) -> bool {
        self.fact == Fact::Started && matches!(self.source, Source::CloudTrail { .. })
    }

    /// The digest that it is, with its stretch.
    pub(crate) fn digest(&self) -> Option<(Window, &Digest)> {
        match &self.fact {
            Fact::Digest(digest) => Some((digest.window(self.at), digest)),
            _ => None,
        }
    }

    /// The stretch of which CloudWatch has samples or none.
    pub(crate) fn sampled_stretch(&self) -> Option<Window> {
        match self.fact {
            Fact::Sampled { until } | Fact::Unsampled { until } | Fact::PartlySampled { until, .. } => {
                Some(Window::new(self.at, until))
            }
            _ => None,
        }
    }

    /// True for evidence that a digest of `window` stands for: of the states at both ends, the evidence is kept.
    pub(crate) fn is_digested_in(&self, window: &Window) -> bool {
        match &self.fact {
            // Tells of all time before it, and costs one line.
            Fact::Created => false,
            Fact::Digest(digest) => window.from <= self.at && digest.until <= window.to,
            _ => match self.sampled_stretch() {
                Some(stretch) => window.from <= stretch.from && stretch.to <= window.to,
                None => window.from < self.at && self.at < window.to,
            },
        }
    }
}

/// Evidence together with the server that it is about.
pub type ServerEvidence = (InstanceId, Evidence);
