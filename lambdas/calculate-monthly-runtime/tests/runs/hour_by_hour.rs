//! Hourly runs over simulated fleets, across the end of a month, with the real clients over HTTP: what is kept from run to
//! run, and what it costs.

use std::collections::{HashMap, HashSet};

use account::{Account, options};
use chrono::{DateTime, TimeDelta, Utc};
use doubles::{InMemoryCache, InMemoryLedger};
use fleet_simulator::scenario;
use fleet_simulator::service::Action;
use fleet_simulator::truth::{month_start, next_month, running_time};
use serde_json::{Value, json};
use uptime::{CacheEntry, InstanceId, Minutes, Month, ServerMonth};
use uptime_ledger::ports::Ports;

use crate::support::{body, handled};

/// Half a minute, in minutes.
const TOLERANCE: f64 = 0.5;

/// A simulated account, and the tables in memory.
struct Fleet {
    account: Account,
    ledger: InMemoryLedger,
    cache: InMemoryCache,
    /// Ids that were ever servers.
    seen: HashSet<String>,
}

impl Fleet {
    /// A fleet with the trail of the month of `plan`, looked at from `begin` on.
    async fn new(plan: &str, begin: &str, arguments: &[&str]) -> Self {
        let options = options(arguments);
        let world = scenario::build(&options, plan.parse().unwrap()).unwrap();
        let account = Account::at(begin.parse().unwrap(), world, &options).await.unwrap();
        let (ledger, cache, seen) = (InMemoryLedger::default(), InMemoryCache::default(), HashSet::new());
        Self { account, ledger, cache, seen }
    }

    /// Lets time pass, and runs.
    async fn run_after(&mut self, span: TimeDelta) -> Value {
        self.account.wait(span);
        self.run(json!({})).await
    }

    async fn run(&mut self, payload: Value) -> Value {
        let Ports { fleet, trail, .. } = self.account.ports();
        let services = Ports { fleet, trail, ledger: &self.ledger, cache: &self.cache };
        let body = body(handled(services, self.account.now(), payload, 300).await.outcome.unwrap());
        assert_eq!(body["errors"], json!(0), "{body}");
        self.seen.extend(self.cache.entries().keys().map(ToString::to_string));
        body
    }

    fn lookups(&self) -> u64 {
        self.account.counts(Action::LookupEvents).calls
    }

    /// Checks what is told of each server against the truth in a month up to an instant; returns the vague ones.
    fn check(&self, month: DateTime<Utc>, told: &HashMap<String, Said>) -> Vec<String> {
        let (account, _) = self.account.simulator.account();
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
        let entries = self.cache.entries();
        let month = month_start(self.account.now());
        let current = entries.iter().filter(|(_, entry)| entry.month == Month::of(self.account.now()));
        let told: HashMap<_, _> = current.map(|(id, entry)| (id.to_string(), Said::cached(entry))).collect();
        self.check(month, &told)
    }

    fn items(&self, month: DateTime<Utc>) -> Vec<ServerMonth> {
        let items = self.ledger.items();
        items.values().filter(|item| item.month == Month::of(month)).cloned().collect()
    }
}

/// What is told of a server.
struct Said {
    minutes: f64,
    uncertainty: f64,
    up_to: DateTime<Utc>,
}

impl Said {
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
    let mut fleet = Fleet::new(plan, begin, arguments).await;
    let month = month_start(fleet.account.now());
    fleet.run(json!({})).await;
    fleet.check_cache();
    let mut before = fleet.lookups();
    let mut last_state = None;
    for hour in 1..=72 {
        // Not on the hour, and once a little before and a little after midnight.
        let body = fleet
            .run_after(if hour % 2 == 0 { HOUR - TimeDelta::seconds(7) } else { HOUR + TimeDelta::seconds(7) })
            .await;
        fleet.check_cache();
        let lookups = fleet.lookups() - before;
        before += lookups;
        let state = fleet.ledger.state().clone();
        let deep = last_state.is_none_or(|last| last != state.deep_sweep_at);
        last_state = Some(state.deep_sweep_at);
        let catching_up = deep || state.lacks_past;
        assert!(catching_up || lookups <= 12, "{lookups} lookups in an hour: {body}");
    }
    let items = fleet.items(month);
    assert!(items.iter().all(|item| item.is_final), "{} items", items.len());
    assert_eq!(
        items.iter().map(|item| item.id.to_string()).collect::<HashSet<_>>(),
        fleet.seen.iter().filter(|id| items.iter().any(|item| item.id.as_str() == *id)).cloned().collect()
    );
    for item in items.iter().chain(&fleet.items(next_month(month))) {
        let summary = item.summary.as_ref().unwrap();
        assert_eq!(summary.days.iter().copied().sum::<Minutes>(), summary.span.proven, "{}", item.id);
    }
    let told: HashMap<_, _> = items.iter().map(|item| (item.id.to_string(), Said::kept(item))).collect();
    let ends_with_the_month = |item: &&ServerMonth| item.left_at.is_none();
    assert!(items.iter().filter(ends_with_the_month).all(|item| told[item.id.as_str()].up_to == next_month(month)));
    let vague = fleet.check(month, &told);
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
    let mut fleet = Fleet::new("2025-10-15T00:00:00Z", "2025-10-01T00:00:00Z", &["--scenario", "showcase"]).await;
    for _ in 0..100 {
        fleet.run_after(HOUR).await;
        let vague = fleet.check_cache();
        assert!(vague.len() <= 2, "{}: {vague:#?}", fleet.account.now());
    }
}

#[tokio::test]
async fn a_server_that_is_terminated_keeps_its_minutes() {
    let mut fleet =
        Fleet::new("2025-10-12T00:00:00Z", "2025-10-12T00:00:00Z", &["--scenario", "random", "--servers", "30"]).await;
    fleet.run(json!({})).await;
    let id: InstanceId = {
        let entries = fleet.cache.entries();
        let running = entries.iter().filter(|(_, entry)| entry.running_since.is_some());
        running.map(|(id, _)| id.clone()).min().unwrap()
    };
    let total = fleet.run_after(HOUR).await["total_servers"].as_u64().unwrap();
    {
        let (mut world, now) = fleet.account.simulator.account();
        let key = world.world.find(id.as_str()).unwrap();
        let call = fleet_simulator::calls::Call::new(fleet_simulator::calls::Action::Terminate, vec![key]);
        world.world.happen_now(now, fleet_simulator::world::Happening::Call(call));
    }
    let terminated_at = fleet.account.now();
    for _ in 0..4 {
        fleet.run_after(HOUR).await;
    }
    let item = fleet.ledger.items()[&(id.clone(), "2025-10".parse().unwrap())].clone();
    assert!(item.left_at.is_some(), "{item:?}");
    let minutes = item.span().proven;
    let ran = (terminated_at - fleet.cache_running_from(&id)).num_seconds() as f64 / 60.0;
    assert!((minutes.as_f64() - ran).abs() < TOLERANCE || ran < 0.0, "{minutes} of {ran}");
    let entry = fleet.cache.entries()[&id].clone();
    assert_eq!((entry.span.proven, entry.running_since), (minutes, None));
    let body = fleet.run_after(HOUR).await;
    assert!(body["left"].as_u64() >= Some(1), "{body}");
    assert!(body["processed"] == body["total_servers"] && body["total_servers"].as_u64().unwrap() <= total, "{body}");
    fleet.check_cache();
}

impl Fleet {
    /// Since when, in the month, the server has been running without a break; far in the future where it has not.
    fn cache_running_from(&self, id: &InstanceId) -> DateTime<Utc> {
        let (account, _) = self.account.simulator.account();
        let key = account.world.servers().iter().find(|server| server.id == id.as_str()).unwrap();
        let month = month_start(self.account.now());
        let in_month = key.history().iter().filter(|change| change.at >= month).count();
        if in_month <= 1 { month } else { self.account.now() + TimeDelta::days(1000) }
    }
}
