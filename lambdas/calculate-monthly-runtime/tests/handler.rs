//! Whole runs of the handler over fakes.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod fakes;

use std::time::Duration;

use fakes::{FakeCache, FakeFleet, FakeHistory, hour, id, now, run, server, told};
use serde_json::json;
use uptime::InstanceState::{Running, Stopped};
use uptime::{CacheEntry, Fact, Minutes};

const TIME: u64 = 300;

fn entry(minutes: &str, uncertainty: &str, hours: i64) -> CacheEntry {
    CacheEntry {
        minutes: minutes.parse().unwrap(),
        uncertainty: uncertainty.parse().unwrap(),
        timestamp: hour(hours),
        month: "2025-10".parse().unwrap(),
        running_since: None,
    }
}

fn minutes(cache: &FakeCache, n: u32) -> String {
    cache.entries.lock().unwrap()[&id(n)].minutes.to_string()
}

fn three_servers() -> FakeFleet {
    FakeFleet(Ok(vec![server(1, Running, -500), server(2, Stopped, 20), server(3, Stopped, 30)]))
}

fn their_history() -> FakeHistory {
    let events = vec![
        told(2, Fact::Stopped, -10),
        told(2, Fact::Started, 20),
        told(2, Fact::Stopped, 22),
        told(3, Fact::Stopped, -400),
        told(3, Fact::Started, 30),
        told(3, Fact::Stopped, 31),
        told(99, Fact::Started, 5),
    ];
    FakeHistory { events, lookups_per_read: 6, ..FakeHistory::default() }
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
async fn spare_requests_that_fail_leave_what_is_known_better() {
    let cache = FakeCache::default();
    run(three_servers(), their_history(), &cache, json!({}), TIME).await.unwrap();
    cache.entries.lock().unwrap().values_mut().for_each(|entry| entry.timestamp = hour(200));
    let failing = FakeHistory { fails_after: Some(6), ..their_history() };
    let body = run(three_servers(), failing, &cache, json!({}), TIME).await.unwrap();
    assert_eq!((&body["kept"], &body["processed"], &body["uncertain"]), (&json!(1), &json!(2), &json!(0)));
    assert_eq!(cache.entries.lock().unwrap()[&id(3)].timestamp, hour(200));
}

#[tokio::test(start_paused = true)]
async fn an_empty_fleet_is_a_success() {
    let body =
        run(FakeFleet(Ok(vec![])), FakeHistory::default(), &FakeCache::default(), json!({}), TIME).await.unwrap();
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

/// Whichever comes first, and though all others are kept rather than written.
#[tokio::test(start_paused = true)]
async fn a_failing_write_is_one_servers_error_even_where_nothing_was_written() {
    let part = FakeHistory { reach: Some(hour(25)), ..their_history() };
    let cache = FakeCache { failing: [id(1), id(3)].into(), ..FakeCache::default() };
    cache.entries.lock().unwrap().insert(id(2), entry("120", "0", 24));
    let body = run(three_servers(), part, &cache, json!({}), TIME).await.unwrap();
    assert_eq!((&body["kept"], &body["errors"]), (&json!(1), &json!(2)));
}

#[tokio::test(start_paused = true)]
async fn a_table_that_never_answers_fails_the_run() {
    let cache = FakeCache { write_takes: Duration::from_secs(1000), ..FakeCache::default() };
    let error = run(three_servers(), their_history(), &cache, json!({}), TIME).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot write the servers table: no write was answered before the time was up");
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_whole_run_is_an_error_and_overwrites_nothing() {
    let before = || {
        let cache = FakeCache::default();
        cache.entries.lock().unwrap().insert(id(1), entry("90", "0", 24));
        cache
    };
    let no_history = || FakeHistory { error: Some("CloudTrail LookupEvents"), ..FakeHistory::default() };
    let nothing_read = || FakeHistory { reach: Some(now()), lookups_per_read: 9, ..FakeHistory::default() };
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
            FakeCache { unreadable: true, ..before() },
            "cannot read the servers table: DynamoDB BatchGetItem failed: AccessDeniedException: User: x is not authorized",
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
    assert!(error.to_string().starts_with("invalid request: servers: `x` is not an EC2 instance id"));
}

#[tokio::test(start_paused = true)]
async fn only_the_servers_asked_for_are_calculated_and_unknown_ones_are_errors() {
    let cache = FakeCache::default();
    let body = run(three_servers(), their_history(), &cache, json!({"servers": [id(2), id(7)]}), TIME).await.unwrap();
    assert_eq!((&body["total_servers"], &body["processed"], &body["errors"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!(cache.entries.lock().unwrap().keys().collect::<Vec<_>>(), [&id(2)]);
}

#[tokio::test(start_paused = true)]
async fn a_past_month_is_answered_and_not_cached() {
    let cache = FakeCache::default();
    let body = run(three_servers(), their_history(), &cache, json!({"month": "2025-09", "servers": [id(1)]}), TIME)
        .await
        .unwrap();
    assert!(cache.entries.lock().unwrap().is_empty());
    assert_eq!(body["results"], json!([{"id": id(1), "minutes": 30000.0, "uncertainty": 13200.0}]));
}

#[tokio::test(start_paused = true)]
async fn time_that_runs_out_while_writing_leaves_the_rest_to_the_next_run_which_begins_with_them() {
    let servers: Vec<_> = (0..200).map(|n| server(n, Running, -500)).collect();
    let cache = FakeCache { write_takes: Duration::from_secs(1), ..FakeCache::default() };
    let first = run(FakeFleet(Ok(servers.clone())), their_history(), &cache, json!({}), 3).await.unwrap();
    assert_eq!(first["message"], "Monthly runtime calculation stopped before the deadline, the next run goes on");
    let (done, remaining) = (first["processed"].as_u64().unwrap(), first["remaining"].as_u64().unwrap());
    assert!(done > 0 && remaining > 0 && done + remaining == 200, "{first}");
    let written = cache.order.lock().unwrap().drain(..).collect::<Vec<_>>();
    run(FakeFleet(Ok(servers)), their_history(), &cache, json!({}), TIME).await.unwrap();
    let order = cache.order.lock().unwrap();
    assert!(order[..remaining as usize].iter().all(|id| !written.contains(id)));
}

#[tokio::test(start_paused = true)]
async fn a_part_of_cloudtrail_never_replaces_what_is_known_better() {
    let part = FakeHistory { reach: Some(hour(25)), ..their_history() };
    let cache = FakeCache::default();
    cache.entries.lock().unwrap().insert(id(2), entry("120", "0", 24));
    let body = run(three_servers(), part, &cache, json!({}), TIME).await.unwrap();
    assert_eq!(body["message"], "Monthly runtime calculation completed with a part of CloudTrail");
    assert_eq!(
        (&body["kept"], &body["processed"], &body["cloudtrail"]["complete"]),
        (&json!(1), &json!(2), &json!(false))
    );
    assert_eq!(minutes(&cache, 2), "120.00");
    let of_3 = cache.entries.lock().unwrap()[&id(3)].clone();
    assert!(of_3.minutes == "60".parse().unwrap() && of_3.uncertainty > Minutes::default());
}

#[tokio::test(start_paused = true)]
async fn last_months_value_never_counts_as_better_known() {
    let part = FakeHistory { reach: Some(hour(25)), ..their_history() };
    let cache = FakeCache::default();
    let september = CacheEntry { month: "2025-09".parse().unwrap(), ..entry("43200", "0", -1) };
    cache.entries.lock().unwrap().insert(id(2), september);
    run(three_servers(), part, &cache, json!({}), TIME).await.unwrap();
    assert_eq!(cache.entries.lock().unwrap()[&id(2)].month.to_string(), "2025-10");
}
