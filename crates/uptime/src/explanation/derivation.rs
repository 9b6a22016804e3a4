//! From the timeline's points and gaps to the reasons.

use chrono::{DateTime, TimeDelta, Utc};

use super::condensed::{SAMPLED_IN_PART, why_possible_in_digest};
use super::{End, ExplainedSegment, Reason, Witness};
use crate::digest::Digest;
use crate::evidence::Evidence;
use crate::gap::Gap;
use crate::points::{Point, Points};
use crate::server_month::ServerMonth;
use crate::span::RunningTime;
use crate::state::State;
use crate::timeline::{Certainty, Segment, Timeline};
use crate::window::Window;

/// A timeline, and how it came about.
pub(super) struct Derivation<'m> {
    pub(super) month: &'m ServerMonth,
    /// Up to when the server's time is computed.
    pub(super) horizon: DateTime<Utc>,
    pub(super) points: Points,
    pub(super) timeline: Timeline,
    /// In time order: each but the last ends at the point of its number, or at a digest before it.
    pub(super) gaps: Vec<Gap>,
    /// All evidence up to the horizon.
    pub(super) evidence: Vec<&'m Evidence>,
}

impl<'m> Derivation<'m> {
    /// The timeline as of `now`.
    pub(super) fn of(month: &'m ServerMonth, now: DateTime<Utc>) -> Self {
        let horizon = month.horizon(now);
        let points = Points::of(month.machine(), month.all_evidence(), &month.coverage, horizon);
        let mut gaps = Vec::with_capacity(points.points.len() + 1);
        let timeline = Timeline::recording(&points, &month.coverage, horizon, |gap| gaps.push(gap));
        let evidence = month.all_evidence().filter(|piece| piece.at <= horizon).collect();
        Self { month, horizon, points, timeline, gaps, evidence }
    }

    /// The month's segments, each with what it adds to the amount before it.
    pub(super) fn segments(&self) -> Vec<ExplainedSegment> {
        let proven = self.timeline.running_time(self.month.month).proven;
        let mut so_far = (RunningTime::default(), RunningTime { proven, ..RunningTime::default() });
        let segments = self.timeline.segments_in(self.month.month).map(|segment| {
            let before = so_far;
            let minutes = match segment.certainty {
                Certainty::Proven => {
                    so_far.0.proven += segment.length();
                    so_far.0.span().proven - before.0.span().proven
                }
                // Possible time is counted on top of all proven time, as the uncertainty is.
                Certainty::Possible => {
                    so_far.1.possible += segment.length();
                    so_far.1.span().possible - before.1.span().possible
                }
            };
            ExplainedSegment {
                from: self.begin(&segment),
                to: self.end(&segment),
                minutes,
                certainty: segment.certainty,
                in_parts: segment.sum.is_some(),
                why: self.why(&segment),
            }
        });
        segments.collect()
    }

    /// The gaps in which a segment lies.
    fn gaps_of(&self, segment: Segment) -> impl DoubleEndedIterator<Item = &Gap> + '_ {
        let (window, certainty) = (segment.window, segment.certainty);
        self.gaps.iter().filter(move |gap| !gap.part(certainty).within(&window).is_empty())
    }

    /// The digests that a segment comes from, whole or in part.
    fn digests_of(&self, segment: Segment) -> impl DoubleEndedIterator<Item = &(Window, Digest)> + '_ {
        let lies_in = move |(window, _): &&(Window, Digest)| !window.within(&segment.window).is_empty();
        self.points.digests.iter().filter(lies_in)
    }

    /// The segment that a month's share was cut from.
    fn whole(&self, share: &Segment) -> Segment {
        let segments = self.timeline.segments().iter();
        let whole = segments.copied().find(|whole| !whole.window.within(&share.window).is_empty());
        whole.unwrap_or(*share)
    }

    /// An end of a stretch of which CloudWatch's samples tell only the sums.
    fn in_samples(&self, at: DateTime<Utc>) -> Option<End> {
        let mut stretches = self.points.sums.iter().map(|(stretch, _)| stretch);
        let piece = self.sum_of(stretches.find(|stretch| stretch.from == at || stretch.to == at)?)?;
        Some(End { at, reason: Reason::Condensed, evidence: vec![Witness::of(piece)], beyond: None })
    }

    fn begin(&self, share: &Segment) -> End {
        let whole = self.whole(share);
        let at = whole.window.from;
        if let Some(end) = self.in_samples(at).filter(|_| at == share.window.from) {
            return end;
        }
        let real = match self.digests_of(whole).next().filter(|(window, _)| window.from == at) {
            Some((window, digest)) => Some(self.condensed(at, *window, digest)),
            None => self.gaps_of(whole).next().and_then(|gap| self.begin_in(gap, whole)),
        };
        match real {
            Some(end) if whole.window.from == share.window.from => end,
            // Only the time before all that is known has no beginning, and no month reaches as far back.
            real => End::cut(share.window.from, Reason::MonthBegins, real),
        }
    }

    fn end(&self, share: &Segment) -> End {
        let whole = self.whole(share);
        let at = whole.window.to;
        if let Some(end) = self.in_samples(at).filter(|_| at == share.window.to) {
            return end;
        }
        let real = match self.digests_of(whole).next_back().filter(|(window, _)| window.to == at) {
            Some((window, digest)) => Some(self.condensed(at, *window, digest)),
            None => self.gaps_of(whole).next_back().map(|gap| self.end_in(gap, whole)),
        };
        match real {
            Some(end) if whole.window.to == share.window.to => end,
            real => End::cut(share.window.to, Reason::MonthEnds, real),
        }
    }

    /// Why a segment begins in a gap; none where nothing is known of what came before.
    fn begin_in(&self, gap: &Gap, whole: Segment) -> Option<End> {
        let (number, at) = (gap.number, whole.window.from);
        if at > gap.window.from {
            return Some(match whole.certainty {
                Certainty::Proven => self.end_at(at, Reason::CoverageBegins, self.points.points.get(number)),
                Certainty::Possible => self.end_at(at, Reason::CoverageEnds, self.point_before(number)),
            });
        }
        match self.point_before(number) {
            Some(point) => Some(self.end_at(at, Reason::Evidence, Some(point))),
            None => {
                self.points.created.map(|_| End { evidence: self.created(), ..self.end_at(at, Reason::Created, None) })
            }
        }
    }

    /// Why a segment ends in a gap.
    fn end_in(&self, gap: &Gap, whole: Segment) -> End {
        let (number, at) = (gap.number, whole.window.to);
        let next = self.points.points.get(number);
        if at < gap.window.to {
            return self.end_at(at, Reason::CoverageBegins, next);
        }
        let stops = next.is_some_and(|point| point.kind.after() == Some(State::NotRunning));
        let reason = match self.month.left_at {
            _ if at < self.horizon || stops => Reason::Evidence,
            Some(_) => Reason::Left,
            None => Reason::AsOf,
        };
        self.end_at(at, reason, next)
    }

    pub(super) fn point_before(&self, gap: usize) -> Option<&Point> {
        self.points.points.get(gap.checked_sub(1)?)
    }

    /// An end at that of a stretch of which only the sums are kept.
    fn condensed(&self, at: DateTime<Utc>, stretch: Window, digest: &Digest) -> End {
        let witness = Witness::of_digest(at, stretch, digest);
        End { at, reason: Reason::Condensed, evidence: vec![witness], beyond: None }
    }

    fn end_at(&self, at: DateTime<Utc>, reason: Reason, point: Option<&Point>) -> End {
        let evidence = point.map(|point| self.witnesses(point)).unwrap_or_default();
        End { at, reason, evidence, beyond: None }
    }

    /// Why a segment is not proven: a sentence for each gap that it lies in, as far as that is in the month.
    fn why(&self, share: &Segment) -> Vec<String> {
        match share.certainty {
            Certainty::Proven => Vec::new(),
            Certainty::Possible => {
                let sampled = self.sum_of(&share.window).filter(|_| share.sum.is_some());
                let gaps = self.gaps_of(*share).filter(|_| share.sum.is_none()).map(|gap| self.why_possible(gap));
                let digests = self.digests_of(*share).filter(|(_, digest)| digest.possible > TimeDelta::zero());
                let digests = digests.map(|(window, digest)| why_possible_in_digest(*window, digest));
                gaps.chain(digests).chain(sampled.map(|_| SAMPLED_IN_PART.to_owned())).collect()
            }
        }
    }
}

impl End {
    fn cut(at: DateTime<Utc>, reason: Reason, beyond: Option<End>) -> Self {
        Self { at, reason, evidence: Vec::new(), beyond: beyond.map(Box::new) }
    }
}
