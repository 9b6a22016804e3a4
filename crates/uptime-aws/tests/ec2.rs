//! The EC2 adapter against recorded answers of `DescribeInstances`.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use aws_smithy_mocks::{Rule, mock};
use chrono::{DateTime, Utc};
use support::{answer, client};
use uptime::{InstanceState, Observation, SpotRequest};
use uptime_aws::ec2::Ec2Fleet;
use uptime_ledger::AppTag;
use uptime_ledger::ports::Fleet;

fn now() -> DateTime<Utc> {
    "2025-10-15T12:00:00Z".parse().unwrap()
}

fn page(instances: &str, next_token: Option<&str>) -> String {
    let next = next_token.map(|token| format!("<nextToken>{token}</nextToken>")).unwrap_or_default();
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><reservationSet><item><reservationId>r-1</reservationId><instancesSet>{instances}</instancesSet></item></reservationSet>{next}</DescribeInstancesResponse>"#
    )
}

fn instance(id: &str, state: &str, rest: &str) -> String {
    format!(
        "<item><instanceId>{id}</instanceId><instanceState><code>16</code><name>{state}</name></instanceState>{rest}</item>"
    )
}

fn fleet(rules: &[Rule]) -> Ec2Fleet {
    let tag = AppTag { key: "App".to_owned(), value: "lab".to_owned() };
    Ec2Fleet::new(client!(aws_sdk_ec2, rules), tag)
}

/// A rule for the page that is asked for with `token`, by tag and in the largest pages there are.
fn rule(token: Option<&'static str>, body: String) -> Rule {
    mock!(aws_sdk_ec2::Client::describe_instances)
        .match_requests(move |request| {
            let [filter] = request.filters() else { return false };
            filter.name() == Some("tag:App")
                && filter.values() == ["lab"]
                && request.max_results() == Some(1000)
                && request.next_token() == token
        })
        .then_http_response(move || answer(200, body.clone()))
}

#[tokio::test]
async fn a_fleet_of_2500_is_listed_whole() {
    let pages: Vec<String> = [0..1000, 1000..2000, 2000..2500]
        .into_iter()
        .map(|range| range.map(|n| instance(&format!("i-{n:017x}"), "running", "")).collect())
        .collect();
    let rules = [
        rule(None, page(&pages[0], Some("second"))),
        rule(Some("second"), page(&pages[1], Some("third"))),
        rule(Some("third"), page(&pages[2], None)),
    ];
    let servers = fleet(&rules).list(now()).await.unwrap();
    assert_eq!(servers.len(), 2500);
    assert!(rules.iter().all(|rule| rule.num_calls() == 1));
}

#[tokio::test]
async fn every_field_that_is_evidence_is_read() {
    let interfaces = "<networkInterfaceSet>\
        <item><attachment><deviceIndex>1</deviceIndex><attachTime>2025-10-03T08:00:00.000Z</attachTime></attachment></item>\
        <item><attachment><deviceIndex>0</deviceIndex><attachTime>2025-09-01T08:00:00.000Z</attachTime></attachment></item>\
        </networkInterfaceSet>";
    let rest = format!(
        "<tagSet><item><key>App</key><value>lab</value></item><item><key>Name</key><value>bare</value></item></tagSet><instanceType>m7i.metal-24xl</instanceType><launchTime>2025-10-02T08:00:00.000Z</launchTime><reason>User initiated (2025-10-04 14:13:33 GMT)</reason>{interfaces}"
    );
    let body = page(&instance("i-0123456789abcdef0", "stopped", &rest), None);
    let servers = fleet(&[rule(None, body)]).list(now()).await.unwrap();
    let expected = Observation {
        id: "i-0123456789abcdef0".parse().unwrap(),
        state: InstanceState::Stopped,
        observed_at: now(),
        launch_time: Some("2025-10-02T08:00:00Z".parse().unwrap()),
        transition_reason: Some("User initiated (2025-10-04 14:13:33 GMT)".to_owned()),
        created_at: Some("2025-09-01T08:00:00Z".parse().unwrap()),
        name: Some("bare".to_owned()),
        instance_type: Some("m7i.metal-24xl".to_owned()),
        spot: None,
    };
    assert_eq!(servers, [expected]);
}

#[tokio::test]
async fn several_instances_are_asked_about_at_once_and_only_the_servers_are_found() {
    let ids = ["i-0123456789abcdef0", "i-0123456789abcdef1", "i-0123456789abcdef2"];
    let rule = mock!(aws_sdk_ec2::Client::describe_instances)
        .match_requests(move |request| {
            let [tag, instances] = request.filters() else { return false };
            tag.name() == Some("tag:App") && instances.name() == Some("instance-id") && instances.values() == ids
        })
        .then_http_response(move || answer(200, page(&instance(ids[0], "running", ""), None)));
    let asked = ids.map(|id| id.parse().unwrap());
    let found = fleet(&[rule]).find(&asked, now()).await.unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), [&asked[0]]);
    assert_eq!(found[&asked[0]].state, InstanceState::Running);
}

#[tokio::test]
async fn a_failure_that_is_a_throttle_says_so() {
    for (code, is_throttle) in [("RequestLimitExceeded", true), ("Unavailable", false)] {
        let told =
            format!("<Response><Errors><Error><Code>{code}</Code><Message>x</Message></Error></Errors></Response>");
        let rule = mock!(aws_sdk_ec2::Client::describe_instances).then_http_response(move || answer(503, told.clone()));
        let error = fleet(&[rule]).find(&["i-0123456789abcdef0".parse().unwrap()], now()).await.unwrap_err();
        assert_eq!(error.clone().is_throttle(), is_throttle, "{error}");
    }
}

#[tokio::test]
async fn a_failure_on_the_second_page_is_no_shorter_list() {
    let unavailable = "<Response><Errors><Error><Code>Unavailable</Code><Message>Try later.</Message></Error></Errors><RequestID>r</RequestID></Response>";
    let broken = mock!(aws_sdk_ec2::Client::describe_instances).then_http_response(move || answer(503, unavailable));
    let first = rule(None, page(&instance("i-0123456789abcdef0", "running", ""), Some("second")));
    let error = fleet(&[first, broken]).list(now()).await.unwrap_err();
    assert_eq!(error.to_string(), "EC2 DescribeInstances failed: Unavailable: Try later.");
}

#[tokio::test]
async fn a_refusal_keeps_the_services_own_message_and_its_cause() {
    let denied = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this operation.</Message></Error></Errors><RequestID>r</RequestID></Response>";
    let rule = mock!(aws_sdk_ec2::Client::describe_instances).then_http_response(move || answer(403, denied));
    let error = fleet(&[rule]).list(now()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "EC2 DescribeInstances failed: UnauthorizedOperation: You are not authorized to perform this operation."
    );
    assert!(std::error::Error::source(&error).is_some());
}

const RECLAIMED: &str = "<instanceLifecycle>spot</instanceLifecycle><spotInstanceRequestId>sir-1</spotInstanceRequestId>\
    <reason>Service initiated (2025-10-04 14:13:33 GMT)</reason>";

fn spot_requests(status: u16, of_type: &str) -> Rule {
    let body = format!(
        r#"<DescribeSpotInstanceRequestsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><spotInstanceRequestSet><item><spotInstanceRequestId>sir-1</spotInstanceRequestId><type>{of_type}</type></item></spotInstanceRequestSet></DescribeSpotInstanceRequestsResponse>"#
    );
    mock!(aws_sdk_ec2::Client::describe_spot_instance_requests)
        .match_requests(|request| {
            let [filter] = request.filters() else { return false };
            filter.name() == Some("spot-instance-request-id") && filter.values() == ["sir-1"]
        })
        .then_http_response(move || answer(status, body.clone()))
}

async fn reclaimed(requests: Rule) -> Option<SpotRequest> {
    let body = page(&instance("i-0123456789abcdef0", "terminated", RECLAIMED), None);
    let servers = fleet(&[rule(None, body), requests]).list(now()).await.unwrap();
    servers[0].spot
}

#[tokio::test]
async fn the_request_of_a_reclaimed_spot_server_is_read() {
    assert_eq!(reclaimed(spot_requests(200, "one-time")).await, Some(SpotRequest::OneTime));
    assert_eq!(reclaimed(spot_requests(200, "persistent")).await, Some(SpotRequest::Persistent));
}

#[tokio::test]
async fn a_spot_request_that_cannot_be_read_proves_nothing() {
    assert_eq!(reclaimed(spot_requests(403, "one-time")).await, Some(SpotRequest::Persistent));
}

#[tokio::test]
async fn a_spot_server_that_runs_costs_no_further_request() {
    let spot = "<instanceLifecycle>spot</instanceLifecycle><spotInstanceRequestId>sir-1</spotInstanceRequestId>";
    let servers = fleet(&[rule(None, page(&instance("i-0123456789abcdef0", "running", spot), None))]);
    assert_eq!(servers.list(now()).await.unwrap()[0].spot, Some(SpotRequest::Persistent));
}
