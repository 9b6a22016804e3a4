//! Reading the trail about single servers, as far as a run can afford it.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;
use uptime::{InstanceId, Window};
use uptime_ledger::Testimony;
use uptime_ledger::ports::{Limits, SweepCost, Trail};

/// Requests that a run spends on single servers of which less was read than of the fleet.
const SINGLE_LOOKUPS: u64 = 60;
/// Requests that reading about one server may take.
const LOOKUPS_PER_SERVER: u64 = 4;

/// Requests for reading about single servers, shared by all of a run.
#[derive(Debug)]
pub(crate) struct SingleLookups {
    left: AtomicU64,
    deadline: Instant,
    cost: std::sync::Mutex<SweepCost>,
}

impl SingleLookups {
    /// None after `deadline`.
    pub(crate) fn new(deadline: Instant) -> Self {
        Self { left: AtomicU64::new(SINGLE_LOOKUPS), deadline, cost: std::sync::Mutex::default() }
    }

    /// Reads what the trail tells of one server; nothing where the requests are used up. A failure only means that the
    /// server's past stays open until a later run. `may_be_spot`: EC2 may have taken its capacity back.
    pub(crate) async fn read<T: Trail>(
        &self,
        trail: &T,
        id: &InstanceId,
        window: Window,
        may_be_spot: bool,
    ) -> Testimony {
        let take = |left: u64| left.checked_sub(LOOKUPS_PER_SERVER);
        let mut own = Testimony::default();
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            return own;
        }
        let limits = Limits { deadline: self.deadline, lookups: LOOKUPS_PER_SERVER };
        let mut sweep = if may_be_spot { trail.lookup_spot(id, window) } else { trail.lookup(id, window) };
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
