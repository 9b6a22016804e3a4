//! How far the fleet has been swept, remembered for some minutes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ports::{Ledger, SweepState};
use chrono::{DateTime, TimeDelta, Utc};

/// A sweep ends once an hour. What an older one has covered is covered still, so that being behind costs certainty for some
/// minutes at the most, and asking each time would cost every answer a round trip.
const REMEMBERED_FOR: TimeDelta = TimeDelta::minutes(5);

/// How far the fleet has been swept, as it was read a moment ago.
#[derive(Debug, Default)]
pub struct Swept {
    read: Mutex<Option<(DateTime<Utc>, Arc<SweepState>)>>,
}

impl Swept {
    /// Returns the state, reading it unless it was read a moment ago. Where it cannot be read, what was known before is true
    /// as well, if anything was.
    pub async fn state<L: Ledger>(&self, ledger: &L, now: DateTime<Utc>) -> Arc<SweepState> {
        let known = self.read().clone();
        if let Some((at, state)) = &known
            && now - *at < REMEMBERED_FOR
        {
            return Arc::clone(state);
        }
        match ledger.sweep_state().await {
            Ok(state) => {
                let state = Arc::new(state);
                *self.read() = Some((now, Arc::clone(&state)));
                state
            }
            Err(error) => {
                tracing::warn!("Could not read how far CloudTrail was swept, the answer may be less certain: {error}");
                known.map(|(_, state)| state).unwrap_or_default()
            }
        }
    }

    fn read(&self) -> MutexGuard<'_, Option<(DateTime<Utc>, Arc<SweepState>)>> {
        // A panic while it was held cannot leave a pair in disorder.
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
