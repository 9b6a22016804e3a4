//! `DescribeSpotInstanceRequests`, asked as an SDK asks it.

use crate::support::{Fleet, NOW, fleet, texts};
use axum::http::StatusCode;
use serde_json::json;

const ACTION: &str = "DescribeSpotInstanceRequests";

fn field() -> Fleet {
    fleet(NOW, &["--scenario", "field"])
}

async fn page(fleet: &Fleet, form: &str) -> String {
    let (status, body) = fleet.ec2(ACTION, form).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

async fn refused(fleet: &Fleet, form: &str) -> String {
    let (status, body) = fleet.ec2(ACTION, form).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    texts(&body, "Code").remove(0)
}

/// The id of a server's request, as `DescribeInstances` shows it.
async fn request_of(fleet: &Fleet, name: &str) -> String {
    fleet.shown(name, "spotInstanceRequestId").await.remove(0)
}

#[tokio::test]
async fn shows_a_request_as_ec2_does() {
    let fleet = field();
    let (id, request) = (fleet.id("spot-stopped-again").await, request_of(&fleet, "spot-stopped-again").await);
    assert_eq!(fleet.shown("spot-stopped-again", "instanceLifecycle").await, ["spot"]);
    assert!(request.starts_with("sir-") && request.len() == 12, "{request}");
    let body = page(&fleet, &format!("SpotInstanceRequestId.1={request}")).await;
    let parsed = roxmltree::Document::parse(&body).unwrap();
    let root = parsed.root_element();
    assert_eq!(root.tag_name().name(), "DescribeSpotInstanceRequestsResponse");
    assert_eq!(root.tag_name().namespace(), Some("http://ec2.amazonaws.com/doc/2016-11-15/"));
    let set = root.children().find(|child| child.tag_name().name() == "spotInstanceRequestSet").unwrap();
    let item = set.children().next().unwrap();
    let text = |name: &str| {
        let found = item.children().find(|child| child.tag_name().name() == name);
        found.and_then(|child| child.text()).unwrap_or_default().to_owned()
    };
    assert_eq!(set.children().count(), 1);
    assert_eq!(text("spotInstanceRequestId"), request);
    assert_eq!(text("instanceId"), id);
    assert_eq!((text("type"), text("state")), ("persistent".to_owned(), "disabled".to_owned()));
    assert_eq!(text("instanceInterruptionBehavior"), "stop");
    assert_eq!(text("createTime"), "2025-10-01T00:00:00.000Z");
}

#[tokio::test]
async fn tells_what_became_of_each() {
    let fleet = field();
    for (name, told) in [
        ("spot-stopped-and-restarted", ["persistent", "active", "fulfilled", "stop"]),
        ("spot-stopped-again", ["persistent", "disabled", "instance-stopped-no-capacity", "stop"]),
        ("spot-hibernated", ["persistent", "disabled", "instance-stopped-no-capacity", "hibernate"]),
        ("spot-request-cancelled", ["persistent", "cancelled", "instance-terminated-by-user", "stop"]),
        ("unreadable-launch-01", ["one-time", "closed", "instance-terminated-no-capacity", "terminate"]),
        ("unreadable-launch-02", ["one-time", "closed", "instance-terminated-by-user", "terminate"]),
        ("unreadable-launch-03", ["one-time", "active", "fulfilled", "terminate"]),
    ] {
        let id = fleet.id(name).await;
        let body = page(&fleet, &format!("Filter.1.Name=instance-id&Filter.1.Value.1={id}")).await;
        let found = ["type", "state", "code", "instanceInterruptionBehavior"].map(|element| texts(&body, element));
        assert_eq!(found.concat(), told, "{name}");
    }
}

#[tokio::test]
async fn pages_and_filters() {
    let fleet = field();
    let count = async |form: &str| texts(&page(&fleet, form).await, "spotInstanceRequestId").len();
    assert_eq!(count("").await, 54, "those of Spot servers only");
    assert_eq!(count("Filter.1.Name=state&Filter.1.Value.1=closed&Filter.1.Value.2=cancelled").await, 3);
    let (one, other) = (request_of(&fleet, "spot-hibernated").await, request_of(&fleet, "spot-stopped-again").await);
    let both = format!("Filter.1.Name=spot-instance-request-id&Filter.1.Value.1={one}&Filter.1.Value.2={other}");
    assert_eq!(count(&both).await, 2);
    assert_eq!(count(&format!("SpotInstanceRequestId.1={one}&SpotInstanceRequestId.2={other}")).await, 2);
    let (mut ids, mut form) = (Vec::new(), "MaxResults=20".to_owned());
    loop {
        let body = page(&fleet, &form).await;
        ids.extend(texts(&body, "spotInstanceRequestId"));
        match texts(&body, "nextToken").first() {
            Some(token) => form = format!("MaxResults=20&NextToken={token}"),
            None => break,
        }
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 54);
}

#[tokio::test]
async fn refuses_what_ec2_refuses_and_fails_on_request() {
    let fleet = field();
    let request = request_of(&fleet, "spot-hibernated").await;
    for (form, code) in [
        (
            format!("SpotInstanceRequestId.1={request}&SpotInstanceRequestId.2=sir-00000bad"),
            "InvalidSpotInstanceRequestID.NotFound",
        ),
        ("SpotInstanceRequestId.1=i-0123456789abcdef0".to_owned(), "InvalidSpotInstanceRequestID.Malformed"),
        ("MaxResults=4".to_owned(), "InvalidParameterValue"),
        ("Filter.1.Name=colour&Filter.1.Value.1=red".to_owned(), "InvalidParameterValue"),
        ("NextToken=abc".to_owned(), "InvalidNextToken"),
    ] {
        assert_eq!(refused(&fleet, &form).await, code, "{form}");
    }
    let fault = json!({ "action": ACTION, "kind": "accessDenied", "count": 1 });
    fleet.control("POST", "/faults", &fault.to_string()).await;
    let (status, body) = fleet.ec2(ACTION, "").await;
    assert_eq!((status.as_u16(), texts(&body, "Code").remove(0)), (403, "UnauthorizedOperation".to_owned()));
    assert!(texts(&body, "Message").remove(0).contains("ec2:DescribeSpotInstanceRequests"));
    let counts = fleet.get("/requests").await["actions"][ACTION].clone();
    assert_eq!(counts, json!({ "calls": 6, "throttled": 0, "faults": 1, "rejected": 5 }));
}

#[tokio::test]
async fn a_request_outlives_its_instance_by_hours() {
    let fleet = fleet("2025-10-05T01:30:00Z", &["--scenario", "field", "--terminated-visible-minutes", "60"]);
    let id = fleet.id("unreadable-launch-01").await;
    let (status, _) = fleet.describe(&format!("InstanceId.1={id}")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "the instance is out of sight");
    let form = format!("Filter.1.Name=instance-id&Filter.1.Value.1={id}");
    assert_eq!(texts(&page(&fleet, &form).await, "state"), ["closed"]);
    fleet.pass(chrono::TimeDelta::minutes(150));
    assert!(texts(&page(&fleet, &form).await, "state").is_empty());
}
