//! The control endpoints: faults, counts, and changes made by hand.

use crate::support;

use crate::support::{Fleet, NOW, by_name, fleet, texts};
use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::json;

async fn fail(fleet: &Fleet, fault: serde_json::Value) {
    let (status, body) = fleet.control("POST", "/faults", &fault.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
}

async fn lookups(fleet: &Fleet, count: usize) -> Vec<String> {
    let mut outcomes = Vec::new();
    for _ in 0..count {
        let (_, body) = fleet.lookup(&by_name("RunInstances")).await;
        outcomes.push(body["__type"].as_str().unwrap_or("ok").to_owned());
    }
    outcomes
}

#[tokio::test]
async fn lookups_fail_on_request() {
    let fleet = fleet(NOW, &[]);
    fail(&fleet, json!({ "action": "LookupEvents", "kind": "throttle", "count": 2, "afterCalls": 1 })).await;
    assert_eq!(lookups(&fleet, 4).await, ["ok", "ThrottlingException", "ThrottlingException", "ok"]);
    fail(&fleet, json!({ "action": "LookupEvents", "kind": "accessDenied" })).await;
    assert_eq!(lookups(&fleet, 3).await, ["AccessDeniedException"; 3]);
    fleet.control("DELETE", "/faults", "").await;
    assert_eq!(lookups(&fleet, 1).await, ["ok"]);
    fail(&fleet, json!({ "action": "LookupEvents", "kind": "error500", "count": 1 })).await;
    let (status, _) = fleet.lookup(&by_name("RunInstances")).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    let counts = fleet.get("/requests").await["actions"]["LookupEvents"].clone();
    assert_eq!(counts, json!({ "calls": 9, "throttled": 2, "faults": 4, "rejected": 0 }));
    fleet.control("POST", "/requests/reset", "").await;
    assert_eq!(fleet.get("/requests").await, json!({ "actions": {} }));
}

#[tokio::test]
async fn listing_fails_on_its_second_page() {
    let fleet = fleet(NOW, &[]);
    for (kind, status, code) in [
        ("throttle", 503, "RequestLimitExceeded"),
        ("error500", 500, "InternalError"),
        ("accessDenied", 403, "UnauthorizedOperation"),
    ] {
        fail(&fleet, json!({ "action": "DescribeInstances", "kind": kind, "count": 1, "afterCalls": 1 })).await;
        let (first, page) = fleet.describe("MaxResults=5").await;
        assert_eq!(first, StatusCode::OK);
        let token = texts(&page, "nextToken").remove(0);
        let (second, body) = fleet.describe(&format!("MaxResults=5&NextToken={token}")).await;
        assert_eq!((second.as_u16(), texts(&body, "Code").remove(0)), (status, code.to_owned()));
    }
}

#[tokio::test]
async fn one_record_of_a_page_is_spoilt() {
    let fleet = fleet(NOW, &[]);
    fail(&fleet, json!({ "action": "LookupEvents", "kind": "malformedRecord", "count": 1 })).await;
    let readable = async || {
        let (_, page) = fleet.lookup(&by_name("RunInstances")).await;
        let events = page["Events"].as_array().unwrap().clone();
        let parsed = |event: &serde_json::Value| {
            serde_json::from_str::<serde_json::Value>(event["CloudTrailEvent"].as_str().unwrap()).is_ok()
        };
        (events.len(), events.iter().filter(|event| parsed(event)).count(), parsed(&events[0]))
    };
    let (all, good, first) = readable().await;
    assert_eq!((good, first), (all - 1, false));
    assert_eq!(readable().await, (all, all, true));
}

#[tokio::test]
async fn a_call_that_hangs_is_answered_when_its_time_is_up() {
    let fleet = fleet(NOW, &[]);
    fail(&fleet, json!({ "action": "LookupEvents", "kind": "timeout", "count": 1, "seconds": 0 })).await;
    let (status, _) = fleet.lookup(&by_name("RunInstances")).await;
    assert_eq!(status, StatusCode::GATEWAY_TIMEOUT);
    fail(&fleet, json!({ "action": "LookupEvents", "kind": "timeout", "count": 1 })).await;
    let waited =
        tokio::time::timeout(std::time::Duration::from_millis(50), fleet.lookup(&by_name("RunInstances"))).await;
    assert!(waited.is_err(), "no answer");
}

#[tokio::test]
async fn wrong_faults_are_refused() {
    let fleet = fleet(NOW, &[]);
    for fault in [
        json!({ "action": "GetItem", "kind": "throttle" }),
        json!({ "action": "LookupEvents", "kind": "sulk" }),
        json!({ "action": "DescribeInstances", "kind": "malformedRecord" }),
        json!({ "action": "LookupEvents", "kind": "throttle", "times": 3 }),
    ] {
        let (status, body) = fleet.control("POST", "/faults", &fault.to_string()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{fault}");
        assert!(body["error"].is_string());
    }
    assert_eq!(fleet.get("/faults").await, json!({ "faults": [] }));
}

#[tokio::test]
async fn servers_change_by_hand() {
    let fleet = fleet(NOW, &["--delivery-delay", "0"]);
    let (status, body) = fleet.change("always-off", "start").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&body["previousState"], &body["state"]), (&json!("stopped"), &json!("running")));
    fleet.pass(TimeDelta::seconds(90));
    assert_eq!(fleet.server("always-off").await["truthMinutes"], 1.5);
    assert_eq!(fleet.change("always-off", "reboot").await.0, StatusCode::OK);
    assert_eq!(fleet.change("always-off", "guest-shutdown").await.1["state"], "stopped");
    assert_eq!(fleet.change("always-off", "guest-shutdown").await.0, StatusCode::CONFLICT);
    fleet.pass(TimeDelta::seconds(90));
    assert_eq!(fleet.server("always-off").await["truthSeconds"], 90);
    assert_eq!(fleet.change("always-off", "terminate").await.1["state"], "terminated");
    let (status, body) = fleet.change("always-off", "start").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(body["error"].as_str().unwrap().contains("IncorrectInstanceState"));
    let mut request = by_name("StartInstances");
    request["StartTime"] = json!(support::at(NOW).timestamp());
    let events = fleet.lookup_all(request).await;
    assert_eq!(events.len(), 2, "the refused call is recorded as well");
    assert_eq!(fleet.change("always-on", "explode").await.0, StatusCode::NOT_FOUND);
    assert_eq!(fleet.control("POST", "/servers/i-0/stop", "").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn spot_servers_and_failing_starts_change_by_hand() {
    let fleet = fleet(NOW, &["--scenario", "field", "--delivery-delay", "0"]);
    let name = "spot-stopped-and-restarted";
    let evictions = async || fleet.lookup_all(by_name("BidEvictedEvent")).await.len();
    let before = evictions().await;
    assert_eq!(fleet.change(name, "spot-restart").await.0, StatusCode::CONFLICT, "it runs");
    assert_eq!(fleet.change(name, "spot-reclaim").await.1["state"], "stopped");
    assert_eq!(fleet.shown(name, "reason").await, ["Service initiated (2025-10-20 12:00:00 GMT)"]);
    assert_eq!(evictions().await, before + 1);
    assert_eq!(fleet.change(name, "spot-reclaim").await.0, StatusCode::CONFLICT);
    assert_eq!(fleet.change(name, "spot-restart").await.1["state"], "running");
    assert_eq!(fleet.change("bare-metal", "spot-reclaim").await.0, StatusCode::CONFLICT, "not Spot");
    assert_eq!(fleet.change("launch-repeated", "start-falling-back").await.1["state"], "pending");
    fleet.pass(TimeDelta::seconds(5));
    assert_eq!(fleet.shown("launch-repeated", "name").await, ["stopped"]);
    assert_eq!(fleet.server("launch-repeated").await["truthMinutes"], 15_840.0);
}

#[tokio::test]
async fn servers_are_tagged_by_hand() {
    let fleet = fleet(NOW, &[]);
    let untagged = "Filter.1.Name=tag%3AName&Filter.1.Value.1=untagged";
    let id = texts(&fleet.describe(untagged).await.1, "instanceId").remove(0);
    let path = format!("/servers/{id}/tag");
    let tag = json!({ "key": "App", "value": "demo" });
    assert_eq!(fleet.control("POST", &path, &tag.to_string()).await.0, StatusCode::OK);
    assert_eq!(fleet.id("untagged").await, id);
    let ours = format!("{untagged}&Filter.2.Name=tag%3AApp&Filter.2.Value.1=demo");
    assert_eq!(texts(&fleet.describe(&ours).await.1, "instanceId"), [id]);
    assert_eq!(fleet.control("POST", &path, "{}").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(fleet.control("POST", "/servers/i-0/tag", &tag.to_string()).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn health_tells_that_it_is_there() {
    let health = fleet(NOW, &[]).get("/health").await;
    assert_eq!((&health["status"], &health["now"]), (&json!("ok"), &json!(NOW)));
}
