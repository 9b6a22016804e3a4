//! Final months, compared with CloudWatch's samples of them.

use doubles::{Call, Failure, InMemoryChecks, InMemoryTrail};
use serde_json::{Value, json};
use uptime::InstanceState::{Running, Stopped};
use uptime::{Audit, Coverage, Observation, Window};

use crate::support::{Tables, at, body, id, seen, trail, witnessed_handing_over};

/// Two servers that run all the time, and a CloudWatch that is asked.
#[derive(Default)]
struct Fleet {
    tables: Tables,
    checks: InMemoryChecks,
}

const OCTOBER_ENDS: [&str; 3] = ["2025-10-31T23:00:00Z", "2025-11-01T00:10:00Z", "2025-11-01T12:00:00Z"];
const IS_FINAL: &str = "2025-11-02T00:10:00Z";
const AN_HOUR_LATER: &str = "2025-11-02T01:10:00Z";

impl Fleet {
    /// Whose October is over, and who ran in it so long by CloudWatch.
    async fn of_october(ran: [&[(&str, &str)]; 2]) -> Self {
        let fleet = Self::default();
        for (n, windows) in [1, 2].into_iter().zip(ran) {
            windows.iter().for_each(|(from, to)| fleet.checks.ran(&id(n), Window::new(at(from), at(to))));
        }
        for now in OCTOBER_ENDS {
            fleet.run(now).await;
        }
        assert_eq!(fleet.checks.asked(), [], "nothing is open, and nothing final");
        fleet
    }

    async fn run(&self, now: &str) -> (Value, Value) {
        let servers: Vec<Observation> = (1..=2).map(|n| seen(n, Running, "2025-10-10T00:00:00Z", now)).collect();
        let trail = InMemoryTrail { lookups_per_read: 6, ..InMemoryTrail::default() };
        self.asked(now, &servers, &trail, json!({})).await
    }

    /// An answer, and the metrics.
    async fn asked(&self, now: &str, fleet: &[Observation], trail: &InMemoryTrail, payload: Value) -> (Value, Value) {
        let services = self.tables.services(fleet, trail);
        let reports = self.tables.reports.clone();
        let handled = witnessed_handing_over(&self.checks, reports, services, at(now), payload).await;
        let answer = handled.outcome.map(body).unwrap_or_else(|error| panic!("{error}"));
        (answer, handled.metrics.unwrap_or_default())
    }

    fn audits(&self) -> [Option<Audit>; 2] {
        [1, 2].map(|n| self.tables.item(n, "2025-10").audit)
    }

    /// The verdicts in each report that was handed over since this was last called.
    fn reported(&self) -> Vec<Vec<Value>> {
        let verdicts = |json: &str| -> Vec<Value> {
            let document: Value = serde_json::from_str(json).unwrap();
            document["servers"].as_array().unwrap().iter().map(|row| row["audit"].clone()).collect()
        };
        self.tables.reports.taken().iter().map(|report| verdicts(&report.json)).collect()
    }
}

const ALL: &[(&str, &str)] = &[("2025-10-10T00:00:00Z", "2025-11-20T00:00:00Z")];
/// Five hours are missing.
const PAUSED: &[(&str, &str)] =
    &[("2025-10-10T00:00:00Z", "2025-10-20T04:00:00Z"), ("2025-10-20T09:00:00Z", "2025-11-20T00:00:00Z")];

fn paused() -> Audit {
    Audit::Disagrees(Coverage::none().with(Window::new(at("2025-10-20T04:00:00Z"), at("2025-10-20T09:00:00Z"))))
}

#[tokio::test(start_paused = true)]
async fn a_final_month_is_compared_once_and_handed_over_with_what_came_of_it() {
    let fleet = Fleet::of_october([ALL, PAUSED]).await;
    let (answer, metrics) = fleet.run(IS_FINAL).await;
    assert_eq!(answer["cloudwatch"], json!({"requests": 1, "asked": 2, "unanswered": 0}));
    assert_eq!(metrics["WitnessDisagreements"], json!(1.0));
    assert_eq!(fleet.audits(), [Some(Audit::Agrees), Some(paused())]);
    assert_eq!(fleet.tables.item(2, "2025-10").span().proven.to_string(), "31680.00", "the records count");
    assert_eq!(fleet.reported(), [[json!("agrees"), json!("disagrees")]]);
    fleet.checks.asked();
    let (answer, metrics) = fleet.run(AN_HOUR_LATER).await;
    assert_eq!((answer.get("cloudwatch"), metrics.get("WitnessDisagreements")), (None, None));
    assert_eq!((fleet.checks.asked(), fleet.reported()), (vec![], Vec::<Vec<Value>>::new()));
}

#[tokio::test(start_paused = true)]
async fn a_cloudwatch_that_refuses_delays_no_report_and_is_asked_again() {
    let fleet = Fleet::of_october([ALL, ALL]).await;
    fleet.checks.refuse(true);
    fleet.run(IS_FINAL).await;
    assert_eq!(fleet.reported(), [[Value::Null, Value::Null]]);
    fleet.checks.refuse(false);
    fleet.run(AN_HOUR_LATER).await;
    assert_eq!(fleet.reported(), [[json!("agrees"), json!("agrees")]]);
    fleet.run("2025-11-02T02:10:00Z").await;
    assert_eq!(fleet.reported(), Vec::<Vec<Value>>::new());
}

#[tokio::test(start_paused = true)]
async fn a_verdict_that_cannot_be_stored_is_found_again_by_the_next_run() {
    let fleet = Fleet::of_october([ALL, PAUSED]).await;
    fleet.checks.refuse(true);
    fleet.run(IS_FINAL).await;
    fleet.checks.refuse(false);
    fleet.tables.fail_for(2, Call::WriteItem, Failure::ItemAtFault);
    let (_, metrics) = fleet.run(AN_HOUR_LATER).await;
    assert_eq!((fleet.audits(), metrics.get("WitnessDisagreements")), ([Some(Audit::Agrees), None], None));
    fleet.tables.faults.clear();
    let (_, metrics) = fleet.run("2025-11-02T02:10:00Z").await;
    assert_eq!(metrics["WitnessDisagreements"], json!(1.0));
    assert_eq!(fleet.audits(), [Some(Audit::Agrees), Some(paused())]);
    fleet.reported();
    fleet.checks.asked();
    fleet.run("2025-11-02T03:10:00Z").await;
    assert_eq!(fleet.checks.asked(), []);
}

/// Its first run is at the end of October; CloudTrail delivers the records of the pause long after.
#[tokio::test(start_paused = true)]
async fn reopening_a_server_s_month_reads_its_records_once_more_and_compares_anew() {
    let fleet = Fleet::default();
    let ran = [
        ("2025-10-10T00:00:00Z", "2025-10-20T04:00:00Z"),
        ("2025-10-20T09:00:00Z", "2025-10-22T00:00:00Z"),
        ("2025-10-25T00:00:00Z", "2025-11-20T00:00:00Z"),
    ];
    ran.iter().for_each(|(from, to)| fleet.checks.ran(&id(2), Window::new(at(from), at(to))));
    let records = [
        (2, "2025-10-10T00:00:00Z started CloudTrail RunInstances 1"),
        (2, "2025-10-22T00:00:00Z stopped CloudTrail StopInstances 2"),
        (2, "2025-10-25T00:00:00Z started CloudTrail StartInstances 3"),
    ];
    let server = |now| Observation {
        launch_time: Some(at("2025-10-25T00:00:00Z")),
        ..seen(2, Running, "2025-10-10T00:00:00Z", now)
    };
    for now in OCTOBER_ENDS.into_iter().chain([IS_FINAL]) {
        fleet.asked(now, &[server(now)], &trail(&records), json!({})).await;
    }
    assert_eq!(fleet.tables.item(2, "2025-10").audit, Some(paused()));
    assert_eq!(fleet.reported(), [[json!("disagrees")]]);
    let late = [
        (2, "2025-10-20T04:00:00Z stopped CloudTrail StopInstances 4"),
        (2, "2025-10-20T09:00:00Z started CloudTrail StartInstances 5"),
    ];
    let now = "2025-11-05T00:00:00Z";
    let payload = json!({"month": "2025-10", "reopen": true, "servers": [id(2)]});
    fleet.asked(now, &[server(now)], &trail(&[records.as_slice(), &late].concat()), payload).await;
    assert_eq!(fleet.tables.item(2, "2025-10").audit, Some(Audit::Agrees));
    assert_eq!(fleet.reported().last(), Some(&vec![json!("agrees")]));
}

#[tokio::test(start_paused = true)]
async fn samples_that_contradict_records_where_time_is_open_are_counted_once() {
    let fleet = Fleet::default();
    let ran = [("2025-10-03T06:00:00Z", "2025-10-03T20:00:00Z"), ("2025-10-04T06:00:00Z", "2025-10-04T10:00:00Z")];
    // Nobody but CloudWatch knows of the second one.
    let more = [("2025-10-04T12:00:00Z", "2025-10-04T18:00:00Z"), ("2025-10-05T06:00:00Z", "2025-10-05T09:00:00Z")];
    ran.iter().chain(&more).for_each(|(from, to)| fleet.checks.ran(&id(1), Window::new(at(from), at(to))));
    let trail = trail(&[
        (1, "2025-09-30T00:00:00Z stopped CloudTrail StopInstances 1"),
        (1, "2025-10-03T06:00:00Z started CloudTrail StartInstances 2"),
        (1, "2025-10-04T06:00:00Z started CloudTrail StartInstances 3"),
        (1, "2025-10-04T10:00:00Z stopped CloudTrail StopInstances 4"),
        (1, "2025-10-05T06:00:00Z started CloudTrail StartInstances 5"),
    ]);
    let mut counted = Vec::new();
    for now in ["2025-10-11T00:00:00Z", "2025-10-11T01:00:00Z"] {
        let server = Observation {
            launch_time: Some(at("2025-10-05T06:00:00Z")),
            ..seen(1, Stopped, "2025-09-01T00:00:00Z", now)
        };
        let (_, metrics) = fleet.asked(now, &[server], &trail, json!({})).await;
        counted.push(metrics.get("WitnessDisagreements").cloned());
    }
    assert_eq!(counted, [Some(json!(1.0)), None]);
    let item = fleet.tables.item(1, "2025-10");
    let told = item.explain(at("2025-10-11T01:00:00Z"));
    let aside = told.evidence.iter().filter(|heard| heard.set_aside.is_some()).count();
    assert_eq!(aside, 1, "kept for whoever asks why");
}
