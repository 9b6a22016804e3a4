//! Any port, failing on demand.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use uptime::{
    BlindSpots, CacheEntry, Evidence, InstanceId, Month, Observation, Scope, ServerEvidence, ServerMonth, Window,
};
use uptime_ledger::ports::{
    Cache, Fleet, IndexedServer, KeptMonth, KeptMonths, Ledger, LedgerWritten, Limits, Recorded, Statuses,
    StoredMonths, Sweep, SweepCost, SweepState, Trail, WriteRule, Written,
};
use uptime_ledger::{Figures, ScopeStatus, ServiceError, Trouble};

use crate::lock;

/// The calls that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Of the fleet.
    ListServers,
    /// Of the trail, for all servers.
    Sweep,
    /// Of the trail, for one server.
    Lookup,
    /// Of the ledger: some servers' items.
    ReadItems,
    /// Of the ledger: one server's item, by a fold or by an event.
    WriteItem,
    /// Of the ledger: how far the fleet has been swept.
    ReadSweepState,
    /// Of the ledger: how far the fleet has been swept.
    WriteSweepState,
    /// Of the statuses.
    WriteStatus,
    /// Of the cache.
    ReadCache,
    /// Of the cache.
    WriteCache,
}

impl Call {
    /// The operation behind it, as errors name it.
    fn operation(self) -> &'static str {
        match self {
            Self::ListServers => "EC2 DescribeInstances",
            Self::Sweep | Self::Lookup => "CloudTrail LookupEvents",
            Self::ReadItems | Self::ReadCache => "DynamoDB BatchGetItem",
            Self::ReadSweepState => "DynamoDB GetItem",
            Self::WriteItem | Self::WriteSweepState | Self::WriteStatus | Self::WriteCache => "DynamoDB UpdateItem",
        }
    }
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The right to it is missing.
    Denied,
    /// The item itself is at fault: too large to be written, or in a form that cannot be read.
    ItemAtFault,
    /// It is answered, after this time.
    Slow(Duration),
}

/// A call that fails, and for whom.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The call.
    pub call: Call,
    /// The server about which it fails; all where there is none.
    pub server: Option<InstanceId>,
    /// How.
    pub failure: Failure,
}

/// The faults that are on, shared by the ports of a test.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    /// Makes a call fail, for one server or for all.
    pub fn add(&self, call: Call, server: Option<InstanceId>, failure: Failure) {
        lock(&self.0).push(Fault { call, server, failure });
    }

    /// Ends all of them.
    pub fn clear(&self) {
        lock(&self.0).clear();
    }

    fn of(&self, call: Call, server: Option<&InstanceId>) -> Option<Failure> {
        let concerns =
            |fault: &&Fault| fault.call == call && (fault.server.is_none() || fault.server.as_ref() == server);
        lock(&self.0).iter().find(concerns).map(|fault| fault.failure)
    }

    async fn check(&self, call: Call, server: Option<&InstanceId>) -> Result<(), ServiceError> {
        match self.of(call, server) {
            None => Ok(()),
            Some(Failure::Slow(time)) => {
                tokio::time::sleep(time).await;
                Ok(())
            }
            Some(Failure::Denied) => {
                let why = "User: x is not authorized".to_owned();
                Err(ServiceError::with_code(call.operation(), Some("AccessDeniedException"), why))
            }
            Some(Failure::ItemAtFault) => Err(at_fault(call)),
        }
    }
}

/// As DynamoDB refuses an item that is too large.
fn at_fault(call: Call) -> ServiceError {
    let why = "Item size to update has exceeded the maximum allowed size".to_owned();
    ServiceError::with_code(call.operation(), Some("ValidationException"), why).of_one_item()
}

/// A port whose calls fail where its faults say so.
#[derive(Clone, Debug)]
pub struct Failing<P> {
    port: P,
    faults: Faults,
}

impl<P> Failing<P> {
    /// A port, with the faults that are on at the time of each call.
    pub fn new(port: P, faults: &Faults) -> Self {
        Self { port, faults: faults.clone() }
    }
}

impl<F: Fleet + Sync> Fleet for Failing<F> {
    async fn list(&self, now: DateTime<Utc>) -> Result<Vec<Observation>, ServiceError> {
        self.faults.check(Call::ListServers, None).await?;
        self.port.list(now).await
    }

    async fn find(
        &self,
        ids: &[InstanceId],
        now: DateTime<Utc>,
    ) -> Result<HashMap<InstanceId, Observation>, ServiceError> {
        self.faults.check(Call::ListServers, ids.first()).await?;
        self.port.find(ids, now).await
    }
}

impl<T: Trail> Trail for Failing<T> {
    type Sweep = FailingSweep<T::Sweep>;

    fn remembers_since(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.port.remembers_since(now)
    }

    fn sweep(&self, window: Window) -> Self::Sweep {
        FailingSweep { sweep: self.port.sweep(window), call: Call::Sweep, server: None, faults: self.faults.clone() }
    }

    fn lookup(&self, id: &InstanceId, window: Window) -> Self::Sweep {
        let (sweep, server) = (self.port.lookup(id, window), Some(id.clone()));
        FailingSweep { sweep, call: Call::Lookup, server, faults: self.faults.clone() }
    }

    fn lookup_spot(&self, id: &InstanceId, window: Window) -> Self::Sweep {
        let (sweep, server) = (self.port.lookup_spot(id, window), Some(id.clone()));
        FailingSweep { sweep, call: Call::Lookup, server, faults: self.faults.clone() }
    }
}

/// A sweep of a failing trail.
#[derive(Debug)]
pub struct FailingSweep<S> {
    sweep: S,
    call: Call,
    server: Option<InstanceId>,
    faults: Faults,
}

impl<S: Sweep> Sweep for FailingSweep<S> {
    async fn read_back_to(&mut self, instant: DateTime<Utc>, limits: Limits) -> Result<(), ServiceError> {
        self.faults.check(self.call, self.server.as_ref()).await?;
        self.sweep.read_back_to(instant, limits).await
    }

    fn covered(&self) -> Window {
        self.sweep.covered()
    }

    fn take_evidence(&mut self) -> Vec<ServerEvidence> {
        self.sweep.take_evidence()
    }

    fn take_blind_spots(&mut self) -> BlindSpots {
        self.sweep.take_blind_spots()
    }

    fn cost(&self) -> SweepCost {
        self.sweep.cost()
    }
}

impl<C: Cache + Sync> Cache for Failing<C> {
    async fn read(&self, ids: &[InstanceId]) -> Result<HashMap<InstanceId, CacheEntry>, ServiceError> {
        self.faults.check(Call::ReadCache, None).await?;
        self.port.read(ids).await
    }

    async fn read_one(&self, id: &InstanceId) -> Result<Option<CacheEntry>, ServiceError> {
        self.faults.check(Call::ReadCache, Some(id)).await?;
        self.port.read_one(id).await
    }

    async fn write(&self, id: &InstanceId, entry: &CacheEntry, rule: WriteRule) -> Result<Written, ServiceError> {
        self.faults.check(Call::WriteCache, Some(id)).await?;
        self.port.write(id, entry, rule).await
    }
}

impl<L: Ledger + Sync> Ledger for Failing<L> {
    async fn read(&self, month: Month, ids: &[InstanceId]) -> Result<StoredMonths, ServiceError> {
        let mut items = self.port.read(month, ids).await?;
        for (id, item) in &mut items {
            match self.faults.check(Call::ReadItems, Some(id)).await {
                Err(error) if error.is_of_one_item => *item = Err(error),
                whole => whole?,
            }
        }
        Ok(items)
    }

    async fn servers(&self, month: Month) -> Result<Vec<IndexedServer>, ServiceError> {
        self.port.servers(month).await
    }

    async fn write(&self, read: Option<&ServerMonth>, updated: &ServerMonth) -> Result<LedgerWritten, ServiceError> {
        self.faults.check(Call::WriteItem, Some(&updated.id)).await?;
        self.port.write(read, updated).await
    }

    async fn record(&self, id: &InstanceId, month: Month, evidence: &Evidence) -> Result<Recorded, ServiceError> {
        self.faults.check(Call::WriteItem, Some(id)).await?;
        self.port.record(id, month, evidence).await
    }

    async fn record_late(
        &self,
        id: &InstanceId,
        month: Month,
        evidence: &BTreeSet<Evidence>,
    ) -> Result<(), ServiceError> {
        self.faults.check(Call::WriteItem, Some(id)).await?;
        self.port.record_late(id, month, evidence).await
    }

    async fn sweep_state(&self) -> Result<SweepState, ServiceError> {
        self.faults.check(Call::ReadSweepState, None).await?;
        self.port.sweep_state().await
    }

    async fn store_sweep_state(&self, read: &SweepState, updated: &SweepState) -> Result<bool, ServiceError> {
        self.faults.check(Call::WriteSweepState, None).await?;
        self.port.store_sweep_state(read, updated).await
    }
}

impl<L: KeptMonths + Sync> KeptMonths for Failing<L> {
    async fn months_of(&self, id: &InstanceId, since: Month) -> Result<Vec<KeptMonth>, ServiceError> {
        self.faults.check(Call::ReadItems, Some(id)).await?;
        self.port.months_of(id, since).await
    }
}

impl<L: Statuses + Sync> Statuses for Failing<L> {
    async fn begun(&self, scope: &Scope, now: DateTime<Utc>) -> Result<(), ServiceError> {
        self.faults.check(Call::WriteStatus, None).await?;
        self.port.begun(scope, now).await
    }

    async fn ended(
        &self,
        scope: &Scope,
        now: DateTime<Utc>,
        outcome: &Result<Figures, Trouble>,
    ) -> Result<(), ServiceError> {
        self.faults.check(Call::WriteStatus, None).await?;
        self.port.ended(scope, now, outcome).await
    }

    async fn statuses(&self, scopes: &[Scope]) -> Result<HashMap<Scope, ScopeStatus>, ServiceError> {
        self.port.statuses(scopes).await
    }
}
