//! Evidence as an explanation shows it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::condensed::day_and_time;
use crate::digest::Digest;
use crate::evidence::{Evidence, Fact, Source};
use crate::window::Window;

/// One piece of evidence, in words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Witness {
    /// The instant that it tells of.
    pub at: DateTime<Utc>,
    /// What it says.
    pub says: &'static str,
    /// Who says so.
    pub source: String,
    /// What kind of witness that is.
    #[serde(skip)]
    pub kind: WitnessKind,
    /// The id under which the source has it; none where EC2 said so, or an old record has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Up to when, where it tells of a stretch of time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// When EC2 was looked at, where that is not the instant that it tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<DateTime<Utc>>,
}

/// What kind of witness it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WitnessKind {
    /// A call that CloudTrail recorded.
    Call,
    /// A state-change event.
    Event,
    /// A look at the server.
    Look,
    /// What EC2 notes of the past: the last start or stop, the network interface.
    Note,
    /// Samples of the status checks, or that there are none.
    Samples,
    /// A stretch of which only the sums are kept.
    Sum,
}

/// One piece of evidence, and whether it counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Heard {
    /// The evidence.
    #[serde(flatten)]
    pub witness: Witness,
    /// Why it does not count; none where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_aside: Option<String>,
}

impl Witness {
    /// A piece of evidence as a witness.
    pub(crate) fn of(piece: &Evidence) -> Self {
        let says = match piece.fact {
            Fact::Started => "started",
            Fact::RunningAfter => "running after",
            Fact::Stopped => "stopped",
            Fact::Interrupted => "interrupted",
            Fact::Terminated => "terminated",
            Fact::SeenRunning { .. } => "seen running",
            Fact::SeenStopped { .. } => "seen stopped",
            Fact::SeenTerminated { .. } => "seen terminated",
            Fact::Created => "created",
            Fact::Sampled { .. } => "sampled every minute",
            Fact::Unsampled { .. } => "not sampled",
            Fact::PartlySampled { .. } => "sampled in part",
            Fact::Digest(_) => "condensed",
        };
        let (kind, source, event_id) = match &piece.source {
            Source::CloudTrail { event_name, event_id } => {
                (WitnessKind::Call, format!("CloudTrail {event_name}"), event_id.as_str())
            }
            Source::StateChange { event_id } => {
                (WitnessKind::Event, "state-change event".to_owned(), event_id.as_str())
            }
            Source::Ec2 => {
                let kind = if piece.fact.is_look() { WitnessKind::Look } else { WitnessKind::Note };
                (kind, format!("EC2 {}", ec2_field(&piece.fact)), "")
            }
            Source::CloudWatch => (WitnessKind::Samples, "CloudWatch StatusCheckFailed".to_owned(), ""),
            Source::Ledger => (WitnessKind::Sum, "the ledger".to_owned(), ""),
        };
        let event_id = (!event_id.is_empty()).then(|| event_id.to_owned());
        let until = piece.sampled_stretch().map(|stretch| stretch.to);
        Self { at: piece.at, says, source, kind, event_id, until, seen_at: None }
    }

    /// One end of a stretch of which only the sums are kept.
    pub(crate) fn of_digest(at: DateTime<Utc>, stretch: Window, digest: &Digest) -> Self {
        let (from, to, pieces) = (day_and_time(stretch.from), day_and_time(stretch.to), digest.pieces);
        let source = format!("the ledger, of {pieces} pieces of evidence from {from} to {to}");
        Self { at, says: "condensed", source, kind: WitnessKind::Sum, event_id: None, until: None, seen_at: None }
    }

    /// The last start that a look at the server showed.
    pub(crate) fn of_last_start(start: DateTime<Utc>, sighting: &Evidence) -> Self {
        let started = Evidence { at: start, fact: Fact::Started, source: sighting.source.clone() };
        Self { seen_at: Some(sighting.at), ..Self::of(&started) }
    }
}

/// Where `DescribeInstances` shows it.
fn ec2_field(fact: &Fact) -> &'static str {
    match fact {
        Fact::Started | Fact::RunningAfter => "LaunchTime",
        Fact::Stopped | Fact::Interrupted | Fact::Terminated => "StateTransitionReason",
        Fact::SeenRunning { .. } | Fact::SeenStopped { .. } | Fact::SeenTerminated { .. } => "DescribeInstances",
        Fact::Created => "network interface",
        // No look shows any.
        Fact::Sampled { .. } | Fact::Unsampled { .. } | Fact::PartlySampled { .. } | Fact::Digest(_) => "",
    }
}
