//! The ledger in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use uptime::{Evidence, InstanceId, Month, ServerMonth};
use uptime_ledger::ServiceError;
use uptime_ledger::ports::{IndexedServer, Ledger, LedgerWritten, Recorded, StoredMonths, SweepState};

use crate::lock;

/// Items by server and month, how many writes they have seen, and how far the fleet has been swept.
#[derive(Debug, Default)]
pub struct InMemoryLedger {
    items: Mutex<BTreeMap<(InstanceId, Month), ServerMonth>>,
    state: Mutex<SweepState>,
    writes: Mutex<u64>,
}

impl InMemoryLedger {
    /// All items.
    pub fn items(&self) -> MutexGuard<'_, BTreeMap<(InstanceId, Month), ServerMonth>> {
        lock(&self.items)
    }

    /// How far the fleet has been swept.
    pub fn state(&self) -> MutexGuard<'_, SweepState> {
        lock(&self.state)
    }

    /// How many items were written since this was last asked.
    pub fn take_writes(&self) -> u64 {
        std::mem::take(&mut *lock(&self.writes))
    }
}

impl Ledger for &InMemoryLedger {
    async fn read(&self, month: Month, ids: &[InstanceId]) -> Result<StoredMonths, ServiceError> {
        let items = self.items();
        let item = |id: &InstanceId| Some((id.clone(), Ok(items.get(&(id.clone(), month))?.clone())));
        Ok(ids.iter().filter_map(item).collect())
    }

    async fn servers(&self, month: Month) -> Result<Vec<IndexedServer>, ServiceError> {
        let items = self.items();
        let listed = |item: &ServerMonth| IndexedServer {
            id: item.id.clone(),
            span: item.span(),
            as_of: item.summary.as_ref().map(|summary| summary.as_of),
            left: item.left_at.is_some(),
            is_final: item.is_final,
        };
        Ok(items.values().filter(|item| item.month == month).map(listed).collect())
    }

    async fn write(&self, read: Option<&ServerMonth>, updated: &ServerMonth) -> Result<LedgerWritten, ServiceError> {
        let mut items = self.items();
        let key = (updated.id.clone(), updated.month);
        let current = items.get(&key);
        if read.map(|read| read.revision) != current.map(|current| current.revision) {
            return Ok(LedgerWritten::Conflict(current.cloned().map(Box::new)));
        }
        let revision = read.map_or(0, |read| read.revision) + 1;
        // Late evidence is only ever added, by `record_late`.
        let late_evidence = current.map(|current| current.late_evidence.clone()).unwrap_or_default();
        items.insert(key, ServerMonth { revision, late_evidence, ..updated.clone() });
        *lock(&self.writes) += 1;
        Ok(LedgerWritten::Stored)
    }

    async fn record(&self, id: &InstanceId, month: Month, evidence: &Evidence) -> Result<Recorded, ServiceError> {
        let mut items = self.items();
        Ok(match items.get_mut(&(id.clone(), month)) {
            Some(item) if item.is_final => Recorded::Final,
            Some(item) if item.left_at.is_none() => {
                if item.evidence.insert(evidence.clone()) {
                    item.revision += 1;
                }
                Recorded::Added(Box::new(item.clone()))
            }
            _ => Recorded::Unknown,
        })
    }

    async fn record_late(
        &self,
        id: &InstanceId,
        month: Month,
        evidence: &BTreeSet<Evidence>,
    ) -> Result<(), ServiceError> {
        if let Some(item) = self.items().get_mut(&(id.clone(), month)) {
            item.late_evidence.extend(evidence.iter().cloned());
            item.revision += 1;
        }
        Ok(())
    }

    async fn sweep_state(&self) -> Result<SweepState, ServiceError> {
        Ok(self.state().clone())
    }

    async fn store_sweep_state(&self, read: &SweepState, updated: &SweepState) -> Result<bool, ServiceError> {
        let mut state = self.state();
        if state.revision != read.revision {
            return Ok(false);
        }
        *state = SweepState { revision: read.revision + 1, ..updated.clone() };
        Ok(true)
    }
}
