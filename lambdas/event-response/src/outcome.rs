//! What an event leads to, and how that is answered and logged.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uptime::{CacheEntry, StateChange, instant_text};
use uptime_ledger::AppTag;

/// What one event led to.
pub(crate) enum Outcome {
    /// The server's minutes; the timestamp is none where they were calculated on the spot.
    Minutes(CacheEntry, Option<DateTime<Utc>>),
    /// The instance is no server.
    NotOurs,
    /// It is `pending` and nothing is kept of it. Whether it is a server is asked when it runs: its tag may come until then.
    NothingKnown,
    /// Its scope is none of the environment's.
    OutOfScope,
    /// Nothing is kept of it, and EC2 was too busy to tell whether it is a server.
    Deferred,
}

impl Outcome {
    /// Logs why it is ignored, where it is; that EC2 was too busy is logged with its error.
    pub(crate) fn log(&self, change: &StateChange, tag: &AppTag) {
        let StateChange { id, scope, .. } = change;
        match self {
            Self::OutOfScope => {
                tracing::warn!(%id, %scope, "{id} is in {scope}, which is none of this environment's scopes")
            }
            Self::NotOurs => tracing::info!(%id, "{id} is no server: not tagged {}={}", tag.key, tag.value),
            Self::NothingKnown => tracing::info!(%id, "{id} is pending, and nothing is known of it yet"),
            Self::Minutes(..) | Self::Deferred => {}
        }
    }

    /// The answer to `change`.
    pub(crate) fn answer(&self, change: &StateChange, tag: &AppTag) -> Value {
        let (id, state) = (&change.id, change.state.as_str());
        match self {
            Self::Minutes(entry, timestamp) => json!({
                "id": id,
                "state": state,
                "runningMinutes": entry.span.proven.as_f64(),
                "runningMinutesCacheTimestamp": timestamp.map(instant_text),
            }),
            Self::NotOurs => json!({"id": id, "ignored": format!("not tagged {}={}", tag.key, tag.value)}),
            Self::OutOfScope => {
                json!({"id": id, "ignored": format!("{} is none of this environment's scopes", change.scope)})
            }
            Self::NothingKnown => json!({"id": id, "state": state, "ignored": "nothing is known of it yet"}),
            Self::Deferred => json!({
                "id": id,
                "state": state,
                "ignored": "EC2 is too busy to tell whether it is a server: left to the next hourly run",
            }),
        }
    }
}
