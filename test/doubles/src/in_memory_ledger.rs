//! The ledger in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use chrono::{DateTime, Utc};
use uptime::{Evidence, InstanceId, Month, Scope, ServerMonth};
use uptime_ledger::ports::{
    IndexedServer, KeptMonth, KeptMonths, Ledger, LedgerWritten, Recorded, Statuses, StoredMonths, SweepState,
};
use uptime_ledger::{Figures, ScopeStatus, ServiceError, Trouble};

use crate::{home, lock};

/// Items by server and month, how many writes they have seen, and how far each scope has been swept: the ledger of one scope,
/// and of others by [`Self::of`].
#[derive(Clone, Debug)]
pub struct InMemoryLedger {
    scope: Scope,
    tables: Arc<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    items: Mutex<BTreeMap<(InstanceId, Month), ServerMonth>>,
    owners: Mutex<BTreeMap<(InstanceId, Month), Scope>>,
    states: Mutex<BTreeMap<Scope, SweepState>>,
    statuses: Mutex<HashMap<Scope, ScopeStatus>>,
    reads: Mutex<Vec<InstanceId>>,
    writes: Mutex<u64>,
}

impl Default for InMemoryLedger {
    /// An empty one, of the home scope.
    fn default() -> Self {
        Self { scope: home(), tables: Arc::default() }
    }
}

impl InMemoryLedger {
    /// The same table as the ledger of another scope.
    #[must_use]
    pub fn of(&self, scope: &Scope) -> Self {
        Self { scope: scope.clone(), tables: Arc::clone(&self.tables) }
    }

    /// All items.
    pub fn items(&self) -> MutexGuard<'_, BTreeMap<(InstanceId, Month), ServerMonth>> {
        lock(&self.tables.items)
    }

    /// How far the scope has been swept.
    pub fn state(&self) -> SweepState {
        lock(&self.tables.states).get(&self.scope).cloned().unwrap_or_default()
    }

    /// Replaces what is stored of how far the scope has been swept.
    pub fn set_state(&self, state: SweepState) {
        lock(&self.tables.states).insert(self.scope.clone(), state);
    }

    /// Whose items were asked for since this was last asked, each time anew.
    pub fn take_reads(&self) -> Vec<InstanceId> {
        std::mem::take(&mut *lock(&self.tables.reads))
    }

    /// How many items were written since this was last asked.
    pub fn take_writes(&self) -> u64 {
        std::mem::take(&mut *lock(&self.tables.writes))
    }

    fn belongs_here(&self, id: &InstanceId, month: Month) -> Result<(), ServiceError> {
        match lock(&self.tables.owners).get(&(id.clone(), month)) {
            Some(owner) if *owner != self.scope => {
                let why = format!("the item of {id} belongs to {owner}, not to {}", self.scope);
                Err(ServiceError::unexpected("reading the ledger", why).of_one_item())
            }
            _ => Ok(()),
        }
    }
}

impl Ledger for &InMemoryLedger {
    async fn read(&self, month: Month, ids: &[InstanceId]) -> Result<StoredMonths, ServiceError> {
        lock(&self.tables.reads).extend_from_slice(ids);
        let items = self.items();
        let item = |id: &InstanceId| {
            let item = items.get(&(id.clone(), month))?.clone();
            Some((id.clone(), self.belongs_here(id, month).map(|()| item)))
        };
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
        let own = |item: &&ServerMonth| item.month == month && self.belongs_here(&item.id, month).is_ok();
        Ok(items.values().filter(own).map(listed).collect())
    }

    async fn write(&self, read: Option<&ServerMonth>, updated: &ServerMonth) -> Result<LedgerWritten, ServiceError> {
        let mut items = self.items();
        let key = (updated.id.clone(), updated.month);
        let current = items.get(&key);
        self.belongs_here(&updated.id, updated.month)?;
        if read.map(|read| read.revision) != current.map(|current| current.revision) {
            return Ok(LedgerWritten::Conflict(current.cloned().map(Box::new)));
        }
        let revision = read.map_or(0, |read| read.revision) + 1;
        // Late evidence is only ever added, by `record_late`.
        let late_evidence = current.map(|current| current.late_evidence.clone()).unwrap_or_default();
        lock(&self.tables.owners).insert(key.clone(), self.scope.clone());
        items.insert(key, ServerMonth { revision, late_evidence, ..updated.clone() });
        *lock(&self.tables.writes) += 1;
        Ok(LedgerWritten::Stored)
    }

    async fn record(&self, id: &InstanceId, month: Month, evidence: &Evidence) -> Result<Recorded, ServiceError> {
        self.belongs_here(id, month)?;
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
        Ok(self.state())
    }

    async fn store_sweep_state(&self, read: &SweepState, updated: &SweepState) -> Result<bool, ServiceError> {
        let mut states = lock(&self.tables.states);
        let state = states.entry(self.scope.clone()).or_default();
        if state.revision != read.revision {
            return Ok(false);
        }
        *state = SweepState { revision: read.revision + 1, ..updated.clone() };
        Ok(true)
    }
}

impl KeptMonths for &InMemoryLedger {
    async fn months_of(&self, id: &InstanceId, since: Month) -> Result<Vec<KeptMonth>, ServiceError> {
        let (items, owners) = (self.items(), lock(&self.tables.owners));
        let kept = items.range((id.clone(), since)..).take_while(|((server, _), _)| server == id);
        let month = |(key, item): (&(InstanceId, Month), &ServerMonth)| KeptMonth {
            month: key.1,
            scope: owners.get(key).unwrap_or(&self.scope).clone(),
            item: Ok(item.clone()),
        };
        Ok(kept.map(month).collect())
    }
}

impl Statuses for &InMemoryLedger {
    async fn begun(&self, scope: &Scope, now: DateTime<Utc>) -> Result<(), ServiceError> {
        let mut statuses = lock(&self.tables.statuses);
        let status = statuses.entry(scope.clone()).or_default();
        status.last_begun = Some(now);
        status.failures_in_a_row += 1;
        Ok(())
    }

    async fn ended(
        &self,
        scope: &Scope,
        now: DateTime<Utc>,
        outcome: &Result<Figures, Trouble>,
    ) -> Result<(), ServiceError> {
        let mut statuses = lock(&self.tables.statuses);
        let status = statuses.entry(scope.clone()).or_default();
        match outcome {
            Ok(figures) => {
                let last_begun = status.last_begun;
                *status = ScopeStatus { last_begun, last_success: Some(now), figures: *figures, ..Default::default() };
            }
            Err(trouble) => status.last_trouble = Some(trouble.clone()),
        }
        Ok(())
    }

    async fn statuses(&self, scopes: &[Scope]) -> Result<HashMap<Scope, ScopeStatus>, ServiceError> {
        let statuses = lock(&self.tables.statuses);
        Ok(scopes.iter().filter_map(|scope| Some((scope.clone(), statuses.get(scope)?.clone()))).collect())
    }
}
