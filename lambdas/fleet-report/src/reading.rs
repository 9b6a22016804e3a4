//! Reading the ledger: rows of a scope's month, and the months of a server.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, future, stream};
use serde::Serialize;
use uptime::{Folded, InstanceId, Month, Scope, ServerMonth};
use uptime_ledger::ServiceError;
use uptime_ledger::ports::{KeptMonths, Ledger, SweepState};
use uptime_report::Row;

/// Items that are in memory at a time, twice: the next ones are read while these become rows.
const PART: usize = 400;

/// A scope's month.
#[derive(Debug, Default)]
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

/// A scope's month as it is known at `now`. Of a month that has begun since `read_at`, when the scope was last read, nothing
/// may be kept of a server yet: it is carried on from the month before.
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
    let (sweeps, listed) = future::try_join(ledger.sweep_state(), ledger.servers(month)).await?;
    let ids: Vec<InstanceId> = listed.into_iter().map(|server| server.id).collect();
    let mut found = ScopeMonth::default();
    found.take(ledger, scope, (month, &ids), |item| known(item, &sweeps, now)).await?;
    if month == Month::of(now) && read_at.is_none_or(|at| at < month.start()) {
        let before = ledger.servers(month.previous()).await?;
        let here = before.into_iter().filter(|server| !server.left).map(|server| server.id);
        let listed: BTreeSet<&InstanceId> = ids.iter().collect();
        let carried: Vec<InstanceId> = here.filter(|id| !listed.contains(id)).collect();
        found.take(ledger, scope, (month.previous(), &carried), |item| carried_on(item, &sweeps, now)).await?;
    }
    Ok(found)
}

impl ScopeMonth {
    async fn take<L: Ledger>(
        &mut self,
        ledger: &L,
        scope: &Scope,
        (month, ids): (Month, &[InstanceId]),
        known: impl Fn(ServerMonth) -> Folded,
    ) -> Result<(), ServiceError> {
        let parts: Vec<_> = ids.chunks(PART).map(|ids| ledger.read(month, ids)).collect();
        let mut parts = stream::iter(parts).buffered(2);
        while let Some(items) = parts.try_next().await? {
            for (id, item) in items {
                match item {
                    Ok(item) => self.rows.push(Row::of(scope, &known(item))),
                    Err(error) => {
                        self.unreadable.push(Unreadable { scope: scope.clone(), id, error: error.to_string() });
                    }
                }
            }
        }
        Ok(())
    }
}

/// A stored month as it is known.
fn known(item: ServerMonth, sweeps: &SweepState, now: DateTime<Utc>) -> Folded {
    let (id, month) = (item.id.clone(), item.month);
    item.as_known(&sweeps.for_server(&id, &[month]), now)
}

/// A month of which nothing is stored yet, from the one before.
fn carried_on(before: ServerMonth, sweeps: &SweepState, now: DateTime<Utc>) -> Folded {
    let (id, month) = (before.id.clone(), before.month.next());
    let swept = sweeps.for_server(&id, &[month, before.month]);
    ServerMonth::begun(&id, month, None, Some(&before), &swept).as_known(&swept, now)
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
        months.push(OneMonth { scope: scope.clone(), known: known(month.item?, sweeps, now) });
    }
    Ok(months)
}
