//! Several scopes in one table: each with its own servers, watermark and status, and all of them summed up.

use std::collections::HashMap;
use std::time::Duration;

use calculate_monthly_runtime::{Calculation, Moment, handle};
use doubles::{
    Call, Failing, Failure, Faults, InMemoryCache, InMemoryChecks, InMemoryFleet, InMemoryLedger, InMemoryReports,
    InMemoryTrail,
};
use doubles::{elsewhere, home};
use serde_json::{Value, json};
use uptime::InstanceState::{Running, Stopped};
use uptime::{Observation, Scope};
use uptime_ledger::Scopes;
use uptime_ledger::metrics::Metrics;
use uptime_ledger::ports::{Ports, Statuses};

use crate::support::{SETTINGS, at, body, id, seen, trail};

/// An environment of two scopes.
struct TwoScopes {
    ledger: InMemoryLedger,
    cache: InMemoryCache,
    fleets: HashMap<Scope, (Vec<Observation>, InMemoryTrail)>,
    faults: HashMap<Scope, Faults>,
    scopes: Scopes,
}

impl TwoScopes {
    fn new() -> Self {
        let faults = [home(), elsewhere()].map(|scope| (scope, Faults::default()));
        let fleets = HashMap::from([
            (home(), (vec![seen(1, Running, "2025-10-01T00:00:00Z", NOON)], trail(&[]))),
            (elsewhere(), (vec![seen(2, Running, "2025-10-11T00:00:00Z", NOON)], trail(&[]))),
        ]);
        let scopes = Scopes::with(home(), [elsewhere()], "reader");
        Self {
            ledger: InMemoryLedger::default(),
            cache: InMemoryCache::default(),
            fleets,
            faults: faults.into(),
            scopes,
        }
    }

    /// The answer for a payload, or the error's text, and the line of metrics.
    async fn asked(&self, now: &str, payload: Value) -> (Result<Value, String>, Option<Value>) {
        let ledgers = [home(), elsewhere()].map(|scope| (scope.clone(), self.ledger.of(&scope)));
        let ledgers = HashMap::from(ledgers);
        let services = |scope: &Scope| {
            let ((fleet, trail), faults) = (&self.fleets[scope], &self.faults[scope]);
            let look = |server: &Observation| Observation { observed_at: at(now), ..server.clone() };
            Ports {
                fleet: Failing::new(InMemoryFleet(fleet.iter().map(look).collect()), faults),
                trail: Failing::new(trail.clone(), faults),
                ledger: Failing::new(&ledgers[scope], faults),
                cache: Failing::new(&self.cache, faults),
            }
        };
        let metrics = Metrics::new("runtime-cache", "test");
        let (checks, reports) = (|_: &Scope| InMemoryChecks::default(), InMemoryReports::default());
        let calculation = Calculation::over(services, checks, reports, self.scopes.clone(), SETTINGS, metrics);
        let handled = handle(&calculation, payload, Moment::within(at(now), Duration::from_secs(300))).await;
        (handled.outcome.map(body).map_err(|error| error.to_string()), handled.metrics)
    }

    /// The hour of all scopes, each on its own, and their sum: its answer and its line of metrics.
    async fn hour(&self, now: &str) -> (Value, Value) {
        for scope in self.scopes.all() {
            let (_, metrics) = self.asked(now, json!({"scope": scope})).await;
            assert_eq!(metrics, None, "one scope's numbers are not the fleet's");
        }
        let (answer, metrics) = self.asked(now, json!({"report": "scopes"})).await;
        (answer.unwrap(), metrics.unwrap())
    }

    fn minutes(&self, n: u32) -> f64 {
        self.cache.entries()[&id(n)].span.proven.as_f64()
    }
}

const NOON: &str = "2025-10-11T12:00:00Z";

#[tokio::test(start_paused = true)]
async fn each_scope_has_its_own_servers_and_all_of_them_one_line_of_metrics() {
    let two = TwoScopes::new();
    let (answer, metrics) = two.hour(NOON).await;
    assert_eq!((two.minutes(1), two.minutes(2)), (252.0 * 60.0, 12.0 * 60.0));
    assert_eq!(answer["failing"], json!([]));
    let of = |name: &str| metrics[name].as_f64().unwrap();
    assert_eq!((of("ServersTotal"), of("ServersProcessed"), of("FleetRunningMinutes")), (2.0, 2.0, 264.0 * 60.0));
    assert_eq!((of("ScopesTotal"), of("ScopesFailing"), of("OldestCacheAgeSeconds")), (2.0, 0.0, 0.0));
    let items = two.ledger.items();
    assert!(items.values().all(|item| item.left_at.is_none()), "the other scope's servers are not gone");
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_cannot_be_read_keeps_its_values_and_harms_no_other() {
    let two = TwoScopes::new();
    two.hour(NOON).await;
    two.faults[&elsewhere()].add(Call::ListServers, None, Failure::Denied);
    for (hour, failing) in [("13", 0.0), ("14", 0.0), ("15", 1.0)] {
        let (answer, metrics) = two.hour(&format!("2025-10-11T{hour}:00:00Z")).await;
        assert_eq!(metrics["ScopesFailing"], failing, "{hour}: {answer}");
        assert_eq!(metrics["ServersTotal"], 2.0, "who could not be read is not gone");
    }
    assert_eq!((two.minutes(1), two.minutes(2)), (255.0 * 60.0, 12.0 * 60.0), "the last good value stays");
    let (answer, metrics) = two.asked("2025-10-11T15:30:00Z", json!({"report": "scopes"})).await;
    let failing = &answer.unwrap()["failing"][0];
    assert_eq!((&failing["account"], &failing["kind"]), (&json!("444455556666"), &json!("Denied")));
    assert_eq!(metrics.unwrap()["OldestCacheAgeSeconds"], 3.5 * 3600.0);
    two.faults[&elsewhere()].clear();
    let (answer, _) = two.hour("2025-10-11T16:00:00Z").await;
    assert_eq!((&answer["failing"], two.minutes(2)), (&json!([]), 16.0 * 60.0), "the next run heals it");
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_nobody_hears_of_is_failing() {
    let two = TwoScopes::new();
    let (answer, _) = two.asked(NOON, json!({"report": "scopes"})).await;
    assert_eq!(answer.unwrap()["failing"].as_array().unwrap().len(), 2, "neither was ever read");
}

#[tokio::test(start_paused = true)]
async fn an_id_that_two_scopes_have_is_that_servers_error() {
    let mut two = TwoScopes::new();
    two.hour(NOON).await;
    two.fleets.get_mut(&elsewhere()).unwrap().0.push(seen(1, Stopped, "2025-10-01T00:00:00Z", NOON));
    let (answer, _) = two.asked("2025-10-11T13:00:00Z", json!({"scope": elsewhere()})).await;
    let answer = answer.unwrap();
    assert_eq!((&answer["errors"], &answer["processed"]), (&json!(1), &json!(1)));
    assert_eq!(two.minutes(1), 252.0 * 60.0, "nothing is merged");
}

#[tokio::test(start_paused = true)]
async fn the_tables_own_trouble_is_everybodys() {
    let two = TwoScopes::new();
    two.faults[&home()].add(Call::WriteStatus, None, Failure::Denied);
    let (answer, _) = two.asked(NOON, json!({"scope": home()})).await;
    assert!(answer.unwrap_err().starts_with("cannot write the ledger"));
}

#[tokio::test(start_paused = true)]
async fn a_month_stays_open_until_its_scope_was_read_or_is_closed_for_good() {
    let mut two = TwoScopes::new();
    two.hour(NOON).await;
    two.hour("2025-10-31T23:00:00Z").await;
    two.faults[&elsewhere()].add(Call::ListServers, None, Failure::Denied);
    two.hour("2025-11-03T00:00:00Z").await;
    let october = "2025-10".parse().unwrap();
    assert_eq!(two.ledger.state().final_month, Some(october));
    assert_eq!(two.ledger.of(&elsewhere()).state().final_month, Some("2025-09".parse().unwrap()));
    let payload = json!({"scope": elsewhere(), "close": true});
    let (refused, _) = two.asked("2025-11-03T01:00:00Z", payload.clone()).await;
    assert!(refused.unwrap_err().contains("is still one of this environment's scopes"));

    two.scopes = Scopes::only(home());
    let (closed, metrics) = two.asked("2025-11-03T02:00:00Z", payload).await;
    assert_eq!(closed.unwrap()["message"], "The scope is closed");
    assert_eq!(metrics.unwrap().get("ServersTotal"), None, "it is none of the fleet's");
    assert_eq!(two.ledger.of(&elsewhere()).state().final_month, Some(october));
    let last = two.ledger.items()[&(id(2), october)].clone();
    assert!(last.is_final);
    let (proven, possible) = (last.span().proven.as_f64(), last.span().possible.as_f64());
    assert_eq!((proven, proven + possible), (503.0 * 60.0, 504.0 * 60.0), "what was not seen is possible");
    let entry = two.cache.entries()[&id(2)].clone();
    assert_eq!((entry.running_since, entry.span.possible.as_f64()), (None, 50.0 * 60.0), "nobody counts on");
    assert!(two.ledger.items()[&(id(2), "2025-11".parse().unwrap())].is_final);
    assert_eq!(two.minutes(1), 48.0 * 60.0);
    assert_eq!((&two.ledger).statuses(&[home()]).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fleet_split_over_scopes_has_the_same_minutes_as_in_one() {
    let servers: Vec<Observation> = (1..=12)
        .map(|n| {
            let state = if n % 3 == 0 { Stopped } else { Running };
            seen(n, state, &format!("2025-10-{:02}T08:00:00Z", n), NOON)
        })
        .collect();
    let all = trail(&[
        (3, "2025-10-03T08:00:00Z started CloudTrail StartInstances a"),
        (3, "2025-10-04T09:30:00Z stopped CloudTrail StopInstances b"),
        (5, "2025-10-02T08:00:00Z started CloudTrail StartInstances c"),
        (5, "2025-10-02T20:00:00Z stopped CloudTrail StopInstances d"),
        (8, "2025-10-04T10:00:00Z stopped CloudTrail StopInstances e"),
    ]);
    let split = |is_home: fn(u32) -> bool| {
        let mut two = TwoScopes::new();
        let part = |here: bool| {
            let here = |n: &u32| is_home(*n) == here;
            let ids: Vec<_> = (1..=12).filter(here).map(id).collect();
            let servers = servers.iter().filter(|server| ids.contains(&server.id)).cloned().collect();
            let evidence = all.evidence.iter().filter(|(id, _)| ids.contains(id)).cloned().collect();
            (servers, InMemoryTrail { evidence, ..all.clone() })
        };
        two.fleets = HashMap::from([(home(), part(true)), (elsewhere(), part(false))]);
        two
    };
    let (one, two) = (split(|_| true), split(|n| n % 2 == 0));
    for now in [NOON, "2025-10-11T13:00:00Z", "2025-11-01T01:00:00Z"] {
        let (first, _) = one.hour(now).await;
        let (second, _) = two.hour(now).await;
        assert_eq!(*one.cache.entries(), *two.cache.entries(), "{now}");
        assert_eq!(first["total_servers"], second["total_servers"]);
    }
}
