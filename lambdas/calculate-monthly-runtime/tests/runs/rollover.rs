//! Runs around midnight UTC of the first, and servers that come and go between two runs.

use chrono::TimeDelta;
use doubles::InMemoryTrail;
use serde_json::json;
use uptime::InstanceState::{Running, Stopped};
use uptime::{Evidence, Fact, Observation, Source};
use uptime_ledger::ports::Ledger;

use crate::support::{Tables, at, id, seen};

/// Runs at a second before midnight, on it and after it: of a server that runs all the time.
async fn around_midnight(first: &str, minutes_of_month: &str) {
    let midnight = at(&format!("{first}T00:00:00Z"));
    let (month, previous) = (&first[..7], (midnight - TimeDelta::days(1)).format("%Y-%m").to_string());
    let (tables, trail) = (Tables::default(), InMemoryTrail { lookups_per_read: 6, ..InMemoryTrail::default() });
    let mut earlier = "0.00".parse().unwrap();
    for seconds in [-1, 0, 1, 86_400] {
        let now = (midnight + TimeDelta::seconds(seconds)).to_rfc3339();
        let runs = seen(1, Running, "2023-01-01T00:00:00Z", &now);
        tables.run(&now, &[runs], &trail).await;
        let entry = tables.cache.entries()[&id(1)].clone();
        assert_eq!(entry.month.to_string(), if seconds < 0 { &previous } else { month }, "{now}");
        assert_eq!(entry.running_since, Some(at("2023-01-01T00:00:00Z")));
        if seconds >= 0 {
            let minutes = uptime::Minutes::floor(TimeDelta::seconds(seconds));
            assert_eq!((entry.span.proven, entry.span.possible), (minutes, earlier), "{now}");
            earlier = "0.00".parse().unwrap();
            assert_eq!(tables.minutes(1, &previous), (minutes_of_month.to_owned(), "0.00".to_owned()), "{now}");
        }
    }
    let closed = tables.item(1, &previous);
    assert!(closed.is_final && closed.summary.unwrap().as_of == midnight);
}

#[tokio::test(start_paused = true)]
async fn a_running_server_starts_the_month_at_its_start() {
    around_midnight("2026-01-01", "44640.00").await;
    around_midnight("2024-03-01", "41760.00").await;
    around_midnight("2025-03-01", "40320.00").await;
}

#[tokio::test(start_paused = true)]
async fn a_server_launched_after_the_months_last_run_is_in_that_month() {
    let (tables, trail) = (Tables::default(), InMemoryTrail { lookups_per_read: 6, ..InMemoryTrail::default() });
    let old = |now| seen(1, Running, "2025-01-01T00:00:00Z", now);
    tables.run("2025-10-31T23:00:00Z", &[old("2025-10-31T23:00:00Z")], &trail).await;
    let now = "2025-11-01T00:10:00Z";
    let both = [old(now), seen(2, Running, "2025-10-31T23:20:00Z", now)];
    tables.run(now, &both, &trail).await;
    assert_eq!(tables.minutes(2, "2025-10"), ("40.00".to_owned(), "0.00".to_owned()));
    assert_eq!(tables.minutes(2, "2025-11"), ("10.00".to_owned(), "0.00".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_missed_may_have_run_until_then() {
    let (tables, trail) = (Tables::default(), InMemoryTrail { lookups_per_read: 6, ..InMemoryTrail::default() });
    let stays = |now| seen(1, Stopped, "2025-01-01T00:00:00Z", now);
    let first = "2025-10-11T10:00:00Z";
    tables.run(first, &[stays(first), seen(2, Running, "2025-10-11T09:00:00Z", first)], &trail).await;
    tables.run("2025-10-11T11:00:00Z", &[stays("2025-10-11T11:00:00Z")], &trail).await;
    assert_eq!(tables.minutes(2, "2025-10"), ("60.00".to_owned(), "60.00".to_owned()));
    // Its end is told late.
    let source = Source::CloudTrail { event_name: "TerminateInstances".into(), event_id: "1".to_owned() };
    let ended = Evidence { at: at("2025-10-11T10:30:00Z"), fact: Fact::Stopped, source };
    let late = InMemoryTrail { evidence: vec![(id(2), ended)], ..trail };
    tables.run("2025-10-11T11:30:00Z", &[stays("2025-10-11T11:30:00Z")], &late).await;
    assert_eq!(tables.minutes(2, "2025-10"), ("90.00".to_owned(), "0.00".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_fleet_without_a_server_is_closed_all_the_same() {
    let (tables, trail) = (Tables::default(), InMemoryTrail { lookups_per_read: 6, ..InMemoryTrail::default() });
    let first = "2025-10-31T22:00:00Z";
    tables.run(first, &[seen(1, Running, "2025-10-31T21:00:00Z", first)], &trail).await;
    let body = tables.run("2025-10-31T23:00:00Z", &[], &trail).await;
    assert_eq!((&body["message"], &body["left"]), (&json!("No servers found"), &json!(1)));
    tables.run("2025-11-01T01:00:00Z", &[], &trail).await;
    tables.run("2025-11-02T01:00:00Z", &[], &trail).await;
    assert!(tables.item(1, "2025-10").is_final);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_left_in_the_month_gets_nothing_for_the_time_after_when_it_is_one_again() {
    let (tables, trail) = (Tables::default(), InMemoryTrail { lookups_per_read: 6, ..InMemoryTrail::default() });
    let stays = |now| seen(1, Stopped, "2025-01-01T00:00:00Z", now);
    let runs = |now| seen(2, Running, "2025-10-20T09:00:00Z", now);
    let (first, missed) = ("2025-10-20T10:00:00Z", "2025-10-20T11:00:00Z");
    tables.run(first, &[stays(first), runs(first)], &trail).await;
    tables.run(missed, &[stays(missed)], &trail).await;
    let left = tables.minutes(2, "2025-10");
    for now in ["2025-11-01T00:10:00Z", "2025-11-01T01:10:00Z", "2025-11-02T00:10:00Z"] {
        tables.run(now, &[stays(now), runs(now)], &trail).await;
        assert_eq!(tables.minutes(2, "2025-10"), left, "{now}");
    }
    assert!(tables.item(2, "2025-10").is_final);
}

#[tokio::test(start_paused = true)]
async fn what_came_late_counts_once_a_final_month_is_reopened() {
    let (tables, trail) = (Tables::default(), InMemoryTrail { lookups_per_read: 6, ..InMemoryTrail::default() });
    let launched = seen(1, Stopped, "2025-10-01T00:00:00Z", "2025-10-01T00:10:00Z");
    tables.run("2025-10-01T00:10:00Z", &[launched], &trail).await;
    // EC2 tells the last of two runs.
    let reason = Some("User initiated (2025-10-31 21:00:00 GMT)".to_owned());
    let stays = |now| Observation {
        transition_reason: reason.clone(),
        created_at: Some(at("2025-10-01T00:00:00Z")),
        ..seen(1, Stopped, "2025-10-31T20:40:00Z", now)
    };
    for now in ["2025-10-31T22:00:00Z", "2025-11-01T00:10:00Z", "2025-11-02T00:10:00Z"] {
        tables.run(now, &[stays(now)], &trail).await;
    }
    let final_minutes = tables.minutes(1, "2025-10");
    let late = ["2025-10-31T20:00:00Z started state-change 1", "2025-10-31T20:20:00Z stopped state-change 2"];
    let late = late.map(|text| text.parse().unwrap()).into();
    (&tables.ledger).record_late(&id(1), "2025-10".parse().unwrap(), &late).await.unwrap();
    let now = "2025-11-03T00:10:00Z";
    tables.run(now, &[stays(now)], &trail).await;
    assert_eq!(tables.minutes(1, "2025-10"), final_minutes);
    tables.asked(now, &[stays(now)], &trail, json!({"month": "2025-10", "reopen": true})).await;
    let minutes = |told: &(String, String)| told.0.parse::<f64>().unwrap();
    assert_eq!(minutes(&tables.minutes(1, "2025-10")), minutes(&final_minutes) + 20.0);
}

#[tokio::test(start_paused = true)]
async fn what_a_cut_run_could_not_read_of_last_month_tells_its_servers_later() {
    let (tables, trail) = (Tables::default(), InMemoryTrail { lookups_per_read: 6, ..InMemoryTrail::default() });
    let before = "2025-10-20T10:00:00Z";
    let reason = Some("User initiated (2025-02-01 00:00:00 GMT)".to_owned());
    let stopped = Observation { transition_reason: reason, ..seen(1, Stopped, "2025-01-01T00:00:00Z", before) };
    tables.run(before, &[stopped], &trail).await;
    // Ten days without a run, and then one that is cut short.
    let (now, soon) = ("2025-11-01T00:10:00Z", "2025-11-01T00:40:00Z");
    let started = |now| seen(1, Running, "2025-10-31T12:00:00Z", now);
    let cut = InMemoryTrail { ends_at: Some(at("2025-10-28T00:00:00Z")), ..trail.clone() };
    tables.run(now, &[started(now)], &cut).await;
    assert_ne!(tables.minutes(1, "2025-10"), ("720.00".to_owned(), "0.00".to_owned()), "days were not read");
    tables.run(soon, &[started(soon)], &trail).await;
    assert_eq!(tables.minutes(1, "2025-10"), ("720.00".to_owned(), "0.00".to_owned()));
}
