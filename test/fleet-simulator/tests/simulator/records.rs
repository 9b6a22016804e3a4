//! The shape of the records that the simulated account writes.

use crate::support;

use crate::support::{Fleet, NOW, by_name, fleet, record};
use serde_json::{Value, json};

/// The records of one event name that name a server, oldest first.
async fn records(fleet: &Fleet, name: &str, event_name: &str) -> Vec<Value> {
    let id = fleet.id(name).await;
    let request = json!({ "LookupAttributes": [{ "AttributeKey": "ResourceName", "AttributeValue": id }] });
    let events = fleet.lookup_all(request).await;
    let mut found: Vec<Value> = events.iter().filter(|event| event["EventName"] == event_name).map(record).collect();
    found.reverse();
    found
}

fn states(record: &Value, id: &str) -> (String, String) {
    let items = record["responseElements"]["instancesSet"]["items"].as_array().unwrap();
    let item = items.iter().find(|item| item["instanceId"] == id).unwrap();
    let name = |key: &str| item[key]["name"].as_str().unwrap().to_owned();
    (name("previousState"), name("currentState"))
}

fn pair(before: &str, after: &str) -> (String, String) {
    (before.to_owned(), after.to_owned())
}

#[tokio::test]
async fn a_record_has_the_fields_of_a_real_one() {
    let fleet = fleet(NOW, &[]);
    let (_, page) = fleet.lookup(&by_name("StopInstances")).await;
    let event = &page["Events"][0];
    let record = record(event);
    for field in [
        "eventVersion",
        "userIdentity",
        "eventTime",
        "eventSource",
        "eventName",
        "awsRegion",
        "sourceIPAddress",
        "userAgent",
        "requestParameters",
        "responseElements",
        "requestID",
        "eventID",
        "readOnly",
        "eventType",
        "managementEvent",
        "recipientAccountId",
        "eventCategory",
        "tlsDetails",
    ] {
        assert!(record.get(field).is_some(), "{field}");
    }
    assert!(record.get("errorCode").is_none(), "absent on success");
    assert_eq!(record["eventID"], event["EventId"]);
    assert_eq!(event["ReadOnly"], "false");
    assert_eq!(event["EventSource"], "ec2.amazonaws.com");
    assert_eq!(event["Resources"][0]["ResourceType"], "AWS::EC2::Instance");
    let at = chrono::DateTime::parse_from_rfc3339(record["eventTime"].as_str().unwrap()).unwrap();
    assert_eq!(event["EventTime"], at.timestamp());
}

#[tokio::test]
async fn a_refused_call_has_an_error_and_no_response() {
    let fleet = fleet(NOW, &[]);
    for (name, event_name, code) in [
        ("refused-start", "StartInstances", "Server.InsufficientInstanceCapacity"),
        ("dry-run-only", "StartInstances", "Client.DryRunOperation"),
        ("failed-stop", "StopInstances", "Client.InvalidInstanceID.NotFound"),
        ("failed-stop", "StopInstances", "Client.UnauthorizedOperation"),
        ("run-and-terminate", "StartInstances", "Client.IncorrectInstanceState"),
    ] {
        let found = records(&fleet, name, event_name).await;
        let failed =
            found.iter().find(|record| record["errorCode"] == code).unwrap_or_else(|| panic!("{name}: no {code}"));
        assert_eq!(failed.get("responseElements"), Some(&Value::Null));
        assert!(failed["errorMessage"].is_string());
        let id = fleet.id(name).await;
        assert_eq!(failed["requestParameters"]["instancesSet"]["items"][0]["instanceId"], id);
    }
}

#[tokio::test]
async fn items_are_not_in_the_order_of_the_request() {
    let fleet = fleet(NOW, &[]);
    let found = records(&fleet, "started-together-1", "StartInstances").await;
    let call = found.last().unwrap();
    let ids = |part: &str| -> Vec<String> {
        let items = call[part]["instancesSet"]["items"].as_array().unwrap();
        items.iter().map(|item| item["instanceId"].as_str().unwrap().to_owned()).collect()
    };
    let (asked, mut answered) = (ids("requestParameters"), ids("responseElements"));
    assert_eq!(asked.len(), 3);
    assert_ne!(asked, answered);
    answered.reverse();
    assert_eq!(asked, answered);
    assert_eq!(states(call, &asked[0]), pair("stopped", "pending"));
    assert_eq!(states(call, &asked[2]), pair("running", "running"), "it ran already");
}

#[tokio::test]
async fn repeated_calls_report_the_state_they_find() {
    let fleet = fleet(NOW, &[]);
    let stops = records(&fleet, "stopped-twice", "StopInstances").await;
    let id = fleet.id("stopped-twice").await;
    assert_eq!(states(&stops[stops.len() - 2], &id), pair("running", "stopping"));
    assert_eq!(states(&stops[stops.len() - 1], &id), pair("stopped", "stopped"));
    let ends = records(&fleet, "run-and-terminate", "TerminateInstances").await;
    let id = fleet.id("run-and-terminate").await;
    assert_eq!(states(&ends[0], &id), pair("running", "shutting-down"));
    assert_eq!(states(&ends[1], &id), pair("terminated", "terminated"));
    let ends = records(&fleet, "terminated-while-stopped", "TerminateInstances").await;
    let id = fleet.id("terminated-while-stopped").await;
    assert_eq!(states(&ends[0], &id), pair("stopped", "terminated"), "straight to the end");
    let reboots = records(&fleet, "rebooted", "RebootInstances").await;
    assert_eq!(reboots[0]["responseElements"]["_return"], true);
    assert!(reboots[0]["responseElements"].get("instancesSet").is_none());
}

#[tokio::test]
async fn calls_in_between_find_states_on_the_way() {
    let fleet = fleet(NOW, &["--stopping-seconds", "60", "--pending-seconds", "30", "--delivery-delay", "0"]);
    let id = fleet.id("always-on").await;
    fleet.change("always-on", "stop").await;
    fleet.change("always-on", "stop").await;
    let (status, body) = fleet.change("always-on", "start").await;
    assert_eq!(status.as_u16(), 409, "{body}");
    fleet.change("always-on", "terminate").await;
    fleet.change("always-on", "terminate").await;
    let stops = records(&fleet, "always-on", "StopInstances").await;
    assert_eq!(states(&stops[1], &id), pair("stopping", "stopping"));
    let starts = records(&fleet, "always-on", "StartInstances").await;
    assert_eq!(starts[0]["errorCode"], "Client.IncorrectInstanceState");
    let ends = records(&fleet, "always-on", "TerminateInstances").await;
    assert_eq!(states(&ends[0], &id), pair("stopping", "shutting-down"));
    assert_eq!(states(&ends[1], &id), pair("shutting-down", "shutting-down"));
}

#[tokio::test]
async fn a_launch_tells_its_time_in_milliseconds() {
    let fleet = fleet(NOW, &[]);
    let launch = records(&fleet, "launched-at-hour-30", "RunInstances").await.remove(0);
    let item = &launch["responseElements"]["instancesSet"]["items"][0];
    assert_eq!(item["launchTime"], support::at("2025-10-02T06:00:00Z").timestamp_millis());
    assert_eq!(item["instanceState"], json!({ "code": 0, "name": "pending" }));
    assert_eq!(item["networkInterfaceSet"]["items"][0]["attachment"]["attachTime"], item["launchTime"]);
    let tags = item["tagSet"]["items"].as_array().unwrap();
    assert!(tags.contains(&json!({ "key": "App", "value": "demo" })));
    assert!(launch["requestParameters"]["instancesSet"]["items"][0].get("instanceId").is_none());
}

#[tokio::test]
async fn a_large_launch_names_its_servers_as_resources_only() {
    let fleet = fleet(NOW, &[]);
    let (_, page) = fleet.lookup(&by_name("RunInstances")).await;
    let events = page["Events"].as_array().unwrap();
    let large = events.iter().find(|event| record(event)["responseElements"]["omitted"] == true).unwrap();
    let named: Vec<&str> =
        large["Resources"].as_array().unwrap().iter().map(|named| named["ResourceName"].as_str().unwrap()).collect();
    assert_eq!(named.len(), 3);
    assert!(named.contains(&fleet.id("large-launch-2").await.as_str()));
    assert_eq!(record(large)["userIdentity"]["invokedBy"], "autoscaling.amazonaws.com");
}

#[tokio::test]
async fn spot_servers_are_evicted_together() {
    let fleet = fleet(NOW, &[]);
    let events = fleet.lookup_all(by_name("BidEvictedEvent")).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["Resources"], json!([]), "its servers stand in the record only");
    assert!(records(&fleet, "spot-reclaimed", "BidEvictedEvent").await.is_empty(), "not found by its servers");
    let evicted = record(&events[0]);
    let ids = [fleet.id("spot-reclaimed").await, fleet.id("spot-reclaimed-with-it").await];
    assert_eq!(evicted["serviceEventDetails"]["instanceIdSet"], json!(ids));
    assert_eq!(evicted.get("responseElements"), Some(&Value::Null));
    assert_eq!(evicted["eventType"], "AwsServiceEvent");
    assert!(evicted["userIdentity"].get("type").is_none());
}

#[tokio::test]
async fn a_shutdown_from_inside_leaves_no_record() {
    let fleet = fleet(NOW, &[]);
    let id = fleet.id("guest-shutdown").await;
    let request = json!({
        "LookupAttributes": [{ "AttributeKey": "ResourceName", "AttributeValue": id }],
        "StartTime": support::at("2025-10-01T00:00:00Z").timestamp(),
    });
    let events = fleet.lookup_all(request).await;
    assert_eq!(events.len(), 1, "only its start");
}
