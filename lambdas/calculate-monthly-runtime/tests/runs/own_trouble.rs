//! One server's trouble, and one record's, stays its own: it holds back no other's value, watermark or month.

use doubles::{Failure, InMemoryTrail};
use serde_json::{Value, json};
use uptime::InstanceState::{Running, Stopped};
use uptime::{InstanceState, Observation};

use crate::support::{Call, Tables, at, id, seen, trail};

/// A server that was created long ago.
fn old(n: u32, state: InstanceState, launched: &str, now: &str) -> Observation {
    Observation { created_at: Some(at("2025-01-01T00:00:00Z")), ..seen(n, state, launched, now) }
}

fn runs(now: &str) -> Observation {
    old(1, Running, "2025-01-01T00:00:00Z", now)
}

fn watermark(tables: &Tables) -> String {
    tables.ledger.state().coverage.end().unwrap().to_rfc3339()
}

fn spoil(tables: &Tables, n: u32) {
    for call in [Call::ReadItems, Call::WriteItem] {
        tables.fail_for(n, call, Failure::ItemAtFault);
    }
}

fn mend(tables: &Tables) {
    tables.faults.clear();
}

const HOURS: [&str; 4] =
    ["2025-10-11T00:00:00Z", "2025-10-11T01:00:00Z", "2025-10-11T02:00:00Z", "2025-10-11T03:00:00Z"];

/// Server 2 ran from half past one to twenty to two, of which only CloudTrail tells.
fn short_run() -> InMemoryTrail {
    trail(&[
        (2, "2025-09-26T00:00:00Z stopped CloudTrail StopInstances 1"),
        (2, "2025-10-11T01:30:00Z started CloudTrail StartInstances 2"),
        (2, "2025-10-11T01:40:00Z stopped CloudTrail StopInstances 3"),
    ])
}

fn fleet(now: &str) -> [Observation; 2] {
    let launched = if now < HOURS[2] { "2025-09-25T00:00:00Z" } else { "2025-10-11T01:30:00Z" };
    [runs(now), old(2, Stopped, launched, now)]
}

#[tokio::test(start_paused = true)]
async fn an_item_that_cannot_be_stored_leaves_a_hole_in_its_own_coverage_until_it_can() {
    let (tables, trail) = (Tables::default(), short_run());
    for now in &HOURS[..2] {
        tables.run(now, &fleet(now), &trail).await;
    }
    spoil(&tables, 2);
    let body = tables.run(HOURS[2], &fleet(HOURS[2]), &trail).await;
    assert_eq!((&body["processed"], &body["errors"]), (&json!(1), &json!(1)), "{body}");
    assert_eq!(watermark(&tables), "2025-10-11T02:00:00+00:00", "the others go on");
    assert_eq!(tables.cache.entries()[&id(1)].timestamp, at(HOURS[2]));
    assert_eq!(tables.cache.entries()[&id(2)].timestamp, at(HOURS[1]), "the last good value stays");
    let swept = trail.swept().len();
    let body = tables.run(HOURS[3], &fleet(HOURS[3]), &trail).await;
    assert_eq!(body["errors"], json!(1));
    assert_eq!(trail.swept()[swept..].len(), 1, "nothing is read again for it");
    assert_eq!(tables.ledger.state().holes.len(), 1);
    mend(&tables);
    let now = "2025-10-11T04:00:00Z";
    let body = tables.run(now, &fleet(now), &trail).await;
    assert_eq!(body["errors"], json!(0), "{body}");
    assert_eq!(*trail.looked_up(), [id(2)]);
    assert_eq!(tables.minutes(2, "2025-10"), ("10.00".to_owned(), "0.00".to_owned()));
    assert!(tables.ledger.state().holes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_hole_is_never_taken_for_coverage() {
    let (tables, trail) = (Tables::default(), short_run());
    for now in &HOURS[..2] {
        tables.run(now, &fleet(now), &trail).await;
    }
    spoil(&tables, 2);
    tables.run(HOURS[2], &fleet(HOURS[2]), &trail).await;
    mend(&tables);
    // The lookup of the one server fails: what was not stored stays possible.
    tables.fail(Call::Lookup, Failure::Denied);
    let now = "2025-10-11T05:00:00Z";
    tables.run(now, &fleet(now), &trail).await;
    mend(&tables);
    let (minutes, uncertainty) = tables.minutes(2, "2025-10");
    let most = minutes.parse::<f64>().unwrap() + uncertainty.parse::<f64>().unwrap();
    assert!(minutes.parse::<f64>().unwrap() <= 10.0 && 10.0 <= most, "{minutes} {uncertainty}");
    assert_eq!(tables.ledger.state().holes.len(), 1, "it is still to be filled");
    tables.run("2025-10-11T06:00:00Z", &fleet("2025-10-11T06:00:00Z"), &trail).await;
    assert_eq!(tables.minutes(2, "2025-10"), ("10.00".to_owned(), "0.00".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_fleet_of_one_whose_item_is_at_fault_is_no_table_that_cannot_be_reached() {
    let (tables, trail) = (Tables::default(), short_run());
    spoil(&tables, 1);
    let body = tables.run(HOURS[0], &[runs(HOURS[0])], &trail).await;
    assert_eq!((&body["processed"], &body["errors"]), (&json!(0), &json!(1)), "{body}");
}

#[tokio::test(start_paused = true)]
async fn many_items_that_cannot_be_stored_are_the_tables_trouble_and_keep_the_watermark() {
    let (tables, trail) = (Tables::default(), trail(&[]));
    let fleet = |state, now: &str| (1..=120).map(|n| old(n, state, "2025-01-01T00:00:00Z", now)).collect::<Vec<_>>();
    tables.run(HOURS[0], &fleet(Running, HOURS[0]), &trail).await;
    (1..=60).for_each(|n| tables.fail_for(n, Call::WriteItem, Failure::Denied));
    let body = tables.run(HOURS[1], &fleet(Stopped, HOURS[1]), &trail).await;
    assert_eq!(body["errors"], json!(60));
    assert_eq!(watermark(&tables), "2025-10-11T00:00:00+00:00");
    assert!(tables.ledger.state().holes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_month_ends_for_all_others_and_for_a_server_in_trouble_once_that_is_over() {
    let (tables, trail) = (Tables::default(), trail(&[]));
    let fleet = |now: &str| [runs(now), old(2, Running, "2025-01-01T00:00:00Z", now)];
    tables.run("2025-10-31T23:00:00Z", &fleet("2025-10-31T23:00:00Z"), &trail).await;
    spoil(&tables, 2);
    for now in ["2025-11-01T00:10:00Z", "2025-11-02T00:10:00Z", "2025-11-02T01:10:00Z"] {
        tables.run(now, &fleet(now), &trail).await;
    }
    assert!(tables.item(1, "2025-10").is_final && !tables.item(2, "2025-10").is_final);
    assert_eq!(tables.ledger.state().final_month, Some("2025-10".parse().unwrap()));
    mend(&tables);
    tables.run("2025-11-02T02:10:00Z", &fleet("2025-11-02T02:10:00Z"), &trail).await;
    assert!(tables.item(2, "2025-10").is_final);
    assert_eq!(tables.minutes(2, "2025-10"), ("44640.00".to_owned(), "0.00".to_owned()));
    assert!(tables.ledger.state().holes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_month_whose_item_cannot_be_read_holds_back_no_new_month() {
    let (tables, trail) = (Tables::default(), trail(&[]));
    let fleet = |now: &str| [runs(now), old(2, Running, "2025-01-01T00:00:00Z", now)];
    tables.run("2025-10-31T23:00:00Z", &fleet("2025-10-31T23:00:00Z"), &trail).await;
    tables.fail_for(2, Call::ReadItems, Failure::ItemAtFault);
    let body = tables.run("2025-11-01T00:10:00Z", &fleet("2025-11-01T00:10:00Z"), &trail).await;
    assert_eq!(body["errors"], json!(1), "October of one server: {body}");
    assert_eq!(tables.minutes(2, "2025-11"), ("10.00".to_owned(), "0.00".to_owned()));
    mend(&tables);
    tables.run("2025-11-01T01:10:00Z", &fleet("2025-11-01T01:10:00Z"), &trail).await;
    assert_eq!(tables.minutes(2, "2025-10"), ("44640.00".to_owned(), "0.00".to_owned()));
    assert!(tables.ledger.state().holes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_hole_of_a_server_that_left_is_filled_as_well() {
    let (tables, trail) = (Tables::default(), short_run());
    for now in &HOURS[..2] {
        tables.run(now, &fleet(now), &trail).await;
    }
    spoil(&tables, 2);
    tables.run(HOURS[2], &fleet(HOURS[2]), &trail).await;
    tables.run(HOURS[3], &[runs(HOURS[3])], &trail).await;
    assert_eq!(tables.ledger.state().holes.len(), 1);
    mend(&tables);
    let now = "2025-10-11T04:00:00Z";
    tables.run(now, &[runs(now)], &trail).await;
    assert_eq!(tables.minutes(2, "2025-10"), ("10.00".to_owned(), "0.00".to_owned()));
    assert_eq!(tables.item(2, "2025-10").left_at, Some(at(now)));
    assert!(tables.ledger.state().holes.is_empty());
}

/// Server 2 was stopped on the 20th of September; EC2 does not tell its last start.
async fn with_unreadable(event_name: &'static str, created: &str) -> (String, String) {
    let stopped = (2, "2025-09-20T00:00:00Z stopped CloudTrail StopInstances 1");
    let unreadable = vec![(event_name, at("2025-10-05T00:00:00Z"))];
    let (tables, trail) = (Tables::default(), InMemoryTrail { unreadable, ..trail(&[stopped]) });
    for now in HOURS {
        let resting = old(2, Stopped, "2025-10-01T00:00:00Z", now);
        let resting = Observation { launch_time: None, created_at: Some(at(created)), ..resting };
        tables.run(now, &[runs(now), resting], &trail).await;
    }
    let windows = trail.swept();
    assert_eq!(windows.len(), 4, "what cannot be read is not read again and again: {windows:?}");
    tables.minutes(2, "2025-10")
}

#[tokio::test(start_paused = true)]
async fn nothing_is_proven_across_a_start_that_cannot_be_read() {
    // From the 5th to the first look on the 11th it may have run.
    let open = ("0.00".to_owned(), format!("{}.00", 6 * 1440));
    assert_eq!(with_unreadable("StartInstances", "2025-01-01T00:00:00Z").await, open);
}

#[tokio::test(start_paused = true)]
async fn a_launch_that_cannot_be_read_is_none_of_a_server_created_at_another_time() {
    let nothing = ("0.00".to_owned(), "0.00".to_owned());
    assert_eq!(with_unreadable("RunInstances", "2025-01-01T00:00:00Z").await, nothing);
}

async fn metrics(payload: Value) -> Value {
    let (tables, trail) = (Tables::default(), short_run());
    tables.run("2025-09-30T23:00:00Z", &[runs("2025-09-30T23:00:00Z")], &trail).await;
    tables.run(HOURS[0], &fleet(HOURS[0]), &trail).await;
    let handled = tables.handled(at(HOURS[1]), &fleet(HOURS[1]), &trail, payload, 300).await;
    handled.outcome.unwrap();
    handled.metrics.unwrap()
}

#[tokio::test(start_paused = true)]
async fn only_a_run_over_the_fleet_of_this_month_tells_how_the_fleet_is() {
    let of_fleet = ["ServersTotal", "OldestCacheAgeSeconds", "FleetRunningMinutes"];
    let of_servers = ["ServersProcessed", "ServerErrors"];
    let of_trail = ["CloudTrailLookups", "CloudTrailThrottles"];
    let tells = |line: &Value, names: &[&str]| names.iter().all(|name| line.get(name).is_some());
    let tells_none = |line: &Value, names: &[&str]| names.iter().all(|name| line.get(name).is_none());
    let hour = metrics(json!({})).await;
    assert!(tells(&hour, &of_fleet) && tells(&hour, &of_servers) && tells(&hour, &of_trail), "{hour}");
    assert_eq!((&hour["ServersTotal"], &hour["ServerErrors"]), (&json!(2.0), &json!(0.0)));
    let some = metrics(json!({"servers": [id(1)]})).await;
    assert!(tells_none(&some, &of_fleet) && tells(&some, &of_servers), "{some}");
    let past = metrics(json!({"month": "2025-09", "reopen": true})).await;
    assert!(tells_none(&past, &of_fleet) && tells_none(&past, &of_servers) && tells(&past, &of_trail), "{past}");
}
