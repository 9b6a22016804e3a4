//! A month that is read in parts: what a later part covers tells of every server, whatever became of it in between.

use doubles::InMemoryTrail;
use uptime::InstanceState::{Running, Stopped};
use uptime::Observation;

use crate::support::{Tables, at, seen, trail};

fn stays(now: &str) -> Observation {
    seen(1, Running, "2025-01-01T00:00:00Z", now)
}

/// Runs that read back to the 16th only, and at last one that reads the rest; with the server of which this test is, or
/// without it.
async fn in_parts(tables: &Tables, all: &InMemoryTrail, runs: &[(&str, Option<Observation>)]) {
    let cut = InMemoryTrail { ends_at: Some(at("2025-10-16T00:00:00Z")), ..all.clone() };
    for (n, (now, other)) in runs.iter().enumerate() {
        let fleet = [vec![stays(now)], other.iter().cloned().collect()].concat();
        tables.run(now, &fleet, if n + 1 < runs.len() { &cut } else { all }).await;
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_server_that_left_in_between_a_later_part_tells_as_well() {
    let tables = Tables::default();
    let all = trail(&[
        (2, "2025-10-20T00:00:00Z stopped CloudTrail StopInstances 1"),
        (2, "2025-10-26T10:30:00Z stopped CloudTrail TerminateInstances 3"),
        (2, "2025-10-22T00:00:00Z started CloudTrail StartInstances 2"),
    ]);
    let first = seen(2, Running, "2025-10-22T00:00:00Z", "2025-10-26T10:00:00Z");
    let created = Observation { created_at: Some(at("2025-09-01T00:00:00Z")), ..first };
    let gone = ["2025-10-26T11:00:00Z", "2025-10-26T12:00:00Z", "2025-10-26T13:00:00Z"].map(|now| (now, None));
    let runs = [vec![("2025-10-26T10:00:00Z", Some(created))], gone.to_vec()].concat();
    in_parts(&tables, &all, &runs).await;
    // Before the stop it ran since the month's start at the latest: there would be evidence of a start.
    let expected = (19 + 4) * 1440 + 10 * 60 + 30;
    assert_eq!(tables.minutes(2, "2025-10"), (format!("{expected}.00"), "0.00".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_new_in_between_is_looked_up() {
    let tables = Tables::default();
    let all = trail(&[
        (3, "2025-09-20T00:00:00Z stopped CloudTrail StopInstances 1"),
        (3, "2025-10-22T00:00:00Z started CloudTrail StartInstances 2"),
        (3, "2025-10-23T00:00:00Z stopped CloudTrail StopInstances 3"),
    ]);
    let second = seen(3, Stopped, "2025-10-22T00:00:00Z", "2025-10-26T11:00:00Z");
    let created = Observation { created_at: Some(at("2025-01-01T00:00:00Z")), ..second };
    in_parts(&tables, &all, &[("2025-10-26T10:00:00Z", None), ("2025-10-26T11:00:00Z", Some(created))]).await;
    assert_eq!(tables.minutes(3, "2025-10"), ("1440.00".to_owned(), "0.00".to_owned()));
}
