//! Instances that turned out to be no servers, remembered while the function stays warm.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use uptime::InstanceId;

/// Beyond this many all are forgotten: a second question is cheaper than memory without bounds.
const MOST: usize = 10_000;

/// Instances without the app tag.
#[derive(Debug, Default)]
pub(crate) struct Strangers(Mutex<HashSet<InstanceId>>);

impl Strangers {
    pub(crate) fn knows(&self, id: &InstanceId) -> bool {
        self.ids().contains(id)
    }

    pub(crate) fn remember(&self, id: &InstanceId) {
        let mut ids = self.ids();
        if ids.len() >= MOST {
            ids.clear();
        }
        ids.insert(id.clone());
    }

    fn ids(&self) -> MutexGuard<'_, HashSet<InstanceId>> {
        // A panic while it was held cannot leave a set in disorder.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
