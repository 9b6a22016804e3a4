//! The month before: recomputed up to its end, open for a while, then final.

use std::collections::BTreeSet;

use uptime::{InstanceId, Month};
use uptime_aws::ports::{EventHistory, Fleet, IndexedServer, RuntimeCache, RuntimeHistory};
use uptime_ledger::Invocation;

use crate::error::RunError;
use crate::handler::Calculation;
use crate::holes::Storing;
use crate::passes::{Closing, Pass};
use crate::storing::Outcome;

/// What became of the month before.
#[derive(Debug)]
pub(crate) struct Closed {
    /// What could be stored, and what not.
    pub(crate) stored: Storing,
    /// This month, once the one before has been recomputed up to its end.
    pub(crate) rolled_over: Option<Month>,
    /// The month before, once it is final.
    pub(crate) final_month: Option<Month>,
}

impl<F: Fleet, H: EventHistory, L: RuntimeHistory, C: RuntimeCache> Calculation<F, H, L, C> {
    /// Treats the month before as long as it is open: the first run of a month recomputes all of it, later ones only the
    /// servers of which something was told late, unless CloudTrail was read where it had not been; the last one makes it
    /// final.
    pub(crate) async fn close_last_months(&self, pass: &Pass<'_>, invocation: Invocation) -> Result<Closed, RunError> {
        let learnt = pass.learnt;
        let month = Month::of(learnt.now);
        let last = month.previous();
        let mut closed = Closed { stored: Storing::default(), rolled_over: None, final_month: None };
        let open = learnt.state.final_month.is_none_or(|done| done < last);
        let is_owed = |id: &InstanceId| learnt.state.owes(id, last);
        let mut ids: BTreeSet<InstanceId> = learnt.state.holes.keys().filter(|id| is_owed(id)).cloned().collect();
        if !learnt.roster.whole_fleet || !open && ids.is_empty() {
            return Ok(closed);
        }
        // Late events are waited for, and so is what a sweep could not read yet.
        let finalize = learnt.now >= month.start() + self.settings.month_open && learnt.reading.complete;
        let rolls_over = learnt.state.rolled_over != Some(month);
        let recompute = rolls_over || learnt.covers_anew(last.until(month.start()));
        let is_due = |server: &&IndexedServer| {
            open && !server.is_final && (finalize || recompute || learnt.told_before(month, &server.id))
        };
        ids.extend(learnt.roster.last_month.iter().filter(is_due).map(|server| server.id.clone()));
        if open
            && rolls_over
            && let Some(watermark) = learnt.state.coverage.end()
        {
            ids.extend(learnt.roster.launched_unnoticed(last, watermark - self.settings.overlap));
        }
        let ids: Vec<InstanceId> = ids.into_iter().collect();
        let closing = Closing { month: last, finalize, reopen: false };
        for (id, settled) in self.close(pass, closing, &ids, invocation).await {
            closed.stored.take(&id, &settled);
            if let Outcome::HistoryFailed(error) = settled.outcome {
                tracing::error!(%id, month = %last, %error, "Could not close {last} of {id}: {error}");
            }
        }
        if open && closed.stored.is_settled() {
            closed.rolled_over = Some(month);
            closed.final_month = finalize.then_some(last);
        }
        if finalize && !ids.is_empty() {
            let errors = closed.stored.failures();
            tracing::info!(month = %last, servers = ids.len(), errors, "{last} is final for {} servers", ids.len() - errors);
        }
        Ok(closed)
    }
}
