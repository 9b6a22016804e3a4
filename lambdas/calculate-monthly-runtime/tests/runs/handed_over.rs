//! Months that are final are handed over: once, whatever fails, and again where something changes.

use doubles::{Failure, InMemoryTrail, home};
use serde_json::{Value, json};
use uptime::InstanceState::Running;
use uptime::{Month, Observation};
use uptime_ledger::MonthReport;

use crate::support::{Call, Tables, at, body, seen};

const OCTOBER_ENDS: [&str; 3] = ["2025-10-31T23:00:00Z", "2025-11-01T00:10:00Z", "2025-11-01T12:00:00Z"];

fn october() -> Month {
    "2025-10".parse().unwrap()
}

fn trail() -> InMemoryTrail {
    InMemoryTrail { lookups_per_read: 6, ..InMemoryTrail::default() }
}

/// Three servers that run all the time.
fn fleet(now: &str) -> Vec<Observation> {
    (1..=3).map(|n| seen(n, Running, "2025-10-10T00:00:00Z", now)).collect()
}

async fn run(tables: &Tables, now: &str) -> Value {
    tables.run(now, &fleet(now), &trail()).await
}

/// The metrics of a run.
async fn metrics(tables: &Tables, now: &str) -> Value {
    let handled = tables.handled(at(now), &fleet(now), &trail(), json!({}), 300).await;
    handled.outcome.map(body).unwrap();
    handled.metrics.unwrap()
}

/// A fleet whose October is over and still open.
async fn open() -> Tables {
    let tables = Tables::default();
    for now in OCTOBER_ENDS {
        run(&tables, now).await;
    }
    assert_eq!(tables.reports.taken(), [], "not before the month is final");
    tables
}

fn document(report: &MonthReport) -> Value {
    serde_json::from_str(&report.json).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_month_that_is_final_is_handed_over_once() {
    let tables = open().await;
    run(&tables, "2025-11-02T00:10:00Z").await;
    let [report] = &tables.reports.taken()[..] else { panic!("one report") };
    assert_eq!((&report.scope, report.month, report.servers), (&home(), october(), 3));
    assert_eq!(report.span.proven.to_string(), "95040.00");
    let told = document(report);
    assert_eq!(told["totals"]["minutes"], json!(95040.0));
    assert!(told["servers"].as_array().unwrap().iter().all(|row| row["final"] == true && row["minutes"] == 31680.0));
    assert_eq!(report.csv.lines().count(), 4);
    assert!(report.csv.lines().skip(1).all(|line| line.contains(",2025-10,31680.00,0.00,")), "{}", report.csv);
    for now in ["2025-11-02T01:10:00Z", "2025-11-03T00:10:00Z"] {
        run(&tables, now).await;
    }
    assert_eq!(tables.reports.taken(), [], "a file that never changes");
}

#[tokio::test(start_paused = true)]
async fn a_month_that_could_not_be_handed_over_is_by_the_next_run_and_takes_nothing_from_this_one() {
    let tables = open().await;
    tables.reports.refuse(true);
    let counted = metrics(&tables, "2025-11-02T00:10:00Z").await;
    assert_eq!((&counted["ReportsOverdue"], &counted["ServersProcessed"]), (&json!(1.0), &json!(3.0)));
    assert_eq!(tables.ledger.state().final_month, Some(october()));
    tables.reports.refuse(false);
    let counted = metrics(&tables, "2025-11-02T01:10:00Z").await;
    assert_eq!(counted.get("ReportsOverdue"), None);
    assert_eq!(tables.reports.taken().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_month_that_lacked_a_server_is_handed_over_again_when_it_has_it() {
    let tables = open().await;
    tables.fail_for(2, Call::WriteItem, Failure::ItemAtFault);
    run(&tables, "2025-11-02T00:10:00Z").await;
    let states = |report: &MonthReport| -> Vec<Value> {
        document(report)["servers"].as_array().unwrap().iter().map(|row| row["final"].clone()).collect()
    };
    let first = tables.reports.taken();
    assert_eq!(first.iter().map(states).collect::<Vec<_>>(), [[json!(true), json!(false), json!(true)]]);
    tables.faults.clear();
    run(&tables, "2025-11-02T01:10:00Z").await;
    run(&tables, "2025-11-02T02:10:00Z").await;
    let second = tables.reports.taken();
    assert_eq!(second.iter().map(states).collect::<Vec<_>>(), [[json!(true), json!(true), json!(true)]]);
}

#[tokio::test(start_paused = true)]
async fn a_month_that_is_reopened_is_handed_over_anew() {
    let tables = open().await;
    let now = "2025-11-02T00:10:00Z";
    run(&tables, now).await;
    assert_eq!(tables.reports.taken().len(), 1);
    let asked = json!({"month": "2025-10", "reopen": true});
    tables.asked("2025-11-05T00:00:00Z", &fleet("2025-11-05T00:00:00Z"), &trail(), asked.clone()).await;
    assert_eq!(tables.reports.taken().len(), 1);
    tables.reports.refuse(true);
    let handled = tables.handled(at("2025-11-05T00:00:00Z"), &fleet(now), &trail(), asked, 300).await;
    let error = handled.outcome.unwrap_err().to_string();
    assert!(
        error.starts_with("cannot hand over the month, which is stored: S3 PutObject failed: AccessDenied"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_month_can_be_asked_for_once_it_is_final() {
    let tables = open().await;
    let asked = async |month: &str| {
        let payload = json!({"report": "month", "month": month});
        tables.handled(at("2025-11-02T02:00:00Z"), &[], &trail(), payload, 300).await.outcome
    };
    let error = asked("2025-10").await.unwrap_err().to_string();
    assert_eq!(error, "invalid request: month 2025-10 is not final for this scope: nothing is handed over before");
    run(&tables, "2025-11-02T00:10:00Z").await;
    let once = tables.reports.taken();
    let answer = body(asked("2025-10").await.unwrap());
    assert_eq!((&answer["total_servers"], &answer["totals"]["minutes"]), (&json!(3), &json!(95040.0)));
    let again = tables.reports.taken();
    assert_eq!((&again[0].csv, again.len()), (&once[0].csv, 1));
    for (payload, expected) in [
        (json!({"report": "month"}), "missing field `month`"),
        (json!({"report": "mouth"}), "unknown variant `mouth`, expected `scopes` or `month`"),
        (json!({"report": "scopes", "month": "2025-10"}), "unknown field `month`"),
    ] {
        let error = tables.handled(at("2025-11-02T02:00:00Z"), &[], &trail(), payload, 300).await.outcome.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}
