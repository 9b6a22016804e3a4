//! AWS as a run sees it, in memory, failing on demand.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calculate_monthly_runtime::config::Settings;
use calculate_monthly_runtime::error::RunError;
use calculate_monthly_runtime::response::Response;
use calculate_monthly_runtime::{Calculation, Moment, handle};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use uptime::{
    BlindSpots, CacheEntry, Evidence, Fact, InstanceId, InstanceState, Observation, ServerEvidence, Source, Window,
};
use uptime_ledger::Handled;
use uptime_ledger::ServiceError;
use uptime_ledger::metrics::Metrics;
use uptime_ledger::ports::{Cache, Fleet, Limits, Ports, Sweep, SweepCost, Trail, WriteRule, Written};

pub(crate) use ledger::FakeLedger;

mod ledger;
pub(crate) mod tables;

pub(crate) fn now() -> DateTime<Utc> {
    "2025-10-11T00:00:00Z".parse().unwrap()
}

pub(crate) fn hour(hours: i64) -> DateTime<Utc> {
    "2025-10-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::hours(hours)
}

pub(crate) fn id(n: u32) -> InstanceId {
    format!("i-{n:08x}").parse().unwrap()
}

pub(crate) fn denied(operation: &'static str) -> ServiceError {
    ServiceError::with_code(operation, Some("AccessDeniedException"), "User: x is not authorized".to_owned())
}

pub(crate) fn server(n: u32, state: InstanceState, launched: i64) -> Observation {
    Observation {
        id: id(n),
        state,
        observed_at: now(),
        launch_time: Some(hour(launched)),
        transition_reason: None,
        created_at: None,
        instance_type: None,
        spot: None,
    }
}

pub(crate) fn told(n: u32, fact: Fact, hours: i64) -> ServerEvidence {
    let source = Source::CloudTrail { event_name: format!("{fact:?}"), event_id: format!("{n}-{hours}") };
    (id(n), Evidence { at: hour(hours), fact, source })
}

/// The fleet, or why there is none.
pub(crate) struct FakeFleet(pub(crate) Result<Vec<Observation>, &'static str>);

impl Fleet for FakeFleet {
    async fn list(&self, _: DateTime<Utc>) -> Result<Vec<Observation>, ServiceError> {
        match &self.0 {
            Ok(servers) => Ok(servers.clone()),
            Err(operation) => Err(denied(operation)),
        }
    }

    async fn find(
        &self,
        ids: &[InstanceId],
        now: DateTime<Utc>,
    ) -> Result<HashMap<InstanceId, Observation>, ServiceError> {
        let asked = self.list(now).await?.into_iter().filter(|server| ids.contains(&server.id));
        Ok(asked.map(|server| (server.id.clone(), server)).collect())
    }
}

/// Events that a sweep reads back to where it is asked to, or to `reach` at most, at so many requests per read.
#[derive(Clone, Default)]
pub(crate) struct FakeTrail {
    pub(crate) events: Vec<ServerEvidence>,
    pub(crate) reach: Option<DateTime<Utc>>,
    pub(crate) lookups_per_read: u64,
    pub(crate) error: Option<&'static str>,
    /// From this many requests on, reading fails.
    pub(crate) fails_after: Option<u64>,
    /// Looking up single servers fails.
    pub(crate) looks_up_nothing: bool,
    /// Records that cannot be read: event name and time.
    pub(crate) unreadable: Vec<(&'static str, DateTime<Utc>)>,
    /// The windows that were swept, as they were opened.
    pub(crate) windows: Arc<Mutex<Vec<Window>>>,
    /// The servers that were looked up one by one.
    pub(crate) looked_up: Arc<Mutex<Vec<InstanceId>>>,
}

pub(crate) struct FakeSweep {
    history: FakeTrail,
    window: Window,
    covered: Window,
    fresh: Vec<ServerEvidence>,
    cost: SweepCost,
}

impl FakeTrail {
    fn begin(&self, window: Window) -> FakeSweep {
        let covered = Window::new(window.to, window.to);
        FakeSweep { history: self.clone(), window, covered, fresh: Vec::new(), cost: SweepCost::default() }
    }
}

impl Trail for FakeTrail {
    type Sweep = FakeSweep;

    fn remembers_since(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - TimeDelta::days(90)
    }

    fn sweep(&self, window: Window) -> FakeSweep {
        self.windows.lock().unwrap().push(window);
        self.begin(window)
    }

    fn lookup(&self, id: &InstanceId, window: Window) -> FakeSweep {
        self.looked_up.lock().unwrap().push(id.clone());
        let mut own = self.clone();
        own.events.retain(|(told, _)| told == id);
        own.lookups_per_read = 1;
        own.error = own.error.or(own.looks_up_nothing.then_some("CloudTrail LookupEvents"));
        own.begin(window)
    }

    fn lookup_spot(&self, id: &InstanceId, window: Window) -> FakeSweep {
        self.lookup(id, window)
    }
}

impl Sweep for FakeSweep {
    async fn read_back_to(&mut self, instant: DateTime<Utc>, limits: Limits) -> Result<(), ServiceError> {
        if let Some(operation) = self.history.error {
            return Err(denied(operation));
        }
        if self.history.fails_after.is_some_and(|lookups| self.cost.lookups >= lookups) {
            return Err(denied("CloudTrail LookupEvents"));
        }
        assert!(self.cost.lookups < limits.lookups, "asked to read without any request left");
        let from = instant.max(self.window.from).max(self.history.reach.unwrap_or(instant));
        let read = Window::new(from, self.covered.from);
        let new = self.history.events.iter().filter(|(_, e)| read.from <= e.at && e.at < read.to);
        self.fresh.extend(new.cloned());
        self.covered = Window::new(from, self.covered.to);
        self.cost.lookups += self.history.lookups_per_read;
        Ok(())
    }

    fn covered(&self) -> Window {
        self.covered
    }

    fn take_evidence(&mut self) -> Vec<ServerEvidence> {
        std::mem::take(&mut self.fresh)
    }

    fn take_blind_spots(&mut self) -> BlindSpots {
        let read = self.covered;
        let spots = self.history.unreadable.iter().filter(|(_, at)| read.from <= *at && *at < read.to);
        spots.fold(BlindSpots::none(), |mut blind, (name, at)| {
            blind.add(name, *at);
            blind
        })
    }

    fn cost(&self) -> SweepCost {
        self.cost
    }
}

/// A table that fails for some servers, or to be read at all, or takes its time.
#[derive(Default)]
pub(crate) struct FakeCache {
    pub(crate) entries: Mutex<HashMap<InstanceId, CacheEntry>>,
    pub(crate) order: Mutex<Vec<InstanceId>>,
    pub(crate) failing: HashSet<InstanceId>,
    pub(crate) unreadable: bool,
    pub(crate) write_takes: Duration,
}

impl Cache for &FakeCache {
    async fn read(&self, ids: &[InstanceId]) -> Result<HashMap<InstanceId, CacheEntry>, ServiceError> {
        if self.unreadable {
            return Err(denied("DynamoDB BatchGetItem"));
        }
        let entries = self.entries.lock().unwrap();
        Ok(ids.iter().filter_map(|id| Some((id.clone(), entries.get(id)?.clone()))).collect())
    }

    async fn read_one(&self, id: &InstanceId) -> Result<Option<CacheEntry>, ServiceError> {
        Ok(self.read(std::slice::from_ref(id)).await?.remove(id))
    }

    async fn write(&self, id: &InstanceId, entry: &CacheEntry, rule: WriteRule) -> Result<Written, ServiceError> {
        tokio::time::sleep(self.write_takes).await;
        if self.failing.contains(id) {
            return Err(denied("DynamoDB UpdateItem"));
        }
        self.order.lock().unwrap().push(id.clone());
        let mut entries = self.entries.lock().unwrap();
        let rank = |entry: &CacheEntry| (entry.month, entry.revision, entry.timestamp);
        let knows_more = match entries.get(id) {
            None => rule == WriteRule::ExistingOnly,
            Some(old) => rank(old) > rank(entry) && old.timestamp >= entry.timestamp - TimeDelta::hours(2),
        };
        if knows_more {
            return Ok(Written::Superseded);
        }
        entries.insert(id.clone(), entry.clone());
        Ok(Written::Stored)
    }
}

pub(crate) const SETTINGS: Settings =
    Settings { lookback: TimeDelta::days(7), overlap: TimeDelta::hours(1), month_open: TimeDelta::hours(24) };

/// Runs the handler over these fakes with this many seconds of time; the answer is the response's body.
pub(crate) async fn run(
    fleet: FakeFleet,
    history: FakeTrail,
    cache: &FakeCache,
    payload: Value,
    seconds: u64,
) -> Result<Value, RunError> {
    run_at(now(), fleet, history, (&FakeLedger::default(), cache), payload, seconds).await
}

/// What the handler returns, its metrics included.
pub(crate) async fn handled_at(
    now: DateTime<Utc>,
    fleet: FakeFleet,
    history: FakeTrail,
    (ledger, cache): (&FakeLedger, &FakeCache),
    payload: Value,
    seconds: u64,
) -> Handled<Response, RunError> {
    let metrics = Metrics::new("runtime-cache", "test");
    let calculation = Calculation::over(Ports { fleet, trail: history, ledger, cache }, SETTINGS, metrics);
    handle(&calculation, payload, Moment::within(now, Duration::from_secs(seconds))).await
}

/// The same at another time, over a history that outlives the run.
pub(crate) async fn run_at(
    now: DateTime<Utc>,
    fleet: FakeFleet,
    history: FakeTrail,
    (ledger, cache): (&FakeLedger, &FakeCache),
    payload: Value,
    seconds: u64,
) -> Result<Value, RunError> {
    let response = handled_at(now, fleet, history, (ledger, cache), payload, seconds).await.outcome?;
    assert_eq!(response.status_code, 200);
    let contract = ["message", "total_servers", "processed", "errors"];
    let order = contract.map(|field| response.body.find(&format!("\"{field}\":")).unwrap());
    assert!(response.body.starts_with("{\"message\":") && order.is_sorted(), "{}", response.body);
    Ok(serde_json::from_str(&response.body).unwrap())
}
