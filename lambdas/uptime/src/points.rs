//! From a set of evidence to the points of a timeline: sorted, each start and each stop once.

use chrono::{DateTime, TimeDelta, Utc};

use crate::evidence::{Evidence, Fact, Source};
use crate::window::{Coverage, Window};

/// How much later than the call a state-change `running` still tells of the same start.
const SAME_START: TimeDelta = TimeDelta::minutes(15);
/// How far apart a call, EC2's own note of it and the `stopping` event may tell of one change: clocks and rounding.
const SAME_CHANGE: TimeDelta = TimeDelta::minutes(2);

/// Whether a server's time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    NotRunning,
}

/// An instant at which the states before and after are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) at: DateTime<Utc>,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    SeenStopped,
    Start,
    SeenRunning,
    Stop,
}

impl Kind {
    pub(crate) fn before(self) -> State {
        match self {
            Self::SeenStopped | Self::Start => State::NotRunning,
            Self::SeenRunning | Self::Stop => State::Running,
        }
    }

    pub(crate) fn after(self) -> State {
        match self {
            Self::SeenStopped | Self::Stop => State::NotRunning,
            Self::SeenRunning | Self::Start => State::Running,
        }
    }

    fn is_sighting(self) -> bool {
        self.before() == self.after()
    }
}

/// What the evidence of one server says, ready for the arithmetic.
#[derive(Debug, Default)]
pub(crate) struct Points {
    /// In time order; each start and each stop once.
    pub(crate) points: Vec<Point>,
    /// Before it the server did not exist.
    pub(crate) created: Option<DateTime<Utc>>,
    /// Windows from a server's last start, as EC2 told it, to the sighting: no other start was in them.
    pub(crate) no_other_start: Coverage,
}

impl Points {
    /// The points in evidence up to `now`.
    pub(crate) fn of<'e>(evidence: impl IntoIterator<Item = &'e Evidence>, now: DateTime<Utc>) -> Self {
        let mut known = Self::default();
        let mut told: Vec<Told> = Vec::new();
        let mut running_since: Vec<Window> = Vec::new();
        for evidence in evidence.into_iter().filter(|evidence| evidence.at <= now) {
            let (kind, last_start) = match evidence.fact {
                Fact::Created => {
                    known.created = known.created.max(Some(evidence.at));
                    continue;
                }
                Fact::Started => (Kind::Start, None),
                Fact::Stopped => (Kind::Stop, None),
                Fact::SeenRunning { last_start } => (Kind::SeenRunning, last_start),
                Fact::SeenStopped { last_start } => (Kind::SeenStopped, last_start),
            };
            let source = Teller::of(&evidence.source);
            told.push(Told { at: evidence.at, kind, source });
            if let Some(start) = last_start {
                let window = Window::new(start, evidence.at);
                known.no_other_start.add(window);
                told.push(Told { at: start, kind: Kind::Start, source: Teller::Ec2 });
                running_since.extend((kind == Kind::SeenRunning).then_some(window));
            }
        }
        told.retain(|told| !running_since.iter().any(|run| told.contradicts(run)));
        known.points = merge(in_order(told));
        known
    }
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

/// Sorts by time. Of what was told for one instant, what fits the state before it goes first, so that a stop and a
/// start within one second keep their order.
fn in_order(mut told: Vec<Told>) -> Vec<Told> {
    told.sort_unstable();
    told.dedup();
    let mut state = None;
    for instant in told.chunk_by_mut(|a, b| a.at == b.at) {
        if instant.len() > 1 {
            order_instant(instant, state);
        }
        state = instant.last().map(|told| told.kind.after());
    }
    told
}

fn order_instant(instant: &mut [Told], before: Option<State>) {
    let ends_a_run = instant.iter().any(|told| told.kind == Kind::Stop);
    let mut state = before.unwrap_or(if ends_a_run { State::Running } else { State::NotRunning });
    let mut rest = instant;
    while let Some(next) =
        rest.iter().map(|told| told.kind).min_by_key(|kind| (kind.before() != state, !kind.is_sighting()))
    {
        rest.sort_by_key(|told| told.kind != next);
        let same = rest.partition_point(|told| told.kind == next);
        rest = &mut rest[same..];
        state = next.after();
    }
}

/// Makes one point of what several sources told of one change.
fn merge(told: Vec<Told>) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::with_capacity(told.len());
    // The change that the last point tells of, and who told it so far.
    let mut last: Vec<Told> = Vec::new();
    for next in told {
        match points.last_mut() {
            Some(point) if is_same_change(&last, &next) => {
                // The state-change event is the most exact.
                if next.source == Teller::StateChange {
                    point.at = next.at;
                }
                last.push(next);
            }
            _ => {
                points.push(Point { at: next.at, kind: next.kind });
                last.clear();
                last.push(next);
            }
        }
    }
    points
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
