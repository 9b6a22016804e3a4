//! Runs around midnight UTC of the first, and servers that come and go between two runs.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod fakes;

use chrono::{DateTime, TimeDelta, Utc};
use fakes::{FakeCache, FakeFleet, FakeHistory, FakeLedger, id, run_at, server};
use serde_json::{Value, json};
use uptime::InstanceState::{Running, Stopped};
use uptime::{Evidence, Fact, Observation, ServerMonth, Source};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A server as EC2 shows it at an instant.
fn seen(n: u32, state: uptime::InstanceState, launched: &str, now: &str) -> Observation {
    let launch_time = Some(at(launched));
    Observation { observed_at: at(now), launch_time, created_at: launch_time, ..server(n, state, 0) }
}

struct Tables(FakeLedger, FakeCache);

impl Tables {
    async fn run(&self, now: &str, fleet: &[Observation], history: &FakeHistory) -> Value {
        let fleet = FakeFleet(Ok(fleet.to_vec()));
        run_at(at(now), fleet, history.clone(), (&self.0, &self.1), json!({}), 300).await.unwrap()
    }

    fn item(&self, n: u32, month: &str) -> ServerMonth {
        self.0.item(&id(n), month)
    }

    /// Proven minutes and uncertainty of a month's item.
    fn minutes(&self, n: u32, month: &str) -> (String, String) {
        let summary = self.item(n, month).summary.unwrap();
        (summary.minutes.to_string(), summary.uncertainty.to_string())
    }
}

fn tables() -> Tables {
    Tables(FakeLedger::default(), FakeCache::default())
}

/// Runs at a second before midnight, on it and after it: of a server that runs all the time.
async fn around_midnight(first: &str, minutes_of_month: &str) {
    let midnight = at(&format!("{first}T00:00:00Z"));
    let (month, previous) = (&first[..7], (midnight - TimeDelta::days(1)).format("%Y-%m").to_string());
    let (tables, history) = (tables(), FakeHistory { lookups_per_read: 6, ..FakeHistory::default() });
    let mut earlier = "0.00".parse().unwrap();
    for seconds in [-1, 0, 1, 86_400] {
        let now = (midnight + TimeDelta::seconds(seconds)).to_rfc3339();
        let runs = seen(1, Running, "2023-01-01T00:00:00Z", &now);
        tables.run(&now, &[runs], &history).await;
        let entry = tables.1.entries.lock().unwrap()[&id(1)].clone();
        assert_eq!(entry.month.to_string(), if seconds < 0 { &previous } else { month }, "{now}");
        assert_eq!(entry.running_since, Some(at("2023-01-01T00:00:00Z")));
        if seconds >= 0 {
            let minutes = uptime::Minutes::floor(TimeDelta::seconds(seconds));
            assert_eq!((entry.minutes, entry.uncertainty), (minutes, earlier), "{now}");
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
    let (tables, history) = (tables(), FakeHistory { lookups_per_read: 6, ..FakeHistory::default() });
    let old = |now| seen(1, Running, "2025-01-01T00:00:00Z", now);
    tables.run("2025-10-31T23:00:00Z", &[old("2025-10-31T23:00:00Z")], &history).await;
    let now = "2025-11-01T00:10:00Z";
    let both = [old(now), seen(2, Running, "2025-10-31T23:20:00Z", now)];
    tables.run(now, &both, &history).await;
    assert_eq!(tables.minutes(2, "2025-10"), ("40.00".to_owned(), "0.00".to_owned()));
    assert_eq!(tables.minutes(2, "2025-11"), ("10.00".to_owned(), "0.00".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_missed_may_have_run_until_then() {
    let (tables, history) = (tables(), FakeHistory { lookups_per_read: 6, ..FakeHistory::default() });
    let stays = |now| seen(1, Stopped, "2025-01-01T00:00:00Z", now);
    let first = "2025-10-11T10:00:00Z";
    tables.run(first, &[stays(first), seen(2, Running, "2025-10-11T09:00:00Z", first)], &history).await;
    tables.run("2025-10-11T11:00:00Z", &[stays("2025-10-11T11:00:00Z")], &history).await;
    assert_eq!(tables.minutes(2, "2025-10"), ("60.00".to_owned(), "60.00".to_owned()));
    // Its end is told late.
    let source = Source::CloudTrail { event_name: "TerminateInstances".to_owned(), event_id: "1".to_owned() };
    let ended = Evidence { at: at("2025-10-11T10:30:00Z"), fact: Fact::Stopped, source };
    let told = FakeHistory { events: vec![(id(2), ended)], ..history };
    tables.run("2025-10-11T11:30:00Z", &[stays("2025-10-11T11:30:00Z")], &told).await;
    assert_eq!(tables.minutes(2, "2025-10"), ("90.00".to_owned(), "0.00".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_fleet_without_a_server_is_closed_all_the_same() {
    let (tables, history) = (tables(), FakeHistory { lookups_per_read: 6, ..FakeHistory::default() });
    let first = "2025-10-31T22:00:00Z";
    tables.run(first, &[seen(1, Running, "2025-10-31T21:00:00Z", first)], &history).await;
    let body = tables.run("2025-10-31T23:00:00Z", &[], &history).await;
    assert_eq!((&body["message"], &body["left"]), (&json!("No servers found"), &json!(1)));
    tables.run("2025-11-01T01:00:00Z", &[], &history).await;
    tables.run("2025-11-02T01:00:00Z", &[], &history).await;
    assert!(tables.item(1, "2025-10").is_final);
}
