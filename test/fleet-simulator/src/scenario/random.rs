//! A fleet of any size with typical lives: a third runs twice a day, a third is always on, a third always off; a few are
//! shut down from inside, run on Spot, or are terminated.

use chrono::{DateTime, TimeDelta, Utc};

use crate::calls::{Action, Call, ServerKey};
use crate::dice::{self, Dice};
use crate::scenario::tags;
use crate::server::{ReasonText, Server, SpotRequest};
use crate::truth::{month_start, next_month};
use crate::world::{Happening, World};

/// Daily runs begin so many days before the month, as they would have for whoever looks back a little.
const DAYS_BEFORE: i64 = 10;

/// Adds a fleet of `count` servers, and a stranger for every twenty, to a world.
pub fn populate(world: &mut World, now: DateTime<Utc>, tag: (&str, &str), count: u32) {
    let seed = world.rules().seed;
    let mut fleet = Fleet { dice: Dice::new(seed), start: month_start(now), end: next_month(now), world };
    for number in 0..count {
        let key = fleet.add(number.into(), tags(tag, &format!("server-{number:05}")));
        match number % 3 {
            0 => fleet.daily(key),
            1 => fleet.always_on(key),
            _ => fleet.always_off(key),
        }
        if number % 20 == 0 {
            let stranger = fleet.add(u64::from(number) | 1 << 40, vec![("Name".to_owned(), "stranger".to_owned())]);
            fleet.daily(stranger);
        }
    }
}

struct Fleet<'a> {
    world: &'a mut World,
    dice: Dice,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl Fleet<'_> {
    fn add(&mut self, number: u64, tags: Vec<(String, String)>) -> ServerKey {
        let id =
            format!("i-0{:016x}", dice::mix(self.world.rules().seed ^ 0xF1EE7 ^ self.world.rules().id_space, number));
        self.world.add_server(Server::new(id, tags))
    }

    fn call(&mut self, at: DateTime<Utc>, action: Action, server: ServerKey) {
        let mut call = Call::new(action, vec![server]);
        if self.dice.chance(1) {
            call = call.twice_delivered();
        }
        self.world.plan(at, Happening::Call(call));
    }

    /// An instant some days before the month, far or near.
    fn before(&mut self, nearest: i64, farthest: i64) -> DateTime<Utc> {
        self.start - TimeDelta::seconds(self.dice.between(nearest * 86_400, farthest * 86_400))
    }

    /// Starts in the morning and in the evening, on most days.
    fn daily(&mut self, key: ServerKey) {
        if self.dice.chance(30) {
            self.world.set_reason_text(key, ReasonText::Empty);
        }
        let launched = self.before(DAYS_BEFORE + 2, 150);
        self.call(launched, Action::Run, key);
        self.call(launched + TimeDelta::hours(3), Action::STOP, key);
        let (morning, evening) = (self.dice.between(5 * 60, 9 * 60), self.dice.between(15 * 60, 18 * 60));
        let retired = self.dice.chance(4).then(|| self.start + TimeDelta::minutes(self.dice.between(0, 28 * 1440)));
        let mut day = self.start - TimeDelta::days(DAYS_BEFORE);
        while day < self.end {
            for minute in [morning, evening] {
                let from = day + TimeDelta::minutes(minute) + TimeDelta::seconds(self.dice.between(0, 600));
                if self.dice.chance(95) && retired.is_none_or(|retired| from < retired) {
                    self.run(key, from);
                }
            }
            day += TimeDelta::days(1);
        }
        if let Some(retired) = retired {
            self.call(retired + TimeDelta::hours(8), Action::Terminate, key);
        }
    }

    fn run(&mut self, key: ServerKey, from: DateTime<Utc>) {
        let to = from + TimeDelta::seconds(self.dice.between(20 * 60, 5 * 3600));
        self.call(from, Action::Start, key);
        match self.dice.between(0, 99) {
            // The next start of the day finds it stopped, with no record of when.
            0..4 => self.world.plan(to, Happening::GuestShutdown(key)),
            4..7 => {
                self.call(from + TimeDelta::minutes(10), Action::Reboot, key);
                self.call(to, Action::STOP, key);
            }
            7..9 => {
                self.call(to, Action::STOP, key);
                self.call(to + TimeDelta::minutes(5), Action::STOP, key);
            }
            _ => self.call(to, Action::STOP, key),
        }
    }

    /// Running since long ago, or on Spot capacity since this month until it is taken back.
    fn always_on(&mut self, key: ServerKey) {
        if self.dice.chance(6) {
            self.world.set_spot(key, SpotRequest::one_time());
            let launched = self.start + TimeDelta::seconds(self.dice.between(0, 20 * 86_400));
            self.call(launched, Action::Run, key);
            let reclaimed = launched + TimeDelta::seconds(self.dice.between(600, 6 * 86_400));
            self.world.plan(reclaimed, Happening::SpotReclaim { servers: vec![key], recorded: true });
            return;
        }
        let launched = self.before(1, 200);
        self.call(launched, Action::Run, key);
        if self.dice.chance(5) {
            let ended = self.start + TimeDelta::seconds(self.dice.between(0, 27 * 86_400));
            self.call(ended, Action::Terminate, key);
        }
    }

    /// Stopped before the month, and never started again.
    fn always_off(&mut self, key: ServerKey) {
        let launched = self.before(3, 200);
        self.call(launched, Action::Run, key);
        let stopped = launched + TimeDelta::seconds(self.dice.between(3600, 2 * 86_400));
        self.call(stopped, Action::STOP, key);
    }
}
