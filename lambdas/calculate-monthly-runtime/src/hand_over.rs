//! After a run: the months that are final now are handed over, as a report that whoever bills can rely on.

use chrono::{DateTime, Utc};
use uptime::{InstanceId, Month, Scope};
use uptime_ledger::ports::{Ledger, MonthReports, SweepState};
use uptime_ledger::{Moment, MonthReport, ServiceError, read_month};
use uptime_report::{MonthDocument, Row, Totals, to_csv};

use crate::error::{RunError, in_time};
use crate::request::InvalidRequest;
use crate::sweep_state::change;

/// Hands over every month of a scope of which `state` says that it is still to be done; returns of how many it still is. That one fails
/// takes nothing from a run that has stored all minutes: the next one tries again.
///
/// # Errors
/// Where the sweep state cannot be read or stored.
pub(crate) async fn hand_over_due<L: Ledger>(
    ledger: &L,
    state: SweepState,
    reports: &impl MonthReports,
    scope: &Scope,
    moment: Moment,
) -> Result<usize, RunError> {
    let mut done = Vec::new();
    for month in &state.unreported {
        match hand_over(ledger, reports, scope, *month, moment).await {
            Ok(()) => done.push(*month),
            Err(error) => {
                tracing::error!(%scope, %month, %error, "Could not hand over {month} of {scope}, the next run tries again: {error}");
            }
        }
    }
    let left = state.unreported.len() - done.len();
    // Of what cannot be noted, other runs being faster each time, the report is written once more, which does no harm.
    change(ledger, state, moment, |read| {
        let mut next = read.clone();
        next.unreported.retain(|month| !done.contains(month));
        next
    })
    .await?;
    Ok(left)
}

/// Hands a scope's month over as it is stored. Of a month without servers, such as those before the first run, there is nothing
/// to hand over.
///
/// # Errors
/// Where it cannot be read, or not be stored where it is handed over.
pub(crate) async fn hand_over<L: Ledger>(
    ledger: &L,
    reports: &impl MonthReports,
    scope: &Scope,
    month: Month,
    moment: Moment,
) -> Result<(), RunError> {
    let (rows, unreadable) = rows(ledger, scope, month, moment).await?;
    if rows.is_empty() && unreadable.is_empty() {
        return Ok(());
    }
    send(reports, &report(scope, month, &rows, unreadable, moment.now), moment).await
}

/// The same for who asks for it: only of a month that is final.
///
/// # Errors
/// As [`hand_over`], and where it is not final.
pub(crate) async fn hand_over_again<L: Ledger>(
    ledger: &L,
    reports: &impl MonthReports,
    scope: &Scope,
    month: Month,
    moment: Moment,
) -> Result<Totals, RunError> {
    let (rows, unreadable) = rows(ledger, scope, month, moment).await?;
    let totals = Totals::of(&rows);
    if rows.is_empty() || !totals.is_final() {
        return Err(InvalidRequest::NotFinal(month).into());
    }
    send(reports, &report(scope, month, &rows, unreadable, moment.now), moment).await?;
    Ok(totals)
}

async fn send(reports: &impl MonthReports, report: &MonthReport, moment: Moment) -> Result<(), RunError> {
    let handed_over = in_time(moment, "handing over a month", reports.hand_over(report)).await?;
    handed_over.map_err(RunError::Reports)?;
    let MonthReport { scope, month, servers, .. } = report;
    tracing::info!(%scope, %month, servers, "Handed over {month} of {scope}");
    Ok(())
}

async fn rows<L: Ledger>(
    ledger: &L,
    scope: &Scope,
    month: Month,
    moment: Moment,
) -> Result<(Vec<Row>, Vec<InstanceId>), RunError> {
    let now = moment.now;
    let reading = read_month(ledger, month, Some(now), now, |known| Row::of(scope, known));
    let read = in_time(moment, "reading the ledger", reading).await?.map_err(RunError::LedgerRead)?;
    let mut rows = read.rows;
    rows.sort_by(|one, other| one.id.cmp(&other.id));
    let unreadable = |(id, error): (InstanceId, ServiceError)| {
        tracing::error!(%id, %month, %error, "{id} is not in the report of {month}: {error}");
        id
    };
    Ok((rows, read.unreadable.into_iter().map(unreadable).collect()))
}

fn report(scope: &Scope, month: Month, rows: &[Row], unreadable: Vec<InstanceId>, now: DateTime<Utc>) -> MonthReport {
    let document = MonthDocument::of(scope, month, rows, unreadable, now);
    MonthReport {
        scope: scope.clone(),
        month,
        servers: rows.len(),
        span: rows.iter().map(Row::span).sum(),
        csv: to_csv(rows),
        // All of it are numbers, texts and lists, which JSON has.
        json: serde_json::to_string(&document).unwrap_or_default(),
    }
}
