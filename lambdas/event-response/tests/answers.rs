//! Single events: what is answered, what is written, and what it costs.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use account::{Account, LEDGER, SERVERS};
use chrono::{DateTime, TimeDelta, Utc};
use fleet_simulator::service::Action;
use serde_json::{Value, json};
use support::{STRANGER, answer, event, everything, handled, handler, minutes_ago, now, showcase};
use uptime::{CacheEntry, Coverage, Month, ServerMonth, Span, Window};
use uptime_ledger::ports::{Cache, Ledger, WriteRule};
use uptime_ledger::{Counts, Moment, OneServer, Origin, get_cached_running_minutes};

/// From the start of the month to so many minutes ago.
fn month_until(minutes: i64) -> f64 {
    (minutes_ago(minutes) - Month::of(now()).start()).num_seconds() as f64 / 60.0
}

fn fault(kind: &str, action: &str) -> Value {
    json!({"action": action, "kind": kind})
}

#[tokio::test]
async fn the_first_change_is_calculated_and_the_next_answered_from_what_is_kept() {
    let account = showcase().await;
    let (handler, id) = (handler(account.ports()), account.id("always-on").unwrap());
    let stopping = answer(&handler, event(id.as_str(), "stopping", minutes_ago(1)), now()).await.unwrap();
    assert_eq!(
        stopping,
        json!({"id": id, "state": "stopping", "runningMinutes": month_until(1), "runningMinutesCacheTimestamp": null})
    );
    let lookups = account.counts(Action::LookupEvents).calls;
    let before = account.tables.counts();
    let later = now() + TimeDelta::minutes(1);
    let stopped = answer(&handler, event(id.as_str(), "stopped", now()), later).await.unwrap();
    assert_eq!(stopped["runningMinutes"], json!(month_until(1)));
    assert_eq!(stopped["runningMinutesCacheTimestamp"], json!("2025-10-12T09:30:00.000Z"));
    assert_eq!(account.counts(Action::LookupEvents).calls, lookups, "CloudTrail is not asked again");
    let after = account.tables.counts();
    assert_eq!(after["UpdateItem"] - before["UpdateItem"], 2, "one write records, one warms the cache");
    assert_eq!(after.get("GetItem"), before.get("GetItem"), "nothing is read");
    let items = account.tables.items(SERVERS);
    assert_eq!((items.len(), items[0].contains_key("runningSince")), (1, false));
}

#[tokio::test]
async fn a_start_opens_a_run_at_the_events_own_time() {
    let account = showcase().await;
    let (handler, id) = (handler(account.ports()), account.id("always-off").unwrap());
    let (known, _) = cached_at(&account, &id, None, minutes_ago(6)).await;
    assert_eq!(known, json!(["0.00", "Calculated"]));
    let pending = answer(&handler, event(id.as_str(), "pending", minutes_ago(6)), minutes_ago(6)).await.unwrap();
    assert_eq!(pending["runningMinutes"], json!(0.0));
    let running = answer(&handler, event(id.as_str(), "running", minutes_ago(5)), now()).await.unwrap();
    // As of the event: a reader adds what has been since.
    assert_eq!(running["runningMinutes"], json!(0.0));
    assert_eq!(running["runningMinutesCacheTimestamp"], "2025-10-12T09:25:00.000Z");
    let item = &account.tables.items(SERVERS)[0];
    assert_eq!(item["runningSince"]["S"], "2025-10-12T09:25:00.000Z");
    assert_eq!(item["runningMinutesUncertainty"]["N"], "1.00", "CloudTrail was read until the minute before");
}

#[tokio::test]
async fn the_event_is_trusted_though_ec2_still_shows_the_state_before() {
    let account = showcase().await;
    let (off, on) = (account.id("always-off").unwrap(), account.id("always-on").unwrap());
    let started = event(off.as_str(), "running", now() - TimeDelta::seconds(30));
    let told = answer(&handler(account.ports()), started, now()).await.unwrap();
    assert_eq!((&told["runningMinutes"], &told["runningMinutesCacheTimestamp"]), (&json!(0.0), &Value::Null));
    let stopped = event(on.as_str(), "stopping", now() - TimeDelta::seconds(30));
    let told = answer(&handler(account.ports()), stopped, now()).await.unwrap();
    assert_eq!(told["runningMinutes"], json!(month_until(0) - 0.5));
    let items = account.tables.items(SERVERS);
    let since =
        |id: &uptime::InstanceId| items.iter().find(|item| item["id"]["S"] == id.as_str()).unwrap().get("runningSince");
    assert_eq!((since(&off).is_some(), since(&on)), (true, None));
    let most = |id: &uptime::InstanceId| {
        let item = items.iter().find(|item| item["id"]["S"] == id.as_str()).unwrap();
        item["runningMinutesUncertainty"]["N"].as_str().unwrap().to_owned()
    };
    assert_eq!((most(&off).as_str(), most(&on).as_str()), ("0.50", "0.00"));
}

#[tokio::test]
async fn an_instance_without_the_tag_is_asked_about_once_and_nothing_is_written() {
    let account = showcase().await;
    let handler = handler(account.ports());
    for state in ["running", "stopping", "stopped", "pending"] {
        let handled = handled(&handler, event(STRANGER, state, minutes_ago(1)), now()).await;
        assert_eq!(handled.outcome.unwrap(), json!({"id": STRANGER, "ignored": "not tagged App=demo"}));
        assert_eq!(handled.metrics, None);
    }
    assert_eq!(account.counts(Action::DescribeInstances).calls, 1);
    assert_eq!(everything(&account), "[[],[]]");
}

#[tokio::test]
async fn bad_events_are_refused_by_name_and_write_nothing() {
    let account = showcase().await;
    let (handler, id) = (handler(account.ports()), account.id("always-on").unwrap());
    let ten_days = TimeDelta::days(10);
    let cases = [
        (json!({}), "invalid event: not an EventBridge event: missing field `detail-type`"),
        (json!({"source": 7}), "invalid event: source: invalid type: integer `7`, expected a string"),
        (
            event("server-1", "running", now()),
            "invalid event: detail.instance-id: `server-1` is not an EC2 instance id",
        ),
        (event(id.as_str(), "asleep", now()), "invalid event: detail.state: `asleep` is not an EC2 instance state"),
        (event(id.as_str(), "running", now() + ten_days), "is in the future"),
        (event(id.as_str(), "running", now() - ten_days * 6), "is before the ledger"),
    ];
    for (payload, expected) in cases {
        let error = answer(&handler, payload, now()).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(everything(&account), "[[],[]]");
}

#[tokio::test]
async fn a_pending_server_of_which_only_the_history_tells_is_calculated_unless_it_left() {
    let account = showcase().await;
    let (handler, id, ledger) =
        (handler(account.ports()), account.id("stopped-at-hour-10").unwrap(), account.ports().ledger);
    let mut item = ServerMonth::new(id.clone(), Month::of(now()).previous());
    let pending = async || answer(&handler, event(id.as_str(), "pending", now()), now()).await.unwrap();
    item.leave(minutes_ago(600));
    ledger.write(None, &item).await.unwrap();
    assert_eq!(pending().await, json!({"id": id, "state": "pending", "ignored": "nothing is known of it yet"}));
    assert_eq!(account.counts(Action::DescribeInstances).calls, 0);
    let left = ServerMonth { revision: 1, ..item };
    ledger.write(Some(&left), &ServerMonth { left_at: None, ..left.clone() }).await.unwrap();
    let answered = pending().await;
    assert_eq!((&answered["runningMinutes"], &answered["runningMinutesCacheTimestamp"]), (&json!(600.0), &Value::Null));
}

#[tokio::test]
async fn what_is_counted_is_returned_beside_the_answer_and_beside_the_error() {
    let account = showcase().await;
    let (handler, id) = (handler(account.ports()), account.id("always-on").unwrap());
    let counted = async |event| {
        let handled = handled(&handler, event, now()).await;
        let counted = |name: &str| handled.metrics.as_ref().map(|line| line[name].clone());
        (handled.outcome.is_ok(), ["CacheHits", "CacheMisses"].map(counted))
    };
    let line = |hits: f64, misses: f64| [Some(json!(hits)), Some(json!(misses))];
    account.fault(fault("accessDenied", "LookupEvents")).unwrap();
    assert_eq!(counted(event(id.as_str(), "stopping", minutes_ago(2))).await, (false, line(0.0, 1.0)));
    assert_eq!(counted(event(id.as_str(), "stopped", minutes_ago(1))).await, (true, line(1.0, 0.0)));
    assert_eq!(counted(json!({})).await, (false, [None, None]), "nothing was counted");
}

#[tokio::test]
async fn what_was_told_is_kept_though_cloudtrail_fails_and_the_second_try_answers() {
    let account = showcase().await;
    let (handler, id) = (handler(account.ports()), account.id("always-on").unwrap());
    account.fault(fault("accessDenied", "LookupEvents")).unwrap();
    let stopping = event(id.as_str(), "stopping", minutes_ago(1));
    let error = answer(&handler, stopping.clone(), now()).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot read what CloudTrail tells of {id}")), "{error}");
    let again = answer(&handler, stopping, now()).await.unwrap();
    assert_eq!(again["runningMinutes"], json!(month_until(1)), "LaunchTime tells the run, the event its end");
}

#[tokio::test]
async fn a_server_that_is_one_again_takes_no_sweep_over_that_was_not_its_own() {
    let account = showcase().await;
    let (handler, id, server) =
        (handler(account.ports()), account.id("always-on").unwrap(), OneServer::over(account.ports()));
    let mut item = ServerMonth::new(id.clone(), Month::of(now()));
    let swept = Window::new(item.month.start(), minutes_ago(600));
    item.learn([], &Coverage::none().with(swept));
    item.leave(minutes_ago(600));
    item.summarize(minutes_ago(600));
    server.services.ledger.write(None, &item).await.unwrap();
    account.fault(fault("accessDenied", "LookupEvents")).unwrap();
    answer(&handler, event(id.as_str(), "running", minutes_ago(1)), now()).await.unwrap_err();
    let kept =
        server.services.ledger.read(item.month, std::slice::from_ref(&id)).await.unwrap().remove(&id).unwrap().unwrap();
    assert_eq!((kept.left_at, kept.coverage.end()), (None, Some(now())), "the next sweep is its own again: {kept:?}");
}

#[tokio::test]
async fn a_failing_ec2_is_an_error_as_long_as_nobody_knows_whether_it_is_a_server() {
    let account = showcase().await;
    account.fault(fault("accessDenied", "DescribeInstances")).unwrap();
    let error =
        answer(&handler(account.ports()), event(STRANGER, "running", now()), now()).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot ask EC2 about {STRANGER}")), "{error}");
    assert_eq!(everything(&account), "[[],[]]");
}

#[tokio::test]
async fn an_event_of_last_month_goes_there_while_that_is_open_and_changes_no_final_number() {
    let account = showcase().await;
    let (handler, id) = (handler(account.ports()), account.id("always-on").unwrap());
    let ledger = account.ports().ledger;
    let september: Month = "2025-09".parse().unwrap();
    let item = async || {
        let mut items = ledger.read(september, std::slice::from_ref(&id)).await.unwrap();
        items.remove(&id).unwrap().unwrap()
    };
    ledger.write(None, &ServerMonth::new(id.clone(), september)).await.unwrap();
    let at = |text: &str| text.parse().unwrap();
    let stopped = event(id.as_str(), "stopping", at("2025-09-30T23:59:50Z"));
    answer(&handler, stopped, now()).await.unwrap();
    let open = item().await;
    assert_eq!((open.evidence.len(), open.summary.is_some()), (1, true));
    let closed = ServerMonth { is_final: true, ..open.clone() };
    ledger.write(Some(&open), &closed).await.unwrap();
    answer(&handler, event(id.as_str(), "running", at("2025-09-30T23:59:55Z")), now()).await.unwrap();
    let late = item().await;
    assert_eq!((late.evidence.clone(), late.summary.clone()), (closed.evidence, closed.summary));
    assert_eq!(late.late_evidence.len(), 1);
}

/// What the library function answers, with what it counted.
async fn cached(account: &Account, id: &uptime::InstanceId, max_age: Option<i64>) -> (Value, Counts) {
    cached_at(account, id, max_age, now()).await
}

async fn cached_at(
    account: &Account,
    id: &uptime::InstanceId,
    max_age: Option<i64>,
    now: DateTime<Utc>,
) -> (Value, Counts) {
    let mut counts = Counts::default();
    let moment = Moment::within(now, std::time::Duration::from_secs(50));
    let max_age = max_age.map(TimeDelta::hours);
    let answered =
        get_cached_running_minutes(&OneServer::over(account.ports()), id, max_age, moment, &mut counts).await;
    let told = match answered {
        Ok(Some(answered)) => json!([answered.entry.span.proven.to_string(), format!("{:?}", answered.origin)]),
        Ok(None) => Value::Null,
        Err(error) => json!(error.to_string()),
    };
    (told, counts)
}

#[tokio::test]
async fn the_cache_is_used_whatever_its_age_unless_told_otherwise() {
    let account = showcase().await;
    let id = account.id("stopped-at-hour-10").unwrap();
    let cache = account.ports().cache;
    let old = CacheEntry {
        span: Span { proven: "12.00".parse().unwrap(), possible: "0".parse().unwrap() },
        timestamp: now() - TimeDelta::hours(5),
        month: Month::of(now()),
        running_since: None,
        revision: 0,
    };
    cache.write(&id, &old, WriteRule::Upsert).await.unwrap();
    let hit = |origin: Origin, minutes: &str| json!([minutes, format!("{origin:?}")]);
    let (told, counts) = cached(&account, &id, None).await;
    assert_eq!((told, counts.hits, counts.misses), (hit(Origin::Cached, "12.00"), 1, 0));
    assert_eq!(cached(&account, &id, Some(6)).await.0, hit(Origin::Cached, "12.00"));
    account.fault(fault("accessDenied", "DescribeInstances")).unwrap();
    let (told, counts) = cached(&account, &id, Some(4)).await;
    assert_eq!((told, counts.misses), (hit(Origin::Outdated, "12.00"), 1), "an older value is better than none");
    account.simulator.account().0.faults.clear();
    let (told, counts) = cached(&account, &id, Some(4)).await;
    assert_eq!((told, counts.misses), (hit(Origin::Calculated, "600.00"), 1));
    assert!(counts.cloudtrail.lookups >= 1);
    assert_eq!(cached(&account, &id, Some(4)).await.0, hit(Origin::Cached, "600.00"), "the calculated value is stored");
    assert_eq!(account.tables.items(LEDGER).len(), 1);
    assert_eq!(cached(&account, &STRANGER.parse().unwrap(), None).await.0, Value::Null);
}

#[tokio::test]
async fn an_entry_of_another_month_is_none() {
    let account = showcase().await;
    let id = account.id("stopped-at-hour-10").unwrap();
    let last_month = CacheEntry {
        span: Span { proven: "12.00".parse().unwrap(), possible: "0".parse().unwrap() },
        timestamp: now() - TimeDelta::days(15),
        month: Month::of(now()).previous(),
        running_since: None,
        revision: 3,
    };
    account.ports().cache.write(&id, &last_month, WriteRule::Upsert).await.unwrap();
    assert_eq!(cached(&account, &id, None).await.0, json!(["600.00", "Calculated"]));
}
