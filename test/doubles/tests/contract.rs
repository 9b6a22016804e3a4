//! The ports in memory keep the contract.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use chrono::{DateTime, TimeDelta, Utc};
use doubles::{Failing, Faults, InMemoryCache, InMemoryFleet, InMemoryLedger, InMemoryTrail, contract, elsewhere};
use uptime::{Evidence, InstanceId, InstanceState, Observation, Window};

fn now() -> DateTime<Utc> {
    "2025-10-12T00:00:00Z".parse().unwrap()
}

fn id(n: u32) -> InstanceId {
    format!("i-{n:08x}").parse().unwrap()
}

#[tokio::test]
async fn a_ledger() {
    let table = InMemoryLedger::default();
    contract::ledger(&&table, &&table.of(&elsewhere())).await;
    let (table, faults) = (InMemoryLedger::default(), Faults::default());
    contract::ledger(&Failing::new(&table, &faults), &Failing::new(&table.of(&elsewhere()), &faults)).await;
}

#[tokio::test]
async fn a_cache() {
    contract::cache(&&InMemoryCache::default()).await;
    contract::cache(&Failing::new(&InMemoryCache::default(), &Faults::default())).await;
}

#[tokio::test]
async fn a_fleet() {
    let server = |n| Observation {
        id: id(n),
        state: InstanceState::Running,
        observed_at: now(),
        launch_time: None,
        transition_reason: None,
        created_at: None,
        name: None,
        instance_type: None,
        spot: None,
    };
    let fleet = InMemoryFleet(vec![server(1), server(2)]);
    contract::fleet(&fleet, now()).await;
    contract::fleet(&Failing::new(fleet, &Faults::default()), now()).await;
}

#[tokio::test]
async fn a_trail() {
    let piece = |n, hours: i64| {
        let at = (now() - TimeDelta::hours(hours)).to_rfc3339();
        let piece: Evidence = format!("{at} started CloudTrail StartInstances {n}-{hours}").parse().unwrap();
        (id(n), piece)
    };
    let evidence = vec![piece(1, 40), piece(1, 5), piece(2, 30), piece(2, 60)];
    let trail = InMemoryTrail { evidence, lookups_per_read: 6, ..InMemoryTrail::default() };
    let window = Window::new(now() - TimeDelta::hours(48), now());
    contract::trail(&trail, &id(1), window).await;
    contract::trail(&Failing::new(trail, &Faults::default()), &id(1), window).await;
}
