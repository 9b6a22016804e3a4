//! Which servers' months are to be settled once the trail is read, and what becomes of each. No effects.

use std::collections::BTreeSet;

use uptime::{InstanceId, Month};
use uptime_ledger::ports::IndexedServer;

use crate::config::Settings;
use crate::known::Known;
use crate::request::{Purpose, Request};
use crate::task::{Fate, Reach, Task};

/// What is to be settled, now that the trail is read: a month that is over, or last month while it is open and then this one.
pub(crate) fn tasks(request: &Request, known: &Known<'_>, settings: Settings) -> Vec<Task> {
    let (plan, month) = (known.plan, known.moment.month());
    let waited = |month: Month| known.moment.now >= month.end() + settings.month_open && known.reading.complete;
    if request.month != month {
        let fate = Fate::of_past(waited(request.month), request.purpose == Purpose::Reopen);
        return vec![Task { month: request.month, fate, ids: plan.ids.iter().cloned().collect() }];
    }
    let mut tasks = Vec::new();
    if plan.moves_the_watermark() {
        let last = month.previous();
        let is_over = plan.reach == Reach::Closing || waited(last);
        let fate = if is_over { Fate::BecomesFinal } else { Fate::StaysOpen };
        let ids = due_in(last, fate, known, settings);
        if !ids.is_empty() || known.observed.is_open(last) {
            tasks.push(Task { month: last, fate, ids });
        }
    }
    let ids = in_order(known);
    let fate = if plan.reach == Reach::Closing { Fate::Ends } else { Fate::GoesOn };
    tasks.push(Task { month, fate, ids });
    tasks
}

/// The servers whose last month is to be settled. Late events are waited for, and so is what a sweep could not read yet: the
/// month is settled once up to its end, and then only of those of which something came late, unless CloudTrail was read where
/// it had not been; the last time makes it final. Who could not be settled before is due until it is.
fn due_in(last: Month, fate: Fate, known: &Known<'_>, settings: Settings) -> Vec<InstanceId> {
    let (observed, state) = (known.observed, &known.observed.state);
    let mut ids: BTreeSet<InstanceId> = state.holes.keys().filter(|id| state.owes(id, last)).cloned().collect();
    if observed.is_open(last) {
        let all = fate.is_final() || known.covers_anew(last.until(last.end()));
        let is_due = |server: &&IndexedServer| {
            let is_behind = !server.left && server.as_of.is_none_or(|as_of| as_of < last.end());
            !server.is_final && (all || is_behind || known.has_evidence_before(last.end(), &server.id))
        };
        ids.extend(observed.last_month.iter().filter(is_due).map(|server| server.id.clone()));
        if let Some(watermark) = state.coverage.end() {
            ids.extend(observed.launched_unnoticed(last, watermark - settings.overlap));
        }
    }
    ids.into_iter().collect()
}

/// The servers of the month that is going on, each once, beginning where the last run was stopped.
fn in_order(known: &Known<'_>) -> Vec<InstanceId> {
    let (observed, plan) = (known.observed, known.plan);
    let mut ids: BTreeSet<&InstanceId> = plan.ids.iter().collect();
    if plan.moves_the_watermark() {
        ids.extend(observed.newly_left());
        // Evidence that comes late of a server that left may still be of the time before.
        let fills_hole = known.fills_hole();
        let late = |server: &&IndexedServer| server.left && (fills_hole || !known.reading.about(&server.id).is_empty());
        ids.extend(observed.index.iter().filter(late).map(|server| &server.id));
        // Who could not be settled before is due until it is, whatever became of it since.
        let month = known.moment.month();
        ids.extend(observed.state.holes.keys().filter(|id| observed.state.owes(id, month)));
    }
    let mut ids: Vec<InstanceId> = ids.into_iter().cloned().collect();
    if let Some(after) = observed.state.resume_after.as_ref().filter(|_| plan.moves_the_watermark()) {
        let first = ids.partition_point(|id| id <= after);
        ids.rotate_left(first);
    }
    ids
}
