//! What a handler needs of EC2, CloudTrail and both tables, in domain types.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;

use chrono::{DateTime, Utc};
use tokio::time::Instant;
use uptime::{
    BlindSpots, CacheEntry, Evidence, InstanceId, Month, Observation, Scope, ServerEvidence, ServerMonth, Span, Window,
};

use crate::service_error::ServiceError;
use crate::sweep_state::SweepState;

/// How many instances one [`Fleet::find`] may ask about; EC2 itself takes 200.
pub const MOST_FOUND: usize = 100;

/// The fleet: which servers there are.
pub trait Fleet {
    /// Every server that carries the app tag, in whatever state EC2 still shows it, as it is at `now`.
    ///
    /// # Errors
    /// Where the list is not whole: a part of a fleet is never passed off as the fleet.
    fn list(&self, now: DateTime<Utc>) -> impl Future<Output = Result<Vec<Observation>, ServiceError>> + Send;

    /// Those of at most [`MOST_FOUND`] instances that are servers, as they are at `now`: EC2 shows them, and they carry the
    /// app tag.
    ///
    /// # Errors
    /// Where EC2 cannot be asked.
    fn find(
        &self,
        ids: &[InstanceId],
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<HashMap<InstanceId, Observation>, ServiceError>> + Send;
}

/// What was recorded of the lifecycle of the account's and region's servers.
pub trait Trail {
    /// Reading a part of it.
    type Sweep: Sweep;

    /// The earliest that it still remembers at `now`.
    fn remembers_since(&self, now: DateTime<Utc>) -> DateTime<Utc>;

    /// Begins to read all lifecycle events of `window`; nothing is asked yet. The window stays as it is, so that pages
    /// fit together.
    fn sweep(&self, window: Window) -> Self::Sweep;

    /// Begins to read the lifecycle events of one server only: for one it is cheaper, for a fleet it is not.
    fn lookup(&self, id: &InstanceId, window: Window) -> Self::Sweep;

    /// The same of one that may be a Spot server: EC2's records of taking its capacity back name no resources, so they have
    /// to be asked for by their name, of all servers.
    fn lookup_spot(&self, id: &InstanceId, window: Window) -> Self::Sweep;
}

/// Reading a trail back in time, from the end of its window on.
pub trait Sweep: Send {
    /// Reads until everything from `instant` on has been read, the window's start is reached, or the limits are.
    /// What was read before an error is kept.
    ///
    /// # Errors
    /// Where the trail cannot be read, other than for being asked too often.
    fn read_back_to(
        &mut self,
        instant: DateTime<Utc>,
        limits: Limits,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// What has been read whole so far: everything after some instant, up to the window's end.
    fn covered(&self) -> Window;

    /// The evidence read since it was last taken.
    fn take_evidence(&mut self) -> Vec<ServerEvidence>;

    /// The launches and starts that could not be read since they were last taken.
    fn take_blind_spots(&mut self) -> BlindSpots;

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

impl SweepCost {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            lookups: self.lookups + other.lookups,
            throttles: self.throttles + other.throttles,
            unreadable: self.unreadable + other.unreadable,
        }
    }

    /// What is left of it without a part of it.
    #[must_use]
    pub fn less(self, part: Self) -> Self {
        Self {
            lookups: self.lookups - part.lookups,
            throttles: self.throttles - part.throttles,
            unreadable: self.unreadable - part.unreadable,
        }
    }
}

/// The cached running minutes.
pub trait Cache {
    /// What is cached of each server; servers without a readable entry are not in it.
    ///
    /// # Errors
    /// Where the table cannot be read.
    fn read(
        &self,
        ids: &[InstanceId],
    ) -> impl Future<Output = Result<HashMap<InstanceId, CacheEntry>, ServiceError>> + Send;

    /// What is cached of one server, as it is after every write before; none where there is no readable entry.
    ///
    /// # Errors
    /// Where the table cannot be read.
    fn read_one(&self, id: &InstanceId) -> impl Future<Output = Result<Option<CacheEntry>, ServiceError>> + Send;

    /// Stores an entry, unless the cache has one that knows more: of a later month, from a later revision of the same
    /// month's item, or from the same one and later. A later revision counts only among writers at one time: an entry
    /// hours older than the new one never stays, see `uptime_aws::servers_table`.
    ///
    /// # Errors
    /// Where it could not be stored.
    fn write(
        &self,
        id: &InstanceId,
        entry: &CacheEntry,
        rule: WriteRule,
    ) -> impl Future<Output = Result<Written, ServiceError>> + Send;
}

/// Which items a write may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteRule {
    /// Any: an item that is not there yet is made.
    Upsert,
    /// Only an item that is there: of a server that left, the application may have deleted it, and it stays deleted.
    ExistingOnly,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is in the cache.
    Stored,
    /// The cache has an entry that knows more, which stays; or no item, where only an existing one was to be written.
    Superseded,
}

/// What is kept of each server of one scope and month, and how far the scope has been swept. An instance id belongs to one
/// scope: of one that another scope has, reading and writing is an error of that server.
pub trait Ledger {
    /// The items of these servers in `month`, as they were a moment ago; servers without one are not in it. Who writes on one that
    /// has changed since is told so, and a cache entry made from it gives way to one that knows more. An item that cannot be read is an error of its server only.
    ///
    /// # Errors
    /// Where the table cannot be read.
    fn read(&self, month: Month, ids: &[InstanceId])
    -> impl Future<Output = Result<StoredMonths, ServiceError>> + Send;

    /// All servers that have an item in `month`, a moment ago, with its totals.
    ///
    /// # Errors
    /// Where the table cannot be read.
    fn servers(&self, month: Month) -> impl Future<Output = Result<Vec<IndexedServer>, ServiceError>> + Send;

    /// Stores `updated`, which was made from `read`, as the next revision after it. Nothing is stored where the item is not
    /// as it was read: another write has counted its revision up.
    ///
    /// # Errors
    /// Where it could not be stored.
    fn write(
        &self,
        read: Option<&ServerMonth>,
        updated: &ServerMonth,
    ) -> impl Future<Output = Result<LedgerWritten, ServiceError>> + Send;

    /// Adds one piece of evidence to the item of a server known in `month`, in one request.
    ///
    /// The coverage in an item may be days old, for an hour in which nothing happened is not written: before the item is
    /// folded, it takes [`Self::sweep_state`]'s coverage over with `ServerMonth::assume_swept`. That state changes once an
    /// hour, and an old one is true too, so that a warm function can keep it for some minutes.
    ///
    /// # Errors
    /// Where it could not be stored.
    fn record(
        &self,
        id: &InstanceId,
        month: Month,
        evidence: &Evidence,
    ) -> impl Future<Output = Result<Recorded, ServiceError>> + Send;

    /// Keeps evidence that came after its month was final; no number changes.
    ///
    /// # Errors
    /// Where it could not be stored.
    fn record_late(
        &self,
        id: &InstanceId,
        month: Month,
        evidence: &BTreeSet<Evidence>,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// How far the scope has been swept.
    ///
    /// # Errors
    /// Where the table cannot be read, or its answer not be understood: what was read must not be forgotten.
    fn sweep_state(&self) -> impl Future<Output = Result<SweepState, ServiceError>> + Send;

    /// Stores `updated`, which was made from `read`; false where another run has stored one in between.
    ///
    /// # Errors
    /// Where it could not be stored.
    fn store_sweep_state(
        &self,
        read: &SweepState,
        updated: &SweepState,
    ) -> impl Future<Output = Result<bool, ServiceError>> + Send;
}

/// What is kept of one server, whatever scope it belongs to.
pub trait KeptMonths {
    /// A server's months from `since` on, in time order; empty where nothing is kept of it.
    ///
    /// # Errors
    /// Where the table cannot be read.
    fn months_of(
        &self,
        id: &InstanceId,
        since: Month,
    ) -> impl Future<Output = Result<Vec<KeptMonth>, ServiceError>> + Send;
}

/// A month of a server, as it is kept.
#[derive(Clone, Debug)]
pub struct KeptMonth {
    /// The month.
    pub month: Month,
    /// The scope that the server belonged to in it.
    pub scope: Scope,
    /// What is kept; an error where that cannot be read.
    pub item: Result<ServerMonth, ServiceError>,
}

/// Items by server, each readable or not.
pub type StoredMonths = HashMap<InstanceId, Result<ServerMonth, ServiceError>>;

/// A server in the index of a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedServer {
    /// The server.
    pub id: InstanceId,
    /// How long it ran in the month, as last stored.
    pub span: Span,
    /// Up to when that is; none where it was never computed.
    pub as_of: Option<DateTime<Utc>>,
    /// True where it is no server any more.
    pub left: bool,
    /// True where the month is final.
    pub is_final: bool,
}

/// What became of a write to the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerWritten {
    /// It is stored.
    Stored,
    /// Somebody else has written in between; this is what is there now, if anything.
    Conflict(Option<Box<ServerMonth>>),
}

/// What became of a piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is in the item, which is now this.
    Added(Box<ServerMonth>),
    /// The month is final.
    Final,
    /// There is no item, or the server left: whether it is a server has to be found out first.
    Unknown,
}
