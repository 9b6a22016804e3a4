//! Run after run over the fakes.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uptime::{InstanceState, Observation, ServerMonth};

use super::{FakeCache, FakeFleet, FakeLedger, FakeTrail, id, run_at, server};

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A server as EC2 shows it at an instant.
pub(crate) fn seen(n: u32, state: InstanceState, launched: &str, now: &str) -> Observation {
    let launch_time = Some(at(launched));
    Observation { observed_at: at(now), launch_time, created_at: launch_time, ..server(n, state, 0) }
}

/// Both tables, from run to run.
pub(crate) struct Tables(pub(crate) FakeLedger, pub(crate) FakeCache);

impl Tables {
    pub(crate) async fn run(&self, now: &str, fleet: &[Observation], history: &FakeTrail) -> Value {
        self.asked(now, fleet, history, json!({})).await
    }

    pub(crate) async fn asked(&self, now: &str, fleet: &[Observation], history: &FakeTrail, payload: Value) -> Value {
        let fleet = FakeFleet(Ok(fleet.to_vec()));
        run_at(at(now), fleet, history.clone(), (&self.0, &self.1), payload, 300).await.unwrap()
    }

    pub(crate) fn item(&self, n: u32, month: &str) -> ServerMonth {
        self.0.item(&id(n), month)
    }

    /// Proven minutes and uncertainty of a month's item.
    pub(crate) fn minutes(&self, n: u32, month: &str) -> (String, String) {
        let summary = self.item(n, month).summary.unwrap();
        (summary.span.proven.to_string(), summary.span.possible.to_string())
    }
}

pub(crate) fn tables() -> Tables {
    Tables(FakeLedger::default(), FakeCache::default())
}
