//! Reading a scope's whole month, each server as it is known.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, future, stream};
use tokio::sync::mpsc;
use tokio::task::yield_now;
use uptime::{Folded, InstanceId, Month, ServerMonth};

use crate::ports::{Ledger, SweepState};
use crate::service_error::ServiceError;

/// Items that are read at a time.
const PART: usize = 100;
/// Parts that are read at once: the next ones arrive while these become rows.
const AT_ONCE: usize = 8;
/// Rows that are made before it is looked whether more items have arrived.
const ROWS: usize = 20;

/// A scope's month.
#[derive(Debug)]
pub struct ReadMonth<T> {
    /// What was made of each server.
    pub rows: Vec<T>,
    /// The servers whose item cannot be read, and why.
    pub unreadable: Vec<(InstanceId, ServiceError)>,
}

/// Reads a scope's month as it is known at `now`; `row` makes of each server what is kept of it. Of a month that has begun
/// since `read_at`, when the scope was last read, nothing may be stored of a server yet: it is carried on from the month
/// before.
///
/// # Errors
/// Where the table cannot be read.
pub async fn read_month<L: Ledger, T>(
    ledger: &L,
    month: Month,
    read_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    row: impl Fn(&Folded) -> T,
) -> Result<ReadMonth<T>, ServiceError> {
    let (sweeps, listed) = future::try_join(ledger.sweep_state(), ledger.servers(month)).await?;
    let ids: Vec<InstanceId> = listed.into_iter().map(|server| server.id).collect();
    let mut found = ReadMonth { rows: Vec::with_capacity(ids.len()), unreadable: Vec::new() };
    found.take(ledger, (month, &ids), |item| row(&known_month(item, &sweeps, now))).await?;
    if month == Month::of(now) && read_at.is_none_or(|at| at < month.start()) {
        let before = ledger.servers(month.previous()).await?;
        let here = before.into_iter().filter(|server| !server.left).map(|server| server.id);
        let listed: BTreeSet<&InstanceId> = ids.iter().collect();
        let carried: Vec<InstanceId> = here.filter(|id| !listed.contains(id)).collect();
        found.take(ledger, (month.previous(), &carried), |item| row(&carried_on(&item, &sweeps, now))).await?;
    }
    Ok(found)
}

impl<T> ReadMonth<T> {
    async fn take<L: Ledger>(
        &mut self,
        ledger: &L,
        (month, ids): (Month, &[InstanceId]),
        row: impl Fn(ServerMonth) -> T,
    ) -> Result<(), ServiceError> {
        let (read, mut arrived) = mpsc::channel(1);
        let reading = async move {
            let parts: Vec<_> = ids.chunks(PART).map(|ids| ledger.read(month, ids)).collect();
            let mut parts = stream::iter(parts).buffered(AT_ONCE);
            while let Some(items) = parts.try_next().await? {
                // It is received until this ends.
                let _ = read.send(items).await;
            }
            Ok(())
        };
        let making = async {
            while let Some(items) = arrived.recv().await {
                for (number, (id, item)) in items.into_iter().enumerate() {
                    match item {
                        Ok(item) => self.rows.push(row(item)),
                        Err(error) => self.unreadable.push((id, error)),
                    }
                    if number % ROWS == ROWS - 1 {
                        yield_now().await;
                    }
                }
            }
        };
        future::join(reading, making).await.0
    }
}

/// A stored month as it is known.
pub fn known_month(item: ServerMonth, sweeps: &SweepState, now: DateTime<Utc>) -> Folded {
    let (id, month) = (item.id.clone(), item.month);
    item.as_known(&sweeps.for_server(&id, &[month]), now)
}

/// A month of which nothing is stored yet, from the one before.
fn carried_on(before: &ServerMonth, sweeps: &SweepState, now: DateTime<Utc>) -> Folded {
    let (id, month) = (&before.id, before.month.next());
    let swept = sweeps.for_server(id, &[month, before.month]);
    ServerMonth::begun(id, month, None, Some(before), &swept).as_known(&swept, now)
}
