//! The reference model: what really happens to a fleet, tick by tick, and everything that AWS tells of it.
//!
//! It knows states and ticks only. Nothing of the crate's arithmetic is used: whether a server ran in a tick is noted
//! while the tick passes.
//!
//! Two things are simpler than in AWS, and the crate's answer is exact only up to them:
//! - A start has no `pending`: the state-change `running` has the time of the call, and so have `LaunchTime` and the
//!   creation. With a delay, evidence of the call alone is up to the delay too early.
//! - Terminating a server that is still stopping sends no state-change `shutting-down`. EC2 may send one, and where the
//!   `stopping` before it was lost, it reads as the end of the run, too late by at most the time that a stop takes.

use chrono::{DateTime, Utc};
use uptime::{InstanceId, InstanceState, Observation, StateChange};

use crate::plan::{Action, Plan, Sighting, Step};
use crate::records;

/// A change of whether a server's time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Start,
    Stop,
}

/// One server's life up to now.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) id: InstanceId,
    pub(crate) born: i64,
    state: Option<InstanceState>,
    /// When the stop that is under way will be done.
    settles: i64,
    last_start: i64,
    /// True for a Spot server that EC2 has stopped: only EC2 starts it again.
    interrupted: bool,
    /// True for one that EC2 has ever stopped: what it did by itself is not all recorded.
    pub(crate) was_interrupted: bool,
    /// When it stopped, if EC2 notes it.
    reason: Option<i64>,
    /// Ticks in which it ran.
    ran: Vec<i64>,
    pub(crate) changes: Vec<(i64, Change)>,
    pub(crate) state_changes: Vec<StateChange>,
    pub(crate) observations: Vec<Observation>,
}

/// A fleet up to now.
#[derive(Debug)]
pub(crate) struct Fleet<'p> {
    plan: &'p Plan,
    pub(crate) servers: Vec<Server>,
    /// CloudTrail records.
    pub(crate) records: Vec<String>,
}

impl Server {
    /// The truth: whether it ran from this tick to the next.
    pub(crate) fn ran_in(&self, tick: i64) -> bool {
        self.ran.binary_search(&tick).is_ok()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.state == Some(InstanceState::Running)
    }

    /// `LaunchTime`.
    pub(crate) fn last_start(&self) -> i64 {
        self.last_start
    }

    /// EC2 needs seconds for a start or a stop, so one tick, however short, sees at most one of each.
    fn already(&self, tick: i64, change: Change) -> bool {
        self.changes.contains(&(tick, change))
    }
}

impl<'p> Fleet<'p> {
    /// Carries out a plan, tick by tick.
    pub(crate) fn replay(plan: &'p Plan) -> Self {
        let server = |(number, born): (usize, &i64)| Server {
            id: format!("i-{number:08x}").parse().unwrap(),
            born: *born,
            state: None,
            settles: 0,
            last_start: 0,
            interrupted: false,
            was_interrupted: false,
            reason: None,
            ran: Vec::new(),
            changes: Vec::new(),
            state_changes: Vec::new(),
            observations: Vec::new(),
        };
        let servers = plan.births.iter().enumerate().map(server).collect();
        let mut fleet = Self { plan, servers, records: Vec::new() };
        let first = plan.births.iter().copied().chain([-100]).min().unwrap();
        for tick in first..=plan.now() {
            fleet.pass(tick);
        }
        fleet
    }

    /// Everything of one tick.
    fn pass(&mut self, tick: i64) {
        self.settle(tick);
        for number in 0..self.servers.len() {
            if self.servers[number].born == tick {
                self.start(number, tick);
                self.record("RunInstances", tick, &[(number, "")], true);
            }
        }
        for step in self.plan.steps.iter().filter(|step| step.tick == tick) {
            self.carry_out(step);
            self.settle(tick);
        }
        for sighting in self.plan.sightings.iter().filter(|sighting| sighting.tick == tick) {
            self.see(sighting);
        }
        if tick == self.plan.now() {
            self.see(&Sighting { tick, with_launch_time: true });
        }
        for server in self.servers.iter_mut().filter(|server| server.is_running() && tick < self.plan.now()) {
            server.ran.push(tick);
        }
    }

    /// Stops that are done.
    fn settle(&mut self, tick: i64) {
        for number in 0..self.servers.len() {
            let server = &mut self.servers[number];
            let settled = match server.state {
                Some(InstanceState::Stopping) => InstanceState::Stopped,
                Some(InstanceState::ShuttingDown) => InstanceState::Terminated,
                _ => continue,
            };
            if server.settles <= tick {
                self.change(number, tick, settled);
            }
        }
    }

    fn carry_out(&mut self, step: &Step) {
        let tick = step.tick;
        let targeted = |number: &usize| step.targets & (1 << number) != 0 && self.servers[*number].state.is_some();
        let targets: Vec<usize> = (0..self.servers.len()).filter(targeted).collect();
        let previous = |number: &usize| (*number, self.servers[*number].state.unwrap().as_str());
        let items: Vec<(usize, &'static str)> = targets.iter().map(previous).collect();
        let name = match step.action {
            Action::Start | Action::RefusedStart => "StartInstances",
            Action::Stop | Action::RefusedStop => "StopInstances",
            Action::Terminate => "TerminateInstances",
            Action::Reboot => "RebootInstances",
            Action::Resume => "",
            Action::GuestShutdown | Action::Reclaim | Action::Interrupt => {
                return self.happen_to(step, targets.into_iter().filter(|n| self.servers[*n].is_running()).collect());
            }
        };
        if step.action == Action::Resume {
            // What is told of one second has no order, and of a start without a record nothing else tells: EC2 does it
            // when nothing else happens.
            let alone = self.plan.steps.iter().filter(|step| step.tick == tick).count() == 1;
            let targets = if alone { targets } else { Vec::new() };
            return targets.into_iter().for_each(|number| self.resume(number, tick));
        }
        // One server that cannot be told so, and the whole call fails.
        let accepted = targets.iter().all(|number| self.accepts(*number, step));
        if !targets.is_empty() {
            self.record(name, tick, &items, accepted);
        }
        if accepted {
            targets.iter().for_each(|number| self.obey(*number, step));
        }
    }

    /// Whether EC2 accepts a call for a server in its state.
    fn accepts(&self, number: usize, step: &Step) -> bool {
        use InstanceState::{Running, Stopped, Stopping};
        let server = &self.servers[number];
        let state = server.state.unwrap();
        let stops = state != Running || !server.already(step.tick, Change::Stop);
        match step.action {
            Action::Start => {
                let can_start = state == Stopped && !server.already(step.tick, Change::Start) && !server.interrupted;
                state == Running || can_start
            }
            Action::Stop => matches!(state, Running | Stopping | Stopped) && stops,
            Action::Terminate => stops,
            Action::Reboot => state == Running,
            _ => false,
        }
    }

    fn obey(&mut self, number: usize, step: &Step) {
        use InstanceState::{Running, ShuttingDown, Stopped, Stopping, Terminated};
        match (step.action, self.servers[number].state.unwrap()) {
            (Action::Start, Stopped) => self.start(number, step.tick),
            (Action::Stop, Running) => self.stop(number, step, Stopping),
            (Action::Terminate, Running) => self.stop(number, step, ShuttingDown),
            (Action::Terminate, Stopping | Stopped) => {
                self.change(number, step.tick, Terminated);
                self.servers[number].reason = Some(step.tick);
            }
            _ => {}
        }
    }

    /// What nobody called for.
    fn happen_to(&mut self, step: &Step, mut servers: Vec<usize>) {
        servers.retain(|number| !self.servers[*number].already(step.tick, Change::Stop));
        let into = match step.action {
            Action::Reclaim => InstanceState::ShuttingDown,
            _ => InstanceState::Stopping,
        };
        servers.iter().for_each(|number| self.stop(*number, step, into));
        let by_ec2 = matches!(step.action, Action::Reclaim | Action::Interrupt);
        for number in &servers {
            self.servers[*number].interrupted = by_ec2;
            self.servers[*number].was_interrupted |= step.action == Action::Interrupt;
        }
        if by_ec2 && !servers.is_empty() {
            let ids = servers.iter().map(|number| &self.servers[*number].id);
            self.records.push(records::eviction(self.instant(step.tick), ids));
        }
    }

    /// Nothing calls for it, and only EventBridge and EC2 itself tell of it.
    fn resume(&mut self, number: usize, tick: i64) {
        let server = &self.servers[number];
        let stopped = server.state == Some(InstanceState::Stopped) && server.interrupted;
        // Nor does it start one in the very second in which its stop is done.
        if stopped && !server.already(tick, Change::Start) && server.settles < tick {
            self.start(number, tick);
        }
    }

    fn start(&mut self, number: usize, tick: i64) {
        self.change(number, tick, InstanceState::Running);
        let server = &mut self.servers[number];
        server.changes.push((tick, Change::Start));
        server.last_start = tick;
        server.interrupted = false;
        server.reason = None;
    }

    fn stop(&mut self, number: usize, step: &Step, into: InstanceState) {
        self.change(number, step.tick, into);
        let server = &mut self.servers[number];
        server.changes.push((step.tick, Change::Stop));
        server.settles = step.tick + step.lag;
        server.reason = step.reason_has_time.then_some(step.tick);
    }

    /// A new state, told by EventBridge.
    fn change(&mut self, number: usize, tick: i64, state: InstanceState) {
        let at = self.instant(tick);
        let server = &mut self.servers[number];
        server.state = Some(state);
        let event_id = format!("{}-{}-{}", server.id, state.as_str(), server.state_changes.len());
        let scope = "123456789012/eu-west-1".parse().unwrap();
        server.state_changes.push(StateChange { scope, id: server.id.clone(), state, at, event_id });
    }

    fn record(&mut self, name: &str, tick: i64, items: &[(usize, &str)], accepted: bool) {
        let items: Vec<_> = items.iter().map(|(number, previous)| (&self.servers[*number].id, *previous)).collect();
        self.records.push(records::call(name, self.records.len(), self.instant(tick), &items, accepted));
    }

    fn see(&mut self, sighting: &Sighting) {
        let plan = self.plan;
        for server in &mut self.servers {
            let Some(state) = server.state else { continue };
            server.observations.push(Observation {
                id: server.id.clone(),
                state,
                observed_at: plan.instant(sighting.tick),
                launch_time: sighting.with_launch_time.then(|| plan.instant(server.last_start)),
                transition_reason: Some(records::reason(server.reason.map(|tick| plan.instant(tick)))),
                created_at: Some(plan.instant(server.born)),
                name: None,
                instance_type: None,
                spot: None,
            });
        }
    }

    fn instant(&self, tick: i64) -> DateTime<Utc> {
        self.plan.instant(tick)
    }
}
