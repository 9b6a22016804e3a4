//! How far the fleet has been swept, remembered for some minutes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use uptime::Coverage;
use uptime_aws::ports::RuntimeHistory;

/// A sweep ends once an hour. What an older one has covered is covered still, so that being behind costs certainty for some
/// minutes at the most, and asking each time would cost every answer a round trip.
const REMEMBERED_FOR: TimeDelta = TimeDelta::minutes(5);

/// Where the fleet has been swept, as it was read a moment ago.
#[derive(Debug, Default)]
pub struct Swept {
    read: Mutex<Option<(DateTime<Utc>, Coverage)>>,
}

impl Swept {
    /// The coverage of the fleet. Where it cannot be read, what was known before is true as well, if anything was.
    pub async fn coverage<L: RuntimeHistory>(&self, ledger: &L, now: DateTime<Utc>) -> Coverage {
        let known = self.read().clone();
        if let Some((at, coverage)) = &known
            && now - *at < REMEMBERED_FOR
        {
            return coverage.clone();
        }
        match ledger.sweep_state().await {
            Ok(state) => {
                *self.read() = Some((now, state.coverage.clone()));
                state.coverage
            }
            Err(error) => {
                tracing::warn!("Could not read how far CloudTrail was swept, the answer may be less certain: {error}");
                known.map(|(_, coverage)| coverage).unwrap_or_default()
            }
        }
    }

    fn read(&self) -> MutexGuard<'_, Option<(DateTime<Utc>, Coverage)>> {
        // A panic while it was held cannot leave a pair in disorder.
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
