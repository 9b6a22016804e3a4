//! A run over a month that is over, on request.

use std::collections::{BTreeSet, HashMap};

use uptime::{Coverage, InstanceId, Month, Observation, Window};
use uptime_aws::cloudtrail::remembered_since;
use uptime_aws::ports::{EventHistory, Fleet, IndexedServer, RuntimeCache, RuntimeHistory, SweepState};
use uptime_ledger::Invocation;

use crate::error::{RunError, in_time};
use crate::folding::Learnt;
use crate::handler::Calculation;
use crate::passes::{Closing, PART, Pass};
use crate::reading::{Reader, missing};
use crate::report::{HistoryReport, Report};
use crate::request::{InvalidRequest, Request};
use crate::roster::Roster;
use crate::storing::SingleLookups;

impl<F: Fleet, H: EventHistory, L: RuntimeHistory, C: RuntimeCache> Calculation<F, H, L, C> {
    /// Recomputes a month from its history, and from CloudTrail where the history lacks something that CloudTrail still
    /// remembers. The cache is about the month that is going on, and stays as it is.
    ///
    /// # Errors
    /// A failure of the whole run, or a month that is final or of which nothing is known.
    pub(crate) async fn past_month(
        &self,
        request: &Request,
        observed: HashMap<InstanceId, Observation>,
        invocation: Invocation,
    ) -> Result<Report, RunError> {
        let (now, month) = (invocation.now, request.month);
        let index = self.servers_of(month, invocation).await?;
        let ids = servers_of(request, &observed, &index)?;
        let since = remembered_since(now);
        if index.is_empty() && month.end() <= since {
            return Err(InvalidRequest::Forgotten { month, since }.into());
        }
        let state = in_time(invocation, "reading the history table", self.ledger.sweep_state()).await?;
        let state = state.map_err(RunError::HistoryRead)?;
        let mut report = Report::new(request, now, ids.len(), &request.missing(|id| ids.contains(id)));
        if ids.is_empty() {
            return Ok(report);
        }
        // What happened some days after the month still tells of its end, as what happened before tells of its start.
        let to = now.min(month.end() + self.settings.lookback);
        let from = (month.start() - self.settings.lookback).max(since).min(to);
        let windows = missing(&self.coverages(month, &ids, &state, invocation).await?, Window::new(from, to));
        let mut reader =
            Reader::new(&self.events, invocation.reading_deadline, now, |id: &InstanceId| ids.contains(id));
        reader.read(&windows).await?;
        let roster = Roster::of_past(observed, index);
        let mut learnt = Learnt { now, roster, state, deep: false, forgets: false, reading: reader.reading };
        let failure = learnt.reading.failure.take();
        let finalize = now >= month.end() + self.settings.month_open && learnt.reading.complete;
        let closing = Closing { month, finalize, reopen: request.reopen };
        let ids: Vec<InstanceId> = ids.into_iter().collect();
        let lookups = SingleLookups::new(0, invocation.reading_deadline);
        let pass = Pass { learnt: &learnt, lookups: &lookups, rewrite: false };
        for (id, settled) in self.close(&pass, closing, &ids, invocation).await {
            report.tally(&id, settled.outcome, false);
        }
        report.history = Some(HistoryReport::of(&learnt, Default::default()));
        report.verdict()?;
        failure.map_or(Ok(report), Err)
    }

    /// What each server's item covers.
    async fn coverages(
        &self,
        month: Month,
        ids: &BTreeSet<InstanceId>,
        state: &SweepState,
        invocation: Invocation,
    ) -> Result<Vec<Coverage>, RunError> {
        let ids: Vec<InstanceId> = ids.iter().cloned().collect();
        let mut coverages = Vec::with_capacity(ids.len());
        for part in ids.chunks(PART) {
            let stored = in_time(invocation, "reading the history table", self.ledger.read(month, part)).await?;
            let mut stored = stored.map_err(RunError::HistoryRead)?;
            let coverage = |id: &InstanceId| match stored.remove(id) {
                Some(Ok(mut stored)) => {
                    stored.assume_swept(&state.for_server(id));
                    // What could not be read once cannot be read again.
                    stored.coverage.and(&state.blind.starts).and(&state.blind.launches)
                }
                _ => Coverage::none(),
            };
            coverages.extend(part.iter().map(coverage));
        }
        Ok(coverages)
    }
}

/// The servers that the request is about: those with a history in the month, and those that there are now and may have
/// been there then.
fn servers_of(
    request: &Request,
    observed: &HashMap<InstanceId, Observation>,
    index: &[IndexedServer],
) -> Result<BTreeSet<InstanceId>, RunError> {
    let month = request.month;
    let wanted = |id: &InstanceId| request.servers.as_ref().is_none_or(|asked| asked.contains(id));
    if index.iter().any(|server| server.is_final && wanted(&server.id)) && !request.reopen {
        return Err(InvalidRequest::Final(month).into());
    }
    let was_there = |server: &&Observation| server.created_at.is_none_or(|created| created < month.end());
    let now = observed.values().filter(was_there).map(|server| &server.id);
    let ids = index.iter().map(|server| &server.id).chain(now).filter(|id| wanted(id));
    Ok(ids.cloned().collect())
}
