//! What single pieces of evidence tell, before they are put together.

use chrono::{DateTime, TimeDelta, Utc};

use crate::evidence::{Evidence, Fact, Source};
use crate::kind::{Kind, NextStart, SAME_CHANGE};
use crate::machine::Machine;
use crate::window::Window;

/// Which kind of source told of a change: two of one kind tell of two changes, two of different kinds may tell of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Teller {
    CloudTrail,
    Ec2,
    StateChange,
}

impl Teller {
    fn of(source: &Source) -> Self {
        match source {
            Source::CloudTrail { .. } => Self::CloudTrail,
            Source::Ec2 | Source::Ledger => Self::Ec2,
            Source::StateChange { .. } => Self::StateChange,
        }
    }
}

/// One thing that was told of an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Told {
    pub(crate) at: DateTime<Utc>,
    pub(crate) kind: Kind,
    pub(crate) source: Teller,
    /// Where it tells that the server does not run from then on.
    pub(crate) next_start: NextStart,
}

impl Told {
    /// A server that runs has run since its last start, whatever else was told of the time between. A start told a
    /// moment later is that same start.
    pub(crate) fn contradicts(&self, run: &Window, machine: Machine) -> bool {
        let inside = run.from < self.at && self.at < run.to;
        let tolerance = if self.source == Teller::StateChange { machine.same_start() } else { SAME_CHANGE };
        let same_start = self.kind == Kind::Start && self.at - run.from <= tolerance;
        inside && self.kind != Kind::SeenRunning && !same_start
    }
}

/// What one piece of evidence tells among all others.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Telling {
    /// Itself; none for a creation, which is no point in a timeline, and for a sighting that was old news.
    pub(crate) itself: Option<Told>,
    /// The last start that a sighting tells of.
    pub(crate) last_start: Option<Told>,
    /// From that start up to when the sighting holds: no other start was in it.
    pub(crate) since_start: Option<Window>,
    /// Whether it was running at the end of that time, and so all through it.
    pub(crate) ran: bool,
}

impl Telling {
    /// What `told` tells of a machine; `evidence` is all that is known.
    pub(crate) fn of(told: &Evidence, evidence: &[&Evidence], machine: Machine) -> Self {
        let (kind, last_start) = match &told.fact {
            // Neither is a point in a timeline.
            Fact::Created | Fact::Digest(_) => return Self::default(),
            Fact::Started => (Kind::Start, None),
            Fact::RunningAfter => (Kind::RunningAfter, None),
            Fact::Stopped | Fact::Interrupted | Fact::Terminated => (Kind::Stop, None),
            Fact::SeenRunning { last_start } => (Kind::SeenRunning, *last_start),
            Fact::SeenStopped { last_start } | Fact::SeenTerminated { last_start } => (Kind::SeenStopped, *last_start),
        };
        // A last start after the sighting is no start that it could tell of.
        let last_start = last_start.filter(|start| *start <= told.at);
        let seen_until = last_start.map_or(told.at, |start| old_news_since(evidence, told.at, kind, start, machine));
        let source = Teller::of(&told.source);
        let itself = Told { at: told.at, kind, source, next_start: next_start(&told.fact) };
        let start = |at| Told { at, kind: Kind::Start, source: Teller::Ec2, next_start: NextStart::ByCall };
        Self {
            itself: (seen_until == told.at).then_some(itself),
            last_start: last_start.map(start),
            since_start: last_start.map(|start| Window::new(start, seen_until)),
            ran: kind == Kind::SeenRunning,
        }
    }

    /// The time in which nothing else can have happened: EC2 showed a server running since its last start.
    pub(crate) fn run(&self) -> Option<Window> {
        self.since_start.filter(|_| self.ran)
    }
}

fn next_start(fact: &Fact) -> NextStart {
    match fact {
        Fact::Interrupted => NextStart::ByEc2,
        Fact::Terminated | Fact::SeenTerminated { .. } => NextStart::Never,
        _ => NextStart::ByCall,
    }
}

/// Up to when what EC2 showed at `seen_at` was so. EC2 may show a server for a moment as it was before a change that was
/// told already: running though it stopped after its last start, or stopped with a last start before another one.
fn old_news_since(
    evidence: &[&Evidence],
    seen_at: DateTime<Utc>,
    kind: Kind,
    last_start: DateTime<Utc>,
    machine: Machine,
) -> DateTime<Utc> {
    let missed = |told: &&&Evidence| match kind {
        Kind::SeenRunning => told.fact.is_stop() && told.at > last_start,
        Kind::SeenStopped => {
            let is_start = told.fact == Fact::Started && told.source != Source::Ec2;
            is_start && told.at - last_start > machine.same_start()
        }
        _ => false,
    };
    let just_before = evidence.iter().filter(|told| told.at <= seen_at && seen_at - told.at <= SAME_CHANGE);
    just_before.filter(missed).map(|told| told.at).min().unwrap_or(seen_at)
}

/// `told` is in time order and starts with the earliest.
pub(crate) fn is_same_change(told: &[Told], next: &Told, machine: Machine) -> bool {
    let Some(first) = told.first() else { return false };
    if next.kind != first.kind || next.kind.is_sighting() || told.iter().any(|told| told.source == next.source) {
        return false;
    }
    // The event comes after the call: a call after it is of another change, but for the rounding to seconds.
    let tolerance = match (next.kind, next.source) {
        (Kind::Start, Teller::StateChange) => machine.same_start(),
        (Kind::Start, _) if told.iter().any(|told| told.source == Teller::StateChange) => TimeDelta::seconds(1),
        _ => SAME_CHANGE,
    };
    next.at - first.at <= tolerance
}
