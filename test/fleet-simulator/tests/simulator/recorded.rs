//! Real records, served again: the ones that lie beside the project, and small ones made here.

use crate::support;

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::support::{NOW, at, fleet, record};
use clap::Parser;
use fleet_simulator::options::Options;
use fleet_simulator::scenario;
use serde_json::{Value, json};

/// A folder of its own for one test, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, String)]) -> Self {
        let path = std::env::temp_dir().join(format!("fleet-simulator-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        for (file, content) in files {
            std::fs::write(path.join(file), content).unwrap();
        }
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn call(at: &str, name: &str, id: &str, before: &str, after: &str) -> Value {
    let item = json!({ "instanceId": id, "previousState": { "name": before }, "currentState": { "name": after } });
    json!({
        "eventTime": at,
        "eventSource": "ec2.amazonaws.com",
        "eventName": name,
        "eventID": format!("{name}-{at}"),
        "responseElements": { "instancesSet": { "items": [item] } },
    })
}

async fn spans(fleet: &support::Fleet) -> Vec<(String, Option<f64>, f64, f64)> {
    let truth = fleet.get("/truth").await;
    let servers = truth["servers"].as_array().unwrap();
    let number = |server: &Value, field: &str| server[field].as_f64().unwrap();
    servers
        .iter()
        .map(|server| {
            let (least, most) = (number(server, "truthAtLeastMinutes"), number(server, "truthAtMostMinutes"));
            (server["name"].as_str().unwrap().to_owned(), server["truthMinutes"].as_f64(), least, most)
        })
        .collect()
}

#[tokio::test]
async fn the_first_record_tells_what_was_before() {
    let records = json!([
        call("2020-02-10T08:00:00Z", "StartInstances", "i-00000001", "stopped", "pending"),
        call("2020-02-10T09:00:00Z", "StopInstances", "i-00000001", "running", "stopping"),
        call("2020-02-10T10:00:00Z", "StopInstances", "i-00000002", "running", "stopping"),
    ]);
    let folder = Folder::new("first", &[("acme-42.json", records.to_string())]);
    let fleet = fleet(NOW, &["--records", folder.path()]);
    let day = 1440.0;
    let found = spans(&fleet).await;
    // Moved to the 20th. Off just before its start, the first one may have run until any time before that.
    assert_eq!(found[0], ("acme-1".to_owned(), None, 60.0, 19.0 * day + 540.0));
    // Running before its stop, and no start this month: it ran all the time.
    assert_eq!(found[1], ("acme-2".to_owned(), Some(19.0 * day + 600.0), 19.0 * day + 600.0, 19.0 * day + 600.0));
}

#[tokio::test]
async fn what_no_record_tells_is_left_open() {
    let records = json!([
        {
            "eventTime": "2020-02-10 02:00:00.000000000", "eventSource": "ec2.amazonaws.com", "eventName": "RunInstances",
            "responseElements": { "instancesSet": { "items": [{ "instanceId": "i-00000001", "launchTime": 1_581_300_000_000_i64 }] } },
        },
        call("2020-02-10T06:00:00Z", "StartInstances", "i-00000001", "stopped", "pending"),
        call("2020-02-10T07:00:00Z", "StopInstances", "i-00000001", "running", "stopping"),
        call("2020-02-10T10:00:00Z", "StopInstances", "i-00000001", "running", "stopping"),
    ]);
    let folder = Folder::new("open", &[("acme.json", records.to_string())]);
    let fleet = fleet(NOW, &["--records", folder.path()]);
    // Two to six: an unseen stop. Six to seven: a run. Seven to ten: a start that was not seen.
    assert_eq!(spans(&fleet).await, [("acme-1".to_owned(), None, 60.0, 480.0)]);
    let launches = fleet.lookup_all(support::by_name("RunInstances")).await;
    let launch = record(&launches[0]);
    assert_eq!(launch["eventTime"], "2025-10-20 02:00:00", "the exporter's format stays");
    let moved = (at("2025-10-20T02:00:00Z") - at("2020-02-10T02:00:00Z")).num_milliseconds();
    let launched = &launch["responseElements"]["instancesSet"]["items"][0]["launchTime"];
    assert_eq!(launched.as_i64(), Some(1_581_300_000_000 + moved));
}

#[tokio::test]
async fn a_launch_answered_with_a_running_instance_is_no_launch() {
    let launch = |at: &str, state: &str| {
        json!({
            "eventTime": at, "eventSource": "ec2.amazonaws.com", "eventName": "RunInstances",
            "responseElements": { "instancesSet": { "items": [{ "instanceId": "i-00000001", "instanceState": { "name": state } }] } },
        })
    };
    let records = json!([
        launch("2020-02-10T02:00:00Z", "pending"),
        launch("2020-02-10T03:00:00Z", "running"),
        call("2020-02-10T04:00:00Z", "StopInstances", "i-00000001", "running", "stopping"),
        launch("2020-02-10T05:00:00Z", "stopped"),
    ]);
    let folder = Folder::new("again", &[("acme.json", records.to_string())]);
    let fleet = fleet(NOW, &["--records", folder.path()]);
    assert_eq!(spans(&fleet).await, [("acme-1".to_owned(), Some(120.0), 120.0, 120.0)]);
}

#[tokio::test]
async fn every_container_of_records_is_read() {
    let stop = |id| call("2020-02-10T08:00:00Z", "StopInstances", id, "running", "stopping");
    let folder = Folder::new(
        "containers",
        &[
            ("array.json", json!([stop("i-00000001")]).to_string()),
            ("file.json", json!({ "Records": [stop("i-00000002")] }).to_string()),
            ("answer.json", json!({ "Events": [{ "CloudTrailEvent": stop("i-00000003").to_string() }] }).to_string()),
            (
                "bus.json",
                json!({ "detail-type": "AWS API Call via CloudTrail", "detail": stop("i-00000004") }).to_string(),
            ),
            ("notes.txt", "not JSON, and not read".to_owned()),
        ],
    );
    let fleet = fleet(NOW, &["--records", folder.path()]);
    let names: Vec<String> = spans(&fleet).await.into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["answer-1", "array-1", "bus-1", "file-1"]);
}

fn refusal(folder: &Path) -> String {
    let options = Options::parse_from(["fleet-simulator", "--records", folder.to_str().unwrap()]);
    format!("{:#}", scenario::build(&options, at(NOW)).unwrap_err())
}

#[test]
fn a_folder_without_records_is_refused() {
    assert!(refusal(Path::new("/nowhere")).contains("/nowhere"));
    let empty = Folder::new("empty", &[]);
    assert!(refusal(&empty.0).contains("no CloudTrail record"));
    let broken = Folder::new("broken", &[("broken.json", "{".to_owned())]);
    assert!(refusal(&broken.0).contains("broken.json is not JSON"));
}

/// The folder of real records, where it lies beside the project.
fn real_records() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/records/sequences");
    if !folder.is_dir() {
        // Past the test runner, which keeps back what a passing test prints.
        let _ = writeln!(std::io::stderr(), "SKIPPED: no real records at {}", folder.display());
        return None;
    }
    Some(folder)
}

#[tokio::test]
async fn every_real_sequence_is_served_within_this_month() {
    let Some(folder) = real_records() else { return };
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let only = Folder::new(
            "one",
            &[(path.file_name().unwrap().to_str().unwrap(), std::fs::read_to_string(&path).unwrap())],
        );
        let fleet = fleet(NOW, &["--records", only.path()]);
        let mut request = json!({ "StartTime": at("2025-10-01T00:00:00Z").timestamp() });
        request["EndTime"] = json!(at(NOW).timestamp());
        let events = fleet.lookup_all(request).await;
        assert!(events.len() >= 3, "{}: {} records in the month", path.display(), events.len());
        for event in &events {
            assert_eq!(record(event)["eventID"], event["EventId"]);
        }
        let found = spans(&fleet).await;
        assert!(!found.is_empty(), "{}", path.display());
        assert!(
            found.iter().all(|(_, _, least, most)| 0.0 <= *least && least <= most && *most <= 28_080.0),
            "{found:?}"
        );
        files += 1;
    }
    assert!(files >= 5);
}

#[tokio::test]
async fn every_kind_of_real_record_is_served() {
    let Some(folder) = real_records() else { return };
    let fleet = fleet(NOW, &["--records", folder.parent().unwrap().to_str().unwrap()]);
    let events = fleet.lookup_all(json!({})).await;
    for name in
        ["RunInstances", "StartInstances", "StopInstances", "TerminateInstances", "RebootInstances", "BidEvictedEvent"]
    {
        assert!(events.iter().any(|event| event["EventName"] == name), "{name}");
    }
    let eviction = events.iter().find(|event| event["EventName"] == "BidEvictedEvent").unwrap();
    assert_eq!(eviction["Resources"], json!([]));
    // The files there repeat each other's instances at other times, so that much is in doubt; no more than the month.
    assert!(spans(&fleet).await.iter().all(|(_, _, least, most)| least <= most && *most <= 28_080.0));
}

#[tokio::test]
async fn the_runs_of_real_sequences_are_known() {
    let Some(folder) = real_records() else { return };
    let fleet = fleet(NOW, &["--records", folder.to_str().unwrap()]);
    let found = spans(&fleet).await;
    let exact = |name: &str| found.iter().find(|(found, ..)| found == name).unwrap().1;
    assert_eq!(exact("invictus-1"), Some(12.75), "11:55:21 to 12:08:06");
    assert_eq!(exact("invictus-2"), Some(4.68), "12:03:24 to 12:08:05");
    assert_eq!(exact("plaso-1"), Some(3.97), "22:19:05 to 22:23:03, then terminated while stopping");
    assert_eq!(exact("permiso-console-sessions-us-east-4"), Some(13.32), "17:52:52 to 18:06:11");
    assert_eq!(exact("zmallen-1"), Some(28_079.35), "all the time but 39 seconds");
    let least = |name: &str| found.iter().find(|(found, ..)| found == name).unwrap().2;
    // 17:43:46 to 17:49:53 on one day, 02:44:20 to 02:46:00 five days later.
    assert_eq!(least("permiso-console-sessions-us-east-1"), 7.78);
}
