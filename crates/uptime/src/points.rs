//! From a set of evidence to the points of a timeline: sorted, each start and each stop once.

use chrono::{DateTime, Utc};

use crate::admitted::{Admitted, Stretch};
use crate::claims::{Claim, Claims, SourceKind, is_same_change};
use crate::digest::Digest;
use crate::evidence::{Evidence, Fact, Source};
use crate::kind::{Kind, NextStart};
use crate::machine::Machine;
use crate::span::RunningTime;
use crate::state::State;
use crate::window::{Coverage, Window};

/// An instant of which something is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) at: DateTime<Utc>,
    pub(crate) kind: Kind,
    /// Of a point after which it does not run.
    pub(crate) next_start: NextStart,
    /// The instants of the first and the last claim of it. There is none of anything else between them.
    pub(crate) claimed: (DateTime<Utc>, DateTime<Utc>),
}

impl Point {
    fn at(at: DateTime<Utc>, kind: Kind, next_start: NextStart) -> Self {
        Self { at, kind, next_start, claimed: (at, at) }
    }
}

/// What the evidence of one server says, ready for the arithmetic.
#[derive(Debug, Default)]
pub(crate) struct Points {
    pub(crate) machine: Machine,
    /// In time order; each start and each stop once.
    pub(crate) points: Vec<Point>,
    /// Stretches of which only the sums are known, in time order. There is no other evidence of the time inside them.
    pub(crate) digests: Vec<(Window, Digest)>,
    /// Before it the server did not exist.
    pub(crate) created: Option<DateTime<Utc>>,
    /// The last start that is known.
    pub(crate) last_start: Option<DateTime<Utc>>,
    /// Where every start is known: the coverage, but for the time in which EC2 itself may start the server; and the windows
    /// from its last start, as EC2 showed it, to the look, for no other start was in them.
    pub(crate) starts_known: Coverage,
    /// Where EC2 itself, which has stopped the server, may have started it again: coverage proves nothing there.
    pub(crate) starts_by_ec2: Vec<Window>,
    /// From a server's last start, as EC2 showed it, to the look that it runs: no other claim of that time
    /// counts.
    pub(crate) runs: Vec<Window>,
    /// Where CloudWatch's samples tell what nothing else does.
    pub(crate) sampled: Vec<Stretch>,
    /// Stretches of which CloudWatch's samples tell only the sums.
    pub(crate) sums: Vec<(Window, RunningTime)>,
    /// Stretches of which CloudWatch's samples tell otherwise than all else: of these they do not count.
    pub(crate) disagreements: Vec<Window>,
}

impl Points {
    /// The points in evidence of a machine up to `now`.
    pub(crate) fn of<'e>(
        machine: Machine,
        evidence: impl IntoIterator<Item = &'e Evidence>,
        coverage: &Coverage,
        now: DateTime<Utc>,
    ) -> Self {
        let mut records: Vec<&Evidence> = evidence.into_iter().filter(|evidence| evidence.at <= now).collect();
        let samples: Vec<&Evidence> = records.extract_if(.., |piece| piece.source == Source::CloudWatch).collect();
        if samples.is_empty() {
            return Self::with(Admitted::default(), machine, records, coverage, now);
        }
        let known = Self::with(Admitted::default(), machine, records.clone(), coverage, now);
        let admitted = Admitted::of(&samples, &records, &known, coverage, now);
        Self::with(admitted, machine, records, coverage, now)
    }

    /// The points in what was recorded, and in what CloudWatch tells beyond it.
    fn with(
        admitted: Admitted,
        machine: Machine,
        mut evidence: Vec<&Evidence>,
        coverage: &Coverage,
        now: DateTime<Utc>,
    ) -> Self {
        let Admitted { stretches: sampled, sums, disagreements } = admitted;
        let mut claims: Vec<Claim> = sampled.iter().flat_map(Stretch::claims).collect();
        let mut since_starts: Vec<Window> = sampled.iter().map(|stretch| stretch.window).collect();
        let mut known = Self { machine, sampled, sums, disagreements, ..Self::default() };
        known.take_digests(&mut evidence, now);
        for piece in &evidence {
            if piece.fact == Fact::Created {
                let at = piece.at;
                known.created = Some(known.created.map_or(at, |created| created.min(at)));
            }
            let of_piece = Claims::of(piece, &evidence, machine);
            claims.extend(of_piece.itself);
            claims.extend(of_piece.last_start);
            known.runs.extend(of_piece.run());
            since_starts.extend(of_piece.since_start);
        }
        claims.retain(|claim| !known.contradicts(claim) && !known.is_digested(claim.at));
        known.points = merge(claims, machine);
        known.starts_by_ec2 = starts_by_ec2(&known.points, now);
        known.starts_known = known.starts_by_ec2.iter().fold(coverage.clone(), Coverage::without);
        since_starts.into_iter().for_each(|window| known.starts_known.add(window));
        let starts = |point: &&Point| matches!(point.kind, Kind::Start | Kind::Both);
        known.last_start = known.points.iter().rfind(starts).map(|point| point.at);
        known.order_pairs();
        known
    }

    /// Takes the digests out of the evidence, and what they stand for: it may have been read again.
    fn take_digests(&mut self, evidence: &mut Vec<&Evidence>, now: DateTime<Utc>) {
        let digests = evidence.iter().filter_map(|piece| piece.digest());
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
        evidence.retain(|piece| piece.digest().is_none() && !self.is_digested(piece.at) || piece.fact == Fact::Created);
    }

    /// True for an instant inside of a digest.
    fn is_digested(&self, at: DateTime<Utc>) -> bool {
        self.digests.iter().any(|(window, _)| window.from < at && at < window.to)
    }

    /// True for a claim of a time of which EC2 knows better.
    pub(crate) fn contradicts(&self, claim: &Claim) -> bool {
        self.runs.iter().any(|run| claim.contradicts(run, self.machine))
    }

    /// Tells whether a start and a stop within one second were a run or a pause, where a neighbour says so and no unknown
    /// start can have come between.
    fn order_pairs(&mut self) {
        let pairs: Vec<usize> = (0..self.points.len()).filter(|i| self.points[*i].kind == Kind::Both).collect();
        for i in pairs.iter().copied() {
            let at = self.points[i].at;
            let not_yet_created = self.created.is_some_and(|created| created >= at);
            let stopped_since = self.state_before(i).filter(|(state, _)| *state == Some(State::NotRunning));
            let stopped_before =
                not_yet_created || stopped_since.is_some_and(|(_, since)| self.starts_known.until(since) >= at);
            if stopped_before {
                self.points[i].kind = Kind::SeenStopped;
            }
        }
        for i in pairs.into_iter().rev() {
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
        let is_repeated = windows.last().is_some_and(|ended: &Window| ended.to == point.at && point.kind == Kind::Stop);
        if point.next_start == NextStart::ByEc2 || is_repeated && point.next_start != NextStart::Never {
            since = Some(point.at);
        }
    }
    windows.extend(since.map(|since| Window::new(since, now)));
    windows
}

/// Makes one point of what several sources claim of one change, and of what is claimed of one second.
fn merge(mut claims: Vec<Claim>, machine: Machine) -> Vec<Point> {
    claims.sort_unstable();
    claims.dedup();
    let mut points: Vec<Point> = Vec::with_capacity(claims.len());
    // The claims of the change that the last point is about.
    let mut last: Vec<Claim> = Vec::new();
    for instant in claims.chunk_by(|a, b| a.at == b.at) {
        let has = |kind| instant.iter().any(|claim| claim.kind == kind);
        let next_start = instant.iter().map(|claim| claim.next_start).max().unwrap_or_default();
        if has(Kind::Start) && has(Kind::Stop) {
            points.push(Point::at(instant[0].at, Kind::Both, next_start));
            last.clear();
            continue;
        }
        // A change tells the states around it; being seen in the same second adds nothing. Seen both running and
        // stopped, it stopped: where starts are known, there would be evidence of a start.
        let changes = has(Kind::Start) || has(Kind::Stop);
        let counted = || instant.iter().copied().filter(|claim| !changes || !claim.kind.is_sighting());
        let running = counted().filter(|claim| claim.kind == Kind::SeenRunning);
        for next in running.chain(counted().filter(|claim| claim.kind != Kind::SeenRunning)) {
            let next_start = if next.kind.after() == Some(State::NotRunning) { next_start } else { NextStart::ByCall };
            add(&mut points, &mut last, Claim { next_start, ..next }, machine);
        }
    }
    points
}

/// Adds a claim to the change that it is of, or as a new point.
fn add(points: &mut Vec<Point>, last: &mut Vec<Claim>, next: Claim, machine: Machine) {
    match points.last_mut() {
        Some(point) if is_same_change(last, &next, machine) => {
            point.claimed.1 = next.at;
            point.next_start = point.next_start.max(next.next_start);
            // The state-change event is the most exact.
            if next.source == SourceKind::StateChange {
                point.at = next.at;
            }
        }
        _ => {
            points.push(Point::at(next.at, next.kind, next.next_start));
            last.clear();
        }
    }
    last.push(next);
}
