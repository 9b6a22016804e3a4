//! CloudTrail's protocol, asked as an SDK asks it.

use crate::support::{Fleet, NOW, at, by_name, fleet, record};
use axum::body::Body;
use axum::http::Request;
use chrono::TimeDelta;
use serde_json::{Value, json};

async fn refused(fleet: &Fleet, request: &Value) -> String {
    let (status, body) = fleet.lookup(request).await;
    assert_eq!(status.as_u16(), 400, "{body}");
    body["__type"].as_str().unwrap().to_owned()
}

fn times(events: &[Value]) -> Vec<i64> {
    events.iter().map(|event| event["EventTime"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn pages_newest_first_and_misses_nothing() {
    let fleet = fleet(NOW, &["--scenario", "random", "--servers", "60"]);
    let mut request = by_name("StartInstances");
    let all = fleet.lookup_all(request.clone()).await;
    assert!(all.len() > 200, "several pages");
    assert!(times(&all).is_sorted_by(|newer, older| newer >= older));
    assert!(all.iter().all(|event| event["EventName"] == "StartInstances"));
    request["MaxResults"] = json!(7);
    assert_eq!(fleet.lookup_all(request.clone()).await, all, "the page size changes nothing");
    let (_, page) = fleet.lookup(&by_name("StartInstances")).await;
    assert_eq!(page["Events"].as_array().unwrap().len(), 50);

    let (start, end) = (at("2025-10-05T00:00:00Z").timestamp(), at("2025-10-12T06:00:00Z").timestamp());
    let mut window = by_name("StartInstances");
    (window["StartTime"], window["EndTime"]) = (json!(start), json!(end));
    let wanted: Vec<&Value> =
        all.iter().filter(|event| (start..=end).contains(&event["EventTime"].as_i64().unwrap())).collect();
    assert_eq!(fleet.lookup_all(window).await.iter().collect::<Vec<_>>(), wanted);
}

#[tokio::test]
async fn both_ends_of_the_window_are_included() {
    let fleet = fleet(NOW, &[]);
    let id = fleet.id("stopped-twice").await;
    let mut request = json!({ "LookupAttributes": [{ "AttributeKey": "ResourceName", "AttributeValue": id }] });
    let (first, last) = (at("2025-10-01T03:00:00Z").timestamp(), at("2025-10-01T05:00:00Z").timestamp());
    (request["StartTime"], request["EndTime"]) = (json!(first), json!(last));
    assert_eq!(times(&fleet.lookup_all(request.clone()).await), [last, first]);
    (request["StartTime"], request["EndTime"]) = (json!(first + 1), json!(last - 1));
    assert_eq!(fleet.lookup_all(request).await.len(), 0);
}

#[tokio::test]
async fn a_token_is_good_for_the_same_parameters_only() {
    let fleet = fleet(NOW, &["--scenario", "random", "--servers", "30"]);
    let mut request = by_name("StopInstances");
    request["EndTime"] = json!(at(NOW).timestamp());
    let (_, page) = fleet.lookup(&request).await;
    request["NextToken"] = page["NextToken"].clone();
    let (status, second) = fleet.lookup(&request).await;
    assert_eq!(status.as_u16(), 200);
    assert_ne!(second["Events"], page["Events"]);
    for (field, value) in [
        ("EndTime", json!(at(NOW).timestamp() + 1)),
        ("StartTime", json!(at(NOW).timestamp() - 86_400)),
        ("MaxResults", json!(20)),
        ("LookupAttributes", by_name("StartInstances")["LookupAttributes"].clone()),
        ("NextToken", json!("0123456789abcdef0123456789abcdef")),
        ("NextToken", json!("next")),
    ] {
        let mut other = request.clone();
        other[field] = value;
        assert_eq!(refused(&fleet, &other).await, "InvalidNextTokenException", "{field}");
    }
}

#[tokio::test]
async fn a_sweep_is_not_disturbed_by_what_happens_meanwhile() {
    let fleet = fleet(NOW, &["--scenario", "random", "--servers", "30", "--delivery-delay", "0"]);
    let before = fleet.lookup_all(by_name("StartInstances")).await;
    let mut request = by_name("StartInstances");
    let (_, page) = fleet.lookup(&request).await;
    fleet.pass(TimeDelta::seconds(5));
    let stopped =
        fleet.get("/truth").await["servers"].as_array().unwrap().iter().find(|s| s["state"] == "stopped").cloned();
    let id = stopped.unwrap()["id"].as_str().unwrap().to_owned();
    let (status, _) = fleet.control("POST", &format!("/servers/{id}/start"), "").await;
    assert_eq!(status.as_u16(), 200);
    request["NextToken"] = page["NextToken"].clone();
    let mut swept = page["Events"].as_array().unwrap().clone();
    swept.extend(fleet.lookup_all(request).await);
    assert_eq!(swept, before);
    assert_eq!(fleet.lookup_all(by_name("StartInstances")).await.len(), before.len() + 1);
}

#[tokio::test]
async fn two_requests_a_second_are_granted() {
    let fleet = fleet(NOW, &["--lookup-rate", "2", "--lookup-burst", "2"]);
    let mut outcomes = Vec::new();
    for _ in 0..6 {
        for _ in 0..3 {
            outcomes.push(fleet.lookup(&by_name("RunInstances")).await);
        }
        fleet.pass(TimeDelta::milliseconds(500));
    }
    let granted = outcomes.iter().filter(|(status, _)| status.as_u16() == 200).count();
    assert_eq!(granted, 2 + 5, "the burst, then one each half second");
    let throttled = &outcomes[2];
    assert_eq!(throttled.0.as_u16(), 400);
    assert_eq!(throttled.1, json!({ "__type": "ThrottlingException", "message": "Rate exceeded" }));
    let counts = fleet.get("/requests").await["actions"]["LookupEvents"].clone();
    assert_eq!((counts["calls"].as_u64(), counts["throttled"].as_u64()), (Some(18), Some(11)));
}

#[tokio::test]
async fn records_arrive_late_each_in_its_own_time() {
    let fleet = fleet(NOW, &[]);
    let mut request = by_name("StartInstances");
    request["StartTime"] = json!(at(NOW).timestamp());
    for name in ["stopped-twice", "always-off", "rebooted", "force-stopped"] {
        fleet.change(name, "start").await;
    }
    let mut arrived = Vec::new();
    for _ in 0..=10 {
        arrived.push(fleet.lookup_all(request.clone()).await.len());
        fleet.pass(TimeDelta::minutes(1));
    }
    assert_eq!(arrived[0], 0);
    assert_eq!(arrived[10], 4, "within ten minutes");
    assert!(arrived.is_sorted() && arrived.iter().any(|&count| count > 0 && count < 4), "{arrived:?}");
}

#[tokio::test]
async fn ninety_days_are_kept() {
    let fleet = fleet(NOW, &[]);
    let id = fleet.id("one-stop-at-hour-50").await;
    let request = json!({ "LookupAttributes": [{ "AttributeKey": "ResourceName", "AttributeValue": id }] });
    let events = fleet.lookup_all(request).await;
    assert_eq!(events.len(), 1, "the launch 200 days before the month is out of reach");
    assert_eq!(events[0]["EventName"], "StopInstances");
}

#[tokio::test]
async fn refuses_what_cloudtrail_refuses() {
    let fleet = fleet(NOW, &[]);
    let attribute = |key: &str| json!({ "AttributeKey": key, "AttributeValue": "x" });
    for (request, kind) in [
        (
            json!({ "LookupAttributes": [attribute("EventName"), attribute("ResourceName")] }),
            "InvalidLookupAttributesException",
        ),
        (json!({ "LookupAttributes": [attribute("Colour")] }), "InvalidLookupAttributesException"),
        (json!({ "MaxResults": 51 }), "InvalidMaxResultsException"),
        (json!({ "MaxResults": 0 }), "InvalidMaxResultsException"),
        (json!({ "StartTime": 20, "EndTime": 10 }), "InvalidTimeRangeException"),
        (json!({ "StartTime": 1e300 }), "InvalidTimeRangeException"),
        (json!({ "StartTime": "yesterday" }), "SerializationException"),
    ] {
        assert_eq!(refused(&fleet, &request).await, kind, "{request}");
    }
    let other =
        Request::post("/").header("x-amz-target", "CloudTrail_20131101.GetTrail").body(Body::from("{}")).unwrap();
    assert_eq!(fleet.send(other).await.0.as_u16(), 400);
    let counts = fleet.get("/requests").await["actions"]["LookupEvents"].clone();
    assert_eq!(counts["rejected"], 7);
}

#[tokio::test]
async fn finds_events_by_every_attribute() {
    let fleet = fleet(NOW, &[]);
    let (_, page) = fleet.lookup(&by_name("BidEvictedEvent")).await;
    let event = &page["Events"][0];
    let find = async |key: &str, value: &Value| {
        fleet.lookup_all(json!({ "LookupAttributes": [{ "AttributeKey": key, "AttributeValue": value }] })).await
    };
    assert_eq!(find("EventId", &event["EventId"]).await, std::slice::from_ref(event));
    let all = fleet.lookup_all(json!({})).await.len();
    assert_eq!(find("ResourceType", &json!("AWS::EC2::Instance")).await.len(), all - 1, "all but the eviction");
    assert_eq!(find("EventSource", &json!("opsworks.amazonaws.com")).await.len(), 1);
    assert_eq!(find("ReadOnly", &json!("true")).await.len(), 0);
    let names = [find("Username", &json!("root")).await.len(), find("Username", &json!("operator")).await.len()];
    assert!(names.iter().all(|&count| count > 0 && count < all), "{names:?}");
    assert!(!find("AccessKeyId", &json!("AKIAIOSFODNN7EXAMPLE")).await.is_empty());
}

#[tokio::test]
async fn the_short_target_works_too() {
    let fleet = fleet(NOW, &[]);
    let target = "CloudTrail_20131101.LookupEvents";
    let request = Request::post("/").header("x-amz-target", target).body(Body::from("{}")).unwrap();
    let (status, body) = fleet.send(request).await;
    assert_eq!(status.as_u16(), 200);
    let page: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(record(&page["Events"][0])["eventSource"], "ec2.amazonaws.com");
}
