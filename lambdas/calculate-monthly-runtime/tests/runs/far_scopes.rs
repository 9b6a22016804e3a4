//! Two accounts in two regions over the real clients: each is asked where it is, as whom it takes, and fails on its own.

use std::collections::HashMap;
use std::time::Duration;

use account::{SERVERS, SeveralScopes, home, results};
use calculate_monthly_runtime::{Calculation, Moment, handle};
use chrono::{DateTime, TimeDelta, Utc};
use doubles::{InMemoryChecks, InMemoryReports};
use fleet_simulator::truth::{month_start, running_time};
use serde_json::{Value, json};
use stand_ins::Faults;
use uptime::Scope;
use uptime_ledger::TroubleKind;
use uptime_ledger::ports::{Services, Statuses};

use crate::support::SETTINGS;

const OWN_REGION: &str = "123456789012/us-east-1";
const OTHER: &str = "222233334444/eu-west-1";
const OTHERS_REGION: &str = "222233334444/us-east-1";
const THIRD: &str = "333344445555/eu-west-1";
const ALL: [&str; 4] = [OWN_REGION, OTHER, OTHERS_REGION, THIRD];
const SERVERS_EACH: usize = 4;

async fn start() -> SeveralScopes {
    SeveralScopes::start(&ALL, SERVERS_EACH).await.unwrap()
}

/// The hour of all scopes at one time: what kind of trouble each is in afterwards.
async fn hour(scopes: &SeveralScopes) -> HashMap<String, Option<TroubleKind>> {
    let all: Vec<Scope> = scopes.settings.scopes.all().cloned().collect();
    hour_of(scopes, &all).await;
    let services = scopes.ports();
    let statuses = services(&home()).ledger().statuses(&all).await.unwrap();
    let kind = |scope: &Scope| statuses[scope].last_trouble.as_ref().map(|trouble| trouble.kind);
    all.iter().map(|scope| (scope.to_string(), kind(scope))).collect()
}

/// A run over each of these scopes, begun in this order; who is there twice is run twice.
async fn hour_of(scopes: &SeveralScopes, order: &[Scope]) {
    let settings = &scopes.settings;
    let (checks, reports) = (|_: &Scope| InMemoryChecks::default(), InMemoryReports::default());
    let calculation =
        Calculation::over(scopes.ports(), checks, reports, settings.scopes.clone(), SETTINGS, settings.metrics());
    let runs = order.iter().map(|scope| {
        let moment = Moment::within(scopes.now(), Duration::from_secs(40));
        handle(&calculation, json!({"scope": scope}), moment)
    });
    futures::future::join_all(runs).await;
}

/// How many of a scope's servers are cached; each of them with a span that has the truth of its own instant in it.
fn cached_and_true(scopes: &SeveralScopes, place: &str) -> usize {
    let (account, _) = scopes.simulator(place).unwrap().account();
    let cached = scopes.tables.items(SERVERS);
    let servers = account.world.servers().iter().filter(|server| server.tag("App") == Some("demo"));
    let minutes = |time: TimeDelta| time.num_seconds() as f64 / 60.0;
    let checked = servers.filter(|server| {
        let Some(item) = cached.iter().find(|item| item["id"]["S"] == server.id) else { return false };
        let number = |name: &str| item[name]["N"].as_str().unwrap().parse::<f64>().unwrap();
        let (proven, possible) = (number("runningMinutesCache"), number("runningMinutesUncertainty"));
        let at: DateTime<Utc> = item["runningMinutesCacheTimestamp"]["S"].as_str().unwrap().parse().unwrap();
        let truth = running_time(server, month_start(at), at);
        let (at_least, at_most) = (minutes(truth.at_least), minutes(truth.at_most));
        assert!(
            proven <= at_most + 0.01 && proven + possible >= at_least - 0.01,
            "{place} {}: {proven} + {possible}, {at_least} to {at_most}",
            server.id
        );
        true
    });
    checked.count()
}

#[tokio::test]
async fn every_scope_is_read_where_it_is_and_has_its_own_servers() {
    let scopes = start().await;
    let troubles = hour(&scopes).await;
    assert!(troubles.values().all(Option::is_none), "{troubles:?}");
    assert_eq!(ALL.map(|place| cached_and_true(&scopes, place)), [SERVERS_EACH; 4]);
}

#[tokio::test]
async fn a_sick_scope_is_sick_alone_says_why_and_is_healed_by_the_next_run() {
    let scopes = start().await;
    scopes.simulated.set_role("333344445555", false);
    scopes.fault(OWN_REGION, json!({"action": "DescribeInstances", "kind": "unreachable"})).unwrap();
    scopes.fault(OTHERS_REGION, json!({"action": "LookupEvents", "kind": "regionDisabled"})).unwrap();
    let troubles = hour(&scopes).await;
    let expected = [
        ("123456789012/eu-west-1", None),
        (OWN_REGION, Some(TroubleKind::Unreachable)),
        (OTHER, None),
        (OTHERS_REGION, Some(TroubleKind::RegionDisabled)),
        (THIRD, Some(TroubleKind::RoleMissing)),
    ];
    assert_eq!(troubles, expected.map(|(scope, kind)| (scope.to_owned(), kind)).into());
    assert_eq!(ALL.map(|place| cached_and_true(&scopes, place)), [0, SERVERS_EACH, 0, 0]);

    scopes.wait(TimeDelta::hours(1));
    scopes.simulated.set_role("333344445555", true);
    ALL.iter().for_each(|place| scopes.simulator(place).unwrap().account().0.faults.clear());
    scopes.fault(OTHER, json!({"action": "DescribeInstances", "kind": "throttle"})).unwrap();
    scopes.fault(THIRD, json!({"action": "DescribeInstances", "kind": "accessDenied"})).unwrap();
    let troubles = hour(&scopes).await;
    assert_eq!(troubles[OTHER], Some(TroubleKind::Throttled));
    assert_eq!(troubles[THIRD], Some(TroubleKind::Denied));
    assert_eq!(troubles.values().flatten().count(), 2, "{troubles:?}");
    assert_eq!(ALL.map(|place| cached_and_true(&scopes, place)), [SERVERS_EACH, SERVERS_EACH, SERVERS_EACH, 0]);
}

/// What both tables have after an hour of all scopes, and the updates that it takes.
async fn undisturbed() -> (Value, u64) {
    let scopes = start().await;
    assert!(hour(&scopes).await.values().all(Option::is_none));
    (results(&scopes.tables), scopes.tables.attempts())
}

#[tokio::test]
async fn runs_over_scopes_in_any_order_and_twice_at_one_time_leave_what_one_of_each_does() {
    let (expected, _) = undisturbed().await;
    for turn in 0..5 {
        let scopes = start().await;
        let mut order: Vec<Scope> = scopes.settings.scopes.all().cloned().collect();
        order.rotate_left(turn);
        if turn % 2 == 1 {
            order.reverse();
        }
        let twice: Vec<Scope> = order.iter().chain(&order).cloned().collect();
        hour_of(&scopes, if turn < 3 { &order } else { &twice }).await;
        assert_eq!(results(&scopes.tables), expected, "turn {turn}");
    }
}

#[tokio::test]
async fn runs_over_scopes_that_are_killed_anywhere_are_made_good_by_the_next_hour() {
    let (expected, updates) = undisturbed().await;
    for cut in (3..updates - 15).step_by(41) {
        let scopes = start().await;
        scopes.tables.fail(Faults { silent_after: Some(cut), ..Faults::default() });
        let all: Vec<Scope> = scopes.settings.scopes.all().cloned().collect();
        let killed = async {
            while scopes.tables.attempts() <= cut {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            () = hour_of(&scopes, &all) => panic!("all was done before it was cut off after {cut} updates"),
            () = killed => {}
        }
        scopes.tables.fail(Faults::default());
        assert!(hour(&scopes).await.values().all(Option::is_none), "cut after {cut} updates");
        assert_eq!(results(&scopes.tables), expected, "cut after {cut} updates");
    }
}

#[tokio::test]
async fn tables_that_throttle_a_third_of_all_scopes_writes_lose_none() {
    let (expected, _) = undisturbed().await;
    let scopes = start().await;
    scopes.tables.fail(Faults { throttle_every: 3, ..Faults::default() });
    hour(&scopes).await;
    assert!(scopes.tables.attempts() > 30);
    scopes.tables.fail(Faults::default());
    assert!(hour(&scopes).await.values().all(Option::is_none));
    assert_eq!(results(&scopes.tables), expected);
}
