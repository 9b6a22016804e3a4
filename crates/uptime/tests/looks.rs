//! Which looks at a server are kept, hour by hour: those that tell what nothing else does, and no other.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use chrono::{DateTime, Utc};
use uptime::InstanceState::{self, Running, Stopped, Stopping};
use uptime::{Coverage, Evidence, Observation, ServerMonth, Window};

const DAY: &str = "2025-10-10T";

fn at(time: &str) -> DateTime<Utc> {
    format!("{DAY}{time}Z").parse().unwrap()
}

struct Server {
    month: ServerMonth,
    now: DateTime<Utc>,
}

impl Server {
    fn new() -> Self {
        let mut month = ServerMonth::new("i-abcd1111".parse().unwrap(), "2025-10".parse().unwrap());
        month.learn(["2025-09-30T00:00:00Z stopped CloudTrail StopInstances 0".parse().unwrap()], &Coverage::none());
        Self { month, now: at("00:00:00") }
    }

    /// An hourly run: what was told until then, all of CloudTrail, and a look.
    fn run(&mut self, now: &str, told: &[&str], state: InstanceState, launched: &str) {
        let told: Vec<Evidence> = told.iter().map(|told| format!("{DAY}{told}").parse().unwrap()).collect();
        let covered = Window::new("2025-09-24T00:00:00Z".parse().unwrap(), at(now));
        self.month.learn(told, &Coverage::none().with(covered));
        self.month.see(&Observation {
            id: self.month.id.clone(),
            state,
            observed_at: at(now),
            launch_time: Some(at(launched)),
            transition_reason: None,
            created_at: None,
            name: None,
            instance_type: None,
            spot: None,
        });
        self.now = at(now);
    }

    /// Minutes, and how many more it could be.
    fn minutes(&self) -> (f64, f64) {
        let span = self.month.timeline(self.now).span(self.month.month);
        (span.proven.as_f64(), span.possible.as_f64())
    }
}

#[test]
fn a_shutdown_that_nothing_tells_of_stays_uncertain_for_an_hour_and_no_longer() {
    let mut server = Server::new();
    server.run("10:00:00", &["08:00:00Z started CloudTrail StartInstances 1"], Running, "08:00:00");
    for now in ["11:00:00", "12:00:00", "13:00:00", "14:00:00"] {
        server.run(now, &[], Stopped, "08:00:00");
        assert_eq!(server.minutes(), (120.0, 60.0), "{now}");
    }
}

#[test]
fn a_stop_right_after_a_run_began_is_told_exactly_in_the_end() {
    let mut server = Server::new();
    server.run("10:00:00", &["08:00:00Z started CloudTrail StartInstances 1"], Running, "08:00:00");
    // EC2 answers a few seconds after the instant that the look is taken for.
    server.run("11:00:00", &[], Stopping, "08:00:00");
    server.run("12:00:00", &["11:00:02Z stopped state-change 2"], Stopped, "08:00:00");
    assert_eq!(server.minutes(), (180.03, 0.0));
}

#[test]
fn a_start_while_a_run_began_is_told_exactly_in_the_end() {
    let mut server = Server::new();
    let call = "10:59:50Z started CloudTrail StartInstances 1";
    server.run("11:00:00", &[call], Running, "10:59:50");
    let told = ["11:00:03Z started state-change 2", "11:40:00Z stopped state-change 3"];
    server.run("12:00:00", &told, Stopped, "10:59:50");
    server.run("13:00:00", &[], Stopped, "10:59:50");
    assert_eq!(server.minutes(), (39.95, 0.0));
}

#[test]
fn a_run_of_less_than_a_minute_before_a_look_does_not_grow() {
    let mut server = Server::new();
    let told = ["10:59:00Z started CloudTrail StartInstances 1", "10:59:20Z started state-change 2"];
    server.run("11:00:00", &told, Stopped, "10:59:00");
    for now in ["12:00:00", "13:00:00"] {
        server.run(now, &[], Stopped, "10:59:00");
        assert_eq!(server.minutes(), (0.0, 0.66), "{now}");
    }
}
