//! The cache in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use chrono::TimeDelta;
use uptime::{CacheEntry, InstanceId};
use uptime_ledger::ServiceError;
use uptime_ledger::ports::{Cache, WriteRule, Written};

use crate::lock;

/// An entry this much later than a new one is broken.
const BROKEN: TimeDelta = TimeDelta::hours(1);
/// An entry this much older than a new one never stays, whatever it was computed from.
const OUTDATED: TimeDelta = TimeDelta::hours(2);

/// Entries by server, and in which order they were written.
#[derive(Debug, Default)]
pub struct InMemoryCache {
    entries: Mutex<HashMap<InstanceId, CacheEntry>>,
    written: Mutex<Vec<InstanceId>>,
}

impl InMemoryCache {
    /// All entries.
    pub fn entries(&self) -> MutexGuard<'_, HashMap<InstanceId, CacheEntry>> {
        lock(&self.entries)
    }

    /// Whose entries were written, in the order of the writes.
    pub fn written(&self) -> MutexGuard<'_, Vec<InstanceId>> {
        lock(&self.written)
    }
}

impl Cache for &InMemoryCache {
    async fn read(&self, ids: &[InstanceId]) -> Result<HashMap<InstanceId, CacheEntry>, ServiceError> {
        let entries = self.entries();
        Ok(ids.iter().filter_map(|id| Some((id.clone(), entries.get(id)?.clone()))).collect())
    }

    async fn read_one(&self, id: &InstanceId) -> Result<Option<CacheEntry>, ServiceError> {
        Ok(self.entries().get(id).cloned())
    }

    async fn write(&self, id: &InstanceId, entry: &CacheEntry, rule: WriteRule) -> Result<Written, ServiceError> {
        self.written().push(id.clone());
        let mut entries = self.entries();
        let knows_less = match entries.get(id) {
            None => rule == WriteRule::Upsert,
            Some(old) => old.timestamp > entry.timestamp + BROKEN || knows_less(old, entry),
        };
        if !knows_less {
            return Ok(Written::Superseded);
        }
        entries.insert(id.clone(), entry.clone());
        Ok(Written::Stored)
    }
}

/// True for an entry of an earlier month, or of the same one, from an earlier revision of its item or an earlier instant.
fn knows_less(old: &CacheEntry, new: &CacheEntry) -> bool {
    let of_revision = |entry: &CacheEntry| (entry.revision, entry.timestamp);
    let is_earlier = of_revision(old) <= of_revision(new) || old.timestamp < new.timestamp - OUTDATED;
    old.month < new.month || old.month == new.month && is_earlier
}
