//! A server's runs, derived from all its evidence.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::digest::Digest;
use crate::evidence::Evidence;
use crate::gap::Gap;
use crate::machine::Machine;
use crate::minutes::Minutes;
use crate::month::Month;
use crate::points::{Point, Points};
use crate::span::{RunningTime, Span};
use crate::state::State;
use crate::window::{Coverage, Window};

/// Whether a stretch of running time is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// The evidence leaves nothing else.
    Proven,
    /// The evidence allows it.
    Possible,
}

const BOTH: [Certainty; 2] = [Certainty::Proven, Certainty::Possible];

/// A stretch of time in which a server ran, or may have run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// From when to when.
    pub window: Window,
    /// Whether it certainly ran.
    pub certainty: Certainty,
    /// How much of the window it is, where only that is kept; all of it where there is none.
    pub sum: Option<TimeDelta>,
}

impl Segment {
    /// How long the server ran, or may have run, in it.
    pub fn length(&self) -> TimeDelta {
        self.sum.unwrap_or_else(|| self.window.length())
    }

    /// The same, proven or possible by its certainty.
    pub fn running_time(&self) -> RunningTime {
        let none = TimeDelta::zero();
        match self.certainty {
            Certainty::Proven => RunningTime { proven: self.length(), possible: none },
            Certainty::Possible => RunningTime { proven: none, possible: self.length() },
        }
    }
}

/// A server's runs up to an instant. It depends only on the set of evidence and its coverage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    segments: Vec<Segment>,
    running_since: Option<DateTime<Utc>>,
    /// Gaps with possible time in them of which CloudTrail has not been read whole: reading it could rule that out.
    unread: Vec<Window>,
    /// Stretches of which CloudWatch's samples tell otherwise than all else, which counts.
    disagreements: Vec<Window>,
}

impl Timeline {
    /// Derives the runs of one server up to `now` from its evidence, in any order, each piece once or several times.
    ///
    /// `coverage` is where every start is known. Evidence from before the month in question tells the state at its start.
    pub fn of<'e>(evidence: impl IntoIterator<Item = &'e Evidence>, coverage: &Coverage, now: DateTime<Utc>) -> Self {
        Self::of_machine(Machine::Virtual, evidence, coverage, now)
    }

    /// The same of a server whose kind of machine is known.
    pub fn of_machine<'e>(
        machine: Machine,
        evidence: impl IntoIterator<Item = &'e Evidence>,
        coverage: &Coverage,
        now: DateTime<Utc>,
    ) -> Self {
        Self::recording(&Points::of(machine, evidence, coverage, now), coverage, now, |_| {})
    }

    /// The same from points up to `now`. `record` gets each gap, in time order.
    pub(crate) fn recording(
        known: &Points,
        coverage: &Coverage,
        now: DateTime<Utc>,
        mut record: impl FnMut(Gap),
    ) -> Self {
        let first = known.points.first().map_or(now, |point| point.at);
        let mut timeline = Self { disagreements: known.disagreements.clone(), ..Self::default() };
        let mut digests = known.digests.iter().peekable();
        let mut before: (Option<State>, DateTime<Utc>) =
            (None, known.created.unwrap_or(DateTime::<Utc>::MIN_UTC).min(first));
        let mut bridge = |timeline: &mut Self, number, before, after| {
            let gap = Gap::between(number, before, after, &known.starts_known);
            timeline.bridge(&gap, coverage);
            record(gap);
        };
        let ends = known.points.iter().map(|point| (point.kind.before(), point.at)).chain([(None, now)]);
        for (number, after) in ends.enumerate() {
            while let Some((window, digest)) = digests.next_if(|(window, _)| window.to <= after.1) {
                bridge(&mut timeline, number, before, (Some(digest.before), window.from));
                timeline.push_digest(*window, digest);
                before = (Some(digest.after), window.to);
            }
            bridge(&mut timeline, number, before, after);
            if let Some(point) = known.points.get(number) {
                before = (point.kind.after(), point.at);
            }
        }
        known.sums.iter().for_each(|(window, time)| timeline.narrow(*window, *time));
        timeline.running_since = timeline.open_run(known.points.last(), known.last_start);
        timeline
    }

    fn bridge(&mut self, gap: &Gap, coverage: &Coverage) {
        let possible = gap.part(Certainty::Possible);
        if !possible.is_empty() && coverage.until(gap.window.from) < gap.window.to {
            self.unread.push(gap.window);
        }
        self.push(possible, Certainty::Possible);
        self.push(gap.part(Certainty::Proven), Certainty::Proven);
    }

    fn push(&mut self, window: Window, certainty: Certainty) {
        match self.segments.last_mut() {
            _ if window.is_empty() => {}
            Some(last) if last.window.to == window.from && last.certainty == certainty && last.sum.is_none() => {
                last.window.to = window.to;
            }
            _ => self.segments.push(Segment { window, certainty, sum: None }),
        }
    }

    fn push_digest(&mut self, window: Window, digest: &Digest) {
        for (certainty, sum) in [(Certainty::Proven, digest.proven), (Certainty::Possible, digest.possible)] {
            if sum == window.length() {
                self.push(window, certainty);
            } else if sum > TimeDelta::zero() {
                self.segments.push(Segment { window, certainty, sum: Some(sum) });
            }
        }
    }

    /// Takes over of a stretch that was possible that only its sums are known.
    fn narrow(&mut self, stretch: Window, time: RunningTime) {
        let holds = |segment: &Segment| {
            let is_open = segment.certainty == Certainty::Possible && segment.sum.is_none();
            is_open && segment.window.from <= stretch.from && stretch.to <= segment.window.to
        };
        let Some(i) = self.segments.iter().position(holds) else { return };
        let whole = self.segments[i];
        let part = |window, certainty, sum| Segment { window, certainty, sum };
        let parts = [
            part(Window::new(whole.window.from, stretch.from), Certainty::Possible, None),
            part(stretch, Certainty::Proven, Some(time.proven)),
            part(stretch, Certainty::Possible, Some(time.possible)),
            part(Window::new(stretch.to, whole.window.to), Certainty::Possible, None),
        ];
        let parts = parts.into_iter().filter(|part| part.length() > TimeDelta::zero());
        self.segments.splice(i..=i, parts);
    }

    /// Since when the server has been running, where the last that is known of it is that it runs.
    fn open_run(&self, last: Option<&Point>, last_start: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        let last = last.filter(|point| point.kind.after() == Some(State::Running))?;
        let ends_there = |s: &&Segment| s.certainty == Certainty::Proven && s.window.to == last.at && s.sum.is_none();
        let proven = self.segments.iter().rfind(ends_there);
        let since = proven.map_or(last.at, |segment| segment.window.from);
        // A stop and a start within one second leave no gap, and yet it is another run.
        Some(last_start.map_or(since, |start| since.max(start)))
    }

    pub(crate) fn disagreements(&self) -> &[Window] {
        &self.disagreements
    }

    /// When the run that is still going on started; it may be before the month. None where the server does not run.
    pub fn running_since(&self) -> Option<DateTime<Utc>> {
        self.running_since
    }

    /// True where the month begins with time that is possible only because too little was read of what came before:
    /// evidence or coverage from further back could tell.
    pub fn lacks_past(&self, month: Month) -> bool {
        self.unread.iter().any(|window| window.from <= month.start() && month.start() < window.to)
    }

    /// Everything that ran or may have run, in time order; the first may reach back beyond any month.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// True where it leaves less open than `other` and contradicts nothing of it: all that is proven there is proven here,
    /// and nothing is possible here that is not there.
    pub(crate) fn is_narrower_than(&self, other: &Self) -> bool {
        let within =
            |inner: &Coverage, outer: &Coverage| inner.windows().iter().all(|window| outer.holes(*window).is_empty());
        self.segments != other.segments
            && within(&other.time(&[Certainty::Proven]), &self.time(&[Certainty::Proven]))
            && within(&self.time(&BOTH), &other.time(&BOTH))
    }

    pub(crate) fn time(&self, certainties: &[Certainty]) -> Coverage {
        let segments = self.segments.iter().filter(|segment| certainties.contains(&segment.certainty));
        segments.map(|segment| segment.window).collect()
    }

    /// The part of the segments that lies in `month`.
    pub fn segments_in(&self, month: Month) -> impl Iterator<Item = Segment> + '_ {
        let month = Window::new(month.start(), month.end());
        let inside = move |s: &Segment| Segment { window: s.window.within(&month), ..*s };
        self.segments.iter().map(inside).filter(|segment| !segment.window.is_empty())
    }

    /// How long the server ran in `month`, in minutes.
    pub fn span(&self, month: Month) -> Span {
        self.running_time(month).span()
    }

    /// How long the server ran in `month`.
    pub fn running_time(&self, month: Month) -> RunningTime {
        self.segments_in(month).map(|segment| segment.running_time()).sum()
    }

    /// The proven minutes of each UTC day of `month` up to `now`, first day first. They sum to the month's minutes: a
    /// day's amount is what it adds to the amount before it, so that no hundredth is lost to rounding.
    pub fn days(&self, month: Month, now: DateTime<Utc>) -> Vec<Minutes> {
        self.days_of(&[Certainty::Proven], month, now)
    }

    /// The span of each of these days.
    pub fn day_spans(&self, month: Month, now: DateTime<Utc>) -> Vec<Span> {
        let days = self.days(month, now).into_iter().zip(self.days_of(&BOTH, month, now));
        // Rounded down each on its own, a day's most can be a hundredth less than what it proves.
        days.map(|(proven, most)| Span { proven, possible: most.max(proven) - proven }).collect()
    }

    fn days_of(&self, certainties: &[Certainty], month: Month, now: DateTime<Utc>) -> Vec<Minutes> {
        let month = month.until(now);
        let segments = self.segments.iter().filter(|segment| certainties.contains(&segment.certainty));
        let mut segments = segments.skip_while(|segment| segment.window.to <= month.from).peekable();
        let mut days = Vec::with_capacity(31);
        let (mut day, mut over, mut before) =
            (Window::new(month.from, month.from), TimeDelta::zero(), Minutes::default());
        while day.to < month.to {
            day = Window::new(day.to, (day.to + TimeDelta::days(1)).min(month.to));
            while let Some(segment) = segments.next_if(|segment| segment.window.to <= day.to) {
                // What is kept as a sum lies within one day; of another one the days before had their part.
                over += segment.sum.unwrap_or_else(|| segment.window.within(&day).length());
            }
            over += segments.peek().map_or(TimeDelta::zero(), |next| next.window.within(&day).length());
            let minutes = Minutes::floor(over);
            days.push(minutes - before);
            before = minutes;
        }
        days
    }
}
