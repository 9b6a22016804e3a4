//! Whole runs over simulated fleets with a CloudWatch that is asked: the truth is inside, and next to nothing stays open.

use std::collections::HashMap;

use account::{Account, clients, home, options, scopes};
use calculate_monthly_runtime::config::Settings;
use calculate_monthly_runtime::{Calculation, Moment, handle};
use chrono::{DateTime, TimeDelta, Utc};
use doubles::InMemoryReports;
use fleet_simulator::calls::{Action, Call};
use fleet_simulator::options::Options;
use fleet_simulator::scenario;
use fleet_simulator::server::{ReasonText, Server};
use fleet_simulator::truth::{month_start, running_time};
use fleet_simulator::world::{Happening, World};
use serde_json::{Value, json};
use uptime::{Audit, InstanceId, Month, Scope};
use uptime_aws::cloudwatch::CloudWatch;
use uptime_ledger::metrics::Metrics;
use uptime_ledger::ports::Ledger;

use crate::support::{SETTINGS, body};

/// Half a minute, in minutes: what CloudTrail tells to the second, EC2 rounds.
const TOLERANCE: f64 = 0.5;

/// A server after a run: its name, the true minutes, and what is cached.
#[derive(Debug)]
struct Told {
    name: String,
    truth: f64,
    proven: f64,
    possible: f64,
}

/// A run at `now` over a world, with CloudWatch; its answer, and what it makes of each server.
async fn run(now: DateTime<Utc>, world: World, options: &Options) -> (Value, Vec<Told>) {
    let account = Account::at(now, world, options).await.unwrap();
    let answer = asked(&account, now, json!({})).await;
    let (inner, _) = account.simulator.account();
    let told = inner.world.servers().iter().filter_map(|server| {
        let (proven, possible) = account.cached(&server.id)?;
        let truth = running_time(server, month_start(now), now).exact()?.num_seconds() as f64 / 60.0;
        Some(Told { name: server.tag("Name").unwrap_or_default().to_owned(), truth, proven, possible })
    });
    (answer, told.collect())
}

/// An invocation's answer.
async fn asked(account: &Account, now: DateTime<Utc>, payload: Value) -> Value {
    let checks = CloudWatch::new(&clients(&account.endpoint, &account.tables.endpoint).config);
    let calculation = Calculation::over(
        |_: &Scope| account.ports(),
        |_: &Scope| checks.clone(),
        InMemoryReports::default(),
        scopes(),
        Settings { asks_cloudwatch: true, ..SETTINGS },
        Metrics::new("runtime-cache", "test"),
    );
    let moment = Moment::within(now, std::time::Duration::from_secs(300));
    body(handle(&calculation, payload, moment).await.outcome.unwrap())
}

fn assert_inside(told: &[Told]) {
    for server in told {
        let is_inside =
            server.proven <= server.truth + TOLERANCE && server.truth <= server.proven + server.possible + TOLERANCE;
        assert!(is_inside, "the truth is not inside: {server:?}");
    }
}

async fn of_scenario(now: &str, arguments: &[&str]) -> (Value, Vec<Told>) {
    let options = options(&[&["--now", now], arguments].concat());
    let now: DateTime<Utc> = now.parse().unwrap();
    let world = scenario::build(&options, now).unwrap();
    run(now, world, &options).await
}

#[tokio::test]
async fn of_the_showcase_nothing_stays_open_longer_than_two_minutes() {
    let (answer, told) = of_scenario("2025-10-25T12:00:00Z", &["--scenario", "showcase"]).await;
    assert_inside(&told);
    let by_name: HashMap<&str, &Told> = told.iter().map(|server| (server.name.as_str(), server)).collect();
    for name in ["guest-shutdown-untimed", "guest-shutdown-untold"] {
        let server = by_name[name];
        assert!((server.truth, server.possible <= 2.0) == (210.0, true), "{server:?}");
    }
    for name in ["hibernated", "rebooted", "always-on", "always-off"] {
        assert!(by_name[name].possible <= TOLERANCE, "{:?}", by_name[name]);
    }
    assert!(told.iter().all(|server| server.possible <= 2.0), "{told:#?}");
    assert_eq!(answer["cloudwatch"]["unanswered"], json!(0), "{answer}");
}

#[tokio::test]
async fn a_spot_server_that_ec2_stops_and_starts_by_itself_is_known_to_minutes() {
    let (_, mut told) = of_scenario("2025-10-25T12:00:00Z", &["--scenario", "field"]).await;
    told.retain(|server| server.name.starts_with("spot-"));
    assert_inside(&told);
    assert!(told.iter().all(|server| server.possible <= 6.0), "{told:#?}");
}

/// Servers that a schedule starts every morning, and that shut themselves down at some minute of the night.
fn nightly(now: DateTime<Utc>, options: &Options, servers: usize) -> World {
    let mut world = World::new(options.rules());
    let start = month_start(now);
    for n in 0..servers {
        let tags = scenario::tags(("App", "demo"), &format!("nightly-{n}"));
        let key = world.add_server(Server::new(format!("i-{n:017x}"), tags));
        world.set_reason_text(key, ReasonText::NoTime);
        world.plan(start - TimeDelta::days(40), Happening::Call(Call::new(Action::Run, vec![key])));
        world.plan(start - TimeDelta::days(40) + TimeDelta::hours(2), Happening::GuestShutdown(key));
        for day in -2..31 {
            let morning = start + TimeDelta::days(day) + TimeDelta::hours(8) + TimeDelta::seconds(n as i64);
            let night = TimeDelta::seconds(43_200 + (n as i64 * 7_919 + day * 3_571).rem_euclid(20_000));
            world.plan(morning, Happening::Call(Call::new(Action::Start, vec![key])));
            world.plan(morning + night, Happening::GuestShutdown(key));
        }
    }
    world.advance(now);
    world
}

#[tokio::test]
async fn a_fleet_that_shuts_itself_down_each_night_is_known_to_two_minutes_a_run_from_its_first_run_on() {
    let now: DateTime<Utc> = "2025-10-25T12:00:00Z".parse().unwrap();
    let options = options(&["--now", "2025-10-25T12:00:00Z"]);
    let (answer, told) = run(now, nightly(now, &options, 40), &options).await;
    assert_eq!(told.len(), 40);
    assert_inside(&told);
    for server in &told {
        // One run more began in the month before.
        assert!(server.possible <= 2.0 * 25.0, "{server:?}");
        assert!(server.truth - server.proven <= 2.0 * 25.0, "{server:?}");
    }
    assert!(answer["cloudwatch"]["requests"].as_u64().unwrap() <= 4, "{answer}");
}

#[tokio::test]
async fn where_samples_get_lost_less_is_known_and_the_truth_is_inside() {
    let now: DateTime<Utc> = "2025-10-25T12:00:00Z".parse().unwrap();
    for lost in ["50", "20", "10"] {
        let options = options(&["--now", "2025-10-25T12:00:00Z", "--sample-lost-one-of", lost]);
        let (_, told) = run(now, nightly(now, &options, 20), &options).await;
        assert_inside(&told);
        for server in &told {
            let most = 25.0 * 30.0;
            assert!(server.possible <= most, "one of {lost} lost: {server:?}");
        }
    }
}

/// The verdicts on a month that was asked for when it was over.
async fn audits(month: &str, now: &str, arguments: &[&str]) -> Vec<(String, Option<Audit>)> {
    let options = options(&[&["--now", now], arguments].concat());
    let now: DateTime<Utc> = now.parse().unwrap();
    let world = scenario::build(&options, now).unwrap();
    let account = Account::at(now, world, &options).await.unwrap();
    let answer = asked(&account, now, json!({"month": month})).await;
    assert!(answer["errors"] == json!(0) && answer["remaining"] == json!(0), "{answer}");
    let (ledger, month) = (account.ledger_of(&home()), month.parse::<Month>().unwrap());
    let listed = ledger.servers(month).await.unwrap();
    assert!(listed.iter().all(|server| server.is_final));
    let ids: Vec<InstanceId> = listed.into_iter().map(|server| server.id).collect();
    let items = ledger.read(month, &ids).await.unwrap();
    items.into_values().map(Result::unwrap).map(|item| (item.name.unwrap_or_default(), item.audit)).collect()
}

#[tokio::test]
async fn records_of_all_kinds_of_servers_agree_with_their_samples_also_where_some_are_lost() {
    for scenario in ["showcase", "field"] {
        for lost in ["0", "50", "20"] {
            let arguments = ["--scenario", scenario, "--sample-lost-one-of", lost];
            let audits = audits("2025-10", "2025-11-05T12:00:00Z", &arguments).await;
            assert!(audits.iter().any(|(_, audit)| *audit == Some(Audit::Agrees)), "{audits:?}");
            let disputed: Vec<_> =
                audits.iter().filter(|(_, audit)| matches!(audit, Some(Audit::Disagrees(_)))).collect();
            assert!(disputed.is_empty(), "{scenario}, one of {lost} lost: {disputed:#?}");
        }
    }
}
