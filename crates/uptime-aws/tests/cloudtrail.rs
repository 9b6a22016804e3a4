//! The CloudTrail adapter against recorded answers of `LookupEvents`.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::time::Duration;

use aws_sdk_cloudtrail::operation::lookup_events::LookupEventsInput;
use aws_smithy_mocks::{Rule, mock};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use support::{answer, client};
use tokio::time::Instant;
use uptime::{InstanceId, Window};
use uptime_aws::trail::CloudTrail;
use uptime_ledger::ports::{Limits, Sweep, SweepCost, Trail};

fn now() -> DateTime<Utc> {
    "2025-10-15T12:00:00Z".parse().unwrap()
}

fn hours_ago(hours: i64) -> DateTime<Utc> {
    now() - TimeDelta::hours(hours)
}

fn window() -> Window {
    Window::new(hours_ago(1000), now())
}

fn id() -> InstanceId {
    "i-0123456789abcdef0".parse().unwrap()
}

fn no_limits() -> Limits {
    Limits { deadline: Instant::now() + Duration::from_secs(3600), lookups: u64::MAX }
}

/// An entry as `LookupEvents` gives it: the record is a text inside.
fn stop(hours: i64) -> Value {
    let at = hours_ago(hours);
    let item = json!({"instanceId": id(), "currentState": {"name": "stopping"}, "previousState": {"name": "running"}});
    let record = json!({
        "eventTime": at, "eventSource": "ec2.amazonaws.com", "eventName": "StopInstances", "eventID": format!("stop-{hours}"),
        "responseElements": {"instancesSet": {"items": [item]}},
    });
    json!({"EventId": format!("stop-{hours}"), "EventName": "StopInstances", "EventTime": at.timestamp(),
        "Resources": [{"ResourceType": "AWS::EC2::Instance", "ResourceName": id()}], "CloudTrailEvent": record.to_string()})
}

fn page(events: &[Value], next_token: Option<&str>) -> String {
    let mut page = json!({"Events": events});
    if let Some(token) = next_token {
        page["NextToken"] = json!(token);
    }
    page.to_string()
}

fn rule(matches: impl Fn(&LookupEventsInput) -> bool + Send + Sync + 'static, status: u16, body: String) -> Rule {
    mock!(aws_sdk_cloudtrail::Client::lookup_events)
        .match_requests(matches)
        .then_http_response(move || answer(status, body.clone()))
}

fn any(status: u16, body: String) -> Rule {
    rule(|_| true, status, body)
}

fn error(code: &str, message: &str) -> String {
    json!({"__type": code, "message": message}).to_string()
}

fn history(rules: &[Rule]) -> CloudTrail {
    CloudTrail::new(client!(aws_sdk_cloudtrail, rules))
}

#[tokio::test(start_paused = true)]
async fn a_sweep_asks_once_per_event_name_for_one_frozen_window() {
    let names = uptime::LIFECYCLE_EVENTS;
    let rules = names.map(|name| {
        let asked = move |request: &LookupEventsInput| {
            let [attribute] = request.lookup_attributes() else { return false };
            attribute.attribute_value() == name
                && request.start_time().map(|time| time.secs()) == Some(window().from.timestamp())
                && request.end_time().map(|time| time.secs()) == Some(now().timestamp())
        };
        rule(asked, 200, page(&[], None))
    });
    let start = Instant::now();
    let mut sweep = history(&rules).sweep(window());
    sweep.read_back_to(hours_ago(10), no_limits()).await.unwrap();
    assert_eq!(sweep.covered(), window());
    assert_eq!(sweep.cost(), SweepCost { lookups: 6, throttles: 0, unreadable: 0 });
    assert!(start.elapsed() >= Duration::from_millis(5 * 500), "faster than 2 a second: {:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn pages_are_read_back_only_as_far_as_asked_and_go_on_from_there() {
    let next = |token: Option<&'static str>| move |request: &LookupEventsInput| request.next_token() == token;
    let rules = [
        rule(next(None), 200, page(&[stop(1), stop(5)], Some("second"))),
        rule(next(Some("second")), 200, page(&[stop(6), stop(30)], Some("third"))),
        rule(next(Some("third")), 200, page(&[stop(40)], None)),
    ];
    let mut sweep = history(&rules).lookup(&id(), window());
    sweep.read_back_to(hours_ago(24), no_limits()).await.unwrap();
    assert_eq!(sweep.take_evidence().len(), 4);
    assert_eq!(sweep.covered(), Window::new(hours_ago(30), now()));
    sweep.read_back_to(hours_ago(500), no_limits()).await.unwrap();
    assert_eq!((sweep.take_evidence().len(), sweep.covered()), (1, window()));
    assert!(rules.iter().all(|rule| rule.num_calls() == 1));
}

#[tokio::test(start_paused = true)]
async fn throttled_requests_are_counted_slow_down_and_lose_nothing() {
    let throttled = || any(400, error("ThrottlingException", "Rate exceeded"));
    let rules = [throttled(), throttled(), throttled(), any(200, page(&[stop(1)], None))];
    let (history, start) = (history(&rules), Instant::now());
    let mut sweep = history.lookup(&id(), window());
    sweep.read_back_to(window().from, no_limits()).await.unwrap();
    assert_eq!(sweep.cost(), SweepCost { lookups: 4, throttles: 3, unreadable: 0 });
    assert_eq!((sweep.take_evidence().len(), sweep.covered()), (1, window()));
    assert!(start.elapsed() >= Duration::from_secs(1 + 2 + 4), "did not slow down: {:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_cannot_finish_says_how_far_it_came() {
    let rules = [any(200, page(&[stop(1), stop(5)], Some("second")))];
    let mut sweep = history(&rules).lookup(&id(), window());
    let limits = Limits { lookups: 1, ..no_limits() };
    sweep.read_back_to(window().from, limits).await.unwrap();
    assert_eq!(sweep.covered(), Window::new(hours_ago(5), now()));

    let throttled: Vec<Rule> = (0..20).map(|_| any(400, error("ThrottlingException", "Rate exceeded"))).collect();
    let mut sweep = history(&throttled).lookup(&id(), window());
    let limits = Limits { deadline: Instant::now() + Duration::from_secs(30), ..no_limits() };
    sweep.read_back_to(window().from, limits).await.unwrap();
    assert!(sweep.covered().is_empty());
    assert!(Instant::now() <= limits.deadline);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_is_skipped_and_counted() {
    let mut broken = stop(2);
    broken["CloudTrailEvent"] = json!("{");
    let rules = [any(200, page(&[stop(1), broken, stop(3)], None))];
    let mut sweep = history(&rules).lookup(&id(), window());
    sweep.read_back_to(window().from, no_limits()).await.unwrap();
    assert_eq!((sweep.take_evidence().len(), sweep.cost().unreadable), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_error_at_once_and_a_passing_failure_is_tried_again() {
    let denied =
        any(400, error("AccessDeniedException", "User: x is not authorized to perform: cloudtrail:LookupEvents"));
    let mut sweep = history(&[denied]).lookup(&id(), window());
    let refusal = sweep.read_back_to(window().from, no_limits()).await.unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "CloudTrail LookupEvents failed: AccessDeniedException: User: x is not authorized to perform: cloudtrail:LookupEvents"
    );

    let failing = || any(500, error("InternalFailure", "Try later"));
    let mut sweep = history(&[failing(), failing(), any(200, page(&[stop(1)], None))]).lookup(&id(), window());
    sweep.read_back_to(window().from, no_limits()).await.unwrap();
    assert_eq!(sweep.take_evidence().len(), 1);
    let mut sweep = history(&[failing(), failing(), failing()]).lookup(&id(), window());
    assert!(sweep.read_back_to(window().from, no_limits()).await.is_err());
}
