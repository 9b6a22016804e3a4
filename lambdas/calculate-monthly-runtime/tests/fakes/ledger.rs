//! The history table in memory, with the conditions of the real one.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Mutex;

use uptime::{Evidence, InstanceId, Month, ServerMonth};
use uptime_ledger::ServiceError;
use uptime_ledger::ports::{IndexedServer, Ledger, LedgerWritten, Recorded, StoredMonths, SweepState};

use super::denied;

/// Items, writes, and which of them fail.
#[derive(Default)]
pub(crate) struct FakeLedger {
    pub(crate) items: Mutex<BTreeMap<(InstanceId, Month), ServerMonth>>,
    pub(crate) state: Mutex<SweepState>,
    /// Items written so far.
    pub(crate) writes: Mutex<u64>,
    pub(crate) failing: Mutex<HashSet<InstanceId>>,
    /// Servers whose items are at fault themselves: too large to be written, or in a form that cannot be read.
    pub(crate) spoilt: Mutex<HashSet<InstanceId>>,
    pub(crate) unreadable: bool,
}

impl FakeLedger {
    pub(crate) fn item(&self, id: &InstanceId, month: &str) -> ServerMonth {
        self.items.lock().unwrap()[&(id.clone(), month.parse().unwrap())].clone()
    }
}

/// As DynamoDB refuses an item that is too large.
fn refused() -> ServiceError {
    let why = "Item size to update has exceeded the maximum allowed size".to_owned();
    ServiceError::with_code("DynamoDB UpdateItem", Some("ValidationException"), why).of_one_item()
}

impl Ledger for &FakeLedger {
    async fn read(&self, month: Month, ids: &[InstanceId]) -> Result<StoredMonths, ServiceError> {
        let (items, spoilt) = (self.items.lock().unwrap(), self.spoilt.lock().unwrap());
        let item = |id: &InstanceId| {
            let item = items.get(&(id.clone(), month))?.clone();
            Some((id.clone(), if spoilt.contains(id) { Err(refused()) } else { Ok(item) }))
        };
        Ok(ids.iter().filter_map(item).collect())
    }

    async fn servers(&self, month: Month) -> Result<Vec<IndexedServer>, ServiceError> {
        let items = self.items.lock().unwrap();
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
        if self.failing.lock().unwrap().contains(&updated.id) {
            return Err(denied("DynamoDB UpdateItem"));
        }
        if self.spoilt.lock().unwrap().contains(&updated.id) {
            return Err(refused());
        }
        let mut items = self.items.lock().unwrap();
        let key = (updated.id.clone(), updated.month);
        let current = items.get(&key);
        let as_read = read.map(|read| read.revision) == current.map(|current| current.revision);
        if !as_read {
            return Ok(LedgerWritten::Conflict(current.cloned().map(Box::new)));
        }
        let revision = read.map_or(0, |read| read.revision) + 1;
        items.insert(key, ServerMonth { revision, ..updated.clone() });
        *self.writes.lock().unwrap() += 1;
        Ok(LedgerWritten::Stored)
    }

    async fn record(&self, id: &InstanceId, month: Month, evidence: &Evidence) -> Result<Recorded, ServiceError> {
        let mut items = self.items.lock().unwrap();
        Ok(match items.get_mut(&(id.clone(), month)) {
            Some(item) if item.is_final => Recorded::Final,
            Some(item) if item.left_at.is_none() => {
                item.evidence.insert(evidence.clone());
                item.revision += 1;
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
        if let Some(item) = self.items.lock().unwrap().get_mut(&(id.clone(), month)) {
            item.late_evidence.extend(evidence.iter().cloned());
            item.revision += 1;
        }
        Ok(())
    }

    async fn sweep_state(&self) -> Result<SweepState, ServiceError> {
        if self.unreadable {
            return Err(denied("DynamoDB GetItem"));
        }
        Ok(self.state.lock().unwrap().clone())
    }

    async fn store_sweep_state(&self, read: &SweepState, updated: &SweepState) -> Result<bool, ServiceError> {
        let mut state = self.state.lock().unwrap();
        if state.revision != read.revision {
            return Ok(false);
        }
        *state = SweepState { revision: read.revision + 1, ..updated.clone() };
        Ok(true)
    }
}
