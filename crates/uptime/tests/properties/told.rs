//! Everything that is true evidence of one server, and which of it cannot be lost.

use chrono::TimeDelta;
use uptime::{Coverage, Evidence, Fact, Source, Timeline, read_record};

use crate::plan::{Plan, Telling};
use crate::reference_model::{Change, Fleet, Server};

/// One piece of true evidence.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) evidence: Evidence,
    /// Never lost, see [`told_apart`].
    pinned: bool,
}

impl Piece {
    /// A sweep that has read a window whole has every start in it.
    pub(crate) fn is_required(&self, plan: &Plan, windows: &[(i64, i64)]) -> bool {
        self.pinned || windows.iter().any(|window| self.is_start_in(plan, *window))
    }

    pub(crate) fn is_start_in(&self, plan: &Plan, window: (i64, i64)) -> bool {
        let window = plan.window(window);
        self.is_start_call() && window.from <= self.evidence.at && self.evidence.at <= window.to
    }

    pub(crate) fn is_start_call(&self) -> bool {
        self.evidence.fact == Fact::Started && matches!(self.evidence.source, Source::CloudTrail { .. })
    }
}

/// All evidence of a server up to now.
pub(crate) fn pieces(plan: &Plan, fleet: &Fleet<'_>, server: &Server) -> Vec<Piece> {
    let records = fleet.records.iter().flat_map(|json| read_record(json, &[]).unwrap());
    let recorded = records.filter(|(id, _)| *id == server.id).map(|(_, evidence)| evidence);
    let observed = server.observations.iter().flat_map(uptime::Observation::evidence);
    let changed = server.state_changes.iter().filter_map(uptime::StateChange::evidence);
    let apart = told_apart(plan, server);
    let piece = |evidence: Evidence| {
        let exact = matches!(evidence.source, Source::StateChange { .. });
        let change = if evidence.fact.is_stop() { Fact::Stopped } else { evidence.fact.clone() };
        // Without the record of EC2's own stop nobody can know that it may start the server again.
        let pinned = exact && apart.contains(&(evidence.at, change)) || evidence.fact == Fact::Interrupted;
        Piece { evidence, pinned }
    };
    recorded.chain(observed).chain(changed).map(piece).collect()
}

/// The changes that must be told because the two around them are close.
///
/// A start that one source tells up to 15 minutes after another source told one is the same start, and likewise two stops
/// up to 2 minutes apart, unless something between them is known. So where the stop between two such starts is lost, the
/// result is wrong by that much at most: the limit of any rule that lets several sources tell of one change.
fn told_apart(plan: &Plan, server: &Server) -> Vec<(chrono::DateTime<chrono::Utc>, Fact)> {
    let close = |changes: &&[(i64, Change)]| {
        let tolerance = if changes[0].1 == Change::Start { TimeDelta::minutes(15) } else { TimeDelta::minutes(2) };
        plan.instant(changes[2].0) - plan.instant(changes[0].0) <= tolerance
    };
    let fact = |change| if change == Change::Start { Fact::Started } else { Fact::Stopped };
    let between = |changes: &[(i64, Change)]| (plan.instant(changes[1].0), fact(changes[1].1));
    server.changes.windows(3).filter(close).map(between).collect()
}

/// The part of the evidence that a telling tells, in its order.
pub(crate) fn told(plan: &Plan, all: &[Piece], telling: &Telling) -> (Vec<Piece>, Vec<Piece>) {
    let windows = plan.until_now(&telling.windows);
    let mut numbered: Vec<(usize, Piece)> = all.iter().cloned().enumerate().collect();
    telling.shuffle(&mut numbered);
    let (told, lost): (Vec<_>, Vec<_>) =
        numbered.into_iter().partition(|(place, piece)| piece.is_required(plan, &windows) || telling.tells(*place));
    let pieces = |numbered: Vec<(usize, Piece)>| numbered.into_iter().map(|(_, piece)| piece).collect();
    (pieces(told), pieces(lost))
}

pub(crate) fn coverage(plan: &Plan, windows: &[(i64, i64)]) -> Coverage {
    plan.until_now(windows).into_iter().map(|window| plan.window(window)).collect()
}

pub(crate) fn timeline(plan: &Plan, told: &[Piece], windows: &[(i64, i64)]) -> Timeline {
    let evidence = told.iter().map(|piece| &piece.evidence);
    Timeline::of(evidence, &coverage(plan, windows), plan.instant(plan.now()))
}
