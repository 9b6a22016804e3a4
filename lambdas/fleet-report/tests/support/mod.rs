//! A fleet to report on: the showcase after an hourly run, and ledgers in memory.

#![allow(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use account::{Account, scopes};
use calculate_monthly_runtime::config::Settings;
use calculate_monthly_runtime::{Calculation, handle as calculate};
use chrono::{DateTime, TimeDelta, Utc};
use doubles::{InMemoryChecks, InMemoryLedger, InMemoryReports};
use fleet_report::{Call, FleetReport, ReportError, handle};
use serde_json::{Value, json};
use uptime::{Coverage, Evidence, InstanceId, Month, Scope, ServerMonth, Window};
use uptime_ledger::metrics::Metrics;
use uptime_ledger::ports::{KeptMonths, Ledger, LedgerWritten, Statuses};
use uptime_ledger::{Moment, Scopes};

pub(crate) const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:runtime-cache-test-fleetReport";

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn id(n: u32) -> InstanceId {
    format!("i-{n:08x}").parse().unwrap()
}

/// The showcase after an hourly run.
pub(crate) async fn calculated() -> Account {
    let account = Account::showcase().await.unwrap();
    let settings = Settings {
        lookback: TimeDelta::days(7),
        overlap: TimeDelta::hours(1),
        month_open: TimeDelta::hours(24),
        asks_cloudwatch: false,
    };
    let metrics = Metrics::new("runtime-cache", "test");
    let (checks, reports) = (|_: &Scope| InMemoryChecks::default(), InMemoryReports::default());
    let calculation = Calculation::over(|_: &Scope| account.ports(), checks, reports, scopes(), settings, metrics);
    let moment = Moment::within(account.now(), Duration::from_secs(300));
    calculate(&calculation, json!({}), moment).await.outcome.unwrap();
    account
}

/// What the function answers about these scopes.
pub(crate) async fn asked<L: Ledger + Statuses + KeptMonths>(
    ledgers: impl Fn(&Scope) -> L,
    scopes: Scopes,
    now: DateTime<Utc>,
    payload: Value,
) -> Result<Value, ReportError> {
    let report = FleetReport::over(ledgers, scopes);
    let call = Call { moment: Moment::within(now, Duration::from_secs(20)), function_arn: ARN.to_owned() };
    let answer = handle(&report, payload, call).await?;
    Ok(serde_json::from_str(answer.get()).unwrap())
}

/// What it answers about an account.
pub(crate) async fn report(account: &Account, payload: Value) -> Result<Value, ReportError> {
    asked(|scope: &Scope| account.ledger_of(scope), scopes(), account.now(), payload).await
}

/// A ledger in memory with these months, all of the home scope.
pub(crate) async fn ledger(months: &[ServerMonth]) -> InMemoryLedger {
    let ledger = InMemoryLedger::default();
    for month in months {
        assert_eq!((&ledger).write(None, month).await.unwrap(), LedgerWritten::Stored);
    }
    ledger
}

/// What it answers about a ledger in memory.
pub(crate) async fn reported(ledger: &InMemoryLedger, now: &str, payload: Value) -> Result<Value, ReportError> {
    asked(|_: &Scope| ledger, Scopes::only(doubles::home()), at(now), payload).await
}

/// A month of a server that is told by these pieces of evidence, covered whole up to `until`.
pub(crate) fn month_of(n: u32, month: &str, told: &[&str], until: &str) -> ServerMonth {
    let month: Month = month.parse().unwrap();
    let mut item = ServerMonth::new(id(n), month);
    let swept = Window::new(month.start() - TimeDelta::days(7), at(until));
    let told = told.iter().map(|text| text.parse::<Evidence>().unwrap());
    item.learn(told, &Coverage::none().with(swept));
    item.summarize(at(until));
    item
}

/// A server that ran for two hours on the 4th of October 2025, and was shut down from inside on the 6th.
pub(crate) fn explained() -> ServerMonth {
    let told = [
        "2025-09-30T10:00:00Z stopped CloudTrail StopInstances 11111111",
        "2025-10-04T10:00:00Z started CloudTrail StartInstances 22222222",
        "2025-10-04T10:00:20Z started state-change 33333333",
        "2025-10-04T12:00:20Z stopped CloudTrail StopInstances 44444444",
        "2025-10-06T10:00:00Z started CloudTrail StartInstances 55555555",
        "2025-10-06T11:00:00Z seen-stopped EC2",
    ];
    month_of(1, "2025-10", &told, "2025-10-07T00:00:00Z")
}
