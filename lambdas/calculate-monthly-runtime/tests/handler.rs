//! Whole runs of the handler over fakes.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod fakes;

use std::time::Duration;

use fakes::{FakeCache, FakeFleet, FakeLedger, FakeTrail, hour, id, now, run, run_at, server, told};
use serde_json::json;
use uptime::InstanceState::{Running, Stopped};
use uptime::{CacheEntry, Fact, Span};

const TIME: u64 = 300;

fn entry(minutes: &str, uncertainty: &str, hours: i64) -> CacheEntry {
    CacheEntry {
        span: Span { proven: minutes.parse().unwrap(), possible: uncertainty.parse().unwrap() },
        timestamp: hour(hours),
        month: "2025-10".parse().unwrap(),
        running_since: None,
        revision: 0,
    }
}

fn minutes(cache: &FakeCache, n: u32) -> String {
    cache.entries.lock().unwrap()[&id(n)].span.proven.to_string()
}

fn three_servers() -> FakeFleet {
    FakeFleet(Ok(vec![server(1, Running, -500), server(2, Stopped, 20), server(3, Stopped, 30)]))
}

fn their_history() -> FakeTrail {
    let events = vec![
        told(2, Fact::Stopped, -10),
        told(2, Fact::Started, 20),
        told(2, Fact::Stopped, 22),
        told(3, Fact::Stopped, -400),
        told(3, Fact::Started, 30),
        told(3, Fact::Stopped, 31),
        told(99, Fact::Started, 5),
    ];
    FakeTrail { events, lookups_per_read: 6, ..FakeTrail::default() }
}

#[tokio::test(start_paused = true)]
async fn every_server_is_calculated_and_cached() {
    let cache = FakeCache::default();
    let body = run(three_servers(), their_history(), &cache, json!({}), TIME).await.unwrap();
    assert_eq!(body["message"], "Monthly runtime calculation completed");
    assert_eq!((&body["total_servers"], &body["processed"], &body["errors"]), (&json!(3), &json!(3), &json!(0)));
    assert_eq!(
        (minutes(&cache, 1), minutes(&cache, 2), minutes(&cache, 3)),
        ("14400.00".into(), "120.00".into(), "60.00".into())
    );
    let entries = cache.entries.lock().unwrap();
    assert_eq!(entries.len(), 3);
    assert_eq!((entries[&id(1)].running_since, entries[&id(1)].timestamp), (Some(hour(-500)), now()));
}

#[tokio::test(start_paused = true)]
async fn spare_requests_find_the_state_at_the_months_start() {
    let cache = FakeCache::default();
    let body = run(three_servers(), their_history(), &cache, json!({}), TIME).await.unwrap();
    assert_eq!((&body["uncertain"], &body["cloudtrail"]["lookups"]), (&json!(0), &json!(12)));
}

#[tokio::test(start_paused = true)]
async fn an_empty_fleet_is_a_success() {
    let body = run(FakeFleet(Ok(vec![])), FakeTrail::default(), &FakeCache::default(), json!({}), TIME).await.unwrap();
    assert_eq!((&body["message"], &body["total_servers"]), (&json!("No servers found"), &json!(0)));
}

#[tokio::test(start_paused = true)]
async fn one_servers_failing_write_does_not_stop_the_others() {
    let cache = FakeCache { failing: [id(2)].into(), ..FakeCache::default() };
    cache.entries.lock().unwrap().insert(id(2), entry("90", "0", 24));
    let body = run(three_servers(), their_history(), &cache, json!({}), TIME).await.unwrap();
    assert_eq!((&body["processed"], &body["errors"]), (&json!(2), &json!(1)));
    assert_eq!(minutes(&cache, 2), "90.00");
}

#[tokio::test(start_paused = true)]
async fn a_table_that_never_answers_fails_the_run() {
    let cache = FakeCache { write_takes: Duration::from_secs(1000), ..FakeCache::default() };
    let error = run(three_servers(), their_history(), &cache, json!({}), TIME).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot write the tables: no write was answered before the time was up");
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_whole_run_is_an_error_and_overwrites_nothing() {
    let before = || {
        let cache = FakeCache::default();
        cache.entries.lock().unwrap().insert(id(1), entry("90", "0", 24));
        cache
    };
    let no_history = || FakeTrail { error: Some("CloudTrail LookupEvents"), ..FakeTrail::default() };
    let nothing_read = || FakeTrail { reach: Some(now()), lookups_per_read: 9, ..FakeTrail::default() };
    let cases = [
        (
            FakeFleet(Err("EC2 DescribeInstances")),
            their_history(),
            before(),
            "cannot list the servers: EC2 DescribeInstances failed: AccessDeniedException: User: x is not authorized",
        ),
        (
            three_servers(),
            no_history(),
            before(),
            "cannot read CloudTrail: CloudTrail LookupEvents failed: AccessDeniedException: User: x is not authorized",
        ),
        (
            three_servers(),
            nothing_read(),
            before(),
            "cannot read CloudTrail: the time was up after 9 requests, 0 of them throttled",
        ),
        (
            three_servers(),
            their_history(),
            FakeCache { failing: [id(1), id(2), id(3)].into(), ..before() },
            "cannot write the servers table: DynamoDB UpdateItem failed: AccessDeniedException: User: x is not authorized",
        ),
    ];
    for (fleet, history, cache, why) in cases {
        let error = run(fleet, history, &cache, json!({}), TIME).await.unwrap_err();
        assert_eq!(error.to_string(), why);
        assert_eq!(*cache.entries.lock().unwrap(), [(id(1), entry("90", "0", 24))].into());
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_request_is_an_error_that_says_why() {
    let error = run(three_servers(), their_history(), &FakeCache::default(), json!({"servers": ["x"]}), TIME)
        .await
        .unwrap_err();
    assert!(error.to_string().starts_with("invalid request: servers[0]: `x` is not an EC2 instance id"));
}

#[tokio::test(start_paused = true)]
async fn only_the_servers_asked_for_are_calculated_and_unknown_ones_are_errors() {
    let cache = FakeCache::default();
    let body = run(three_servers(), their_history(), &cache, json!({"servers": [id(2), id(7)]}), TIME).await.unwrap();
    assert_eq!((&body["total_servers"], &body["processed"], &body["errors"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!(cache.entries.lock().unwrap().keys().collect::<Vec<_>>(), [&id(2)]);
}

#[tokio::test(start_paused = true)]
async fn a_history_that_cannot_be_reached_fails_the_run_before_it_asks_cloudtrail() {
    let ledger = FakeLedger { unreadable: true, ..FakeLedger::default() };
    let (history, cache) = (their_history(), FakeCache::default());
    let windows = history.windows.clone();
    let error = run_at(now(), three_servers(), history, (&ledger, &cache), json!({}), TIME).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read the history table: DynamoDB GetItem failed: AccessDeniedException: User: x is not authorized"
    );
    assert!(windows.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn time_that_runs_out_while_writing_leaves_the_rest_to_the_next_run_which_begins_with_them() {
    let servers: Vec<_> = (0..200).map(|n| server(n, Running, -500)).collect();
    let fleet = || FakeFleet(Ok(servers.clone()));
    let (ledger, cache) =
        (FakeLedger::default(), FakeCache { write_takes: Duration::from_secs(1), ..FakeCache::default() });
    let first = run_at(now(), fleet(), their_history(), (&ledger, &cache), json!({}), 3).await.unwrap();
    assert_eq!(first["message"], "Monthly runtime calculation stopped before the deadline, the next run goes on");
    let (done, remaining) = (first["processed"].as_u64().unwrap(), first["remaining"].as_u64().unwrap());
    assert!(done > 0 && remaining > 0 && done + remaining == 200, "{first}");
    assert_eq!(ledger.state.lock().unwrap().coverage.end(), None, "not all that was read is stored");
    let written = cache.order.lock().unwrap().drain(..).collect::<Vec<_>>();
    run_at(hour(241), fleet(), their_history(), (&ledger, &cache), json!({}), TIME).await.unwrap();
    let order = cache.order.lock().unwrap();
    let unanswered = 32;
    assert!(order[..remaining as usize - unanswered].iter().all(|id| !written.contains(id)), "{order:?}");
    assert_eq!(ledger.state.lock().unwrap().coverage.end(), Some(hour(241)));
}
