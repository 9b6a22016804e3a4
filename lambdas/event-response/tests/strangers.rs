//! Instances that are no servers, or not yet: what is asked about them, what is believed, and for how long.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use account::Account;
use chrono::{DateTime, TimeDelta, Utc};
use fleet_simulator::calls::{Action as Call, Call as Request};
use fleet_simulator::server::Server;
use fleet_simulator::service::Action;
use fleet_simulator::world::{Happening, Rules, World};
use futures::StreamExt;
use serde_json::{Value, json};
use support::{Handler, STRANGER, answer, event, everything, handled, handler, now, over, showcase};

const LATE: &str = "i-0bbbbbbbbbbbbbbbb";
const NOT_TAGGED: &str = "not tagged App=demo";
const NOTHING_KNOWN: &str = "nothing is known of it yet";
const TOO_BUSY: &str = "EC2 is too busy to tell whether it is a server: left to the next hourly run";

/// As many events at one time as one process may have to handle.
const AT_ONE_TIME: usize = 200;

fn seconds(seconds: i64) -> DateTime<Utc> {
    now() + TimeDelta::seconds(seconds)
}

/// A server that is launched now without its tag, is `pending` for 20 seconds, and is terminated after `end` seconds.
async fn launched_without_its_tag(end: i64) -> Account {
    let rules = Rules { pending: TimeDelta::seconds(20), stopping: TimeDelta::seconds(5), ..Rules::default() };
    let mut world = World::new(rules);
    let key = world.add_server(Server::new(LATE, vec![("App".to_owned(), "not yet".to_owned())]));
    world.plan(now(), Happening::Call(Request::new(Call::Run, vec![key])));
    world.plan(seconds(end), Happening::Call(Request::new(Call::Terminate, vec![key])));
    over(world).await
}

fn throttle_ec2(account: &Account) {
    account.fault(json!({"action": "DescribeInstances", "kind": "throttle"})).unwrap();
}

fn wait_until(account: &Account, instant: DateTime<Utc>) {
    account.wait(instant - account.now());
}

fn tag_it(account: &Account, at: DateTime<Utc>) {
    wait_until(account, at);
    let (mut account, _) = account.simulator.account();
    let key = account.world.find(LATE).unwrap();
    account.world.tag(key, "App", "demo");
}

/// What the handler answers when the server enters `state`, at once.
async fn enters(account: &Account, handler: &Handler, state: &str, at: DateTime<Utc>) -> Value {
    wait_until(account, at);
    answer(handler, event(LATE, state, at), at).await.unwrap()
}

/// What is cached of it: minutes, and how many more it could be.
fn cached(account: &Account) -> (f64, f64) {
    account.cached(LATE).unwrap()
}

#[tokio::test]
async fn a_tag_that_comes_40_seconds_after_the_launch_costs_no_minute() {
    let account = launched_without_its_tag(45 + 720).await;
    let handler = handler(account.ports());
    let pending = enters(&account, &handler, "pending", now()).await;
    assert_eq!(pending, json!({"id": LATE, "state": "pending", "ignored": NOTHING_KNOWN}));
    assert_eq!((account.counts(Action::DescribeInstances).calls, everything(&account).as_str()), (0, "[[],[]]"));
    tag_it(&account, seconds(40));
    assert_eq!(enters(&account, &handler, "running", seconds(45)).await["runningMinutes"], json!(0.0));
    let end = seconds(45 + 720);
    assert_eq!(enters(&account, &handler, "shutting-down", end).await["runningMinutes"], json!(12.0));
    let terminated = enters(&account, &handler, "terminated", end + TimeDelta::seconds(5)).await;
    assert_eq!(terminated["runningMinutes"], json!(12.0));
    // The seconds before `running` and after `shutting-down` stay possible until the hourly run has read CloudTrail.
    assert_eq!(cached(&account), (12.00, 0.83));
}

#[tokio::test]
async fn a_tag_that_comes_after_running_was_told_is_seen_with_the_next_change_ten_minutes_later() {
    let account = launched_without_its_tag(20 + 720).await;
    let handler = handler(account.ports());
    enters(&account, &handler, "pending", now()).await;
    let running = enters(&account, &handler, "running", seconds(20)).await;
    assert_eq!(running, json!({"id": LATE, "ignored": NOT_TAGGED}));
    tag_it(&account, seconds(40));
    // From the call on, for only `LaunchTime` tells its start.
    let ended = enters(&account, &handler, "shutting-down", seconds(20 + 720)).await;
    assert_eq!(ended["runningMinutes"], json!(12.33));
    assert_eq!(cached(&account), (12.33, 0.00));
}

#[tokio::test]
async fn that_an_instance_is_no_server_is_believed_for_ten_minutes() {
    let account = showcase().await;
    let handler = handler(account.ports());
    for (after, state, asked) in
        [(0, "running", 1), (60, "stopping", 1), (599, "pending", 1), (600, "running", 2), (700, "stopping", 2)]
    {
        let answered = answer(&handler, event(STRANGER, state, seconds(after)), seconds(after)).await.unwrap();
        assert_eq!(answered, json!({"id": STRANGER, "ignored": NOT_TAGGED}), "{state}");
        assert_eq!(account.counts(Action::DescribeInstances).calls, asked, "{state} after {after} s");
    }
    assert_eq!(everything(&account), "[[],[]]");
}

/// All that is told of an instance that lives for a minute.
async fn live(handler: &Handler, n: usize) -> Vec<Value> {
    let id = format!("i-{n:017x}");
    let mut answers = Vec::new();
    for (after, state) in [(0, "pending"), (20, "running"), (80, "shutting-down"), (85, "terminated")] {
        answers.push(answer(handler, event(&id, state, seconds(after)), seconds(after)).await.unwrap());
    }
    answers
}

#[tokio::test]
async fn a_burst_of_1000_foreign_instances_is_asked_about_in_few_calls() {
    let account = showcase().await;
    let handler = handler(account.ports());
    let lives = futures::stream::iter((0..1000).map(|n| live(&handler, n))).buffer_unordered(AT_ONE_TIME);
    let answers: Vec<_> = lives.collect().await;
    for answers in answers {
        let ignored: Vec<_> = answers.iter().map(|answer| answer["ignored"].as_str().unwrap()).collect();
        assert_eq!(ignored, [NOTHING_KNOWN, NOT_TAGGED, NOT_TAGGED, NOT_TAGGED]);
    }
    let calls = account.counts(Action::DescribeInstances).calls;
    assert!(calls <= 100, "{calls} calls for 1000 instances");
    assert_eq!(everything(&account), "[[],[]]");
}

#[tokio::test]
async fn instances_that_come_one_by_one_cost_one_call_each() {
    let account = showcase().await;
    let handler = handler(account.ports());
    for n in 0..30 {
        live(&handler, n).await;
    }
    assert_eq!(account.counts(Action::DescribeInstances).calls, 30);
}

#[tokio::test]
async fn a_throttled_ec2_is_no_error_and_nothing_is_learnt_from_it() {
    let account = launched_without_its_tag(20 + 720).await;
    let handler = handler(account.ports());
    tag_it(&account, seconds(10));
    throttle_ec2(&account);
    let ids = (0..50).map(|n| format!("i-{n:017x}")).chain([LATE.to_owned()]);
    let running = ids.map(|id| {
        let handler = &handler;
        async move {
            let handled = handled(handler, event(&id, "running", seconds(20)), seconds(20)).await;
            (id, handled)
        }
    });
    for (id, handled) in futures::future::join_all(running).await {
        assert_eq!(handled.outcome.unwrap(), json!({"id": id, "state": "running", "ignored": TOO_BUSY}));
        let metrics = handled.metrics.unwrap();
        assert_eq!((&metrics["EventsDeferred"], &metrics["CacheMisses"]), (&json!(1.0), &json!(0.0)));
    }
    assert_eq!(everything(&account), "[[],[]]");
    account.simulator.account().0.faults.clear();
    let ended = enters(&account, &handler, "shutting-down", seconds(20 + 720)).await;
    assert_eq!(ended["runningMinutes"], json!(12.33), "from the call on: the start was not recorded");
}

#[tokio::test]
async fn a_throttled_ec2_holds_back_no_server_that_is_known() {
    let account = launched_without_its_tag(20 + 720).await;
    let handler = handler(account.ports());
    tag_it(&account, seconds(10));
    enters(&account, &handler, "running", seconds(20)).await;
    throttle_ec2(&account);
    enters(&account, &handler, "shutting-down", seconds(20 + 720)).await;
    // Without the last start, which EC2 does not tell, the run is possible until the hourly run has read CloudTrail.
    assert_eq!(cached(&account), (0.00, 12.33));
}

#[tokio::test]
async fn an_event_of_another_scope_changes_nothing_and_is_counted() {
    let account = showcase().await;
    let handler = handler(account.ports());
    let id = account.id("always-on").unwrap();
    let before = everything(&account);
    let mut event = event(id.as_str(), "stopping", seconds(-60));
    event["region"] = json!("us-east-1");
    let handled = handled(&handler, event, now()).await;
    let ignored = "123456789012/us-east-1 is none of this environment's scopes";
    assert_eq!(handled.outcome.unwrap(), json!({"id": id, "ignored": ignored}));
    assert_eq!(handled.metrics.unwrap()["EventsOutOfScope"], 1.0);
    assert_eq!(everything(&account), before);
}
