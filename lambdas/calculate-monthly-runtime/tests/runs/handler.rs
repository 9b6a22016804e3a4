//! Whole runs of the handler over fakes.

use std::time::Duration;

use doubles::{Failure, InMemoryTrail};
use serde_json::json;
use uptime::InstanceState::{Running, Stopped};
use uptime::{CacheEntry, Fact, Observation, Span};

use crate::support::{Call, Tables, call, hour, id, now, server};

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

fn minutes(tables: &Tables, n: u32) -> String {
    tables.cache.entries()[&id(n)].span.proven.to_string()
}

fn three_servers() -> [Observation; 3] {
    [server(1, Running, -500), server(2, Stopped, 20), server(3, Stopped, 30)]
}

fn their_trail() -> InMemoryTrail {
    let evidence = vec![
        call(2, Fact::Stopped, -10),
        call(2, Fact::Started, 20),
        call(2, Fact::Stopped, 22),
        call(3, Fact::Stopped, -400),
        call(3, Fact::Started, 30),
        call(3, Fact::Stopped, 31),
        call(99, Fact::Started, 5),
    ];
    InMemoryTrail { evidence, lookups_per_read: 6, ..InMemoryTrail::default() }
}

#[tokio::test(start_paused = true)]
async fn every_server_is_calculated_and_cached() {
    let tables = Tables::default();
    let body = tables.run_within(TIME, now(), &three_servers(), &their_trail()).await.unwrap();
    assert_eq!(body["message"], "Monthly runtime calculation completed");
    assert_eq!((&body["total_servers"], &body["processed"], &body["errors"]), (&json!(3), &json!(3), &json!(0)));
    assert_eq!(
        (minutes(&tables, 1), minutes(&tables, 2), minutes(&tables, 3)),
        ("14400.00".into(), "120.00".into(), "60.00".into())
    );
    let entries = tables.cache.entries();
    assert_eq!(entries.len(), 3);
    assert_eq!((entries[&id(1)].running_since, entries[&id(1)].timestamp), (Some(hour(-500)), now()));
}

#[tokio::test(start_paused = true)]
async fn spare_requests_find_the_state_at_the_months_start() {
    let tables = Tables::default();
    let body = tables.run_within(TIME, now(), &three_servers(), &their_trail()).await.unwrap();
    assert_eq!((&body["uncertain"], &body["cloudtrail"]["lookups"]), (&json!(0), &json!(12)));
}

#[tokio::test(start_paused = true)]
async fn an_empty_fleet_is_a_success() {
    let body = Tables::default().run_within(TIME, now(), &[], &InMemoryTrail::default()).await.unwrap();
    assert_eq!((&body["message"], &body["total_servers"]), (&json!("No servers found"), &json!(0)));
}

#[tokio::test(start_paused = true)]
async fn one_servers_failing_write_does_not_stop_the_others() {
    let tables = Tables::default();
    tables.fail_for(2, Call::WriteCache, Failure::Denied);
    tables.cache.entries().insert(id(2), entry("90", "0", 24));
    let body = tables.run_within(TIME, now(), &three_servers(), &their_trail()).await.unwrap();
    assert_eq!((&body["processed"], &body["errors"]), (&json!(2), &json!(1)));
    assert_eq!(minutes(&tables, 2), "90.00");
}

#[tokio::test(start_paused = true)]
async fn a_table_that_never_answers_fails_the_run() {
    let tables = Tables::default();
    tables.fail(Call::WriteCache, Failure::Slow(Duration::from_secs(1000)));
    let error = tables.run_within(TIME, now(), &three_servers(), &their_trail()).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot write the tables: no write was answered before the time was up");
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_whole_run_is_an_error_and_overwrites_nothing() {
    let nothing_read = InMemoryTrail { ends_at: Some(now()), lookups_per_read: 9, ..InMemoryTrail::default() };
    let cases = [
        (
            Some(Call::ListServers),
            their_trail(),
            "cannot list the servers: EC2 DescribeInstances failed: AccessDeniedException: User: x is not authorized",
        ),
        (
            Some(Call::Sweep),
            their_trail(),
            "cannot read CloudTrail: CloudTrail LookupEvents failed: AccessDeniedException: User: x is not authorized",
        ),
        (None, nothing_read, "cannot read CloudTrail: the time was up after 9 requests, 0 of them throttled"),
        (
            Some(Call::WriteCache),
            their_trail(),
            "cannot write the servers table: DynamoDB UpdateItem failed: AccessDeniedException: User: x is not authorized",
        ),
    ];
    for (failing, trail, why) in cases {
        let tables = Tables::default();
        tables.cache.entries().insert(id(1), entry("90", "0", 24));
        failing.into_iter().for_each(|call| tables.fail(call, Failure::Denied));
        let error = tables.run_within(TIME, now(), &three_servers(), &trail).await.unwrap_err();
        assert_eq!(error.to_string(), why);
        assert_eq!(*tables.cache.entries(), [(id(1), entry("90", "0", 24))].into());
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_request_is_an_error_that_says_why() {
    let payload = json!({"servers": ["x"]});
    let handled = Tables::default().handled(now(), &three_servers(), &their_trail(), payload, TIME).await;
    let error = handled.outcome.unwrap_err();
    assert!(error.to_string().starts_with("invalid request: servers[0]: `x` is not an EC2 instance id"));
}

#[tokio::test(start_paused = true)]
async fn only_the_servers_asked_for_are_calculated_and_unknown_ones_are_errors() {
    let (tables, payload) = (Tables::default(), json!({"servers": [id(2), id(7)]}));
    let body = tables.asked("2025-10-11T00:00:00Z", &three_servers(), &their_trail(), payload).await;
    assert_eq!((&body["total_servers"], &body["processed"], &body["errors"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!(tables.cache.entries().keys().collect::<Vec<_>>(), [&id(2)]);
}

#[tokio::test(start_paused = true)]
async fn a_history_that_cannot_be_reached_fails_the_run_before_it_asks_cloudtrail() {
    let (tables, trail) = (Tables::default(), their_trail());
    tables.fail(Call::ReadSweepState, Failure::Denied);
    let error = tables.run_within(TIME, now(), &three_servers(), &trail).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read the ledger: DynamoDB GetItem failed: AccessDeniedException: User: x is not authorized"
    );
    assert!(trail.swept().is_empty());
}

#[tokio::test(start_paused = true)]
async fn time_that_runs_out_while_writing_leaves_the_rest_to_the_next_run_which_begins_with_them() {
    let servers: Vec<_> = (0..200).map(|n| server(n, Running, -500)).collect();
    let tables = Tables::default();
    tables.fail(Call::WriteCache, Failure::Slow(Duration::from_secs(1)));
    let first = tables.run_within(3, now(), &servers, &their_trail()).await.unwrap();
    assert_eq!(first["message"], "Monthly runtime calculation stopped before the deadline, the next run goes on");
    let (done, remaining) = (first["processed"].as_u64().unwrap(), first["remaining"].as_u64().unwrap());
    assert!(done > 0 && remaining > 0 && done + remaining == 200, "{first}");
    assert_eq!(tables.ledger.state().coverage.end(), None, "not all that was read is stored");
    let written = tables.cache.written().drain(..).collect::<Vec<_>>();
    tables.run_within(TIME, hour(241), &servers, &their_trail()).await.unwrap();
    let order = tables.cache.written();
    let unanswered = 32;
    assert!(order[..remaining as usize - unanswered].iter().all(|id| !written.contains(id)), "{order:?}");
    assert_eq!(tables.ledger.state().coverage.end(), Some(hour(241)));
}
