//! Situations that people who run fleets have reported, hour by hour over the simulator's `field` scenario, whose truth is
//! known.

use account::{Account, LEDGER, options};
use chrono::{DateTime, TimeDelta, Utc};
use fleet_simulator::scenario;
use fleet_simulator::truth::{month_start, running_time};
use serde_json::Value;

use crate::support::good_run;

/// Half a minute, in minutes.
const TOLERANCE: f64 = 0.5;
const NOW: &str = "2025-10-20T12:00:00Z";

async fn field() -> Account {
    let options = options(&["--scenario", "field"]);
    let now: DateTime<Utc> = NOW.parse().unwrap();
    Account::at(now, scenario::build(&options, now).unwrap(), &options).await.unwrap()
}

/// Proven minutes, and how many more it could be.
fn cached(account: &Account, name: &str) -> (f64, f64) {
    account.cached(account.id(name).unwrap().as_str()).unwrap()
}

/// Checks every cached value against the truth. Without state changes a start counts from its call: of `bare-metal` they
/// are not told here.
fn assert_truth_inside(account: &Account, now: DateTime<Utc>) {
    let (simulated, _) = account.simulator.account();
    let minutes = |time: TimeDelta| time.num_seconds() as f64 / 60.0;
    let servers = simulated.world.servers().iter().filter(|server| server.tag("Name") != Some("bare-metal"));
    for server in servers {
        let (proven, possible) = account.cached(&server.id).unwrap();
        let truth = running_time(server, month_start(now), now);
        let told = format!("{:?}: {proven} + {possible}, truth {truth:?}", server.tag("Name"));
        assert!(proven <= minutes(truth.at_most) + TOLERANCE, "more than the truth: {told}");
        assert!(minutes(truth.at_least) <= proven + possible + TOLERANCE, "less than the truth: {told}");
    }
}

fn lookups(body: &Value) -> u64 {
    body["cloudtrail"]["lookups"].as_u64().unwrap()
}

#[tokio::test]
async fn every_reported_situation_has_its_truth_inside_its_span() {
    let account = field().await;
    good_run(&account).await;
    assert_truth_inside(&account, NOW.parse().unwrap());
    assert_eq!(cached(&account, "launch-repeated"), (15_840.0, 0.0));
    // From the 3rd 10:00 to the 18th 08:00 EC2 may have started it again, without a record.
    let (proven, possible) = cached(&account, "spot-stopped-and-restarted");
    assert_eq!((proven, possible), (58.0 * 60.0 + 52.0 * 60.0, (14.0 * 24.0 + 22.0) * 60.0));
    // EC2 terminated it while it was stopped.
    assert_eq!(cached(&account, "spot-request-cancelled"), (58.0 * 60.0, 0.0));
    // The launch of fifty cannot be read, and `LaunchTime` tells it.
    assert_eq!(cached(&account, "unreadable-launch-03"), ((18.0 * 24.0 + 12.0) * 60.0, 0.0));
    // Of a terminated server EC2 does not show when it was created: it may have run before, on the 1st.
    assert_eq!(cached(&account, "unreadable-launch-01"), (4_320.0, 1_440.0));
    assert_eq!(cached(&account, "tagged-after-launch"), (12.0, 0.0));
}

#[tokio::test]
async fn a_server_whose_start_falls_back_all_month_costs_the_others_nothing() {
    let account = field().await;
    let first = good_run(&account).await;
    let restless = account.id("start-falls-back").unwrap();
    for _ in 0..3 {
        account.wait(TimeDelta::hours(1));
        let body = good_run(&account).await;
        assert!(lookups(&body) <= 20 && lookups(&body) < lookups(&first), "{body}");
    }
    let items = account.tables.items(LEDGER);
    let largest = items.iter().map(|item| serde_json::to_string(item).unwrap().len()).max().unwrap();
    assert!(largest < 150_000, "{largest}");
    let (proven, possible) = account.cached(restless.as_str()).unwrap();
    assert!((120.0..=121.0).contains(&proven) && possible > 0.0, "{proven} {possible}");
    // On the 18th the scheduler was still at it; now it has stopped.
    let now: DateTime<Utc> = "2025-10-17T12:00:00Z".parse().unwrap();
    let options = options(&["--scenario", "field"]);
    let account = Account::at(now, scenario::build(&options, now).unwrap(), &options).await.unwrap();
    let body = good_run(&account).await;
    assert_eq!(body["restless"], serde_json::json!([restless]), "{body}");
}
