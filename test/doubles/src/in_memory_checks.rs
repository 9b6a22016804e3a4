//! CloudWatch's samples of status checks, in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use uptime::{Coverage, InstanceId, Samples, Window};
use uptime_ledger::ports::StatusChecks;
use uptime_ledger::{Batch, MostAsked, ServiceError};

use crate::lock;

/// A CloudWatch that has sampled servers in the second half of each minute in which they ran.
#[derive(Clone, Debug, Default)]
pub struct InMemoryChecks(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    ran: HashMap<InstanceId, Coverage>,
    asked: Vec<Batch>,
    refuses: bool,
}

impl InMemoryChecks {
    /// The server ran in this window.
    pub fn ran(&self, id: &InstanceId, window: Window) {
        lock(&self.0).ran.entry(id.clone()).or_default().add(window);
    }

    /// What was asked since this was last called.
    pub fn asked(&self) -> Vec<Batch> {
        std::mem::take(&mut lock(&self.0).asked)
    }

    /// Refuses every request from now on, or answers again.
    pub fn refuse(&self, refuses: bool) {
        lock(&self.0).refuses = refuses;
    }
}

impl StatusChecks for InMemoryChecks {
    const MOST: MostAsked = MostAsked { servers: 500, periods: 100_800 };

    async fn ask(&self, batch: &Batch) -> Result<HashMap<InstanceId, Samples>, ServiceError> {
        let mut kept = lock(&self.0);
        kept.asked.push(batch.clone());
        if kept.refuses {
            let why = "User: x is not authorized".to_owned();
            return Err(ServiceError::with_code("CloudWatch GetMetricData", Some("AccessDenied"), why));
        }
        let of = |id: &InstanceId| samples(kept.ran.get(id).unwrap_or(&Coverage::none()), batch);
        Ok(batch.ids.iter().map(|id| (id.clone(), of(id))).collect())
    }
}

fn samples(ran: &Coverage, batch: &Batch) -> Samples {
    let mut counts = BTreeMap::new();
    let mut begin = batch.window.from;
    while begin < batch.window.to {
        let checks =
            (0..batch.period.minutes()).map(|minute| begin + TimeDelta::minutes(minute) + TimeDelta::seconds(40));
        let has_sample = |check: &chrono::DateTime<chrono::Utc>| {
            ran.windows().iter().any(|window| window.from <= *check && *check < window.to)
        };
        let count = u32::try_from(checks.filter(has_sample).count()).unwrap_or(u32::MAX);
        if count > 0 {
            counts.insert(begin, count);
        }
        begin += batch.period.length();
    }
    Samples { window: batch.window, period: batch.period, counts }
}
