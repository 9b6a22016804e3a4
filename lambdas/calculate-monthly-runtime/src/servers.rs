//! The servers of a run: what is known of each, and what follows.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uptime::{CacheEntry, Coverage, Evidence, InstanceId, Month, Observation, ServerEvidence, Timeline};

/// The servers asked for, and the ids asked for that no server of the fleet has.
pub(crate) struct Selection {
    pub(crate) servers: Servers,
    pub(crate) missing: Vec<InstanceId>,
}

/// All evidence of a run, per server.
#[derive(Default)]
pub(crate) struct Servers {
    evidence: HashMap<InstanceId, Vec<Evidence>>,
}

impl Servers {
    /// Takes the servers that were asked for from those observed; without a list, all of them.
    pub(crate) fn select(observed: Vec<Observation>, asked: Option<&[InstanceId]>) -> Selection {
        let wanted = |id: &InstanceId| asked.is_none_or(|ids| ids.contains(id));
        let told = |server: &Observation| (server.id.clone(), server.evidence());
        let evidence: HashMap<_, _> = observed.iter().filter(|server| wanted(&server.id)).map(told).collect();
        let missing = asked.unwrap_or_default().iter().filter(|id| !evidence.contains_key(id)).cloned().collect();
        Selection { servers: Self { evidence }, missing }
    }

    /// Adds what CloudTrail tells of these servers; the rest of the account's events are about others.
    pub(crate) fn learn(&mut self, told: Vec<ServerEvidence>) {
        for (id, evidence) in told {
            if let Some(known) = self.evidence.get_mut(&id) {
                known.push(evidence);
            }
        }
    }

    pub(crate) fn ids(&self) -> Vec<InstanceId> {
        self.evidence.keys().cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.evidence.len()
    }

    /// True where evidence from further back would tell more of some server.
    pub(crate) fn lack_history(&self, coverage: &Coverage, month: Month, now: DateTime<Utc>) -> bool {
        self.evidence.values().any(|evidence| Timeline::of(evidence, coverage, now).lacks_history(month))
    }

    /// Each server's running minutes.
    pub(crate) fn entries(
        &self,
        coverage: &Coverage,
        month: Month,
        now: DateTime<Utc>,
    ) -> Vec<(InstanceId, CacheEntry)> {
        let entry = |evidence| CacheEntry::of(&Timeline::of(evidence, coverage, now), month, now);
        self.evidence.iter().map(|(id, evidence)| (id.clone(), entry(evidence))).collect()
    }
}
