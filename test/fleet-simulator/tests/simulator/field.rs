//! The field fleet: what AWS shows of each situation, and its truths, worked out by hand.

use std::time::Instant;

use crate::support::{Fleet, NOW, by_name, fleet, record, texts};
use chrono::TimeDelta;
use fleet_simulator::calls::{Action, Call, Outcome};
use fleet_simulator::world::Happening;
use serde_json::{Value, json};

fn field(now: &str) -> Fleet {
    fleet(now, &["--scenario", "field"])
}

/// The names of a server's events since the month began, oldest first.
async fn told(fleet: &Fleet, name: &str) -> Vec<String> {
    let events = fleet.events_of(name).await;
    let this_month = events.iter().map(record).filter(|record| record["eventTime"].as_str() >= Some("2025-10-01"));
    this_month.map(|record| record["eventName"].as_str().unwrap().to_owned()).collect()
}

/// The evictions that name a server in their record.
async fn evictions(fleet: &Fleet, name: &str) -> usize {
    let id = fleet.id(name).await;
    let events = fleet.lookup_all(by_name("BidEvictedEvent")).await;
    events.iter().filter(|event| record(event)["serviceEventDetails"]["instanceIdSet"][0] == *id).count()
}

#[tokio::test]
async fn every_situation_has_its_truth() {
    let fleet = field(NOW);
    let truth = fleet.get("/truth").await;
    let servers = truth["servers"].as_array().unwrap();
    let now = f64::from(19 * 1440 + 720);
    for (name, minutes) in [
        // 58 hours, the four days from the 8th that no record tells of, and since the 18th at 8.
        ("spot-stopped-and-restarted", 3_480.0 + 5_760.0 + 3_120.0),
        ("spot-stopped-again", 3_480.0 + 2_040.0),
        ("spot-hibernated", 4_680.0),
        ("spot-request-cancelled", 3_480.0),
        ("start-falls-back", 120.0),
        ("bare-metal", 220.0),
        ("tagged-after-launch", 12.0),
        ("launch-repeated", 15_840.0),
        ("unreadable-launch-01", 4_320.0),
        ("unreadable-launch-02", 5_760.0),
        ("unreadable-launch-50", now - 1_440.0),
    ] {
        let server = servers.iter().find(|server| server["name"] == name).unwrap();
        assert_eq!(server["truthMinutes"], minutes, "{name}");
        assert_eq!(server["visible"], true, "{name}");
    }
    assert_eq!(servers.len(), 58);
    // The day on which the product once said 15,180 and meant it.
    let later = field("2025-10-26T11:00:00Z");
    assert_eq!(later.server("spot-stopped-and-restarted").await["truthMinutes"], 20_940.0);
}

#[tokio::test]
async fn ec2_stops_and_restarts_spot_servers_mostly_unrecorded() {
    let fleet = field("2025-10-04T00:00:00Z");
    let name = "spot-stopped-and-restarted";
    assert_eq!(fleet.shown(name, "name").await, ["stopped"]);
    assert_eq!(fleet.shown(name, "reason").await, ["Service initiated (2025-10-03 10:00:00 GMT)"]);
    assert_eq!(fleet.shown(name, "code").await, ["80", "Server.SpotInstanceShutdown"]);
    fleet.pass(TimeDelta::days(16));
    assert_eq!(fleet.shown(name, "name").await, ["running"]);
    assert_eq!(fleet.shown(name, "launchTime").await, ["2025-10-18T08:00:00.000Z"]);
    assert_eq!(told(&fleet, name).await, ["RunInstances"], "no restart, no second stop");
    assert_eq!(evictions(&fleet, name).await, 1);
    let again = "spot-stopped-again";
    assert_eq!(fleet.shown(again, "launchTime").await, ["2025-10-08T00:00:00.000Z"]);
    assert_eq!(fleet.shown(again, "reason").await, ["Service initiated (2025-10-09 10:00:00 GMT)"]);
    assert_eq!(evictions(&fleet, again).await, 1);
}

#[tokio::test]
async fn a_cancelled_request_ends_a_stopped_server() {
    let fleet = field(NOW);
    let name = "spot-request-cancelled";
    assert_eq!(fleet.shown(name, "name").await, ["terminated"]);
    assert_eq!(fleet.shown(name, "reason").await, ["Service initiated (2025-10-06 00:00:00 GMT)"], "not its last run");
}

#[tokio::test]
async fn tags_come_after_the_launch() {
    let fleet = field("2025-10-05T10:00:39Z");
    let ours = "Filter.1.Name=tag%3AApp&Filter.1.Value.1=demo&Filter.2.Name=tag%3AName&Filter.2.Value.1=tagged%2A";
    let pages = async || fleet.describe(ours).await.1;
    assert!(texts(&pages().await, "instanceId").is_empty());
    let running = "Filter.1.Name=instance-state-name&Filter.1.Value.1=running";
    let all = texts(&fleet.describe(running).await.1, "instanceId");
    let truth = fleet.get("/truth").await;
    let known: Vec<&str> =
        truth["servers"].as_array().unwrap().iter().filter_map(|server| server["id"].as_str()).collect();
    let unknown: Vec<&String> = all.iter().filter(|id| !known.contains(&id.as_str())).collect();
    assert_eq!(unknown.len(), 1, "it runs, and is not a server yet");
    let untagged = fleet.describe(&format!("InstanceId.1={}", unknown[0])).await.1;
    assert!(!untagged.contains("tagSet"));
    fleet.pass(TimeDelta::seconds(1));
    assert_eq!(&texts(&pages().await, "instanceId"), &[unknown[0].clone()]);
    assert_eq!(fleet.server("tagged-after-launch").await["truthSeconds"], 40, "its whole life counts");
    fleet.pass(TimeDelta::minutes(30));
    let launch = record(&fleet.events_of("tagged-after-launch").await[0]);
    assert_eq!(launch["responseElements"]["instancesSet"]["items"][0]["tagSet"], json!({}));
}

#[tokio::test]
async fn starts_fall_back_by_the_thousand() {
    let began = Instant::now();
    let fleet = field(NOW);
    let name = "start-falls-back";
    let events = told(&fleet, name).await;
    assert_eq!(events.len(), 2 + 4_896);
    assert!(events[2..].iter().all(|event| event == "StartInstances"));
    let last = record(fleet.events_of(name).await.last().unwrap());
    let item = &last["responseElements"]["instancesSet"]["items"][0];
    assert_eq!((&item["previousState"]["name"], &item["currentState"]["name"]), (&json!("stopped"), &json!("pending")));
    assert!(last.get("errorCode").is_none());
    assert_eq!(fleet.shown(name, "reason").await, ["Server.InternalError: Internal error on launch"]);
    assert_eq!(fleet.shown(name, "launchTime").await, ["2025-10-18T23:55:00.000Z"], "that of the last attempt");
    // Not a measurement: whoever makes a server's history cost more with its length notices here.
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    let early = field("2025-10-02T00:00:02Z");
    let shown = async |element| early.shown(name, element).await.remove(0);
    assert_eq!((shown("name").await.as_str(), shown("reason").await.as_str()), ("pending", ""));
    early.pass(TimeDelta::seconds(2));
    assert_eq!(shown("name").await, "stopped");
}

#[tokio::test]
async fn a_launch_sent_again_is_answered_with_the_instance() {
    let fleet = field(NOW);
    let events = fleet.events_of("launch-repeated").await;
    let launches: Vec<Value> =
        events.iter().map(record).filter(|record| record["eventName"] == "RunInstances").collect();
    let item = |launch: &Value| launch["responseElements"]["instancesSet"]["items"][0].clone();
    assert_eq!(launches.len(), 2);
    let token = |launch: &Value| launch["requestParameters"]["clientToken"].clone();
    assert_eq!(token(&launches[0]), token(&launches[1]));
    let (first, again) = (item(&launches[0]), item(&launches[1]));
    assert_eq!(first["instanceState"], json!({ "code": 0, "name": "pending" }));
    assert_eq!(again["instanceState"], json!({ "code": 16, "name": "running" }));
    assert_eq!(again["launchTime"], first["launchTime"]);
    assert_eq!(launches[0]["responseElements"]["reservationId"], launches[1]["responseElements"]["reservationId"]);
    // Another server's launch is another one.
    let other = record(&fleet.events_of("bare-metal").await[0]);
    assert_ne!(token(&other), token(&launches[0]));
}

#[tokio::test]
async fn the_client_token_of_a_terminated_instance_is_refused() {
    let fleet = field(NOW);
    let id = fleet.id("tagged-after-launch").await;
    let outcome = {
        let (mut account, now) = fleet.simulator.account();
        let key = account.world.find(&id).unwrap();
        account.world.happen_now(now, Happening::Call(Call::new(Action::Run, vec![key])))
    };
    let refused = matches!(outcome, Some(Outcome::Refused { code: "Client.IdempotentInstanceTerminated", .. }));
    assert!(refused, "{outcome:?}");
}

#[tokio::test]
async fn nothing_tells_which_servers_a_launch_too_large_made() {
    let fleet = field(NOW);
    let launches = fleet.lookup_all(by_name("RunInstances")).await;
    let large = launches.iter().find(|event| record(event)["responseElements"]["omitted"] == true).unwrap();
    assert_eq!(large["Resources"], json!([]));
    assert!(record(large)["responseElements"]["originalSize"].as_u64() > Some(100 * 1024));
    assert!(!large["CloudTrailEvent"].as_str().unwrap().contains(&fleet.id("unreadable-launch-07").await));
    assert!(told(&fleet, "unreadable-launch-07").await.is_empty());
    assert_eq!(told(&fleet, "unreadable-launch-02").await, ["TerminateInstances"]);
}

#[tokio::test]
async fn bare_metal_takes_its_time() {
    let fleet = field("2025-10-03T08:19:59Z");
    assert_eq!(fleet.shown("bare-metal", "instanceType").await, ["m5.metal"]);
    assert_eq!(fleet.shown("start-falls-back", "instanceType").await, ["t3.micro"]);
    assert_eq!(fleet.shown("bare-metal", "name").await, ["pending"]);
    fleet.pass(TimeDelta::seconds(1));
    assert_eq!(fleet.shown("bare-metal", "name").await, ["running"]);
    assert_eq!(fleet.shown("bare-metal", "launchTime").await, ["2025-10-03T08:00:00.000Z"], "the call");
}
