//! What CloudWatch's samples add to a server's month: what is asked of them, and what is kept.

use chrono::{DateTime, TimeDelta, Utc};

use crate::evidence::{Evidence, Fact};
use crate::month::Month;
use crate::points::Points;
use crate::server_month::ServerMonth;
use crate::timeline::{Certainty, Timeline};
use crate::window::{Coverage, Window};

/// What CloudWatch has of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sampled {
    /// The evidence in its samples.
    pub evidence: Vec<Evidence>,
    /// The time that it was asked about, after all its samples had arrived.
    pub asked: Coverage,
}

impl Sampled {
    /// A stretch in which the server may have run is not worth a question where it is shorter than this.
    pub const SHORTEST: TimeDelta = TimeDelta::minutes(3);
}

/// Samples so far beyond a stretch that is open tell of its ends.
const BEYOND: TimeDelta = TimeDelta::minutes(5);

impl ServerMonth {
    /// Where it may have run by its timeline, and CloudWatch was not asked yet.
    pub(crate) fn open_stretches(&self, timeline: &Timeline) -> Vec<Window> {
        let unasked = possible(timeline, self.month).flat_map(|window| self.asked.holes(window));
        unasked.filter(|window| window.length() >= Sampled::SHORTEST).collect()
    }

    /// True for a month of which no record tells: what is known of it, CloudWatch's samples tell.
    pub fn rests_on_samples(&self) -> bool {
        let month = Window::new(self.month.start(), self.month.end());
        let is_sample = |piece: &Evidence| piece.sampled_stretch().is_some();
        let is_record = |piece: &Evidence| month.from <= piece.at && piece.at < month.to && !is_sample(piece);
        self.coverage.within(&month) == Coverage::none()
            && self.evidence.iter().any(is_sample)
            && !self.evidence.iter().any(is_record)
    }

    /// The last start of a server that was seen stopped: samples of the run after it tell that CloudWatch has some of it.
    pub fn start_of_last_run(&self) -> Option<DateTime<Utc>> {
        match self.sighting.as_ref()?.fact {
            Fact::SeenStopped { last_start } | Fact::SeenTerminated { last_start } => last_start,
            _ => None,
        }
    }

    /// Takes over what CloudWatch has of it in the month, as far as nobody else tells; and what others contradict, for whoever
    /// asks why.
    pub(crate) fn take_samples(&mut self, sampled: &Sampled, now: DateTime<Utc>) {
        let month = Window::new(self.month.start(), self.month.end());
        let timeline = self.timeline(now);
        let open: Coverage = possible(&timeline, self.month).collect();
        let around = |window: &Window| Window::new(window.from - BEYOND, window.to + BEYOND).within(&month);
        let around: Coverage = open.windows().iter().map(around).collect();
        let tells = |piece: &&Evidence| {
            piece.sampled_stretch().is_some_and(|stretch| open.within(&stretch) != Coverage::none())
        };
        let disagreements = self.disagreements_with(&sampled.evidence, now);
        let is_contradicted = |piece: &&Evidence| disagreements.iter().any(|window| window.from == piece.at);
        let (telling, others): (Vec<_>, Vec<_>) = sampled.evidence.iter().partition(tells);
        let contradicted = others.into_iter().filter(is_contradicted).cloned();
        let worth = telling.into_iter().filter_map(|piece| piece.cut_to(&around)).chain(contradicted);
        self.learn(worth.collect::<Vec<_>>(), &Coverage::none());
        self.asked = std::mem::take(&mut self.asked).and(&sampled.asked.within(&month));
    }
}

impl ServerMonth {
    /// The stretches of samples of which all else tells otherwise.
    fn disagreements_with(&self, samples: &[Evidence], now: DateTime<Utc>) -> Vec<Window> {
        let evidence = self.all_evidence().chain(samples);
        Points::of(self.machine(), evidence, &self.coverage, self.horizon(now)).disagreements
    }
}

/// Where a server may have run in a month, and it is known when.
fn possible(timeline: &Timeline, month: Month) -> impl Iterator<Item = Window> {
    let open = timeline.segments_in(month).filter(|part| part.certainty == Certainty::Possible && part.sum.is_none());
    open.map(|part| part.window)
}

impl Evidence {
    /// The part of samples from the first to the last of these windows that they touch; none where they touch none.
    fn cut_to(&self, windows: &Coverage) -> Option<Self> {
        let touched = windows.within(&self.sampled_stretch()?);
        let (from, until) = (touched.start()?, touched.end()?);
        let fact = match self.fact {
            Fact::Sampled { .. } => Fact::Sampled { until },
            Fact::Unsampled { .. } => Fact::Unsampled { until },
            // What a part of it comes to is not known.
            _ => return Some(self.clone()),
        };
        Some(Self { at: from, fact, source: self.source.clone() })
    }
}
