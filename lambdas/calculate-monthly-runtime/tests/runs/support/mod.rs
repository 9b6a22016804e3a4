//! Hourly runs over the ports in memory, and over a simulated account.

pub(crate) mod lives;

use std::time::Duration;

use account::{Account, contents};
use calculate_monthly_runtime::config::Settings;
use calculate_monthly_runtime::error::RunError;
use calculate_monthly_runtime::response::Response;
use calculate_monthly_runtime::{Calculation, Moment, handle};
use chrono::{DateTime, TimeDelta, Utc};
use doubles::{
    Failing, Failure, Faults, InMemoryCache, InMemoryChecks, InMemoryFleet, InMemoryLedger, InMemoryReports,
    InMemoryTrail,
};
use serde_json::{Value, json};
use stand_ins::Faults as TableFaults;
use uptime::{Evidence, Fact, InstanceId, InstanceState, Observation, Scope, ServerEvidence, ServerMonth, Source};
use uptime_ledger::Handled;
use uptime_ledger::metrics::Metrics;
use uptime_ledger::ports::{Ports, Services};

pub(crate) use doubles::Call;

pub(crate) const SETTINGS: Settings = Settings {
    lookback: TimeDelta::days(7),
    overlap: TimeDelta::hours(1),
    month_open: TimeDelta::hours(24),
    asks_cloudwatch: false,
};

pub(crate) fn now() -> DateTime<Utc> {
    "2025-10-11T00:00:00Z".parse().unwrap()
}

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn hour(hours: i64) -> DateTime<Utc> {
    at("2025-10-01T00:00:00Z") + TimeDelta::hours(hours)
}

pub(crate) fn id(n: u32) -> InstanceId {
    format!("i-{n:08x}").parse().unwrap()
}

pub(crate) fn server(n: u32, state: InstanceState, launched: i64) -> Observation {
    Observation {
        id: id(n),
        state,
        observed_at: now(),
        launch_time: Some(hour(launched)),
        transition_reason: None,
        created_at: None,
        name: None,
        instance_type: None,
        spot: None,
    }
}

/// A server as EC2 shows it at an instant.
pub(crate) fn seen(n: u32, state: InstanceState, launched: &str, now: &str) -> Observation {
    let launch_time = Some(at(launched));
    Observation { observed_at: at(now), launch_time, created_at: launch_time, ..server(n, state, 0) }
}

/// Forty servers as EC2 shows them at an instant: those with an even number run, the others are stopped.
pub(crate) fn every_other_runs(now: &str) -> Vec<Observation> {
    let state = |n: u32| if n.is_multiple_of(2) { InstanceState::Running } else { InstanceState::Stopped };
    (1..=40).map(|n| seen(n, state(n), "2025-10-05T00:00:00Z", now)).collect()
}

pub(crate) fn call(n: u32, fact: Fact, hours: i64) -> ServerEvidence {
    let source = Source::CloudTrail { event_name: format!("{fact:?}").into(), event_id: format!("{n}-{hours}") };
    (id(n), Evidence { at: hour(hours), fact, source })
}

/// A trail with this evidence, each piece as a text.
pub(crate) fn trail(evidence: &[(u32, &str)]) -> InMemoryTrail {
    let evidence = evidence.iter().map(|(n, piece)| (id(*n), piece.parse::<Evidence>().unwrap())).collect();
    InMemoryTrail { evidence, lookups_per_read: 6, ..InMemoryTrail::default() }
}

/// The handler's answer for a payload over some ports, and its metrics.
pub(crate) async fn handled<S: Services + Clone>(
    services: S,
    now: DateTime<Utc>,
    payload: Value,
    seconds: u64,
) -> Handled<Response, RunError> {
    handing_over_to(InMemoryReports::default(), services, now, payload, seconds).await
}

/// The same with a CloudWatch that is asked.
pub(crate) async fn witnessed<S: Services + Clone>(
    checks: &InMemoryChecks,
    services: S,
    now: DateTime<Utc>,
    payload: Value,
) -> Handled<Response, RunError> {
    witnessed_handing_over(checks, InMemoryReports::default(), services, now, payload).await
}

/// The same with both.
pub(crate) async fn witnessed_handing_over<S: Services + Clone>(
    checks: &InMemoryChecks,
    reports: InMemoryReports,
    services: S,
    now: DateTime<Utc>,
    payload: Value,
) -> Handled<Response, RunError> {
    let calculation = Calculation::over(
        |_: &Scope| services.clone(),
        |_: &Scope| checks.clone(),
        reports,
        account::scopes(),
        Settings { asks_cloudwatch: true, ..SETTINGS },
        Metrics::new("runtime-cache", "test"),
    );
    handle(&calculation, payload, Moment::within(now, Duration::from_secs(300))).await
}

/// The same with what takes final months.
pub(crate) async fn handing_over_to<S: Services + Clone>(
    reports: InMemoryReports,
    services: S,
    now: DateTime<Utc>,
    payload: Value,
    seconds: u64,
) -> Handled<Response, RunError> {
    let calculation = Calculation::over(
        |_: &Scope| services.clone(),
        |_: &Scope| InMemoryChecks::default(),
        reports,
        account::scopes(),
        SETTINGS,
        Metrics::new("runtime-cache", "test"),
    );
    handle(&calculation, payload, Moment::within(now, Duration::from_secs(seconds))).await
}

/// The body of an answer.
pub(crate) fn body(response: Response) -> Value {
    assert_eq!(response.status_code, 200);
    let contract = ["message", "total_servers", "processed", "errors"];
    let order = contract.map(|field| response.body.find(&format!("\"{field}\":")).unwrap());
    assert!(response.body.starts_with("{\"message\":") && order.is_sorted(), "{}", response.body);
    serde_json::from_str(&response.body).unwrap()
}

/// Both tables, from run to run, and what fails.
#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) ledger: InMemoryLedger,
    pub(crate) cache: InMemoryCache,
    pub(crate) faults: Faults,
    pub(crate) reports: InMemoryReports,
}

impl Tables {
    pub(crate) fn fail(&self, call: Call, failure: Failure) {
        self.faults.add(call, None, failure);
    }

    pub(crate) fn fail_for(&self, n: u32, call: Call, failure: Failure) {
        self.faults.add(call, Some(id(n)), failure);
    }

    pub(crate) async fn handled(
        &self,
        now: DateTime<Utc>,
        fleet: &[Observation],
        trail: &InMemoryTrail,
        payload: Value,
        seconds: u64,
    ) -> Handled<Response, RunError> {
        handing_over_to(self.reports.clone(), self.services(fleet, trail), now, payload, seconds).await
    }

    /// The ports over them, a fleet and a trail.
    pub(crate) fn services(&self, fleet: &[Observation], trail: &InMemoryTrail) -> impl Services + Clone {
        Ports {
            fleet: Failing::new(InMemoryFleet(fleet.to_vec()), &self.faults),
            trail: Failing::new(trail.clone(), &self.faults),
            ledger: Failing::new(&self.ledger, &self.faults),
            cache: Failing::new(&self.cache, &self.faults),
        }
    }

    /// A run with this many seconds of time.
    pub(crate) async fn run_within(
        &self,
        seconds: u64,
        now: DateTime<Utc>,
        fleet: &[Observation],
        trail: &InMemoryTrail,
    ) -> Result<Value, RunError> {
        self.handled(now, fleet, trail, json!({}), seconds).await.outcome.map(body)
    }

    /// An hourly run.
    pub(crate) async fn run(&self, now: &str, fleet: &[Observation], trail: &InMemoryTrail) -> Value {
        self.asked(now, fleet, trail, json!({})).await
    }

    pub(crate) async fn asked(&self, now: &str, fleet: &[Observation], trail: &InMemoryTrail, payload: Value) -> Value {
        self.handled(at(now), fleet, trail, payload, 300).await.outcome.map(body).unwrap()
    }

    pub(crate) fn item(&self, n: u32, month: &str) -> ServerMonth {
        self.ledger.items()[&(id(n), month.parse().unwrap())].clone()
    }

    /// Proven minutes and uncertainty of a month's item.
    pub(crate) fn minutes(&self, n: u32, month: &str) -> (String, String) {
        let span = self.item(n, month).summary.unwrap().span;
        (span.proven.to_string(), span.possible.to_string())
    }
}

/// A run over a simulated account with this many seconds of time.
pub(crate) async fn run(account: &Account, seconds: u64) -> Result<Value, RunError> {
    handled(account.ports(), account.now(), json!({}), seconds).await.outcome.map(body)
}

/// A run in which nothing goes wrong.
pub(crate) async fn good_run(account: &Account) -> Value {
    let body = run(account, 300).await.unwrap();
    assert_eq!((&body["errors"], &body["remaining"]), (&json!(0), &json!(0)), "{body}");
    body
}

/// A run that is ended, as a process that is killed, when the tables have carried out so many updates.
pub(crate) async fn cut_off_after(account: &Account, updates: u64) {
    account.tables.fail(TableFaults { silent_after: Some(updates), ..TableFaults::default() });
    let cut = async {
        while account.tables.attempts() <= updates {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        body = run(account, 300) => panic!("it was done before it was cut off: {body:?}"),
        () = cut => {}
    }
}

/// All that both tables hold, but for the number of writes.
pub(crate) fn everything(account: &Account) -> Value {
    contents(&account.tables, &["revision"])
}
