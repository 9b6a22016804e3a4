//! Why a payload is refused.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uptime::{Month, Scope};

/// A payload that asks for something that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRequest {
    /// Not even an object.
    #[error("invalid request: expected an object such as `{{}}`, got `{0}`")]
    NoObject(Value),
    /// A field that is not known, or whose value cannot be read.
    #[error("invalid request: {0}")]
    Field(#[from] serde_path_to_error::Error<serde_json::Error>),
    /// An EventBridge event of another kind.
    #[error("invalid request: detail-type: expected `Scheduled Event`, got `{0}`")]
    OtherEvent(String),
    /// `month` has not begun.
    #[error("invalid request: month {0} is in the future")]
    Future(Month),
    /// `month` is final.
    #[error("invalid request: month {0} is final: add \"reopen\": true to recompute it")]
    Final(Month),
    /// `reopen` or `since` without a month that is over.
    #[error("invalid request: reopen and since are for past months, and {0} is not over")]
    NotOver(Month),
    /// `month` is to be handed over, and is not final.
    #[error("invalid request: month {0} is not final for this scope: nothing is handed over before")]
    NotFinal(Month),
    /// Nothing is known of `month` any more, and nothing was kept.
    #[error(
        "invalid request: month {month} is beyond what can be known: the ledger has nothing of it, and {who} remembers {days} days, since {since}"
    )]
    Forgotten {
        /// The month asked for.
        month: Month,
        /// Who remembers the longest.
        who: &'static str,
        /// For how long.
        days: i64,
        /// The earliest that it remembers.
        since: DateTime<Utc>,
    },
    /// `since` with something else beside it but a scope.
    #[error("invalid request: since goes with a scope and nothing else")]
    SinceWhat,
    /// `scope` is none of the environment's.
    #[error("invalid request: scope: {0} is not one of this environment's scopes")]
    UnknownScope(Scope),
    /// `close` is for a scope that is still counted.
    #[error("invalid request: close: {0} is still one of this environment's scopes: take it out of them first")]
    StillCounted(Scope),
    /// `close` without a scope, or with something else beside it.
    #[error("invalid request: close goes with a scope and nothing else")]
    CloseWhat,
    /// `servers` is there but empty.
    #[error("invalid request: servers is empty: leave it out to calculate the whole fleet")]
    NoServers,
}
