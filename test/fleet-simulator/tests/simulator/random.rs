//! The random fleet.

use crate::support;

use std::time::Instant;

use crate::support::{NOW, by_name, fleet};
use serde_json::{Value, json};

#[tokio::test]
async fn repeats_for_a_seed() {
    let args = |seed| ["--scenario", "random", "--servers", "30", "--seed", seed];
    let truth = fleet(NOW, &args("7")).get("/truth").await;
    assert_eq!(fleet(NOW, &args("7")).get("/truth").await, truth);
    assert_ne!(fleet(NOW, &args("8")).get("/truth").await, truth);
}

#[tokio::test]
async fn lives_are_typical() {
    let fleet = fleet(NOW, &["--scenario", "random", "--servers", "900"]);
    let truth = fleet.get("/truth").await;
    let servers = truth["servers"].as_array().unwrap();
    let share = |wanted: &dyn Fn(&Value) -> bool| servers.iter().filter(|server| wanted(server)).count();
    let whole = f64::from(19 * 1440 + 720);
    let always_on = share(&|server| server["truthMinutes"] == whole);
    let always_off = share(&|server| server["truthMinutes"] == 0.0);
    assert!((250..=300).contains(&always_on), "{always_on}");
    assert!((295..=330).contains(&always_off), "{always_off}");
    assert!(share(&|server| server["state"] == "terminated") > 10);
    assert!(share(&|server| server["visible"] == false) > 10, "what was terminated long ago is out of sight");
    assert!(!fleet.lookup_all(by_name("BidEvictedEvent")).await.is_empty());
    assert!(!fleet.lookup_all(by_name("RebootInstances")).await.is_empty());
}

/// Not a measurement, but whoever makes a page depend on the size of the trail notices here.
#[tokio::test]
async fn a_page_of_a_large_trail_costs_no_more_than_its_events() {
    let fleet = fleet(NOW, &["--scenario", "random", "--servers", "3000"]);
    let events = fleet.get("/health").await["events"].as_u64().unwrap();
    assert!(events > 100_000, "{events}");
    let mut request = by_name("StartInstances");
    request["EndTime"] = json!(support::at("2025-10-05T00:00:00Z").timestamp());
    let started = Instant::now();
    for _ in 0..100 {
        assert_eq!(fleet.lookup(&request).await.1["Events"].as_array().unwrap().len(), 50);
    }
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}
