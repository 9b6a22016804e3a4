//! Situations that people who run fleets have reported: one server for each, but for a launch of fifty.
//!
//! Days count from the first of the month that holds `now`. What lies after `now` has not happened yet; from the 19th on,
//! every case is complete.

use chrono::{DateTime, TimeDelta, Utc};

use crate::calls::{Action, Call, Omission, ServerKey};
use crate::scenario::stage::{Stage, day, days_before, h, m};
use crate::server::{Interruption, SpotRequest};
use crate::world::{Happening, World};

/// How long bare metal takes to come up.
const METAL_PENDING: TimeDelta = m(20);
/// How often a scheduler tries in vain: every five minutes of 17 days.
const RETRIES: i64 = 17 * 24 * 12;

/// Adds the fleet to a world.
pub fn populate(world: &mut World, now: DateTime<Utc>, tag: (&str, &str)) {
    let mut stage = Stage::new(world, now, tag);
    stage.spot_stopped_by_ec2();
    stage.starts();
    stage.launches();
    stage.unreadable_launch();
}

impl Stage<'_> {
    /// Spot servers with a persistent request: EC2 stops them, starts them again, and only the first stop is recorded.
    fn spot_stopped_by_ec2(&mut self) {
        let recorded = |servers: Vec<ServerKey>| Happening::SpotReclaim { servers, recorded: true };
        let unrecorded = |servers: Vec<ServerKey>| Happening::SpotReclaim { servers, recorded: false };

        let restarted = self.spot("spot-stopped-and-restarted", SpotRequest::persistent(Interruption::Stop));
        self.happen(day(3) + h(10), recorded(vec![restarted]));
        self.happen(day(8), Happening::SpotRestart(vec![restarted]));
        self.happen(day(12), unrecorded(vec![restarted]));
        self.happen(day(18) + h(8), Happening::SpotRestart(vec![restarted]));

        let stopped_again = self.spot("spot-stopped-again", SpotRequest::persistent(Interruption::Stop));
        self.happen(day(3) + h(10), recorded(vec![stopped_again]));
        self.happen(day(8), Happening::SpotRestart(vec![stopped_again]));
        self.happen(day(9) + h(10), unrecorded(vec![stopped_again]));

        let hibernated = self.spot("spot-hibernated", SpotRequest::persistent(Interruption::Hibernate));
        self.happen(day(4) + h(6), recorded(vec![hibernated]));

        // EC2 terminates what it had stopped, which says nothing of when the server last ran.
        let cancelled = self.spot("spot-request-cancelled", SpotRequest::persistent(Interruption::Stop));
        self.happen(day(3) + h(10), recorded(vec![cancelled]));
        self.happen(day(6), Happening::SpotCancel(cancelled));
    }

    /// A Spot server, launched when the month begins.
    fn spot(&mut self, name: &str, request: SpotRequest) -> ServerKey {
        let key = self.server_with(name, |server| server.spot(request));
        self.call(day(1), Action::Run, &[key]);
        key
    }

    fn starts(&mut self) {
        // One real run; from the next day on a scheduler tries and tries.
        let falls_back = self.stopped("start-falls-back");
        self.run(falls_back, h(2), h(4));
        for retry in 0..RETRIES {
            let start = Call::new(Action::Start, vec![falls_back]).falling_back(TimeDelta::seconds(4));
            self.plan(day(2) + m(5 * retry), start);
        }
        let metal = self.server_with("bare-metal", |server| server.of_type("m5.metal", Some(METAL_PENDING)));
        self.call(days_before(40), Action::Run, &[metal]);
        self.call(days_before(39), Action::STOP, &[metal]);
        self.run(metal, day(3) + h(8), day(3) + h(12));
    }

    fn launches(&mut self) {
        let tagged = self.server_with("tagged-after-launch", |server| server.tagged_after(TimeDelta::seconds(40)));
        self.call(day(5) + h(10), Action::Run, &[tagged]);
        self.call(day(5) + h(10) + m(12), Action::Terminate, &[tagged]);
        // The second call has the first one's client token, and is answered with the instance that runs already.
        let repeated = self.server("launch-repeated");
        self.call(day(1), Action::Run, &[repeated]);
        self.call(day(10), Action::Run, &[repeated]);
        self.call(day(12), Action::STOP, &[repeated]);
    }

    /// Fifty Spot servers in one call, of which the record tells nothing.
    fn unreadable_launch(&mut self) {
        let spot = |stage: &mut Self, n| {
            stage.server_with(&format!("unreadable-launch-{n:02}"), |server| server.spot(SpotRequest::one_time()))
        };
        let fifty: Vec<ServerKey> = (1..=50).map(|n| spot(self, n)).collect();
        let (reclaimed, terminated) = (fifty[0], fifty[1]);
        self.plan(day(2), Call::new(Action::Run, fifty).omitting(Omission::ResponseAndResources));
        self.happen(day(5), Happening::SpotReclaim { servers: vec![reclaimed], recorded: true });
        self.call(day(6), Action::Terminate, &[terminated]);
    }
}
