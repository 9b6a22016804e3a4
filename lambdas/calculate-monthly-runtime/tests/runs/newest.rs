//! The newest of the trail is read while the servers are listed: it is needed whoever they are.

use std::time::Duration;

use calculate_monthly_runtime::error::RunError;
use chrono::TimeDelta;
use doubles::{Failure, InMemoryTrail};
use serde_json::json;
use tokio::time::Instant;
use uptime::InstanceState::Running;
use uptime::Observation;

use crate::support::{Call, Tables, at, every_other_runs, id, seen, trail};

const FIRST: &str = "2025-10-11T09:00:00Z";
const NEXT: &str = "2025-10-11T10:00:00Z";

/// Tables after the fleet's first run.
async fn after_first_run(trail: &InMemoryTrail) -> Tables {
    let tables = Tables::default();
    tables.run(FIRST, &every_other_runs(FIRST), trail).await;
    trail.swept().clear();
    tables
}

fn slow(tables: &Tables, call: Call, seconds: u64) {
    tables.fail(call, Failure::Slow(Duration::from_secs(seconds)));
}

#[tokio::test(start_paused = true)]
async fn an_hour_waits_for_ec2_and_for_cloudtrail_at_once() {
    for (listing, reading) in [(4, 3), (3, 4)] {
        let trail = trail(&[(7, "2025-10-11T09:30:00Z started CloudTrail StartInstances 1")]);
        let tables = after_first_run(&trail).await;
        slow(&tables, Call::ListServers, listing);
        slow(&tables, Call::Sweep, reading);
        let begun = Instant::now();
        let body = tables.run(NEXT, &every_other_runs(NEXT), &trail).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(4));
        assert_eq!((&body["processed"], &body["cloudtrail"]["lookups"]), (&json!(40), &json!(6)), "{body}");
        assert_eq!(trail.swept().len(), 1);
        assert_eq!(tables.item(7, "2025-10").coverage.end(), Some(at(NEXT)), "what was read early is stored");
    }
}

#[tokio::test(start_paused = true)]
async fn servers_that_cannot_be_listed_fail_the_run_without_a_wait_for_the_trail() {
    let trail = trail(&[]);
    let tables = after_first_run(&trail).await;
    slow(&tables, Call::Sweep, 100);
    tables.fail(Call::ListServers, Failure::Denied);
    let begun = Instant::now();
    let error = tables.run_within(300, at(NEXT), &every_other_runs(NEXT), &trail).await.unwrap_err();
    assert!(matches!(error, RunError::Fleet(_)), "{error}");
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_trail_that_fails_meanwhile_fails_the_run_as_it_would_later() {
    let trail = trail(&[]);
    let tables = after_first_run(&trail).await;
    slow(&tables, Call::ListServers, 1);
    tables.fail(Call::Sweep, Failure::Denied);
    let error = tables.run_within(300, at(NEXT), &every_other_runs(NEXT), &trail).await.unwrap_err();
    assert!(matches!(error, RunError::Trail(_)), "{error}");
    assert_eq!(trail.swept().len(), 1);
    assert_eq!(tables.ledger.state().coverage.end(), Some(at(FIRST)));
}

#[tokio::test(start_paused = true)]
async fn where_many_servers_are_new_the_same_sweep_goes_on_into_the_past() {
    let trail = trail(&[
        (60, "2025-10-03T00:00:00Z started CloudTrail StartInstances 1"),
        (60, "2025-10-03T01:00:00Z stopped CloudTrail StopInstances 2"),
    ]);
    let tables = after_first_run(&trail).await;
    let old = |n| Observation { created_at: Some(at("2025-01-01T00:00:00Z")), ..seen(n, Running, FIRST, NEXT) };
    let fleet: Vec<_> = every_other_runs(NEXT).into_iter().chain((41..=120).map(old)).collect();
    let body = tables.run(NEXT, &fleet, &trail).await;
    assert_eq!(trail.swept().len(), 1, "{body}");
    assert_eq!(tables.minutes(60, "2025-10").0, "120.00");
}

#[tokio::test(start_paused = true)]
async fn a_hole_that_an_earlier_run_left_is_read_after_it() {
    let all = trail(&[]);
    let tables = after_first_run(&all).await;
    let late = "2025-10-11T20:00:00Z";
    let cut = InMemoryTrail { ends_at: Some(at("2025-10-11T17:00:00Z")), ..all.clone() };
    tables.run(late, &every_other_runs(late), &cut).await;
    all.swept().clear();
    let now = "2025-10-11T20:30:00Z";
    tables.run(now, &every_other_runs(now), &all).await;
    assert_eq!(all.swept().len(), 2);
    let coverage = tables.ledger.state().coverage;
    assert_eq!((coverage.windows().len(), coverage.end()), (1, Some(at(now))));
}

#[tokio::test(start_paused = true)]
async fn of_a_scope_without_servers_nothing_is_read() {
    let trail = trail(&[]);
    let tables = after_first_run(&trail).await;
    let mut swept = 0;
    // In November the last servers are in last month's items until that is final.
    for hour in 0..24 * 30 {
        let now = at(NEXT) + TimeDelta::hours(hour);
        tables.run_within(300, now, &[], &trail).await.unwrap();
        swept = std::mem::take(&mut *trail.swept()).len();
    }
    assert_eq!(swept, 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_for_servers_that_are_not_there_costs_no_lookup() {
    let trail = trail(&[]);
    let tables = after_first_run(&trail).await;
    let body = tables.asked(NEXT, &every_other_runs(NEXT), &trail, json!({"servers": [id(77)]})).await;
    assert_eq!(body["errors"], json!(1), "{body}");
    assert!(trail.swept().is_empty());
}
