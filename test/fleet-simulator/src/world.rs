//! The simulated account: its servers, what is planned for them, and what has happened.
//!
//! Happenings are planned at instants and take place when time reaches them, so that each sees the states that the ones
//! before it left behind, those made by hand while the simulator runs included.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::calls::{self, Action, Call, Outcome, ServerKey};
use crate::dice;
use crate::place::Place;
use crate::records;
use crate::server::{Cause, ReasonText, Server, SpotRequest, State};
use crate::trail::{Body, Entry, Trail};

mod spot;

/// Something that happens to servers at one instant.
#[derive(Debug, Clone)]
pub enum Happening {
    /// An EC2 call.
    Call(Call),
    /// A shutdown from inside the guest: no record of it anywhere but in EC2's view.
    GuestShutdown(ServerKey),
    /// Spot capacity is taken back from servers: each is terminated, stopped or hibernated as its request says.
    SpotReclaim {
        /// The servers.
        servers: Vec<ServerKey>,
        /// Whether a `BidEvictedEvent`, one for all, tells of it.
        recorded: bool,
    },
    /// Spot capacity is there again: EC2 itself starts the servers that it stopped, and no record tells of it.
    SpotRestart(Vec<ServerKey>),
    /// A server's Spot request is cancelled: a stopped server is terminated with it, a running one goes on.
    SpotCancel(ServerKey),
    /// A CloudTrail record from a file, and what it says happened.
    Recorded(Box<Value>),
}

/// How the account behaves.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Event ids and delivery delays follow from it.
    pub seed: u64,
    /// Instance ids differ between accounts and regions by it.
    pub id_space: u64,
    /// How long a start stays `pending`.
    pub pending: TimeDelta,
    /// How long a stop stays `stopping` and a termination `shutting-down`.
    pub stopping: TimeDelta,
    /// Shortest and longest time until CloudTrail shows a record.
    pub delivery: (TimeDelta, TimeDelta),
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            seed: 1,
            id_space: 0,
            pending: TimeDelta::zero(),
            stopping: TimeDelta::zero(),
            delivery: (TimeDelta::minutes(1), TimeDelta::minutes(10)),
        }
    }
}

#[derive(Debug)]
struct Planned {
    at: DateTime<Utc>,
    number: u64,
    happening: Happening,
}

/// The account.
#[derive(Debug)]
pub struct World {
    place: Place,
    rules: Rules,
    servers: Vec<Server>,
    by_id: HashMap<String, ServerKey>,
    upcoming: Vec<Planned>,
    in_order: bool,
    trail: Trail,
    planned: u64,
    events: u64,
    reached: DateTime<Utc>,
}

impl World {
    /// An empty account, at home.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self::at(Place::default(), rules)
    }

    /// An empty account and region.
    #[must_use]
    pub fn at(place: Place, rules: Rules) -> Self {
        Self {
            place,
            rules,
            servers: Vec::new(),
            by_id: HashMap::new(),
            upcoming: Vec::new(),
            in_order: true,
            trail: Trail::default(),
            planned: 0,
            events: 0,
            reached: DateTime::<Utc>::MIN_UTC,
        }
    }

    /// Adds a server; it exists from its launch on.
    pub fn add_server(&mut self, server: Server) -> ServerKey {
        let key = self.servers.len();
        self.by_id.insert(server.id.clone(), key);
        self.servers.push(server);
        key
    }

    /// Gives a server that is yet to be launched another id.
    pub fn rename(&mut self, key: ServerKey, id: &str) {
        self.by_id.remove(&self.servers[key].id);
        self.by_id.insert(id.to_owned(), key);
        id.clone_into(&mut self.servers[key].id);
    }

    /// Sets how EC2 words a server's stops.
    pub fn set_reason_text(&mut self, key: ServerKey, text: ReasonText) {
        self.servers[key].reason_text = text;
    }

    /// Makes a server one that was launched for a Spot request.
    pub fn set_spot(&mut self, key: ServerKey, request: SpotRequest) {
        self.servers[key].spot = Some(request);
    }

    /// Sets a server's tag, as `CreateTags` does: a new one, or another value of an old one.
    pub fn tag(&mut self, key: ServerKey, name: &str, value: &str) {
        let tags = &mut self.servers[key].tags;
        match tags.iter_mut().find(|(tag, _)| tag == name) {
            Some((_, old)) => value.clone_into(old),
            None => tags.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Plans a happening. Those of one second take place in the order in which they were planned.
    pub fn plan(&mut self, at: DateTime<Utc>, happening: Happening) {
        self.planned += 1;
        self.upcoming.push(Planned { at, number: self.planned, happening });
        self.in_order = false;
    }

    /// Lets everything happen that is planned up to `now`. Time never runs backwards.
    pub fn advance(&mut self, now: DateTime<Utc>) {
        if !self.in_order {
            // The next one last, so that it can be taken off cheaply.
            self.upcoming.sort_unstable_by_key(|planned| Reverse((planned.at, planned.number)));
            self.in_order = true;
        }
        while let Some(next) = self.upcoming.pop_if(|planned| planned.at <= now) {
            self.happen(next.at, next.happening);
        }
        self.reached = self.reached.max(now);
    }

    /// Makes something happen right now, and says what EC2 answered where it is a call.
    pub fn happen_now(&mut self, now: DateTime<Utc>, happening: Happening) -> Option<Outcome> {
        self.advance(now);
        self.happen(self.reached, happening)
    }

    /// Every server, launched or not, in the order of their keys.
    #[must_use]
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// A server's key.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<ServerKey> {
        self.by_id.get(id).copied()
    }

    /// What CloudTrail has recorded so far.
    #[must_use]
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// How the account behaves.
    #[must_use]
    pub fn rules(&self) -> Rules {
        self.rules
    }

    fn happen(&mut self, at: DateTime<Utc>, happening: Happening) -> Option<Outcome> {
        match happening {
            Happening::Call(call) => Some(self.call(at, call)),
            Happening::GuestShutdown(key) => {
                self.stop_running(at, key, Cause::Guest, State::Stopping);
                None
            }
            Happening::SpotReclaim { servers, recorded } => {
                self.spot_reclaim(at, &servers);
                if recorded {
                    self.record(at, "BidEvictedEvent".into(), Body::BidEvicted(servers), 1);
                }
                None
            }
            Happening::SpotRestart(servers) => {
                self.spot_restart(at, &servers);
                None
            }
            Happening::SpotCancel(key) => {
                self.spot_cancel(at, key);
                None
            }
            Happening::Recorded(record) => {
                records::replay(&record, |change| self.replay(at, change));
                let name = record["eventName"].as_str().unwrap_or_default().to_owned();
                self.record(at, name.into(), Body::Verbatim(record), 1);
                None
            }
        }
    }

    fn call(&mut self, at: DateTime<Utc>, call: Call) -> Outcome {
        let servers: Vec<&Server> = call.targets.iter().map(|&key| &self.servers[key]).collect();
        let states: Vec<Option<State>> = servers.iter().map(|server| server.state_at(at)).collect();
        let ids: Vec<&str> = servers.iter().map(|server| server.id.as_str()).collect();
        let outcome = calls::answer(&call, &states, &ids);
        if let Outcome::Done(items) = &outcome {
            for item in items {
                if item.previous.is_none() {
                    self.servers[item.server].reservation =
                        format!("r-{:017x}", dice::mix(self.rules.seed, self.events) >> 4);
                }
                let cause = match call.action {
                    Action::Stop { hibernate: true, .. } => Cause::Hibernate,
                    _ => Cause::User,
                };
                match call.falls_back_after {
                    Some(delay) if (item.previous, item.current) == (Some(State::Stopped), State::Pending) => {
                        let cause = Some(Cause::FailedStart);
                        self.servers[item.server].change(at, State::Pending, delay, State::Stopped, cause);
                    }
                    _ => self.apply(at, item.server, item.previous, item.current, cause),
                }
            }
        }
        let deliveries = call.deliveries;
        let name = call.action.event_name();
        self.record(at, name.into(), Body::Call(Box::new(call), outcome.clone()), deliveries);
        outcome
    }

    /// Carries out a change of state that a call announced.
    fn apply(&mut self, at: DateTime<Utc>, key: ServerKey, previous: Option<State>, current: State, cause: Cause) {
        use State::{Pending, Running, ShuttingDown, Stopped, Stopping, Terminated};
        if previous == Some(current) {
            return;
        }
        let Rules { pending, stopping, .. } = self.rules;
        let server = &mut self.servers[key];
        let pending = server.pending.unwrap_or(pending);
        match current {
            Pending | Running => server.change(at, Pending, pending, Running, None),
            Stopping | Stopped => server.change(at, Stopping, stopping, Stopped, Some(cause)),
            ShuttingDown => server.change(at, ShuttingDown, stopping, Terminated, Some(cause)),
            Terminated => server.change(at, Terminated, TimeDelta::zero(), Terminated, Some(cause)),
        }
    }

    fn stop_running(&mut self, at: DateTime<Utc>, key: ServerKey, cause: Cause, via: State) {
        let previous = self.servers[key].state_at(at);
        if previous.is_some_and(State::is_alive) {
            self.apply(at, key, previous, via, cause);
        }
    }

    /// Takes over what a real record says of one server.
    fn replay(&mut self, at: DateTime<Utc>, change: records::RecordedChange<'_>) {
        let Some(key) = self.find(change.id) else { return };
        let known = self.servers[key].state_at(at);
        if let (Some(known), Some(said)) = (known, change.previous)
            && known.is_alive() != said.is_alive()
        {
            self.servers[key].contradict(at, said);
        }
        if let Some(current) = change.current {
            let cause = if change.spot { Cause::Spot } else { Cause::User };
            let previous = if known.is_none() { None } else { change.previous };
            self.apply(at, key, previous, current, cause);
        }
    }

    fn record(&mut self, at: DateTime<Utc>, name: Cow<'static, str>, body: Body, deliveries: u8) {
        let number = self.events;
        self.events += 1;
        let resources = body.resources(&self.servers);
        let (shortest, longest) = self.rules.delivery;
        let span = u64::try_from((longest - shortest).num_seconds()).unwrap_or(0) + 1;
        for copy in 0..u64::from(deliveries) {
            let extra = dice::mix(self.rules.seed ^ copy, number) % span;
            let delay = shortest + TimeDelta::seconds(i64::try_from(extra).unwrap_or(0));
            let entry = Entry { at, delivered_at: at + delay, number, name: name.clone(), body: body.clone() };
            self.trail.push(entry, resources.iter().cloned());
        }
    }
}
