//! Which evidence stands behind a point of the timeline, and which counts for nothing.
//!
//! Points carry no evidence, so that a fleet is folded fast: it is looked up here by their time and kind. What every piece
//! tells is asked again of the same functions that the points were made with.

use chrono::{DateTime, Utc};

use super::condensed::day_and_time;
use super::derivation::Derivation;
use super::{Heard, Witness};
use crate::admitted::Stretch;
use crate::claims::{Claim, Claims};
use crate::evidence::{Evidence, Fact};
use crate::kind::Kind;
use crate::points::Point;
use crate::state::State;
use crate::window::Window;

impl Derivation<'_> {
    /// The evidence behind a point, the earliest first, each source once.
    pub(super) fn witnesses(&self, point: &Point) -> Vec<Witness> {
        let mut claims: Vec<(Claim, Witness)> = self.evidence.iter().flat_map(|piece| self.claims(piece)).collect();
        claims.retain(|(claim, _)| point.claimed.0 <= claim.at && claim.at <= point.claimed.1);
        let has = |kind| claims.iter().any(|(claim, _)| claim.kind == kind);
        // A start and a stop within one second are one point, whatever its neighbours made of it.
        let both = has(Kind::Start) && has(Kind::Stop);
        let belongs = |kind: Kind| if both { matches!(kind, Kind::Start | Kind::Stop) } else { kind == point.kind };
        claims.retain(|(claim, _)| belongs(claim.kind));
        let mut witnesses: Vec<Witness> = claims.into_iter().map(|(_, witness)| witness).collect();
        witnesses.sort();
        // Every look at a server shows its last start anew.
        witnesses.dedup_by(|next, first| {
            (next.at, next.says, &next.source, &next.event_id) == (first.at, first.says, &first.source, &first.event_id)
        });
        witnesses
    }

    /// The evidence of the creation.
    pub(super) fn created(&self) -> Vec<Witness> {
        let piece = self.evidence.iter().filter(|piece| piece.fact == Fact::Created);
        piece.filter(|piece| Some(piece.at) == self.points.created).map(|piece| Witness::of(piece)).collect()
    }

    /// What a piece of evidence tells, as far as it counts.
    fn claims(&self, piece: &Evidence) -> impl Iterator<Item = (Claim, Witness)> + use<> {
        let sampled = self.admitted_of(piece).map(|claim| (claim, Witness::of(piece))).collect::<Vec<_>>();
        let Claims { itself, last_start, .. } = Claims::of(piece, &self.evidence, self.points.machine);
        let itself = itself.map(|itself| (itself, Witness::of(piece)));
        let start = last_start.map(|start| (start, Witness::of_last_start(start.at, piece)));
        let counts = |claim: &(Claim, Witness)| !self.points.contradicts(&claim.0);
        itself.filter(counts).into_iter().chain(start.filter(counts)).chain(sampled)
    }

    /// What CloudWatch's samples claim, as far as nobody else tells of that time.
    fn admitted_of(&self, piece: &Evidence) -> impl Iterator<Item = Claim> + use<'_> {
        let state = match piece.fact {
            Fact::Sampled { .. } => Some(State::Running),
            Fact::Unsampled { .. } => Some(State::NotRunning),
            _ => None,
        };
        let whole = piece.sampled_stretch();
        let is_of_it = move |stretch: &&Stretch| {
            Some(stretch.state) == state
                && whole.is_some_and(|whole| whole.from <= stretch.window.from && stretch.window.to <= whole.to)
        };
        self.points.sampled.iter().filter(is_of_it).flat_map(Stretch::claims)
    }

    /// The samples of which a stretch has only the sums.
    pub(super) fn sum_of(&self, stretch: &Window) -> Option<&Evidence> {
        let is_of_it = |piece: &&Evidence| {
            matches!(piece.fact, Fact::PartlySampled { .. }) && piece.sampled_stretch() == Some(*stretch)
        };
        self.evidence.iter().copied().find(is_of_it)
    }

    /// All evidence in time order, with the reason where it does not count.
    pub(super) fn heard(&self) -> Vec<Heard> {
        let heard = |piece: &Evidence| Heard { witness: Witness::of(piece), set_aside: self.set_aside(piece) };
        let mut all: Vec<Heard> = self.month.all_evidence().map(heard).collect();
        all.sort();
        all
    }

    fn set_aside(&self, piece: &Evidence) -> Option<String> {
        if piece.at > self.horizon {
            let than = if self.month.left_at.is_some() { "the last of it as a server" } else { "the minutes" };
            return Some(format!("later than {than}, which are computed up to {}", day_and_time(self.horizon)));
        }
        if piece.digest().is_none() && self.points.digests.iter().any(|(window, _)| piece.is_digested_in(window)) {
            return Some("of a time of which only the sums are kept".to_owned());
        }
        let up_to_horizon = |stretch: Window| Window::new(stretch.from, stretch.to.min(self.horizon));
        if piece.sampled_stretch().is_some_and(|stretch| self.points.disagreements.contains(&up_to_horizon(stretch))) {
            return Some("EC2 or CloudTrail says otherwise, and they have records of it".to_owned());
        }
        let claims = Claims::of(piece, &self.evidence, self.points.machine);
        match (claims.itself, claims.since_start) {
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
