//! What the scenarios of named servers are told with: hours and minutes of the month that holds the present.

use chrono::{DateTime, TimeDelta, Utc};

use crate::calls::{Action, Call, ServerKey};
use crate::dice;
use crate::scenario::tags;
use crate::server::Server;
use crate::truth::month_start;
use crate::world::{Happening, World};

/// A world, and the month that is played in it.
pub(super) struct Stage<'a> {
    pub(super) world: &'a mut World,
    pub(super) start: DateTime<Utc>,
    pub(super) tag: (&'a str, &'a str),
}

/// Hours since the month began.
pub(super) const fn h(hours: i64) -> TimeDelta {
    TimeDelta::hours(hours)
}

/// Minutes since the month began.
pub(super) const fn m(minutes: i64) -> TimeDelta {
    TimeDelta::minutes(minutes)
}

/// The beginning of a day of the month, the first of which is 1.
pub(super) const fn day(day: i64) -> TimeDelta {
    TimeDelta::days(day - 1)
}

/// Days before the month.
pub(super) const fn days_before(days: i64) -> TimeDelta {
    TimeDelta::days(-days)
}

impl<'a> Stage<'a> {
    /// The month that holds `now`, played in `world` by servers that carry `tag`.
    pub(super) fn new(world: &'a mut World, now: DateTime<Utc>, tag: (&'a str, &'a str)) -> Self {
        Self { world, start: month_start(now), tag }
    }

    /// A server of the fleet that is yet to be launched.
    pub(super) fn server(&mut self, name: &str) -> ServerKey {
        self.add(tags(self.tag, name))
    }

    /// Such a server, and what is special about it.
    pub(super) fn server_with(&mut self, name: &str, special: impl FnOnce(Server) -> Server) -> ServerKey {
        let server = special(self.unlaunched(tags(self.tag, name)));
        self.world.add_server(server)
    }

    /// An instance with these tags that is yet to be launched.
    pub(super) fn add(&mut self, tags: Vec<(String, String)>) -> ServerKey {
        let server = self.unlaunched(tags);
        self.world.add_server(server)
    }

    fn unlaunched(&self, tags: Vec<(String, String)>) -> Server {
        let number = self.world.servers().len() as u64;
        Server::new(format!("i-0{:016x}", dice::mix(0x5E44E4 ^ self.world.rules().id_space, number)), tags)
    }

    /// One that has been running since long before the month.
    pub(super) fn running(&mut self, name: &str) -> ServerKey {
        let key = self.server(name);
        self.call(days_before(40), Action::Run, &[key]);
        key
    }

    /// One that has been stopped since long before the month.
    pub(super) fn stopped(&mut self, name: &str) -> ServerKey {
        let key = self.running(name);
        self.call(days_before(39), Action::STOP, &[key]);
        key
    }

    pub(super) fn call(&mut self, at: TimeDelta, action: Action, targets: &[ServerKey]) {
        self.plan(at, Call::new(action, targets.to_vec()));
    }

    pub(super) fn plan(&mut self, at: TimeDelta, call: Call) {
        self.happen(at, Happening::Call(call));
    }

    pub(super) fn happen(&mut self, at: TimeDelta, happening: Happening) {
        self.world.plan(self.start + at, happening);
    }

    pub(super) fn run(&mut self, server: ServerKey, from: TimeDelta, to: TimeDelta) {
        self.call(from, Action::Start, &[server]);
        self.call(to, Action::STOP, &[server]);
    }
}
