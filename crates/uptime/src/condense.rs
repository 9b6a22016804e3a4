//! Keeping an item small: what is decided of the past is condensed into digests, which prove the same.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use crate::digest::Digest;
use crate::evidence::{Evidence, Fact, Source};
use crate::gap::Gap;
use crate::kind::{Kind, NextStart};
use crate::points::{Point, Points};
use crate::server_month::ServerMonth;
use crate::state::State;
use crate::timeline::{Certainty, Timeline};
use crate::window::Window;

/// Below this size in bytes nothing is condensed, so that of a usual server every start and stop can be explained. An item of
/// DynamoDB has 400 KB, and each write costs its whole size.
const LARGE: usize = 64 * 1024;
/// Below this a stretch is not worth condensing.
const FEW: usize = 3;

/// How a large item is made smaller: the gentlest way that is enough.
struct Way {
    /// How far back from now evidence is kept as it is.
    keep: TimeDelta,
    /// From which size on.
    above: usize,
    /// Also where CloudTrail was not read whole, so that what is read later narrows nothing there any more.
    uncovered: bool,
}

const WAYS: [Way; 3] = [
    // The daily deep sweep reads 25 hours again: what it tells late must still find its place.
    Way { keep: TimeDelta::hours(27), above: LARGE, uncovered: false },
    Way { keep: TimeDelta::hours(2), above: 3 * LARGE, uncovered: true },
    Way { keep: TimeDelta::zero(), above: 4 * LARGE, uncovered: true },
];

impl ServerMonth {
    /// Keeps the item far below the size that DynamoDB takes, whatever happened to the server up to `now`: where it is
    /// large, what is decided is condensed, the oldest day first. No span and no day's minutes change by it.
    pub fn keep_small(&mut self, now: DateTime<Utc>) {
        for way in WAYS {
            if self.size() > way.above {
                self.condense_days(now - way.keep, way.uncovered, |month| month.size() <= way.above / 2);
            }
        }
    }

    /// Condenses all that is decided before `until`, whatever the size.
    pub fn condense_before(&mut self, until: DateTime<Utc>) {
        self.condense_days(until, false, |_| false);
    }

    /// About how many bytes its evidence takes in an item.
    fn size(&self) -> usize {
        // Texts are of a hundred bytes or so: only a large item is worth to be measured.
        if self.evidence.len() < LARGE / 256 {
            return 0;
        }
        self.evidence.iter().map(|piece| piece.to_string().len() + 3).sum()
    }

    fn condense_days(&mut self, until: DateTime<Utc>, uncovered: bool, is_enough: impl Fn(&Self) -> bool) {
        let month = self.month.until(until);
        let mut day = Window::new(month.from, month.from + TimeDelta::days(1));
        while day.from < month.to && !is_enough(self) {
            if let Some(condensed) = self.condensed_in(day.within(&month), uncovered) {
                self.evidence = condensed;
            }
            day = Window::new(day.to, day.to + TimeDelta::days(1));
        }
    }

    /// The evidence with what is decided in a part of one day condensed; none where there is little to fold.
    fn condensed_in(&self, day: Window, uncovered: bool) -> Option<BTreeSet<Evidence>> {
        let horizon = self.horizon(DateTime::<Utc>::MAX_UTC);
        let points = Points::of(self.machine(), self.all_evidence(), &self.coverage, horizon);
        let mut gaps = Vec::with_capacity(points.points.len() + 1);
        let timeline = Timeline::recording(&points, &self.coverage, horizon, |gap| gaps.push(gap));
        let (digest, stretch) = longest_stretch(&points.points, day, &timeline)?;
        let is_open = |gap: &Gap| gap.is_open() && !gap.window.within(&stretch).is_empty();
        if !uncovered && (!self.coverage.holes(stretch).is_empty() || gaps.iter().any(is_open)) {
            return None;
        }
        let (stands_for, mut kept): (BTreeSet<Evidence>, _) =
            self.evidence.iter().cloned().partition(|piece| piece.is_digested_in(&stretch));
        if stands_for.len() < FEW {
            return None;
        }
        let pieces = stands_for.iter().map(|piece| piece.digest().map_or(1, |(_, digest)| digest.pieces)).sum();
        let fact = Fact::Digest(Box::new(Digest { pieces, ..digest }));
        kept.insert(Evidence { at: stretch.from, fact, source: Source::Ledger });
        let condensed = Self { evidence: kept, ..self.clone() };
        condensed.proves_the_same(&timeline, horizon).then_some(condensed.evidence)
    }

    /// Condensing must never change what is proven; rather than a wrong minute, an item that is large.
    fn proves_the_same(&self, before: &Timeline, now: DateTime<Utc>) -> bool {
        let after = self.timeline(now);
        let tells = |timeline: &Timeline| {
            let months = [self.month.previous(), self.month, self.month.next()];
            let times = months.map(|month| timeline.running_time(month));
            (times, timeline.days(self.month, now), timeline.running_since(), timeline.lacks_past(self.month))
        };
        tells(before) == tells(&after)
    }
}

/// The longest stretch between two points within a part of a day, and what it comes to.
fn longest_stretch(points: &[Point], day: Window, timeline: &Timeline) -> Option<(Digest, Window)> {
    let inside = |point: &&Point| day.from <= point.claimed.0 && point.claimed.1 <= day.to;
    let first = points.iter().position(|point| inside(&point) && point.kind.after().is_some())?;
    let last = points.iter().rposition(|point| inside(&point))?;
    (first + 1..=last).rev().find_map(|last| {
        let stretch = Window::new(points[first].claimed.1, points[last].claimed.0);
        let digest = digest_of(&points[first..=last], stretch, timeline)?;
        Some((digest, stretch))
    })
}

/// What a stretch comes to; none where its sums would not tell all that its evidence does.
fn digest_of(points: &[Point], stretch: Window, timeline: &Timeline) -> Option<Digest> {
    let (first, last) = (points.first()?, points.last()?);
    let (before, after) = (first.kind.after()?, last.kind.before()?);
    let sum = |certainty| {
        let segments = timeline.segments().iter().filter(|segment| segment.certainty == certainty);
        let inside = segments.filter(|segment| !segment.window.within(&stretch).is_empty());
        inside.fold(TimeDelta::zero(), |sum, segment| {
            sum + segment.sum.unwrap_or_else(|| segment.window.within(&stretch).length())
        })
    };
    let (proven, possible) = (sum(Certainty::Proven), sum(Certainty::Possible));
    // Since when a run goes on that reaches beyond the stretch, a sum does not say.
    let runs_on = after == State::Running && proven < stretch.length();
    // That EC2 may start the server again holds until it is known to run.
    let ec2_may_start = |point: &Point| point.next_start == NextStart::ByEc2;
    let forgets_ec2 = last.kind != Kind::Start && points[..points.len() - 1].iter().any(ec2_may_start);
    if runs_on || forgets_ec2 || stretch.is_empty() {
        return None;
    }
    Some(Digest { until: stretch.to, before, after, proven, possible, pieces: 0 })
}
