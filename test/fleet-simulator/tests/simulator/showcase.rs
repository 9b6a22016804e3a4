//! The showcase's truths, worked out by hand.

use crate::support;

use std::collections::BTreeMap;

use crate::support::{NOW, fleet};
use serde_json::Value;

/// Minutes per server on the 20th at noon; `total` is the time since the month began.
fn expected(total: f64) -> BTreeMap<&'static str, f64> {
    BTreeMap::from([
        ("always-on", total),
        ("always-off", 0.0),
        ("dry-run-only", 0.0),
        ("other-service-stop", total),
        ("stopped-at-hour-10", 600.0),
        ("one-stop-at-hour-50", 3000.0),
        ("launched-at-hour-30", total - 1800.0),
        ("force-stopped", 120.0),
        ("hibernated", 300.0),
        ("refused-start", 120.0),
        ("failed-stop", 180.0),
        ("twelve-half-hour-runs", 360.0),
        ("stopped-twice", 120.0),
        ("started-twice", 180.0),
        ("rebooted", 180.0),
        ("guest-shutdown", 210.0),
        ("guest-shutdown-utc", 210.0),
        ("guest-shutdown-untimed", 210.0),
        ("guest-shutdown-untold", 210.0),
        ("run-and-terminate", 120.0),
        ("terminated-while-stopped", 120.0),
        ("spot-reclaimed", 330.0),
        ("spot-reclaimed-with-it", 270.0),
        ("started-together-1", 240.0),
        ("started-together-2", 180.0),
        ("started-together-3", 600.0),
        ("large-launch-1", 180.0),
        ("large-launch-2", total - 600.0),
        ("large-launch-3", total - 600.0),
        ("terminated-together-1", 360.0),
        ("terminated-together-2", 0.0),
        ("terminated-together-3", 120.0),
    ])
}

fn minutes(truth: &Value) -> BTreeMap<String, f64> {
    let servers = truth["servers"].as_array().unwrap();
    servers
        .iter()
        .map(|server| (server["name"].as_str().unwrap().to_owned(), server["truthMinutes"].as_f64().unwrap()))
        .collect()
}

#[tokio::test]
async fn every_case_has_its_truth() {
    let truth = fleet(NOW, &[]).get("/truth").await;
    let expected = expected(f64::from(19 * 1440 + 720));
    let found = minutes(&truth);
    for (name, minutes) in &expected {
        assert_eq!(found.get(*name), Some(minutes), "{name}");
    }
    assert_eq!(found.len(), expected.len(), "no other server carries the tag");
    assert_eq!(truth["month"], "2025-10");
    assert!(truth["servers"].as_array().unwrap().iter().all(|server| server["visible"] == true));
}

#[tokio::test]
async fn what_lies_ahead_has_not_happened() {
    let early = fleet("2025-10-01T04:15:00Z", &[]);
    let found = minutes(&early.get("/truth").await);
    assert_eq!(found["always-on"], 255.0);
    assert_eq!(found["stopped-at-hour-10"], 255.0);
    assert_eq!(found["run-and-terminate"], 120.0);
    assert_eq!(found["spot-reclaimed"], 15.0);
    assert!(!found.contains_key("large-launch-1"), "not launched yet");
    early.pass(chrono::TimeDelta::hours(6));
    let found = minutes(&early.get("/truth").await);
    assert_eq!(found["stopped-at-hour-10"], 600.0);
    assert_eq!(found["large-launch-1"], 15.0);
}

#[tokio::test]
async fn the_truth_of_an_earlier_instant_and_of_an_earlier_month() {
    let fleet = fleet(NOW, &[]);
    let found = minutes(&fleet.get("/truth?at=2025-10-01T09:00:00Z").await);
    assert_eq!(found["stopped-at-hour-10"], 540.0);
    assert!(!found.contains_key("large-launch-1"));
    let september = fleet.get("/truth?month=2025-09").await;
    assert_eq!(september["month"], "2025-09");
    assert_eq!(minutes(&september)["one-stop-at-hour-50"], f64::from(30 * 1440));
    assert_eq!(minutes(&september)["stopped-twice"], 0.0);
    for wrong in ["/truth?at=2025-10-21T00:00:00Z", "/truth?at=noon", "/truth?month=2025-11", "/truth?month=25-1"] {
        let (status, body) = fleet.control("GET", wrong, "").await;
        assert_eq!(status.as_u16(), 400, "{wrong}: {body}");
    }
}

#[tokio::test]
async fn one_record_is_delivered_twice() {
    let fleet = fleet(NOW, &[]);
    let id = fleet.id("twelve-half-hour-runs").await;
    let request = serde_json::json!({
        "LookupAttributes": [{ "AttributeKey": "ResourceName", "AttributeValue": id }],
        "StartTime": support::at("2025-10-01T00:00:00Z").timestamp(),
    });
    let events = fleet.lookup_all(request).await;
    assert_eq!(events.len(), 26);
    let ids: std::collections::BTreeSet<&str> = events.iter().map(|event| event["EventId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 24);
}
