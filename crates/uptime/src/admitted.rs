//! What CloudWatch's samples tell of the time that all other evidence leaves open. They never override what is proven.

use chrono::{DateTime, TimeDelta, Utc};

use crate::claims::{Claim, SourceKind};
use crate::evidence::{Evidence, Fact, Source};
use crate::gap::Gap;
use crate::kind::{Kind, NextStart};
use crate::points::Points;
use crate::span::RunningTime;
use crate::state::State;
use crate::timeline::{Certainty, Timeline};
use crate::window::{Coverage, Window};

/// One sample a minute: what happens between two of them leaves no trace.
pub(crate) const BETWEEN_SAMPLES: TimeDelta = TimeDelta::minutes(1);
/// Samples and other evidence that contradict each other for no longer than this do not disagree: checks go on for a moment
/// while a server stops, begin a moment after it runs, and clocks differ.
pub(crate) const TOLERANCE: TimeDelta = TimeDelta::minutes(3);

/// The part of CloudWatch's evidence that counts.
#[derive(Debug, Default)]
pub(crate) struct Admitted {
    /// In these stretches the server ran all the time, or not at all.
    pub(crate) stretches: Vec<Stretch>,
    /// Of these only the sums are known.
    pub(crate) sums: Vec<(Window, RunningTime)>,
    /// Stretches of which others say otherwise: of these nothing counts.
    pub(crate) disagreements: Vec<Window>,
}

/// A stretch in which a server ran all the time, or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) window: Window,
    pub(crate) state: State,
}

impl Stretch {
    /// What it claims of both its ends.
    pub(crate) fn claims(&self) -> [Claim; 2] {
        let kind = if self.state == State::Running { Kind::SeenRunning } else { Kind::SeenStopped };
        let claim = |at| Claim { at, kind, source: SourceKind::CloudWatch, next_start: NextStart::ByCall };
        [claim(self.window.from), claim(self.window.to)]
    }
}

impl Admitted {
    /// The part of `samples` that fills what `records` leave open, of which `known` are the points up to `now`.
    pub(crate) fn of(
        samples: &[&Evidence],
        records: &[&Evidence],
        known: &Points,
        coverage: &Coverage,
        now: DateTime<Utc>,
    ) -> Self {
        let mut gaps = Vec::new();
        let timeline = Timeline::recording(known, coverage, now, |gap| gaps.push(gap));
        gaps.retain(|gap| !gap.part(Certainty::Possible).is_empty());
        let others = Others::of(records, &timeline);
        let mut admitted = Self::default();
        for piece in samples {
            let Some(stretch) = piece.sampled_stretch().map(|stretch| Window::new(stretch.from, stretch.to.min(now)))
            else {
                continue;
            };
            if others.contradict(&piece.fact, &stretch) {
                admitted.disagreements.push(stretch);
            } else {
                gaps.iter().for_each(|gap| admitted.fill(gap, &piece.fact, &stretch));
            }
        }
        admitted
    }

    /// Takes what a stretch tells of the open part of a gap.
    fn fill(&mut self, gap: &Gap, fact: &Fact, stretch: &Window) {
        let open = gap.part(Certainty::Possible);
        let state = match fact {
            Fact::Sampled { .. } => State::Running,
            Fact::Unsampled { .. } => State::NotRunning,
            Fact::PartlySampled { proven, possible, until } => {
                // Of a stretch that was cut, how much of the sums belongs to the rest is not known.
                if stretch.to == *until && open.from <= stretch.from && stretch.to <= open.to {
                    self.sums.push((*stretch, RunningTime { proven: *proven, possible: *possible }));
                }
                return;
            }
            _ => return,
        };
        // Where the state is not known to be the same at an end, another may have lasted until the next sample.
        let (before, after) = gap.states_of_open_part();
        let margin = |known: Option<State>| if known == Some(state) { TimeDelta::zero() } else { BETWEEN_SAMPLES };
        let window = stretch.within(&Window::new(open.from + margin(before), open.to - margin(after)));
        if !window.is_empty() {
            self.stretches.push(Stretch { window, state });
        }
    }
}

/// What all evidence but that of CloudWatch tells.
struct Others<'e> {
    records: &'e [&'e Evidence],
    /// Where the server ran.
    proven: Coverage,
    /// Where it ran, or may have run.
    open: Coverage,
}

impl<'e> Others<'e> {
    fn of(records: &'e [&'e Evidence], timeline: &Timeline) -> Self {
        let proven = timeline.time(&[Certainty::Proven]);
        Self { records, proven, open: timeline.time(&[Certainty::Proven, Certainty::Possible]) }
    }

    /// True where they say otherwise of a stretch.
    fn contradict(&self, fact: &Fact, stretch: &Window) -> bool {
        match fact {
            Fact::Sampled { .. } => stretch.length() - length_within(&self.open, stretch) > TOLERANCE,
            Fact::Unsampled { .. } => {
                let inner = Window::new(stretch.from + BETWEEN_SAMPLES, stretch.to - BETWEEN_SAMPLES);
                let inside = |piece: &&&Evidence| inner.from < piece.at && piece.at < inner.to;
                length_within(&self.proven, stretch) > TOLERANCE
                    || self.records.iter().filter(inside).any(|piece| saw_it_run(piece))
            }
            _ => false,
        }
    }
}

/// How much of a stretch is in a coverage.
fn length_within(coverage: &Coverage, stretch: &Window) -> TimeDelta {
    let parts = coverage.windows().iter().map(|window| window.within(stretch).length());
    parts.fold(TimeDelta::zero(), |sum, part| sum + part)
}

/// True for whoever saw the server run. A call alone has not: a start can fall back before the first check.
fn saw_it_run(piece: &Evidence) -> bool {
    let is_event = matches!(piece.source, Source::StateChange { .. });
    matches!(piece.fact, Fact::SeenRunning { .. }) || piece.fact == Fact::Started && is_event
}
