//! One server after another: read its item, fold, store, cache.

use futures::{StreamExt, stream};
use uptime::{InstanceId, Month, ServerMonth, Window};
use uptime_aws::ServiceError;
use uptime_aws::ports::{EventHistory, Fleet, RuntimeCache, RuntimeHistory, StoredMonths};
use uptime_ledger::{Folded, Invocation, OwnHistory, Writing, log_cached, store};

use crate::error::RunError;
use crate::folding::Learnt;
use crate::handler::Calculation;
use crate::holes::Storing;
use crate::report::Report;
use crate::storing::{Outcome, Settled, SingleLookups, cache, in_time};

/// Servers under way at once.
const CONCURRENT_SERVERS: usize = 32;
/// Items read by one request, and so the memory that a pass takes: at most three such parts at a time.
pub(crate) const PART: usize = 100;

/// A pass over servers in the month that is going on.
pub(crate) struct Pass<'p> {
    pub(crate) learnt: &'p Learnt,
    pub(crate) lookups: &'p SingleLookups,
    /// Also items are written of which only the coverage has grown: the sweep state is about to forget it.
    pub(crate) rewrite: bool,
}

/// How far a pass came.
#[derive(Debug, Default)]
pub(crate) struct Reached {
    /// What could be stored, and what not.
    pub(crate) stored: Storing,
    /// True where some server's state at the month's start is not known.
    pub(crate) lacks_history: bool,
    /// The last server before the time was up; none where all were done.
    pub(crate) stopped_after: Option<InstanceId>,
}

impl<F: Fleet, H: EventHistory, L: RuntimeHistory, C: RuntimeCache> Calculation<F, H, L, C> {
    /// Folds, stores and caches each server's month.
    ///
    /// # Errors
    /// Where nothing could be done for any.
    pub(crate) async fn settle(
        &self,
        pass: &Pass<'_>,
        ids: &[InstanceId],
        invocation: Invocation,
        report: &mut Report,
    ) -> Result<Reached, RunError> {
        let month = Month::of(invocation.now);
        let parts = stream::iter(ids.chunks(PART)).map(|part| self.read_part(month, part, invocation)).buffered(2);
        let servers = parts.flat_map(stream::iter);
        let settled = servers.map(|(id, items)| async move {
            let outcome = in_time(invocation.deadline, self.settle_one(pass, &id, items)).await;
            (id, outcome)
        });
        let mut settled = std::pin::pin!(settled.buffer_unordered(CONCURRENT_SERVERS));
        let mut reached = Reached::default();
        let mut begun = 0;
        while let Some((id, settled)) = settled.next().await {
            reached.lacks_history |= settled.lacks_history;
            reached.stored.take(&id, &settled);
            report.changes(&id, settled.changes);
            let outcome = settled.outcome;
            begun += usize::from(!matches!(outcome, Outcome::NotBegun));
            if let Outcome::Done(entry, written) = &outcome {
                log_cached(&id, entry, *written);
            }
            report.tally(&id, outcome, !pass.learnt.roster.observed.contains_key(&id));
        }
        if begun < ids.len() {
            reached.stopped_after = begun.checked_sub(1).map(|last| ids[last].clone());
        }
        report.age_of_unwritten(&self.cache, invocation).await;
        report.verdict().map(|()| reached)
    }

    /// The items of some servers, and where one has none, that of the month before.
    async fn read_part(&self, month: Month, part: &[InstanceId], invocation: Invocation) -> Vec<(InstanceId, Items)> {
        let none = || Items { stored: Ok(None), previous: None };
        if tokio::time::Instant::now() >= invocation.deadline {
            return part.iter().map(|id| (id.clone(), none())).collect();
        }
        let mut stored = self.ledger.read(month, part).await;
        let new: Vec<InstanceId> = match &stored {
            Ok(stored) => part.iter().filter(|id| !stored.contains_key(id)).cloned().collect(),
            Err(_) => Vec::new(),
        };
        let mut previous = match new.is_empty() {
            true => Ok(StoredMonths::new()),
            false => self.ledger.read(month.previous(), &new).await,
        };
        let mut items = |id: &InstanceId| {
            let stored = take(&mut stored, id)?;
            let previous = take(&mut previous, id)?;
            Ok((stored, previous))
        };
        let all = part.iter().map(|id| match items(id) {
            Ok((stored, previous)) => (id.clone(), Items { stored: Ok(stored), previous }),
            Err(error) => (id.clone(), Items { stored: Err(error), previous: None }),
        });
        all.collect()
    }

    async fn settle_one(&self, pass: &Pass<'_>, id: &InstanceId, items: Items) -> Settled {
        let Items { stored, previous } = items;
        let stored = match stored {
            Ok(stored) => stored,
            Err(error) => return Outcome::HistoryFailed(error).into(),
        };
        let learnt = pass.learnt;
        let first = learnt.fold_current(id, stored.as_ref(), previous.as_ref(), &OwnHistory::default());
        let own = self.own_history(pass, id, &first).await;
        let writing = Writing { rewrite: pass.rewrite, reopen: false };
        let fold = |stored: Option<&ServerMonth>| learnt.fold_current(id, stored, previous.as_ref(), &own);
        match store(&self.ledger, stored, writing, fold).await {
            Ok(folded) => Settled {
                lacks_history: folded.lacks_history,
                healed: learnt.is_healed(&folded.month),
                changes: folded.month.changes_of_last_day(learnt.now),
                outcome: cache(&self.cache, folded).await,
            },
            Err(error) => Outcome::HistoryFailed(error).into(),
        }
    }

    /// What CloudTrail tells of one server of which less was read, or less could be stored, than of the fleet.
    async fn own_history(&self, pass: &Pass<'_>, id: &InstanceId, folded: &Folded) -> OwnHistory {
        let learnt = pass.learnt;
        let Some(since) = learnt.own_history_since(folded) else { return OwnHistory::default() };
        let may_be_spot = learnt.roster.observed.get(id).is_none_or(|observation| observation.spot.is_some());
        pass.lookups.read(&self.events, id, Window::new(since, learnt.now), may_be_spot).await
    }

    /// Folds and stores each server's month that is over.
    pub(crate) async fn close(
        &self,
        pass: &Pass<'_>,
        closing: Closing,
        ids: &[InstanceId],
        invocation: Invocation,
    ) -> Vec<(InstanceId, Settled)> {
        let parts = stream::iter(ids.chunks(PART)).map(|part| async move {
            let mut stored = self.ledger.read(closing.month, part).await;
            part.iter().map(|id| (id.clone(), take(&mut stored, id))).collect::<Vec<_>>()
        });
        let closed = parts.buffered(2).flat_map(stream::iter).map(|(id, stored)| async move {
            let settled = in_time(invocation.deadline, self.close_one(pass, closing, &id, stored)).await;
            (id, settled)
        });
        closed.buffer_unordered(CONCURRENT_SERVERS).collect().await
    }

    async fn close_one(
        &self,
        pass: &Pass<'_>,
        closing: Closing,
        id: &InstanceId,
        stored: Result<Option<ServerMonth>, ServiceError>,
    ) -> Settled {
        let learnt = pass.learnt;
        let stored = match stored {
            Ok(stored) => stored,
            Err(error) => return Outcome::HistoryFailed(error).into(),
        };
        let own = if learnt.state.owes(id, closing.month) {
            let first = learnt.fold_closed(id, closing, stored.as_ref(), &OwnHistory::default());
            self.own_history(pass, id, &first).await
        } else {
            OwnHistory::default()
        };
        let fold = |stored: Option<&ServerMonth>| learnt.fold_closed(id, closing, stored, &own);
        match store(&self.ledger, stored, Writing { rewrite: false, reopen: closing.reopen }, fold).await {
            Ok(folded) => Settled { healed: learnt.is_healed(&folded.month), ..Outcome::Closed(folded.entry).into() },
            Err(error) => Outcome::HistoryFailed(error).into(),
        }
    }
}

/// How a month that is over is treated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closing {
    pub(crate) month: Month,
    /// Nothing changes it any more.
    pub(crate) finalize: bool,
    /// It is changed though it was final, and what came late counts.
    pub(crate) reopen: bool,
}

/// What is stored of one server.
struct Items {
    stored: Result<Option<ServerMonth>, ServiceError>,
    previous: Option<ServerMonth>,
}

/// One server's item out of a part; a part that could not be read is an error of each of its servers.
fn take(items: &mut Result<StoredMonths, ServiceError>, id: &InstanceId) -> Result<Option<ServerMonth>, ServiceError> {
    match items {
        Ok(items) => items.remove(id).transpose(),
        Err(error) => Err(error.clone()),
    }
}
