//! Storing one server's month and its cache entry.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use tokio::time::{Instant, timeout_at};
use uptime::{CacheEntry, InstanceId, Minutes, ServerMonth, Window};
use uptime_aws::ServiceError;
use uptime_aws::ports::{
    EventHistory, HistoryWritten, Limits, RuntimeCache, RuntimeHistory, Sweep, SweepCost, WriteRule, Written,
};

use crate::folding::{Extra, Folded};

/// How often an item is folded anew because somebody else has written in between.
const ATTEMPTS: u32 = 6;
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

/// How an item is written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Writing {
    /// Also where only the coverage has grown.
    pub(crate) rewrite: bool,
    /// Also where it is final.
    pub(crate) reopen: bool,
}

/// Stores what `fold` makes of an item, folding it anew where somebody else has written in between.
///
/// # Errors
/// Where it could not be stored.
pub(crate) async fn store<L: RuntimeHistory>(
    history: &L,
    mut stored: Option<ServerMonth>,
    writing: Writing,
    fold: impl Fn(Option<&ServerMonth>) -> Folded,
) -> Result<Folded, ServiceError> {
    for _ in 0..ATTEMPTS {
        let folded = fold(stored.as_ref());
        let worth_it = match &stored {
            Some(stored) if stored.is_final && !writing.reopen => false,
            Some(stored) => {
                folded.month.adds_to(stored) || (writing.rewrite && stored.coverage != folded.month.coverage)
            }
            None => {
                folded.month.left_at.is_none() || folded.entry.minutes + folded.entry.uncertainty > Minutes::default()
            }
        };
        if !worth_it {
            return Ok(folded);
        }
        match history.write(stored.as_ref(), &folded.month, writing.reopen).await? {
            HistoryWritten::Stored => return Ok(folded),
            HistoryWritten::Conflict(current) => stored = current.map(|current| *current),
        }
    }
    Err(ServiceError::told("DynamoDB UpdateItem", None, format!("others wrote the item {ATTEMPTS} times in between")))
}

/// Caches what was folded. Of a server that left, the application may have deleted its item, which then stays deleted.
pub(crate) async fn cache<C: RuntimeCache>(cache: &C, folded: Folded) -> Outcome {
    if folded.kept {
        return Outcome::Kept;
    }
    let rule = if folded.month.left_at.is_some() { WriteRule::ExistingOnly } else { WriteRule::Upsert };
    match cache.write(&folded.month.id, &folded.entry, rule).await {
        Ok(written) => Outcome::Done(folded.entry, written),
        Err(error) => Outcome::CacheFailed(error),
    }
}

/// Does `work` unless the time is up. With the outcome goes whether the server's past is still open.
pub(crate) async fn in_time(deadline: Instant, work: impl Future<Output = (Outcome, bool)>) -> (Outcome, bool) {
    if Instant::now() >= deadline {
        return (Outcome::NotBegun, false);
    }
    timeout_at(deadline, work).await.unwrap_or((Outcome::Unanswered, false))
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
    pub(crate) async fn read<H: EventHistory>(&self, events: &H, id: &InstanceId, window: Window) -> Extra {
        let take = |left: u64| left.checked_sub(LOOKUPS_PER_SERVER);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            return Extra::default();
        }
        let mut sweep = events.lookup(id, window);
        let limits = Limits { deadline: self.deadline, lookups: LOOKUPS_PER_SERVER };
        if let Err(error) = sweep.read_back_to(window.from, limits).await {
            tracing::warn!(%id, "Could not read what CloudTrail tells of {id}: {error}");
        }
        let cost = sweep.cost();
        self.left.fetch_add(LOOKUPS_PER_SERVER.saturating_sub(cost.lookups), Ordering::Relaxed);
        self.count(cost);
        let own = sweep.take_evidence().into_iter().filter(|(told, _)| told == id).map(|(_, evidence)| evidence);
        Extra { evidence: own.collect(), covered: std::iter::once(sweep.covered()).collect() }
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

/// Tells what was cached.
pub(crate) fn log(id: &InstanceId, entry: &CacheEntry, written: Written, now: DateTime<Utc>) {
    let (minutes, uncertainty, month) = (entry.minutes.as_f64(), entry.uncertainty.as_f64(), entry.month);
    match written {
        Written::Stored => {
            tracing::info!(%id, minutes, uncertainty, %month, "Cached runtime for {id}: {} minutes", entry.minutes);
        }
        Written::Superseded => {
            tracing::info!(%id, %now, "The cache of {id} is as of a later calculation, or {id} is no server any more");
        }
    }
}
