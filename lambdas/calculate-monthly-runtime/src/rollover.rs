//! The month before: recomputed up to its end, open for a while, then final.

use std::collections::BTreeSet;

use uptime::{InstanceId, Month};
use uptime_aws::ports::{EventHistory, Fleet, IndexedServer, RuntimeCache, RuntimeHistory};
use uptime_ledger::Invocation;

use crate::error::RunError;
use crate::folding::Learnt;
use crate::handler::Calculation;
use crate::passes::Closing;
use crate::storing::Outcome;

/// What became of the month before.
#[derive(Debug)]
pub(crate) struct Closed {
    /// True where all that there was to do is stored.
    pub(crate) all_stored: bool,
    /// Servers that could not be done.
    pub(crate) errors: usize,
    /// This month, once the one before has been recomputed up to its end.
    pub(crate) rolled_over: Option<Month>,
    /// The month before, once it is final.
    pub(crate) final_month: Option<Month>,
}

impl<F: Fleet, H: EventHistory, L: RuntimeHistory, C: RuntimeCache> Calculation<F, H, L, C> {
    /// Treats the month before as long as it is open: the first run of a month recomputes all of it, later ones only the
    /// servers of which something was told late, unless CloudTrail was read where it had not been; the last one makes it
    /// final.
    pub(crate) async fn close_last_months(&self, learnt: &Learnt, invocation: Invocation) -> Result<Closed, RunError> {
        let month = Month::of(learnt.now);
        let last = month.previous();
        let mut closed = Closed { all_stored: true, errors: 0, rolled_over: None, final_month: None };
        let open = learnt.state.final_month.is_none_or(|done| done < last);
        if !learnt.roster.whole_fleet || !open {
            return Ok(closed);
        }
        // Late events are waited for, and so is what a sweep could not read yet.
        let finalize = learnt.now >= month.start() + self.settings.month_open && learnt.reading.complete;
        let rolls_over = learnt.state.rolled_over != Some(month);
        let recompute = rolls_over || learnt.covers_anew(last.until(month.start()));
        let is_due = |server: &&IndexedServer| {
            !server.is_final && (finalize || recompute || learnt.told_before(month, &server.id))
        };
        let mut ids: BTreeSet<InstanceId> =
            learnt.roster.last_month.iter().filter(is_due).map(|server| server.id.clone()).collect();
        if rolls_over && let Some(watermark) = learnt.state.coverage.end() {
            ids.extend(learnt.roster.launched_unnoticed(last, watermark - self.settings.overlap));
        }
        let ids: Vec<InstanceId> = ids.into_iter().collect();
        let closing = Closing { month: last, finalize, reopen: false };
        for (id, outcome) in self.close(learnt, closing, &ids, invocation).await {
            closed.take(&id, last, outcome);
        }
        if closed.all_stored {
            closed.rolled_over = Some(month);
            closed.final_month = finalize.then_some(last);
        }
        if finalize && !ids.is_empty() {
            tracing::info!(month = %last, servers = ids.len(), errors = closed.errors, "{last} is final for {} servers", ids.len() - closed.errors);
        }
        Ok(closed)
    }
}

impl Closed {
    fn take(&mut self, id: &InstanceId, month: Month, outcome: Outcome) {
        match outcome {
            Outcome::HistoryFailed(error) => {
                tracing::error!(%id, %month, %error, "Could not close {month} of {id}: {error}");
                self.errors += 1;
                self.all_stored = false;
            }
            Outcome::NotBegun | Outcome::Unanswered => self.all_stored = false,
            _ => {}
        }
    }
}
