//! A fleet with typical lives: a third runs twice a day, a third is always on, a third always off.

use chrono::{DateTime, TimeDelta, Utc};
use fleet_simulator::calls::{Action, Call};
use fleet_simulator::options::Options;
use fleet_simulator::scenario;
use fleet_simulator::server::Server;
use fleet_simulator::world::{Happening, World};

/// Servers that one call starts or stops, as schedulers do it.
pub const GROUP: usize = 10;
/// How far back the runs go: beyond a month of 25 days and the days before it.
const DAYS: i64 = 40;

/// The fleet with all that has happened up to `now`, which is counted from `since`: looked at later, it has the same past and more.
pub fn world(options: &Options, count: usize, since: DateTime<Utc>, now: DateTime<Utc>) -> World {
    let mut world = World::new(options.rules());
    let tags = || scenario::tags(("App", "demo"), "bench");
    let servers: Vec<_> = (0..count).map(|n| world.add_server(Server::new(format!("i-{n:017x}"), tags()))).collect();
    let (scheduled, rest) = servers.split_at(count / 3);
    let off = &rest[..rest.len() / 2];
    for part in servers.chunks(GROUP) {
        world.plan(since - TimeDelta::days(150), Happening::Call(Call::new(Action::Run, part.to_vec())));
    }
    for part in off.chunks(GROUP).chain(scheduled.chunks(GROUP)) {
        world.plan(since - TimeDelta::days(120), Happening::Call(Call::new(Action::STOP, part.to_vec())));
    }
    let midnight = since.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    for day in (0..=DAYS).rev() {
        for (number, group) in scheduled.chunks(GROUP).enumerate() {
            // Spread over the day, so that each hour has about as many calls as any other.
            let first = midnight - TimeDelta::days(day) + TimeDelta::minutes(number as i64 * 97 % 480);
            for start in [first, first + TimeDelta::hours(12)] {
                let mut call = |at, action| {
                    if at <= now {
                        world.plan(at, Happening::Call(Call::new(action, group.to_vec())));
                    }
                };
                call(start, Action::Start);
                call(start + TimeDelta::hours(4), Action::STOP);
            }
        }
    }
    world.advance(now);
    world
}
