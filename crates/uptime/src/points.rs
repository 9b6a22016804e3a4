//! From a set of evidence to the points of a timeline: sorted, each start and each stop once.

use chrono::{DateTime, Utc};

use crate::digest::Digest;
use crate::evidence::{Evidence, Fact};
use crate::kind::{Kind, NextStart};
use crate::machine::Machine;
use crate::state::State;
use crate::telling::{Teller, Telling, Told, is_same_change};
use crate::window::{Coverage, Window};

/// An instant at which something was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) at: DateTime<Utc>,
    pub(crate) kind: Kind,
    /// Of a point after which it does not run.
    pub(crate) next_start: NextStart,
    /// The instants of the first and the last that told of it. Nothing else was told of the time between.
    pub(crate) told: (DateTime<Utc>, DateTime<Utc>),
}

impl Point {
    fn told_at(at: DateTime<Utc>, kind: Kind, next_start: NextStart) -> Self {
        Self { at, kind, next_start, told: (at, at) }
    }
}

/// What the evidence of one server says, ready for the arithmetic.
#[derive(Debug, Default)]
pub(crate) struct Points {
    pub(crate) machine: Machine,
    /// In time order; each start and each stop once.
    pub(crate) points: Vec<Point>,
    /// Stretches of which only the sums are known, in time order. Nothing else is told of the time inside them.
    pub(crate) digests: Vec<(Window, Digest)>,
    /// Before it the server did not exist.
    pub(crate) created: Option<DateTime<Utc>>,
    /// The last start that was told.
    pub(crate) last_start: Option<DateTime<Utc>>,
    /// Where every start is known: the coverage, but for the time in which EC2 itself may start the server; and the windows
    /// from its last start, as EC2 told it, to the sighting, for no other start was in them.
    pub(crate) starts_known: Coverage,
    /// Where EC2 itself, which has stopped the server, may have started it again: coverage proves nothing there.
    pub(crate) starts_by_ec2: Vec<Window>,
    /// From a server's last start, as EC2 told it, to the sighting that it runs: nothing else that was told of that time
    /// counts.
    pub(crate) runs: Vec<Window>,
}

impl Points {
    /// The points in evidence of a machine up to `now`.
    pub(crate) fn of<'e>(
        machine: Machine,
        evidence: impl IntoIterator<Item = &'e Evidence>,
        coverage: &Coverage,
        now: DateTime<Utc>,
    ) -> Self {
        let mut known = Self { machine, ..Self::default() };
        let mut told: Vec<Told> = Vec::new();
        let mut since_starts: Vec<Window> = Vec::new();
        let mut evidence: Vec<&Evidence> = evidence.into_iter().filter(|evidence| evidence.at <= now).collect();
        known.take_digests(&mut evidence, now);
        for told_now in &evidence {
            if told_now.fact == Fact::Created {
                let at = told_now.at;
                known.created = Some(known.created.map_or(at, |created| created.min(at)));
            }
            let telling = Telling::of(told_now, &evidence, machine);
            told.extend(telling.itself);
            told.extend(telling.last_start);
            known.runs.extend(telling.run());
            since_starts.extend(telling.since_start);
        }
        told.retain(|told| !known.contradicts(told) && !known.is_digested(told.at));
        known.points = merge(told, machine);
        known.starts_by_ec2 = starts_by_ec2(&known.points, now);
        known.starts_known = known.starts_by_ec2.iter().fold(coverage.clone(), Coverage::without);
        since_starts.into_iter().for_each(|window| known.starts_known.add(window));
        let starts = |point: &&Point| matches!(point.kind, Kind::Start | Kind::Both);
        known.last_start = known.points.iter().rfind(starts).map(|point| point.at);
        known.order_pairs();
        known
    }

    /// Takes the digests out of the evidence, and what they stand for: it may have been told again.
    fn take_digests(&mut self, evidence: &mut Vec<&Evidence>, now: DateTime<Utc>) {
        let digests = evidence.iter().filter_map(|told| told.digest());
        self.digests = digests.map(|(window, digest)| digest.up_to(window, now)).collect();
        self.digests.sort_unstable_by_key(|(window, _)| window.from);
        // Of two writers at one time both may have condensed: the wider of two that overlap stands for both.
        self.digests.dedup_by(|next, first| {
            let overlap = next.0.from < first.0.to;
            if overlap && next.0.length() > first.0.length() {
                std::mem::swap(next, first);
            }
            overlap
        });
        evidence.retain(|told| told.digest().is_none() && !self.is_digested(told.at) || told.fact == Fact::Created);
    }

    /// True for an instant inside of a digest.
    fn is_digested(&self, at: DateTime<Utc>) -> bool {
        self.digests.iter().any(|(window, _)| window.from < at && at < window.to)
    }

    /// True where it was told of a time of which EC2 knows better.
    pub(crate) fn contradicts(&self, told: &Told) -> bool {
        self.runs.iter().any(|run| told.contradicts(run, self.machine))
    }

    /// Tells whether a start and a stop within one second were a run or a pause, where a neighbour says so and no unknown
    /// start can have come between.
    fn order_pairs(&mut self) {
        for i in 0..self.points.len() {
            let at = self.points[i].at;
            let not_yet_created = self.created.is_some_and(|created| created >= at);
            let stopped_since = self.state_before(i).filter(|(state, _)| *state == Some(State::NotRunning));
            let stopped_before =
                not_yet_created || stopped_since.is_some_and(|(_, since)| self.starts_known.until(since) >= at);
            if self.points[i].kind == Kind::Both && stopped_before {
                self.points[i].kind = Kind::SeenStopped;
            }
        }
        for i in (0..self.points.len()).rev() {
            let at = self.points[i].at;
            let runs_then = self.state_after(i).filter(|(state, _)| *state == Some(State::Running));
            let runs_after = runs_then.is_some_and(|(_, then)| self.starts_known.since(then) <= at);
            if self.points[i].kind == Kind::Both && runs_after {
                self.points[i].kind = Kind::SeenRunning;
            }
        }
    }

    /// What the neighbour before a point tells of the state from then on, and when that is.
    fn state_before(&self, i: usize) -> Option<(Option<State>, DateTime<Utc>)> {
        let point = self.points[..i].last().map(|point| (point.kind.after(), point.at));
        let digest = self.digests.iter().rfind(|(window, _)| window.to <= self.points[i].at);
        let digest = digest.map(|(window, digest)| (Some(digest.after), window.to));
        digest.into_iter().chain(point).max_by_key(|(_, at)| *at)
    }

    /// What the neighbour after a point tells of the state up to then, and when that is.
    fn state_after(&self, i: usize) -> Option<(Option<State>, DateTime<Utc>)> {
        let point = self.points.get(i + 1).map(|point| (point.kind.before(), point.at));
        let digest = self.digests.iter().find(|(window, _)| window.from >= self.points[i].at);
        let digest = digest.map(|(window, digest)| (Some(digest.before), window.from));
        digest.into_iter().chain(point).min_by_key(|(_, at)| *at)
    }
}

/// From each stop that EC2 itself made of a Spot server up to the next that tells of it running, or terminated.
fn starts_by_ec2(points: &[Point], now: DateTime<Utc>) -> Vec<Window> {
    let mut windows = Vec::new();
    let mut since: Option<DateTime<Utc>> = None;
    for point in points {
        let runs = [point.kind.before(), point.kind.after()].contains(&Some(State::Running));
        if runs || point.kind == Kind::Both || point.next_start == NextStart::Never {
            windows.extend(since.take().map(|since| Window::new(since, point.at)));
        }
        // A plain stop right after it, with no start between, may be another source's word of the same.
        let told_again = windows.last().is_some_and(|ended: &Window| ended.to == point.at && point.kind == Kind::Stop);
        if point.next_start == NextStart::ByEc2 || told_again && point.next_start != NextStart::Never {
            since = Some(point.at);
        }
    }
    windows.extend(since.map(|since| Window::new(since, now)));
    windows
}

/// Makes one point of what several sources told of one change, and of what was told of one second.
fn merge(mut told: Vec<Told>, machine: Machine) -> Vec<Point> {
    told.sort_unstable();
    told.dedup();
    let mut points: Vec<Point> = Vec::with_capacity(told.len());
    // The change that the last point tells of, and who told it so far.
    let mut last: Vec<Told> = Vec::new();
    for instant in told.chunk_by(|a, b| a.at == b.at) {
        let has = |kind| instant.iter().any(|told| told.kind == kind);
        let next_start = instant.iter().map(|told| told.next_start).max().unwrap_or_default();
        if has(Kind::Start) && has(Kind::Stop) {
            points.push(Point::told_at(instant[0].at, Kind::Both, next_start));
            last.clear();
            continue;
        }
        // A change tells the states around it; being seen in the same second adds nothing. Seen both running and
        // stopped, it stopped: where starts are known, a start would have been told.
        let changes = has(Kind::Start) || has(Kind::Stop);
        let telling = instant.iter().filter(|told| !changes || !told.kind.is_sighting());
        let (running, other): (Vec<Told>, Vec<Told>) = telling.partition(|told| told.kind == Kind::SeenRunning);
        for next in running.into_iter().chain(other) {
            let next_start = if next.kind.after() == Some(State::NotRunning) { next_start } else { NextStart::ByCall };
            add(&mut points, &mut last, Told { next_start, ..next }, machine);
        }
    }
    points
}

/// Adds what was told to the change that it is of, or as a new point.
fn add(points: &mut Vec<Point>, last: &mut Vec<Told>, next: Told, machine: Machine) {
    match points.last_mut() {
        Some(point) if is_same_change(last, &next, machine) => {
            point.told.1 = next.at;
            point.next_start = point.next_start.max(next.next_start);
            // The state-change event is the most exact.
            if next.source == Teller::StateChange {
                point.at = next.at;
            }
        }
        _ => {
            points.push(Point::told_at(next.at, next.kind, next.next_start));
            last.clear();
        }
    }
    last.push(next);
}
