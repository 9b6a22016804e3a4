//! A fleet in memory.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uptime::{InstanceId, Observation};
use uptime_ledger::ServiceError;
use uptime_ledger::ports::Fleet;

/// Servers that stay as they are, whenever they are looked at.
#[derive(Clone, Debug, Default)]
pub struct InMemoryFleet(pub Vec<Observation>);

impl Fleet for InMemoryFleet {
    async fn list(&self, _: DateTime<Utc>) -> Result<Vec<Observation>, ServiceError> {
        Ok(self.0.clone())
    }

    async fn find(
        &self,
        ids: &[InstanceId],
        _: DateTime<Utc>,
    ) -> Result<HashMap<InstanceId, Observation>, ServiceError> {
        let asked = self.0.iter().filter(|server| ids.contains(&server.id));
        Ok(asked.map(|server| (server.id.clone(), server.clone())).collect())
    }
}
