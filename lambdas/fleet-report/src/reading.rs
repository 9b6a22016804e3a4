//! Reading the ledger: rows of a scope's month, and the months of a server.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uptime::{Folded, InstanceId, Month, Scope};
use uptime_ledger::ports::{KeptMonths, Ledger, SweepState};
use uptime_ledger::{ServiceError, known_month, read_month};
use uptime_report::Row;

/// A scope's month.
#[derive(Debug)]
pub(crate) struct ScopeMonth {
    /// A row for each server.
    pub(crate) rows: Vec<Row>,
    /// The servers whose item cannot be read.
    pub(crate) unreadable: Vec<Unreadable>,
}

/// A server whose item cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Unreadable {
    /// The scope in which it is listed.
    pub(crate) scope: Scope,
    /// The server.
    pub(crate) id: InstanceId,
    /// Why.
    pub(crate) error: String,
}

/// A scope's month as it is known at `now`; `read_at` is when the scope was last read.
///
/// # Errors
/// Where the table cannot be read.
pub(crate) async fn scope_month<L: Ledger>(
    ledger: &L,
    scope: &Scope,
    month: Month,
    read_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<ScopeMonth, ServiceError> {
    let read = read_month(ledger, month, read_at, now, |known| Row::of(scope, known)).await?;
    let unreadable = |(id, error): (InstanceId, ServiceError)| {
        let error = error.to_string();
        Unreadable { scope: scope.clone(), id, error }
    };
    Ok(ScopeMonth { rows: read.rows, unreadable: read.unreadable.into_iter().map(unreadable).collect() })
}

/// A month of one server.
#[derive(Debug)]
pub(crate) struct OneMonth {
    /// Its scope.
    pub(crate) scope: Scope,
    /// It as it is known.
    pub(crate) known: Folded,
}

/// A server's months from `since` on, in time order.
///
/// # Errors
/// Where the table, or one of the months, cannot be read.
pub(crate) async fn server_months<L: Ledger + KeptMonths>(
    ledgers: &impl Fn(&Scope) -> L,
    home: &Scope,
    id: &InstanceId,
    since: Month,
    now: DateTime<Utc>,
) -> Result<Vec<OneMonth>, ServiceError> {
    let kept = ledgers(home).months_of(id, since).await?;
    let mut months = Vec::with_capacity(kept.len());
    let mut sweeps: Option<(Scope, SweepState)> = None;
    for month in kept {
        if sweeps.as_ref().is_none_or(|(scope, _)| *scope != month.scope) {
            sweeps = Some((month.scope.clone(), ledgers(&month.scope).sweep_state().await?));
        }
        let Some((scope, sweeps)) = &sweeps else { continue };
        months.push(OneMonth { scope: scope.clone(), known: known_month(month.item?, sweeps, now) });
    }
    Ok(months)
}
