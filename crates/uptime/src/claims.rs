//! What single pieces of evidence claim, before they are put together.

use chrono::{DateTime, TimeDelta, Utc};

use crate::evidence::{Evidence, Fact, Source};
use crate::kind::{Kind, NextStart, SAME_CHANGE};
use crate::machine::Machine;
use crate::window::Window;

/// The kind of source behind a claim: two claims of one kind are of two changes, two of different kinds may be of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SourceKind {
    CloudTrail,
    Ec2,
    StateChange,
    CloudWatch,
}

impl SourceKind {
    fn of(source: &Source) -> Self {
        match source {
            Source::CloudTrail { .. } => Self::CloudTrail,
            Source::Ec2 | Source::Ledger => Self::Ec2,
            Source::StateChange { .. } => Self::StateChange,
            Source::CloudWatch => Self::CloudWatch,
        }
    }
}

/// What a piece of evidence claims of one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Claim {
    pub(crate) at: DateTime<Utc>,
    pub(crate) kind: Kind,
    pub(crate) source: SourceKind,
    /// Where the server does not run from then on: what may start it again.
    pub(crate) next_start: NextStart,
}

impl Claim {
    /// True where it cannot be, since EC2 showed that the server ran all through `run`. A start a moment after the run began is
    /// that same start.
    pub(crate) fn contradicts(&self, run: &Window, machine: Machine) -> bool {
        let inside = run.from < self.at && self.at < run.to;
        let tolerance = if self.source == SourceKind::StateChange { machine.same_start() } else { SAME_CHANGE };
        let same_start = self.kind == Kind::Start && self.at - run.from <= tolerance;
        inside && self.kind != Kind::SeenRunning && !same_start
    }
}

/// All that one piece of evidence claims, given the others.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Claims {
    /// The state or change that it is about; none for a creation, which is no point in a timeline, and for a look that was
    /// outdated.
    pub(crate) itself: Option<Claim>,
    /// The last start that a look showed.
    pub(crate) last_start: Option<Claim>,
    /// From that start up to when the sighting holds: no other start was in it.
    pub(crate) since_start: Option<Window>,
    /// Whether it was running at the end of that time, and so all through it.
    pub(crate) ran: bool,
}

impl Claims {
    /// What `piece` claims of a machine; `evidence` is all that is known.
    pub(crate) fn of(piece: &Evidence, evidence: &[&Evidence], machine: Machine) -> Self {
        let (kind, last_start) = match &piece.fact {
            // None is a point in a timeline; what CloudWatch has samples of claims only what others leave open.
            Fact::Created
            | Fact::Digest(_)
            | Fact::Sampled { .. }
            | Fact::Unsampled { .. }
            | Fact::PartlySampled { .. } => return Self::default(),
            Fact::Started => (Kind::Start, None),
            Fact::RunningAfter => (Kind::RunningAfter, None),
            Fact::Stopped | Fact::Interrupted | Fact::Terminated => (Kind::Stop, None),
            Fact::SeenRunning { last_start } => (Kind::SeenRunning, *last_start),
            Fact::SeenStopped { last_start } | Fact::SeenTerminated { last_start } => (Kind::SeenStopped, *last_start),
        };
        // A last start after the look is none that it could show.
        let last_start = last_start.filter(|start| *start <= piece.at);
        let seen_until = last_start.map_or(piece.at, |start| old_news_since(evidence, piece.at, kind, start, machine));
        let source = SourceKind::of(&piece.source);
        let itself = Claim { at: piece.at, kind, source, next_start: next_start(&piece.fact) };
        let start = |at| Claim { at, kind: Kind::Start, source: SourceKind::Ec2, next_start: NextStart::ByCall };
        Self {
            itself: (seen_until == piece.at).then_some(itself),
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
/// known already: running though it stopped after its last start, or stopped with a last start before another one.
fn old_news_since(
    evidence: &[&Evidence],
    seen_at: DateTime<Utc>,
    kind: Kind,
    last_start: DateTime<Utc>,
    machine: Machine,
) -> DateTime<Utc> {
    let missed = |piece: &&&Evidence| match kind {
        Kind::SeenRunning => piece.fact.is_stop() && piece.at > last_start,
        Kind::SeenStopped => {
            let is_start = piece.fact == Fact::Started && piece.source != Source::Ec2;
            is_start && piece.at - last_start > machine.same_start()
        }
        _ => false,
    };
    let just_before = evidence.iter().filter(|piece| piece.at <= seen_at && seen_at - piece.at <= SAME_CHANGE);
    just_before.filter(missed).map(|piece| piece.at).min().unwrap_or(seen_at)
}

/// True where `next` is of the same change as `claims`, which are in time order.
pub(crate) fn is_same_change(claims: &[Claim], next: &Claim, machine: Machine) -> bool {
    let Some(first) = claims.first() else { return false };
    if next.kind != first.kind || next.kind.is_sighting() || claims.iter().any(|claim| claim.source == next.source) {
        return false;
    }
    // The event comes after the call: a call after it is of another change, but for the rounding to seconds.
    let tolerance = match (next.kind, next.source) {
        (Kind::Start, SourceKind::StateChange) => machine.same_start(),
        (Kind::Start, _) if claims.iter().any(|claim| claim.source == SourceKind::StateChange) => TimeDelta::seconds(1),
        _ => SAME_CHANGE,
    };
    next.at - first.at <= tolerance
}
