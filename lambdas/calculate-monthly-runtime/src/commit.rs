//! The fifth step: how far the fleet was swept, now that all that was read is stored or left as a hole of its own server.

use uptime::{Month, Period, Window};
use uptime_ledger::ports::{Ledger, SweepState};
use uptime_ledger::{Part, SharedLook};

use crate::error::RunError;
use crate::holes::are_few;
use crate::known::Known;
use crate::settle::Settlement;
use crate::sweep_state::{ATTEMPTS, change};
use crate::task::{Fate, Reach};

/// Moves the watermark on.
///
/// # Errors
/// Where the sweep state cannot be read or stored.
pub(crate) async fn commit<L: Ledger>(
    ledger: &L,
    known: &Known<'_>,
    settlements: &[Settlement],
) -> Result<(), RunError> {
    let advanced = |read: &SweepState| advanced(read, known, settlements);
    if !change(ledger, known.observed.state.clone(), known.moment, advanced).await? {
        tracing::warn!(
            "Other runs moved the watermark {ATTEMPTS} times in between; the next run reads this hour again"
        );
    }
    Ok(())
}

/// The sweep state after this run. It never passes what is neither stored nor left as a hole in its own server's coverage.
fn advanced(read: &SweepState, known: &Known<'_>, settlements: &[Settlement]) -> SweepState {
    let stopped_after = settlements.iter().find_map(|settlement| settlement.stopped_after.clone());
    let mut next = SweepState { resume_after: stopped_after, ..read.clone() };
    let before = if known.plan.reach == Reach::Anew { &Default::default() } else { &read.coverage };
    let until = before.end().map_or(known.moment.now, |end| end.max(known.moment.now));
    let remembered = Window::new(known.observed.remembered_since, until);
    for settlement in settlements {
        let (observed, read) = (&known.observed.state, &known.reading.covered);
        settlement.storing.apply(&mut next.holes, observed, settlement.month, read, &remembered);
    }
    if !are_few(&next.holes) {
        next.holes.clone_from(&read.holes);
        return next;
    }
    // Where another run has committed in between, which of both saw a server last is not known.
    if read.revision == known.observed.state.revision
        && let Some(look) = settlements.iter().find_map(|settlement| shared_look(known, settlement))
    {
        next.add_look(look);
    }
    if !settlements.iter().all(|settlement| settlement.storing.is_settled()) {
        return next;
    }
    next.blind = read.blind.clone().and(&known.reading.blind).within(&remembered);
    next.coverage = known.reading.covered.clone().and(before).within(&remembered);
    next.lacks_past = settlements.iter().any(|settlement| settlement.lacks_past);
    if reached_back(known) {
        next.deep_sweep_at = Some(known.moment.now);
    }
    let closed = settlements.iter().find(|settlement| !settlement.fate.is_cached());
    if let Some(last) = closed.filter(|last| known.observed.is_open(last.month)) {
        next.final_month = next.final_month.max(last.fate.is_final().then_some(last.month));
    }
    let months: Vec<Month> =
        settlements.iter().filter(|done| is_to_be_reported(read, &next, done)).map(|done| done.month).collect();
    next.unaudited.extend(&months);
    next.unreported.extend(months);
    // What CloudWatch has forgotten nobody can compare any more.
    next.unaudited.retain(|month| known.moment.now - month.end() < Period::Hour.kept_for());
    next
}

/// True where a month has become final by a settlement, or a final one has got what it lacked.
fn is_to_be_reported(read: &SweepState, next: &SweepState, settlement: &Settlement) -> bool {
    let month = settlement.month;
    let is_new = read.final_month.is_none_or(|last| last < month);
    let is_healed = read.owes_any(month) && !next.owes_any(month);
    settlement.fate.is_final() && (is_new || is_healed)
}

/// The look of this run, as far as the items of its servers are settled.
fn shared_look(known: &Known<'_>, settlement: &Settlement) -> Option<SharedLook> {
    let not_shown = known.not_shown().filter(|_| settlement.fate == Fate::GoesOn)?;
    let after = || known.observed.state.resume_after.clone();
    let part = settlement.stopped_after.clone().map(|up_to| Part { after: after(), up_to });
    let except = not_shown.union(&settlement.unanswered).cloned().collect();
    Some(SharedLook { at: known.moment.now, part, except })
}

/// True where this run has read all that is worth reading again for what came late. That is in the newest window; what a
/// first run reads is as deep as it gets, even where it is only a part: the others go on from there.
fn reached_back(known: &Known<'_>) -> bool {
    let plan = known.plan;
    let newest = plan.windows.first();
    let newest_is_read = newest.is_none_or(|window| known.reading.covered.holes(*window).is_empty());
    plan.reach.begins_anew() || plan.reach == Reach::Deep && newest_is_read
}
