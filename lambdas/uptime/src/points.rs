//! From a set of evidence to the points of a timeline: sorted, each start and each stop once.

use chrono::{DateTime, TimeDelta, Utc};

use crate::evidence::{Evidence, Fact};
use crate::telling::{Teller, Telling, Told, is_same_change};
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
    /// The instants of the first and the last that told of it. Nothing else was told of the time between.
    pub(crate) told: (DateTime<Utc>, DateTime<Utc>),
}

impl Point {
    fn told_at(at: DateTime<Utc>, kind: Kind) -> Self {
        Self { at, kind, told: (at, at) }
    }
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

    pub(crate) fn is_sighting(self) -> bool {
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
    /// From a server's last start, as EC2 told it, to the sighting that it runs: nothing else that was told of that time
    /// counts.
    pub(crate) runs: Vec<Window>,
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
        let evidence: Vec<&Evidence> = evidence.into_iter().filter(|evidence| evidence.at <= now).collect();
        for told_now in &evidence {
            if told_now.fact == Fact::Created {
                known.created = known.created.max(Some(told_now.at));
            }
            let telling = Telling::of(told_now, &evidence);
            told.extend(telling.itself);
            told.extend(telling.last_start);
            known.runs.extend(telling.run());
            if let Some(window) = telling.since_start {
                known.starts_known.add(window);
            }
        }
        told.retain(|told| !known.contradicts(told));
        known.points = merge(told);
        let starts = |point: &&Point| matches!(point.kind, Kind::Start | Kind::Both);
        known.last_start = known.points.iter().rfind(starts).map(|point| point.at);
        known.order_pairs();
        known
    }

    /// True where it was told of a time of which EC2 knows better.
    pub(crate) fn contradicts(&self, told: &Told) -> bool {
        self.runs.iter().any(|run| told.contradicts(run))
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
            points.push(Point::told_at(instant[0].at, Kind::Both));
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
            point.told.1 = next.at;
            // The state-change event is the most exact.
            if next.source == Teller::StateChange {
                point.at = next.at;
            }
        }
        _ => {
            points.push(Point::told_at(next.at, next.kind));
            last.clear();
        }
    }
    last.push(next);
}
