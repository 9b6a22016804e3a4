//! What becomes of each server of a run, and the requests that all of them share.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::{Instant, timeout_at};
use uptime::{CacheEntry, InstanceId, Window};
use uptime_aws::ServiceError;
use uptime_aws::ports::{EventHistory, Limits, RuntimeCache, SweepCost, Written};
use uptime_ledger::{Folded, OwnHistory};

/// Requests that reading about one server may take.
const LOOKUPS_PER_SERVER: u64 = 4;

/// What became of one server.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The cache is as of this run, or of a later one.
    Done(CacheEntry, Written),
    /// A closed month, which is not cached.
    Closed(CacheEntry),
    /// What was known is more certain and stays.
    Kept,
    /// The time was up before its turn came.
    NotBegun,
    /// The time was up before the tables answered.
    Unanswered,
    /// Its history could not be read or written.
    HistoryFailed(ServiceError),
    /// Its history is stored, the cache is not.
    CacheFailed(ServiceError),
}

/// Caches what was folded.
pub(crate) async fn cache<C: RuntimeCache>(cache: &C, folded: Folded) -> Outcome {
    if folded.kept {
        return Outcome::Kept;
    }
    match uptime_ledger::cache(cache, &folded).await {
        Ok(written) => Outcome::Done(folded.entry, written),
        Err(error) => Outcome::CacheFailed(error),
    }
}

/// What became of one server, and what that means for the next run.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) outcome: Outcome,
    /// Whether its state at the month's start is still open.
    pub(crate) lacks_history: bool,
    /// Whether what earlier runs could not store is in its item now.
    pub(crate) healed: bool,
    /// How many starts and stops were told of its last day.
    pub(crate) changes: usize,
}

impl From<Outcome> for Settled {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, lacks_history: false, healed: false, changes: 0 }
    }
}

/// Does `work` unless the time is up.
pub(crate) async fn in_time(deadline: Instant, work: impl Future<Output = Settled>) -> Settled {
    if Instant::now() >= deadline {
        return Outcome::NotBegun.into();
    }
    timeout_at(deadline, work).await.unwrap_or(Outcome::Unanswered.into())
}

/// Requests for reading about single servers, shared by all of a run.
#[derive(Debug)]
pub(crate) struct SingleLookups {
    left: AtomicU64,
    deadline: Instant,
    cost: std::sync::Mutex<SweepCost>,
}

impl SingleLookups {
    /// At most so many, and none after `deadline`.
    pub(crate) fn new(most: u64, deadline: Instant) -> Self {
        Self { left: AtomicU64::new(most), deadline, cost: std::sync::Mutex::default() }
    }

    /// Reads what CloudTrail tells of one server; nothing where the requests are used up. A failure only means that the
    /// server's past stays open until a later run.
    /// `may_be_spot`: EC2 may have taken its capacity back.
    pub(crate) async fn read<H: EventHistory>(
        &self,
        events: &H,
        id: &InstanceId,
        window: Window,
        may_be_spot: bool,
    ) -> OwnHistory {
        let take = |left: u64| left.checked_sub(LOOKUPS_PER_SERVER);
        let mut own = OwnHistory::default();
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            return own;
        }
        let limits = Limits { deadline: self.deadline, lookups: LOOKUPS_PER_SERVER };
        let mut sweep = if may_be_spot { events.lookup_spot(id, window) } else { events.lookup(id, window) };
        if let Err(error) = own.read_back_to(&mut sweep, id, window.from, limits).await {
            tracing::warn!(%id, "Could not read what CloudTrail tells of {id}: {error}");
        }
        self.left.fetch_add(LOOKUPS_PER_SERVER.saturating_sub(own.cost.lookups), Ordering::Relaxed);
        self.count(own.cost);
        own
    }

    /// What they cost so far.
    pub(crate) fn cost(&self) -> SweepCost {
        *self.cost.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn count(&self, cost: SweepCost) {
        // A panic while it was held cannot leave a sum in disorder.
        let mut all = self.cost.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *all = all.and(cost);
    }
}
