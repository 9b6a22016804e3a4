//! What happens between two hourly runs, and is told late, by a look at the server only, or not at all.

use account::{Account, LEDGER, now, options};
use chrono::{DateTime, TimeDelta, Utc};
use fleet_simulator::calls::{Action, Call};
use fleet_simulator::scenario;
use fleet_simulator::server::{ReasonText, Server};
use fleet_simulator::world::{Happening, World};
use serde_json::json;

use crate::support::good_run;

const ID: &str = "i-0123456789abcdef0";
const HOUR: TimeDelta = TimeDelta::hours(1);

fn minutes(minutes: i64) -> DateTime<Utc> {
    now() + TimeDelta::minutes(minutes)
}

/// What happens, and at how many minutes from now.
type Planned = (i64, fn() -> Happening);

/// An account with one server, launched days ago and stopped, and what happens to it.
async fn account(delay: &str, happenings: &[Planned]) -> Account {
    let delay = format!("--delivery-delay={delay}");
    let options = options(&[&delay]);
    let mut world = World::new(options.rules());
    let key = world.add_server(Server::new(ID, scenario::tags(("App", "demo"), "one")));
    world.set_reason_text(key, ReasonText::NoTime);
    world.plan(now() - TimeDelta::days(3), call(Action::Run));
    world.plan(now() - TimeDelta::days(2), call(Action::STOP));
    for (at, happening) in happenings {
        world.plan(minutes(*at), happening());
    }
    Account::at(now(), world, &options).await.unwrap()
}

fn call(action: Action) -> Happening {
    Happening::Call(Call::new(action, vec![0]))
}

const START: fn() -> Happening = || call(Action::Start);
const STOP: fn() -> Happening = || call(Action::STOP);
const GUEST_SHUTDOWN: fn() -> Happening = || Happening::GuestShutdown(0);
const BEFORE: f64 = 1440.0;

#[tokio::test]
async fn a_shutdown_without_any_trace_is_known_to_within_the_hour() {
    let account = account("60..600", &[(10, START), (150, GUEST_SHUTDOWN)]).await;
    for hour in 0..=6 {
        good_run(&account).await;
        let (proven, more) = account.cached(ID).unwrap();
        let truth = BEFORE + (60.0 * f64::from(hour)).clamp(10.0, 150.0) - 10.0;
        assert!(proven <= truth && truth <= proven + more, "{truth} in {proven} to {}", proven + more);
        if hour > 2 {
            assert!(more <= 60.0, "hour {hour}: {more} more than {proven}");
            assert!(proven >= BEFORE + 110.0, "it was seen after two hours: {proven}");
        }
        account.wait(HOUR);
    }
}

#[tokio::test]
async fn what_comes_later_than_the_overlap_is_healed_within_a_day() {
    // Two runs within an hour, of which EC2 tells the last only, by records that come five hours later.
    let account = account("18000..18000", &[(5, START), (15, STOP), (30, START), (45, STOP)]).await;
    good_run(&account).await;
    for hour in 1..=25 {
        account.wait(HOUR);
        good_run(&account).await;
        let (proven, more) = account.cached(ID).unwrap();
        assert!(proven <= BEFORE + 25.0, "hour {hour}: {proven}, {more} more");
    }
    assert_eq!(account.cached(ID).unwrap(), (BEFORE + 25.0, 0.0));
}

#[tokio::test]
async fn a_server_whose_tag_is_taken_away_keeps_its_minutes() {
    let account = account("60..600", &[(10, START), (310, STOP)]).await;
    good_run(&account).await;
    for _ in 0..2 {
        account.wait(HOUR);
        good_run(&account).await;
    }
    assert_eq!(account.cached(ID).unwrap(), (BEFORE + 110.0, 0.0));
    let tag = |value: &str| {
        let (mut account, _) = account.simulator.account();
        account.world.tag(0, "App", value);
    };
    tag("another");
    account.wait(HOUR);
    let body = good_run(&account).await;
    assert_eq!((&body["total_servers"], &body["left"]), (&json!(0), &json!(1)), "{body}");
    let left = account.cached(ID).unwrap();
    assert!(
        left.0 >= BEFORE + 110.0 && left.0 + left.1 <= BEFORE + 170.0,
        "up to the moment that it was missed: {left:?}"
    );
    for _ in 0..4 {
        account.wait(HOUR);
        good_run(&account).await;
        assert_eq!(account.cached(ID).unwrap(), left, "what it does now is no concern of this fleet");
    }
    let items = account.tables.items(LEDGER);
    let item = items.iter().find(|item| item["id"]["S"] == ID).unwrap();
    assert_eq!(item["minutes"]["N"].as_str().unwrap().parse::<f64>().unwrap(), left.0);
    tag("demo");
    account.wait(HOUR);
    let body = good_run(&account).await;
    assert_eq!((&body["total_servers"], &body["left"]), (&json!(1), &json!(0)), "{body}");
    let (proven, more) = account.cached(ID).unwrap();
    let truth = BEFORE + 300.0;
    assert!(proven <= truth && truth <= proven + more, "{truth} in {proven} to {}", proven + more);
}
