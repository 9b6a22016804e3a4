//! Why a server's minutes are what they are, from its item in the ledger alone.
//!
//! The segments are the timeline's own, and its own gaps and points tell the reasons: there is no second arithmetic that
//! could say something else than the number.

mod backing;
mod condensed;
mod derivation;
mod sentences;
mod witness;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::audit::Audit;
use crate::instance::InstanceId;
use crate::minutes::Minutes;
use crate::month::Month;
use crate::server_month::ServerMonth;
use crate::timeline::Certainty;
use crate::window::Window;
use derivation::Derivation;
pub use witness::{Heard, Witness, WitnessKind};

/// Everything that a server's minutes of a month follow from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The server.
    pub id: InstanceId,
    /// The month.
    pub month: Month,
    /// Up to when the minutes are computed: the instant that was asked for, when a server that left was first missed, or
    /// the month's end.
    pub as_of: DateTime<Utc>,
    /// The proven minutes: the sum of the proven segments.
    pub minutes: Minutes,
    /// How many more it could be: the sum of the possible segments.
    pub uncertainty: Minutes,
    /// What the item says; none where it was never computed.
    pub stored: Option<StoredMinutes>,
    /// True once nothing may change any more.
    pub is_final: bool,
    /// When it was first missed among the servers.
    pub left_at: Option<DateTime<Utc>>,
    /// Before it the server did not exist; none where that is not known.
    pub created: Option<DateTime<Utc>>,
    /// Where CloudTrail was read whole, so that every start is known. In time order.
    pub coverage: Vec<Window>,
    /// Where CloudWatch was asked for samples of what was open. In time order.
    pub asked: Vec<Window>,
    /// Whether CloudWatch's samples of the whole month tell the same, `agrees` or `disagrees`; none where they were not
    /// compared.
    pub audit: Option<&'static str>,
    /// Where they do not. In time order.
    pub disagreements: Vec<Window>,
    /// The last look at the server.
    pub sighting: Option<Witness>,
    /// When it ran and may have run in the month, in time order.
    pub segments: Vec<ExplainedSegment>,
    /// All evidence of it, in time order, with what does not count and why.
    pub evidence: Vec<Heard>,
    /// Evidence that came after the month was final. It changes no number, unless the month is reopened: then it is among
    /// the evidence, and not here.
    pub late_evidence: Vec<Witness>,
}

/// The minutes that an item says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredMinutes {
    /// The proven minutes.
    pub minutes: Minutes,
    /// How many more it could be.
    pub uncertainty: Minutes,
    /// Up to when.
    pub as_of: DateTime<Utc>,
}

/// A stretch of the month in which the server ran, or may have run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedSegment {
    /// Where it begins, and why there.
    pub from: End,
    /// Where it ends, and why there.
    pub to: End,
    /// What it adds to the amount of the segments before it, so that no hundredth is lost to rounding.
    pub minutes: Minutes,
    /// Whether it certainly ran.
    pub certainty: Certainty,
    /// True where the server ran so long in all between its ends, and not all the time: only the sum is kept.
    pub in_parts: bool,
    /// Why it is not proven; a sentence for each gap between two pieces of evidence. Empty where it is.
    pub why: Vec<String>,
}

/// One end of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct End {
    /// When.
    pub at: DateTime<Utc>,
    /// Why there.
    pub reason: Reason,
    /// The evidence behind it: all sources of the same change.
    pub evidence: Vec<Witness>,
    /// Where the segment really begins or ends, where the month cuts it. None where nothing is known of what came before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beyond: Option<Box<End>>,
}

/// Why a segment begins or ends where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The evidence tells a change, or saw it at that instant.
    Evidence,
    /// A stretch begins or ends of which only the sums are kept.
    Condensed,
    /// The server came into being.
    Created,
    /// The month begins: the segment began before.
    MonthBegins,
    /// The month ends: the segment goes on.
    MonthEnds,
    /// The minutes are computed up to here.
    AsOf,
    /// When a server that left was first missed.
    Left,
    /// From here on every start is known, and there was none up to the running that the evidence tells.
    CoverageBegins,
    /// Up to here every start is known, and there was none after the stop that the evidence tells.
    CoverageEnds,
}

impl ServerMonth {
    /// Tells why its minutes as of `now` are what they are. See [`Self::told_as_of`] for the minutes that are stored.
    pub fn explain(&self, now: DateTime<Utc>) -> Explanation {
        let derivation = Derivation::of(self, now);
        let span = derivation.timeline.span(self.month);
        let created = derivation.points.created;
        let stored = self.summary.as_ref().map(|summary| StoredMinutes {
            minutes: summary.span.proven,
            uncertainty: summary.span.possible,
            as_of: summary.as_of,
        });
        Explanation {
            id: self.id.clone(),
            month: self.month,
            as_of: derivation.horizon.min(self.month.end()),
            minutes: span.proven,
            uncertainty: span.possible,
            stored,
            is_final: self.is_final,
            left_at: self.left_at,
            created,
            coverage: self.coverage.windows().to_vec(),
            asked: self.asked.windows().to_vec(),
            audit: self.audit.as_ref().map(Audit::verdict),
            disagreements: self.audit.iter().flat_map(|audit| audit.disagreements().windows()).copied().collect(),
            sighting: self.sighting.as_ref().map(Witness::of),
            segments: derivation.segments(),
            evidence: derivation.heard(),
            late_evidence: self.late_evidence.difference(&self.evidence).map(Witness::of).collect(),
        }
    }

    /// The instant whose minutes are stored: the one to explain them as of. `now` where none are stored, or the month was
    /// over.
    pub fn told_as_of(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let stored = self.summary.as_ref().map(|summary| summary.as_of).filter(|as_of| *as_of < self.month.end());
        let Some(as_of) = stored else { return now };
        // The table keeps milliseconds of it, and all digits of what was seen at that very instant.
        let same = Window::new(as_of, as_of + TimeDelta::milliseconds(1));
        let instants = self.evidence.iter().chain(&self.sighting).map(|piece| piece.at);
        instants.filter(|at| same.from <= *at && *at < same.to).max().unwrap_or(as_of)
    }
}

impl Explanation {
    /// True where the item says something else: it has learnt since, or kept what was more certain.
    pub fn differs_from_stored(&self) -> bool {
        self.stored
            .as_ref()
            .is_some_and(|stored| (stored.minutes, stored.uncertainty) != (self.minutes, self.uncertainty))
    }
}
