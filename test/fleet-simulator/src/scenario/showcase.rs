//! The default fleet: one server per case that a runtime calculation is known to get wrong, and strangers beside them.
//!
//! Hours count from the start of the month that holds `now`. What lies after `now` has not happened yet, so the truth is
//! the truth on any day of the month; from its sixth day on, every case is complete.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::calls::{Action, Call, Omission, Refusal, ServerKey};
use crate::dice;
use crate::scenario::stage::{Stage, days_before, h, m};
use crate::server::{ReasonText, SpotRequest};
use crate::world::{Happening, World};

/// Adds the fleet to a world.
pub fn populate(world: &mut World, now: DateTime<Utc>, tag: (&str, &str)) {
    let mut stage = Stage::new(world, now, tag);
    stage.quiet_servers();
    stage.simple_runs();
    stage.refusals();
    stage.repetitions();
    stage.shutdowns_from_inside();
    stage.terminations();
    stage.shared_calls();
    stage.strangers();
}

impl Stage<'_> {
    fn quiet_servers(&mut self) {
        self.running("always-on");
        self.stopped("always-off");
        let dry_run_only = self.stopped("dry-run-only");
        self.plan(h(5), Call::new(Action::Start, vec![dry_run_only]).refused(Refusal::DryRun));
        // A look-alike of another service that names the same instance.
        let look_alike = self.running("other-service-stop");
        let at = self.start + h(6);
        let record = json!({
            "eventVersion": "1.08",
            "userIdentity": {"type": "IAMUser", "accountId": self.world.place().account, "userName": "operator"},
            "eventTime": at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "eventSource": "opsworks.amazonaws.com",
            "eventName": "StopInstance",
            "awsRegion": self.world.place().region,
            "requestParameters": {"instanceId": self.world.servers()[look_alike].id},
            "responseElements": null,
            "eventID": dice::uuid(0x0B5, 1),
            "readOnly": false,
            "eventType": "AwsApiCall",
        });
        self.world.plan(at, Happening::Recorded(Box::new(record)));
    }

    fn simple_runs(&mut self) {
        let stopped = self.running("stopped-at-hour-10");
        self.call(h(10), Action::STOP, &[stopped]);
        let on_for_months = self.server("one-stop-at-hour-50");
        self.call(days_before(200), Action::Run, &[on_for_months]);
        self.call(h(50), Action::STOP, &[on_for_months]);
        let launched = self.server("launched-at-hour-30");
        self.call(h(30), Action::Run, &[launched]);
        let forced = self.stopped("force-stopped");
        self.call(h(2), Action::Start, &[forced]);
        self.call(h(4), Action::Stop { force: true, hibernate: false }, &[forced]);
        let hibernated = self.stopped("hibernated");
        self.call(h(2), Action::Start, &[hibernated]);
        self.call(h(7), Action::Stop { force: false, hibernate: true }, &[hibernated]);
    }

    fn refusals(&mut self) {
        let refused = self.stopped("refused-start");
        self.run(refused, h(2), h(4));
        self.plan(h(5), Call::new(Action::Start, vec![refused]).refused(Refusal::NoCapacity));
        // One wrong id, and EC2 stops nothing at all.
        let failed = self.stopped("failed-stop");
        self.call(h(5), Action::Start, &[failed]);
        let mut wrong = Call::new(Action::STOP, vec![failed]);
        wrong.strangers.push("i-0000000000000dead".to_owned());
        self.plan(h(6), wrong);
        self.plan(h(7), Call::new(Action::STOP, vec![failed]).refused(Refusal::Unauthorized));
        self.call(h(8), Action::STOP, &[failed]);
    }

    fn repetitions(&mut self) {
        let often = self.stopped("twelve-half-hour-runs");
        for run in 0..12 {
            let from = h(1 + 4 * run);
            let (start, stop) = (Call::new(Action::Start, vec![often]), Call::new(Action::STOP, vec![often]));
            self.plan(from, if run == 2 { start.twice_delivered() } else { start });
            self.plan(from + m(30), if run == 7 { stop.twice_delivered() } else { stop });
        }
        let stopped_twice = self.stopped("stopped-twice");
        self.run(stopped_twice, h(3), h(5));
        self.call(h(6), Action::STOP, &[stopped_twice]);
        let started_twice = self.stopped("started-twice");
        self.call(h(3), Action::Start, &[started_twice]);
        self.run(started_twice, h(4), h(6));
        let rebooted = self.stopped("rebooted");
        self.run(rebooted, h(2), h(5));
        self.call(h(3), Action::Reboot, &[rebooted]);
    }

    fn shutdowns_from_inside(&mut self) {
        for (name, text) in [
            ("guest-shutdown", ReasonText::Gmt),
            ("guest-shutdown-utc", ReasonText::Utc),
            ("guest-shutdown-untimed", ReasonText::NoTime),
            ("guest-shutdown-untold", ReasonText::Empty),
        ] {
            let key = self.server(name);
            self.world.set_reason_text(key, text);
            self.call(days_before(40), Action::Run, &[key]);
            self.call(days_before(39), Action::STOP, &[key]);
            self.call(h(6), Action::Start, &[key]);
            self.world.plan(self.start + h(9) + m(30), Happening::GuestShutdown(key));
        }
    }

    fn terminations(&mut self) {
        let short_lived = self.server("run-and-terminate");
        self.call(h(1), Action::Run, &[short_lived]);
        self.call(h(3), Action::Terminate, &[short_lived]);
        // Terminating again changes nothing, but leaves one more record.
        self.call(h(3) + m(10), Action::Terminate, &[short_lived]);
        // And what is gone can't be started: `Client.IncorrectInstanceState`.
        self.call(h(3) + m(20), Action::Start, &[short_lived]);
        let while_stopped = self.stopped("terminated-while-stopped");
        self.run(while_stopped, h(7), h(9));
        self.call(h(20), Action::Terminate, &[while_stopped]);
        let names = ["spot-reclaimed", "spot-reclaimed-with-it"];
        let reclaimed: Vec<ServerKey> = names
            .into_iter()
            .map(|name| self.server_with(name, |server| server.spot(SpotRequest::one_time())))
            .collect();
        self.call(h(4), Action::Run, &reclaimed[..1]);
        self.call(h(5), Action::Run, &reclaimed[1..]);
        self.world.plan(self.start + h(9) + m(30), Happening::SpotReclaim { servers: reclaimed, recorded: true });
    }

    fn shared_calls(&mut self) {
        let trio: Vec<ServerKey> = (1..=3).map(|n| self.stopped(&format!("started-together-{n}"))).collect();
        self.call(h(2), Action::Start, &trio[2..]);
        self.call(h(8), Action::Start, &trio);
        self.call(h(11), Action::STOP, &trio[1..2]);
        self.call(h(12), Action::STOP, &trio);
        // A response too large to be kept: the record's resources and LaunchTime are all there is.
        let large: Vec<ServerKey> = (1..=3).map(|n| self.server(&format!("large-launch-{n}"))).collect();
        let mut launch = Call::new(Action::Run, large.clone()).omitting(Omission::Response);
        launch.auto_scaling = true;
        self.plan(h(10), launch);
        self.call(h(13), Action::STOP, &large[..1]);
        // One call over a running, a stopped and a stopped one that came and went.
        let mixed: Vec<ServerKey> = (1..=3).map(|n| self.stopped(&format!("terminated-together-{n}"))).collect();
        self.call(h(3), Action::Start, &mixed[..1]);
        self.run(mixed[2], h(4), h(6));
        self.call(h(9), Action::Terminate, &mixed);
    }

    /// Instances of the same account that are not of the fleet, one of them in the same calls.
    fn strangers(&mut self) {
        let (key, value) = self.tag;
        let others = [
            vec![("Name".to_owned(), "untagged".to_owned())],
            vec![("Name".to_owned(), "other-app".to_owned()), (key.to_owned(), format!("{value}-other"))],
            vec![("Name".to_owned(), "lower-case-key".to_owned()), (key.to_lowercase(), value.to_owned())],
            vec![],
        ];
        let others: Vec<ServerKey> = others.into_iter().map(|tags| self.add(tags)).collect();
        self.call(days_before(30), Action::Run, &others);
        for day in 0..28 {
            self.call(TimeDelta::days(day) + h(18), Action::STOP, &others[..2]);
            self.call(TimeDelta::days(day) + h(31), Action::Start, &others[..2]);
        }
    }
}
