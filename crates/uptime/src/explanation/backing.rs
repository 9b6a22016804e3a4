//! Which evidence stands behind a point of the timeline, and which counts for nothing.
//!
//! Points carry no evidence, so that a fleet is folded fast: it is looked up here by their time and kind. What every piece
//! tells is asked again of the same functions that the points were made with.

use chrono::{DateTime, Utc};

use super::derivation::Derivation;
use super::sentences::day_and_time;
use super::{Heard, Witness};
use crate::evidence::{Evidence, Fact};
use crate::kind::Kind;
use crate::points::Point;
use crate::telling::{Telling, Told};

impl Derivation<'_> {
    /// All that told of a point, the earliest first, each source once.
    pub(super) fn witnesses(&self, point: &Point) -> Vec<Witness> {
        let mut told: Vec<(Told, Witness)> = self.evidence.iter().flat_map(|told| self.tellings(told)).collect();
        told.retain(|(told, _)| point.told.0 <= told.at && told.at <= point.told.1);
        let has = |kind| told.iter().any(|(told, _)| told.kind == kind);
        // A start and a stop within one second are one point, whatever its neighbours made of it.
        let both = has(Kind::Start) && has(Kind::Stop);
        let belongs = |kind: Kind| if both { matches!(kind, Kind::Start | Kind::Stop) } else { kind == point.kind };
        told.retain(|(told, _)| belongs(told.kind));
        let mut witnesses: Vec<Witness> = told.into_iter().map(|(_, witness)| witness).collect();
        witnesses.sort();
        // Every look at a server shows its last start anew.
        witnesses.dedup_by(|next, first| {
            (next.at, next.says, &next.source, &next.event_id) == (first.at, first.says, &first.source, &first.event_id)
        });
        witnesses
    }

    /// Who told of the creation.
    pub(super) fn created(&self) -> Vec<Witness> {
        let told = self.evidence.iter().filter(|told| told.fact == Fact::Created);
        told.filter(|told| Some(told.at) == self.points.created).map(|told| Witness::of(told)).collect()
    }

    /// What a piece of evidence tells, as far as it counts.
    fn tellings(&self, told: &Evidence) -> impl Iterator<Item = (Told, Witness)> + use<> {
        let Telling { itself, last_start, .. } = Telling::of(told, &self.evidence, self.points.machine);
        let itself = itself.map(|itself| (itself, Witness::of(told)));
        let start = last_start.map(|start| (start, Witness::of_last_start(start.at, told)));
        let counts = |told: &(Told, Witness)| !self.points.contradicts(&told.0);
        itself.filter(counts).into_iter().chain(start.filter(counts))
    }

    /// All evidence in time order, with the reason where it does not count.
    pub(super) fn heard(&self) -> Vec<Heard> {
        let heard = |told: &Evidence| Heard { witness: Witness::of(told), set_aside: self.set_aside(told) };
        let mut all: Vec<Heard> = self.month.told().map(heard).collect();
        all.sort();
        all
    }

    fn set_aside(&self, told: &Evidence) -> Option<String> {
        if told.at > self.horizon {
            let than = if self.month.left_at.is_some() { "the last of it as a server" } else { "the minutes" };
            return Some(format!("later than {than}, which are told up to {}", day_and_time(self.horizon)));
        }
        if told.digest().is_none() && self.points.digests.iter().any(|(window, _)| told.is_digested_in(window)) {
            return Some("told again of a time of which only the sums are kept".to_owned());
        }
        let telling = Telling::of(told, &self.evidence, self.points.machine);
        match (telling.itself, telling.since_start) {
            (None, Some(window)) => Some(old_news(window.to)),
            (Some(itself), _) => {
                let run = self.points.runs.iter().find(|run| itself.contradicts(run, self.points.machine))?;
                let (from, to) = (day_and_time(run.from), day_and_time(run.to));
                Some(format!("EC2 showed it running at {to} since {from} without a break, and knows better"))
            }
            (None, None) => None,
        }
    }
}

fn old_news(change: DateTime<Utc>) -> String {
    format!("EC2 showed it as it was before the change at {}, of which it did not know yet", day_and_time(change))
}
