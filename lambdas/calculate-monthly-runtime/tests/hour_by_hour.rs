//! Hourly runs over simulated fleets, across the end of a month, with the real clients over HTTP: what is kept from run to
//! run, and what it costs.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod fakes;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use calculate_monthly_runtime::{Calculation, Moment, handle};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use fakes::{FakeCache, FakeLedger, SETTINGS};
use fleet_simulator::clock::ManualClock;
use fleet_simulator::options::Options;
use fleet_simulator::scenario;
use fleet_simulator::service::{Action, Simulator};
use fleet_simulator::truth::{month_start, next_month, running_time};
use loopback_clients::clients;
use serde_json::{Value, json};
use uptime::{CacheEntry, InstanceId, Minutes, Month, ServerMonth};
use uptime_aws::clients::Clients;
use uptime_aws::ec2::Ec2Fleet;
use uptime_aws::trail::CloudTrail;
use uptime_ledger::AppTag;
use uptime_ledger::metrics::Metrics;
use uptime_ledger::ports::Ports;

/// Half a minute, in minutes.
const TOLERANCE: f64 = 0.5;

/// A simulated account, its clock, and the tables.
struct Account {
    simulator: Arc<Simulator>,
    clock: Arc<ManualClock>,
    now: DateTime<Utc>,
    clients: Clients,
    ledger: FakeLedger,
    cache: FakeCache,
    /// Ids that were ever servers.
    seen: HashSet<String>,
}

impl Account {
    /// A fleet with the history of the month of `plan`, looked at from `begin` on.
    async fn new(plan: &str, begin: &str, arguments: &[&str]) -> Self {
        let common = ["fleet-simulator", "--lookup-rate", "0"];
        let options = Options::try_parse_from(common.iter().chain(arguments)).unwrap();
        let world = scenario::build(&options, plan.parse().unwrap()).unwrap();
        let now = begin.parse().unwrap();
        let clock = Arc::new(ManualClock::new(now));
        let simulator = Simulator::new(world, options.settings(), Box::new(Arc::clone(&clock)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, simulator.router()).into_future());
        let (ledger, cache, seen) = (FakeLedger::default(), FakeCache::default(), HashSet::new());
        Self { simulator, clock, now, clients: clients(&endpoint, &endpoint), ledger, cache, seen }
    }

    /// Lets time pass, and runs.
    async fn run_after(&mut self, span: TimeDelta) -> Value {
        self.clock.advance(span);
        self.now += span;
        self.run(json!({})).await
    }

    async fn run(&mut self, payload: Value) -> Value {
        let fleet = Ec2Fleet::new(self.clients.ec2.clone(), AppTag { key: "App".to_owned(), value: "demo".to_owned() });
        let history = CloudTrail::paced(self.clients.cloudtrail.clone(), Duration::from_micros(1));
        let metrics = Metrics::new("runtime-cache", "test");
        let calculation = Calculation::over(
            Ports { fleet, trail: history, ledger: &self.ledger, cache: &self.cache },
            SETTINGS,
            metrics,
        );
        let moment = Moment::within(self.now, Duration::from_secs(300));
        let response = handle(&calculation, payload, moment).await.outcome.unwrap();
        let body: Value = serde_json::from_str(&response.body).unwrap();
        assert_eq!(body["errors"], json!(0), "{body}");
        self.seen.extend(self.cache.entries.lock().unwrap().keys().map(ToString::to_string));
        body
    }

    fn lookups(&self) -> u64 {
        self.simulator.account().0.counts[&Action::LookupEvents].calls
    }

    /// Checks what is told of each server against the truth in a month up to an instant; returns the vague ones.
    fn check(&self, month: DateTime<Utc>, told: &HashMap<String, Told>) -> Vec<String> {
        let (account, _) = self.simulator.account();
        let minutes = |time: TimeDelta| time.num_seconds() as f64 / 60.0;
        let mut vague = Vec::new();
        for server in account.world.servers() {
            let Some(told) = told.get(&server.id) else { continue };
            let truth = running_time(server, month, told.up_to.min(next_month(month)));
            let (proven, most) = (told.minutes, told.minutes + told.uncertainty);
            let what = format!(
                "{} {:?} as of {}: {proven} to {most}, truth {truth:?}",
                server.id,
                server.tag("Name"),
                told.up_to
            );
            assert!(proven <= minutes(truth.at_most) + TOLERANCE, "more than the truth: {what}");
            assert!(minutes(truth.at_least) <= most + TOLERANCE, "less than the truth: {what}");
            if told.uncertainty > TOLERANCE {
                vague.push(what);
            }
        }
        vague
    }

    fn check_cache(&self) -> Vec<String> {
        let entries = self.cache.entries.lock().unwrap();
        let month = month_start(self.now);
        let current = entries.iter().filter(|(_, entry)| entry.month == Month::of(self.now));
        let told: HashMap<_, _> = current.map(|(id, entry)| (id.to_string(), Told::cached(entry))).collect();
        self.check(month, &told)
    }

    fn items(&self, month: DateTime<Utc>) -> Vec<ServerMonth> {
        let items = self.ledger.items.lock().unwrap();
        items.values().filter(|item| item.month == Month::of(month)).cloned().collect()
    }
}

/// What is told of a server.
struct Told {
    minutes: f64,
    uncertainty: f64,
    up_to: DateTime<Utc>,
}

impl Told {
    fn cached(entry: &CacheEntry) -> Self {
        Self { minutes: entry.span.proven.as_f64(), uncertainty: entry.span.possible.as_f64(), up_to: entry.timestamp }
    }

    fn kept(item: &ServerMonth) -> Self {
        let summary = item.summary.as_ref().unwrap();
        Self {
            minutes: summary.span.proven.as_f64(),
            uncertainty: summary.span.possible.as_f64(),
            up_to: summary.as_of,
        }
    }
}

const HOUR: TimeDelta = TimeDelta::hours(1);

/// Three days across the end of a month: every value on the way is right, an hour costs what is new in it, and the month
/// that is over stays as it was when it became final.
async fn across_the_end(plan: &str, begin: &str, arguments: &[&str]) {
    let mut account = Account::new(plan, begin, arguments).await;
    let month = month_start(account.now);
    account.run(json!({})).await;
    account.check_cache();
    let mut before = account.lookups();
    let mut last_state = None;
    for hour in 1..=72 {
        // Not on the hour, and once a little before and a little after midnight.
        let body = account
            .run_after(if hour % 2 == 0 { HOUR - TimeDelta::seconds(7) } else { HOUR + TimeDelta::seconds(7) })
            .await;
        account.check_cache();
        let lookups = account.lookups() - before;
        before += lookups;
        let state = account.ledger.state.lock().unwrap().clone();
        let deep = last_state.is_none_or(|last| last != state.deep_sweep_at);
        last_state = Some(state.deep_sweep_at);
        let catching_up = deep || state.lacks_past;
        assert!(catching_up || lookups <= 12, "{lookups} lookups in an hour: {body}");
    }
    let items = account.items(month);
    assert!(items.iter().all(|item| item.is_final), "{} items", items.len());
    assert_eq!(
        items.iter().map(|item| item.id.to_string()).collect::<HashSet<_>>(),
        account.seen.iter().filter(|id| items.iter().any(|item| item.id.as_str() == *id)).cloned().collect()
    );
    for item in items.iter().chain(&account.items(next_month(month))) {
        let summary = item.summary.as_ref().unwrap();
        assert_eq!(summary.days.iter().copied().sum::<Minutes>(), summary.span.proven, "{}", item.id);
    }
    let told: HashMap<_, _> = items.iter().map(|item| (item.id.to_string(), Told::kept(item))).collect();
    let ends_with_the_month = |item: &&ServerMonth| item.left_at.is_none();
    assert!(items.iter().filter(ends_with_the_month).all(|item| told[item.id.as_str()].up_to == next_month(month)));
    let vague = account.check(month, &told);
    println!("{} of {} are vague: {vague:#?}", vague.len(), items.len());
}

#[tokio::test]
async fn december_ends_a_year() {
    across_the_end("2025-12-15T00:00:00Z", "2025-12-30T11:00:00Z", &["--scenario", "random", "--servers", "60"]).await;
}

#[tokio::test]
async fn february_ends_on_the_28th_or_29th() {
    let random = ["--scenario", "random", "--servers", "40", "--seed", "7", "--describe-lag-seconds", "3"];
    across_the_end("2024-02-15T00:00:00Z", "2024-02-28T12:30:00Z", &random).await;
    across_the_end("2025-02-15T00:00:00Z", "2025-02-27T12:30:00Z", &random).await;
}

#[tokio::test]
async fn every_case_of_the_showcase_comes_out_right_hour_by_hour() {
    across_the_end("2025-10-15T00:00:00Z", "2025-10-30T20:00:00Z", &["--scenario", "showcase"]).await;
    let mut account = Account::new("2025-10-15T00:00:00Z", "2025-10-01T00:00:00Z", &["--scenario", "showcase"]).await;
    for _ in 0..100 {
        account.run_after(HOUR).await;
        let vague = account.check_cache();
        assert!(vague.len() <= 2, "{}: {vague:#?}", account.now);
    }
}

#[tokio::test]
async fn a_server_that_is_terminated_keeps_its_minutes() {
    let mut account =
        Account::new("2025-10-12T00:00:00Z", "2025-10-12T00:00:00Z", &["--scenario", "random", "--servers", "30"])
            .await;
    account.run(json!({})).await;
    let id: InstanceId = {
        let entries = account.cache.entries.lock().unwrap();
        let running = entries.iter().filter(|(_, entry)| entry.running_since.is_some());
        running.map(|(id, _)| id.clone()).min().unwrap()
    };
    let total = account.run_after(HOUR).await["total_servers"].as_u64().unwrap();
    {
        let (mut world, now) = account.simulator.account();
        let key = world.world.find(id.as_str()).unwrap();
        let call = fleet_simulator::calls::Call::new(fleet_simulator::calls::Action::Terminate, vec![key]);
        world.world.happen_now(now, fleet_simulator::world::Happening::Call(call));
    }
    let terminated_at = account.now;
    for _ in 0..4 {
        account.run_after(HOUR).await;
    }
    let item = account.ledger.item(&id, "2025-10");
    assert!(item.left_at.is_some(), "{item:?}");
    let minutes = item.span().proven;
    let ran = (terminated_at - account.cache_running_from(&id)).num_seconds() as f64 / 60.0;
    assert!((minutes.as_f64() - ran).abs() < TOLERANCE || ran < 0.0, "{minutes} of {ran}");
    let entry = account.cache.entries.lock().unwrap()[&id].clone();
    assert_eq!((entry.span.proven, entry.running_since), (minutes, None));
    let body = account.run_after(HOUR).await;
    assert!(body["left"].as_u64() >= Some(1), "{body}");
    assert!(body["processed"] == body["total_servers"] && body["total_servers"].as_u64().unwrap() <= total, "{body}");
    account.check_cache();
}

impl Account {
    /// Since when, in the month, the server has been running without a break; far in the future where it has not.
    fn cache_running_from(&self, id: &InstanceId) -> DateTime<Utc> {
        let (account, _) = self.simulator.account();
        let key = account.world.servers().iter().find(|server| server.id == id.as_str()).unwrap();
        let month = month_start(self.now);
        let in_month = key.history().iter().filter(|change| change.at >= month).count();
        if in_month <= 1 { month } else { self.now + TimeDelta::days(1000) }
    }
}
