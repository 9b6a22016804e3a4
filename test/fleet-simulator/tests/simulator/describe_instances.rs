//! EC2's protocol, asked as an SDK asks it.

use crate::support::{Fleet, NOW, fleet, texts};
use axum::http::StatusCode;
use chrono::TimeDelta;

const OURS: &str = "Filter.1.Name=tag%3AApp&Filter.1.Value.1=demo";

async fn page(fleet: &Fleet, form: &str) -> String {
    let (status, body) = fleet.describe(form).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

async fn refused(fleet: &Fleet, form: &str) -> String {
    let (status, body) = fleet.describe(form).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    texts(&body, "Code").remove(0)
}

#[tokio::test]
async fn pages_a_fleet_of_2500_whole() {
    let fleet = fleet(NOW, &["--scenario", "random", "--servers", "2500"]);
    let visible = fleet.get("/truth").await;
    let visible = visible["servers"].as_array().unwrap().iter().filter(|server| server["visible"] == true).count();
    let (mut ids, mut sizes, mut form) = (Vec::new(), Vec::new(), OURS.to_owned());
    loop {
        let body = page(&fleet, &form).await;
        let found = texts(&body, "instanceId");
        sizes.push(found.len());
        ids.extend(found);
        match texts(&body, "nextToken").first() {
            Some(token) => form = format!("{OURS}&NextToken={token}"),
            None => break,
        }
    }
    assert_eq!(ids.len(), visible);
    assert_eq!(sizes.len(), 3);
    assert_eq!(sizes[..2], [1000, 1000]);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), visible, "no server twice");
}

#[tokio::test]
async fn shows_a_server_as_ec2_does() {
    let fleet = fleet(NOW, &[]);
    let id = fleet.id("stopped-twice").await;
    let body = page(&fleet, &format!("InstanceId.1={id}")).await;
    let parsed = roxmltree::Document::parse(&body).unwrap();
    let root = parsed.root_element();
    assert_eq!(root.tag_name().name(), "DescribeInstancesResponse");
    assert_eq!(root.tag_name().namespace(), Some("http://ec2.amazonaws.com/doc/2016-11-15/"));
    let path = |path: &[&str]| {
        let mut node = root;
        for name in path {
            node =
                node.children().find(|child| child.tag_name().name() == *name).unwrap_or_else(|| panic!("no {name}"));
        }
        node
    };
    let instance = ["reservationSet", "item", "instancesSet", "item"];
    let text = |rest: &[&str]| path(&[&instance[..], rest].concat()).text().unwrap_or_default().to_owned();
    assert_eq!(text(&["instanceId"]), id);
    assert_eq!(text(&["instanceState", "code"]), "80");
    assert_eq!(text(&["instanceState", "name"]), "stopped");
    assert_eq!(text(&["launchTime"]), "2025-10-01T03:00:00.000Z", "the last start");
    assert_eq!(text(&["reason"]), "User initiated (2025-10-01 05:00:00 GMT)", "the stop, not its repetition");
    assert_eq!(text(&["stateReason", "code"]), "Client.UserInitiatedShutdown");
    let attachment = |field| text(&["networkInterfaceSet", "item", "attachment", field]);
    assert_eq!(attachment("attachTime"), "2025-08-22T00:00:00.000Z", "the first launch");
    assert_eq!(attachment("deviceIndex"), "0");
}

#[tokio::test]
async fn words_the_reason_of_a_stop_in_every_way() {
    let fleet = fleet(NOW, &[]);
    for (name, reason) in [
        ("guest-shutdown", "User initiated (2025-10-01 09:30:00 GMT)"),
        ("guest-shutdown-utc", "User initiated (2025-10-01 09:30:00 UTC)"),
        ("guest-shutdown-untimed", "User initiated"),
        ("guest-shutdown-untold", ""),
        ("always-on", ""),
        ("spot-reclaimed", "Service initiated (2025-10-01 09:30:00 GMT)"),
        ("terminated-while-stopped", "User initiated (2025-10-01 20:00:00 GMT)"),
    ] {
        let body = page(&fleet, &format!("InstanceId.1={}", fleet.id(name).await)).await;
        assert_eq!(texts(&body, "reason"), [reason], "{name}");
    }
}

#[tokio::test]
async fn filters_as_asked() {
    let fleet = fleet(NOW, &[]);
    let count = async |form: &str| texts(&page(&fleet, form).await, "instanceId").len();
    let ours = count(OURS).await;
    assert_eq!(ours, 32);
    assert_eq!(count("").await, ours + 4, "four are not of the fleet");
    let terminated = count(&format!("{OURS}&Filter.2.Name=instance-state-name&Filter.2.Value.1=terminated")).await;
    assert_eq!(terminated, 7);
    let both = "&Filter.2.Name=instance-state-name&Filter.2.Value.1=terminated&Filter.2.Value.2=stopped";
    assert!(count(&format!("{OURS}{both}")).await > terminated);
    assert_eq!(count("Filter.1.Name=tag%3AName&Filter.1.Value.1=guest-%2A").await, 4);
    let id = fleet.id("always-on").await;
    assert_eq!(count(&format!("Filter.1.Name=instance-id&Filter.1.Value.1={id}")).await, 1);
    assert_eq!(count("Filter.1.Name=tag-key&Filter.1.Value.1=App").await, 33);
}

#[tokio::test]
async fn a_terminated_server_vanishes_and_loses_its_interface() {
    let fleet = fleet("2025-10-01T03:30:00Z", &["--terminated-visible-minutes", "60"]);
    let id = fleet.id("run-and-terminate").await;
    let form = format!("InstanceId.1={id}");
    let body = page(&fleet, &form).await;
    assert_eq!(texts(&body, "name"), ["terminated"]);
    assert!(texts(&body, "attachTime").is_empty());
    fleet.pass(TimeDelta::minutes(29));
    page(&fleet, &form).await;
    fleet.pass(TimeDelta::minutes(1));
    assert_eq!(refused(&fleet, &form).await, "InvalidInstanceID.NotFound");
    let known = fleet.server("run-and-terminate").await;
    assert_eq!((known["visible"].as_bool(), known["truthMinutes"].as_f64()), (Some(false), Some(120.0)));
}

#[tokio::test]
async fn shows_states_on_the_way_and_may_lag_behind() {
    let options = ["--pending-seconds", "30", "--stopping-seconds", "40", "--describe-lag-seconds", "10"];
    let fleet = fleet(NOW, &options);
    let state = async || {
        let id = fleet.id("always-off").await;
        texts(&page(&fleet, &format!("InstanceId.1={id}")).await, "name").remove(0)
    };
    fleet.change("always-off", "start").await;
    assert_eq!(state().await, "stopped", "EC2's view lags");
    fleet.pass(TimeDelta::seconds(10));
    assert_eq!(state().await, "pending");
    fleet.pass(TimeDelta::seconds(30));
    assert_eq!(state().await, "running");
    fleet.change("always-off", "stop").await;
    fleet.pass(TimeDelta::seconds(10));
    assert_eq!(state().await, "stopping");
    fleet.pass(TimeDelta::seconds(40));
    assert_eq!(state().await, "stopped");
    assert_eq!(fleet.server("always-off").await["truthSeconds"], 10, "pending and stopping do not count");
}

#[tokio::test]
async fn refuses_what_ec2_refuses() {
    let fleet = fleet(NOW, &[]);
    let id = fleet.id("always-on").await;
    for (form, code) in [
        (format!("InstanceId.1={id}&InstanceId.2=i-00000000000000bad"), "InvalidInstanceID.NotFound"),
        ("InstanceId.1=server-7".to_owned(), "InvalidInstanceID.Malformed"),
        (format!("InstanceId.1={id}&MaxResults=50"), "InvalidParameterCombination"),
        ("MaxResults=4".to_owned(), "InvalidParameterValue"),
        ("MaxResults=1001".to_owned(), "InvalidParameterValue"),
        ("Filter.1.Name=colour&Filter.1.Value.1=red".to_owned(), "InvalidParameterValue"),
        ("NextToken=abc".to_owned(), "InvalidNextToken"),
    ] {
        assert_eq!(refused(&fleet, &form).await, code, "{form}");
    }
    let other = axum::http::Request::post("/").body("Action=RunInstances&Version=2016-11-15".into()).unwrap();
    let (status, body) = fleet.send(other).await;
    assert_eq!((status.as_u16(), texts(&body, "Code").remove(0)), (400, "InvalidAction".to_owned()));
}
