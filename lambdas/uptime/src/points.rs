//! From a set of evidence to the points of a timeline: sorted, each start and each stop once.

use chrono::{DateTime, TimeDelta, Utc};

use crate::evidence::{Evidence, Fact, Source};
use crate::window::{Coverage, Window};

/// How much later than the call a state-change `running` still tells of the same start.
pub(crate) const SAME_START: TimeDelta = TimeDelta::minutes(15);
/// How far apart a call, EC2's own note of it and the `stopping` event may tell of one change: clocks and rounding.
pub(crate) const SAME_CHANGE: TimeDelta = TimeDelta::minutes(2);

/// Whether a server's time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    NotRunning,
}

/// An instant at which something was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) at: DateTime<Utc>,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    SeenStopped,
    Start,
    /// A start of which the state before is not known: it may have been running.
    RunningAfter,
    SeenRunning,
    Stop,
    /// A start and a stop within one second, whose order only the neighbours can tell: the state is the same before and
    /// after it.
    Both,
}

impl Kind {
    /// The state before it, where it tells.
    pub(crate) fn before(self) -> Option<State> {
        match self {
            Self::SeenStopped | Self::Start => Some(State::NotRunning),
            Self::SeenRunning | Self::Stop => Some(State::Running),
            Self::RunningAfter | Self::Both => None,
        }
    }

    /// The state after it, where it tells.
    pub(crate) fn after(self) -> Option<State> {
        match self {
            Self::SeenStopped | Self::Stop => Some(State::NotRunning),
            Self::SeenRunning | Self::Start | Self::RunningAfter => Some(State::Running),
            Self::Both => None,
        }
    }

    fn is_sighting(self) -> bool {
        matches!(self, Self::SeenStopped | Self::SeenRunning)
    }
}

/// What the evidence of one server says, ready for the arithmetic.
#[derive(Debug, Default)]
pub(crate) struct Points {
    /// In time order; each start and each stop once.
    pub(crate) points: Vec<Point>,
    /// Before it the server did not exist.
    pub(crate) created: Option<DateTime<Utc>>,
    /// The last start that was told.
    pub(crate) last_start: Option<DateTime<Utc>>,
    /// Where every start is known: the coverage, and the windows from a server's last start, as EC2 told it, to the
    /// sighting, for no other start was in them.
    pub(crate) starts_known: Coverage,
}

impl Points {
    /// The points in evidence up to `now`.
    pub(crate) fn of<'e>(
        evidence: impl IntoIterator<Item = &'e Evidence>,
        coverage: &Coverage,
        now: DateTime<Utc>,
    ) -> Self {
        let mut known = Self { starts_known: coverage.clone(), ..Self::default() };
        let mut told: Vec<Told> = Vec::new();
        let mut running_since: Vec<Window> = Vec::new();
        let evidence: Vec<&Evidence> = evidence.into_iter().filter(|evidence| evidence.at <= now).collect();
        for told_now in &evidence {
            let (kind, last_start) = match told_now.fact {
                Fact::Created => {
                    known.created = known.created.max(Some(told_now.at));
                    continue;
                }
                Fact::Started => (Kind::Start, None),
                Fact::RunningAfter => (Kind::RunningAfter, None),
                Fact::Stopped => (Kind::Stop, None),
                Fact::SeenRunning { last_start } => (Kind::SeenRunning, last_start),
                Fact::SeenStopped { last_start } => (Kind::SeenStopped, last_start),
            };
            // A last start after the sighting is no start that it could tell of.
            let last_start = last_start.filter(|start| *start <= told_now.at);
            let seen_until =
                last_start.map_or(told_now.at, |start| old_news_since(&evidence, told_now.at, kind, start));
            if seen_until == told_now.at {
                told.push(Told { at: told_now.at, kind, source: Teller::of(&told_now.source) });
            }
            if let Some(start) = last_start {
                let window = Window::new(start, seen_until);
                known.starts_known.add(window);
                told.push(Told { at: start, kind: Kind::Start, source: Teller::Ec2 });
                running_since.extend((kind == Kind::SeenRunning).then_some(window));
            }
        }
        told.retain(|told| !running_since.iter().any(|run| told.contradicts(run)));
        known.points = merge(told);
        let starts = |point: &&Point| matches!(point.kind, Kind::Start | Kind::Both);
        known.last_start = known.points.iter().rfind(starts).map(|point| point.at);
        known.order_pairs();
        known
    }

    /// Tells whether a start and a stop within one second were a run or a pause, where a neighbour says so and no unknown
    /// start can have come between.
    fn order_pairs(&mut self) {
        for i in 0..self.points.len() {
            let at = self.points[i].at;
            let stopped_since = |point: &Point| {
                point.kind.after() == Some(State::NotRunning) && self.starts_known.until(point.at) >= at
            };
            let not_yet_created = self.created.is_some_and(|created| created >= at);
            let stopped_before = not_yet_created || self.points[..i].last().is_some_and(stopped_since);
            if self.points[i].kind == Kind::Both && stopped_before {
                self.points[i].kind = Kind::SeenStopped;
            }
        }
        for i in (1..self.points.len()).rev() {
            let (point, next) = (self.points[i - 1], self.points[i]);
            let runs_after = next.kind.before() == Some(State::Running) && self.starts_known.since(next.at) <= point.at;
            if point.kind == Kind::Both && runs_after {
                self.points[i - 1].kind = Kind::SeenRunning;
            }
        }
    }
}

/// Up to when what EC2 showed at `seen_at` was so. EC2 may show a server for a moment as it was before a change that was
/// told already: running though it stopped after its last start, or stopped with a last start before another one.
fn old_news_since(
    evidence: &[&Evidence],
    seen_at: DateTime<Utc>,
    kind: Kind,
    last_start: DateTime<Utc>,
) -> DateTime<Utc> {
    let missed = |told: &&&Evidence| match (kind, &told.fact) {
        (Kind::SeenRunning, Fact::Stopped) => told.at > last_start,
        (Kind::SeenStopped, Fact::Started) => told.source != Source::Ec2 && told.at - last_start > SAME_START,
        _ => false,
    };
    let just_before = evidence.iter().filter(|told| told.at <= seen_at && seen_at - told.at <= SAME_CHANGE);
    just_before.filter(missed).map(|told| told.at).min().unwrap_or(seen_at)
}

/// Which kind of source told of a change: two of one kind tell of two changes, two of different kinds may tell of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Teller {
    CloudTrail,
    Ec2,
    StateChange,
}

impl Teller {
    fn of(source: &Source) -> Self {
        match source {
            Source::CloudTrail { .. } => Self::CloudTrail,
            Source::Ec2 => Self::Ec2,
            Source::StateChange { .. } => Self::StateChange,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    at: DateTime<Utc>,
    kind: Kind,
    source: Teller,
}

impl Told {
    /// A server that runs has run since its last start, whatever else was told of the time between. A start told a
    /// moment later is that same start.
    fn contradicts(&self, run: &Window) -> bool {
        let inside = run.from < self.at && self.at < run.to;
        let tolerance = if self.source == Teller::StateChange { SAME_START } else { SAME_CHANGE };
        let same_start = self.kind == Kind::Start && self.at - run.from <= tolerance;
        inside && self.kind != Kind::SeenRunning && !same_start
    }
}

/// Makes one point of what several sources told of one change, and of what was told of one second.
fn merge(mut told: Vec<Told>) -> Vec<Point> {
    told.sort_unstable();
    told.dedup();
    let mut points: Vec<Point> = Vec::with_capacity(told.len());
    // The change that the last point tells of, and who told it so far.
    let mut last: Vec<Told> = Vec::new();
    for instant in told.chunk_by(|a, b| a.at == b.at) {
        let has = |kind| instant.iter().any(|told| told.kind == kind);
        if has(Kind::Start) && has(Kind::Stop) {
            points.push(Point { at: instant[0].at, kind: Kind::Both });
            last.clear();
            continue;
        }
        // A change tells the states around it; being seen in the same second adds nothing. Seen both running and
        // stopped, it stopped: where starts are known, a start would have been told.
        let changes = has(Kind::Start) || has(Kind::Stop);
        let telling = instant.iter().filter(|told| !changes || !told.kind.is_sighting());
        let (running, other): (Vec<Told>, Vec<Told>) = telling.partition(|told| told.kind == Kind::SeenRunning);
        for next in running.into_iter().chain(other) {
            add(&mut points, &mut last, next);
        }
    }
    points
}

/// Adds what was told to the change that it is of, or as a new point.
fn add(points: &mut Vec<Point>, last: &mut Vec<Told>, next: Told) {
    match points.last_mut() {
        Some(point) if is_same_change(last, &next) => {
            // The state-change event is the most exact.
            if next.source == Teller::StateChange {
                point.at = next.at;
            }
        }
        _ => {
            points.push(Point { at: next.at, kind: next.kind });
            last.clear();
        }
    }
    last.push(next);
}

/// `told` is in time order and starts with the earliest.
fn is_same_change(told: &[Told], next: &Told) -> bool {
    let Some(first) = told.first() else { return false };
    if next.kind != first.kind || next.kind.is_sighting() || told.iter().any(|told| told.source == next.source) {
        return false;
    }
    // The event comes after the call: a call after it is of another change, but for the rounding to seconds.
    let tolerance = match (next.kind, next.source) {
        (Kind::Start, Teller::StateChange) => SAME_START,
        (Kind::Start, _) if told.iter().any(|told| told.source == Teller::StateChange) => TimeDelta::seconds(1),
        _ => SAME_CHANGE,
    };
    next.at - first.at <= tolerance
}
