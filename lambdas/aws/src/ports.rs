//! What a handler needs of AWS, in domain types. The adapters of this crate implement it; tests put fakes in their place.

use std::collections::HashMap;
use std::future::Future;

use chrono::{DateTime, Utc};
use tokio::time::Instant;
use uptime::{CacheEntry, InstanceId, Observation, ServerEvidence, Window};

use crate::error::ServiceError;

/// The fleet: which servers there are.
pub trait Fleet {
    /// Every server that carries the app tag, in whatever state EC2 still shows it, as it is at `now`.
    ///
    /// # Errors
    /// Where the list is not whole: a part of a fleet is never passed off as the fleet.
    fn list(&self, now: DateTime<Utc>) -> impl Future<Output = Result<Vec<Observation>, ServiceError>> + Send;
}

/// The recorded lifecycle events of the account and region.
pub trait EventHistory {
    /// A sweep of this history.
    type Sweep: Sweep;

    /// Begins to read all lifecycle events of `window`; nothing is asked yet. The window stays as it is, so that pages
    /// fit together.
    fn sweep(&self, window: Window) -> Self::Sweep;
}

/// Reading a history back in time, from the end of its window on.
pub trait Sweep: Send {
    /// Reads until everything from `instant` on has been read, the window's start is reached, or the limits are.
    /// What was read before an error is kept.
    ///
    /// # Errors
    /// Where the history cannot be read, other than for being asked too often.
    fn read_back_to(
        &mut self,
        instant: DateTime<Utc>,
        limits: Limits,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// What has been read whole so far: everything after some instant, up to the window's end.
    fn covered(&self) -> Window;

    /// The evidence read since it was last taken.
    fn take_evidence(&mut self) -> Vec<ServerEvidence>;

    /// What reading cost so far.
    fn cost(&self) -> SweepCost;
}

/// Where reading stops.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// No request starts, and none is waited for, after it.
    pub deadline: Instant,
    /// Requests of the sweep in all, over all its reads.
    pub lookups: u64,
}

/// What a sweep cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepCost {
    /// Requests made, throttled ones included.
    pub lookups: u64,
    /// Requests that were throttled.
    pub throttles: u64,
    /// Records that could not be read and were skipped.
    pub unreadable: u64,
}

/// The cached running minutes.
pub trait RuntimeCache {
    /// What is cached of each server; servers without a readable entry are not in it.
    ///
    /// # Errors
    /// Where the table cannot be read.
    fn read(
        &self,
        ids: &[InstanceId],
    ) -> impl Future<Output = Result<HashMap<InstanceId, CacheEntry>, ServiceError>> + Send;

    /// Stores an entry, unless the cache has one from later.
    ///
    /// # Errors
    /// Where it could not be stored.
    fn write(&self, id: &InstanceId, entry: &CacheEntry) -> impl Future<Output = Result<Written, ServiceError>> + Send;
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is in the cache.
    Stored,
    /// The cache has an entry from later, which stays.
    Superseded,
}
