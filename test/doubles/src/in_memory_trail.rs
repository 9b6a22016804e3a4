//! A trail in memory.

use std::sync::{Arc, Mutex, MutexGuard};

use chrono::{DateTime, TimeDelta, Utc};
use uptime::{BlindSpots, InstanceId, ServerEvidence, Window};
use uptime_ledger::ServiceError;
use uptime_ledger::ports::{Limits, Sweep, SweepCost, Trail};

use crate::lock;

/// Evidence that a sweep reads back to where it is asked to, at so many requests a read.
#[derive(Clone, Debug, Default)]
pub struct InMemoryTrail {
    /// All that it has.
    pub evidence: Vec<ServerEvidence>,
    /// Where every sweep ends, as if its time was up; none where it goes on.
    pub ends_at: Option<DateTime<Utc>>,
    /// How much further back a sweep reads than it is asked to, for it reads whole pages.
    pub reads_further: TimeDelta,
    /// Requests of one read of a sweep; looking up one server takes one.
    pub lookups_per_read: u64,
    /// Records that cannot be read: event name and time.
    pub unreadable: Vec<(&'static str, DateTime<Utc>)>,
    /// What it was asked so far, shared with all its clones.
    pub asked: Arc<Asked>,
}

/// What a trail was asked so far.
#[derive(Debug, Default)]
pub struct Asked {
    windows: Mutex<Vec<Window>>,
    servers: Mutex<Vec<InstanceId>>,
}

impl InMemoryTrail {
    /// The windows that were swept so far, of this and all its clones.
    pub fn swept(&self) -> MutexGuard<'_, Vec<Window>> {
        lock(&self.asked.windows)
    }

    /// The servers that were looked up so far, of this and all its clones.
    pub fn looked_up(&self) -> MutexGuard<'_, Vec<InstanceId>> {
        lock(&self.asked.servers)
    }

    fn begin(&self, window: Window) -> InMemorySweep {
        let covered = Window::new(window.to, window.to);
        InMemorySweep { trail: self.clone(), window, covered, fresh: Vec::new(), cost: SweepCost::default() }
    }
}

impl Trail for InMemoryTrail {
    type Sweep = InMemorySweep;

    fn remembers_since(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - TimeDelta::days(90)
    }

    fn sweep(&self, window: Window) -> InMemorySweep {
        self.swept().push(window);
        self.begin(window)
    }

    fn lookup(&self, id: &InstanceId, window: Window) -> InMemorySweep {
        self.looked_up().push(id.clone());
        let mut own = Self { lookups_per_read: 1, ..self.clone() };
        own.evidence.retain(|(server, _)| server == id);
        own.begin(window)
    }

    fn lookup_spot(&self, id: &InstanceId, window: Window) -> InMemorySweep {
        self.lookup(id, window)
    }
}

/// A sweep of an [`InMemoryTrail`].
#[derive(Debug)]
pub struct InMemorySweep {
    trail: InMemoryTrail,
    window: Window,
    covered: Window,
    fresh: Vec<ServerEvidence>,
    cost: SweepCost,
}

impl Sweep for InMemorySweep {
    async fn read_back_to(&mut self, instant: DateTime<Utc>, limits: Limits) -> Result<(), ServiceError> {
        if self.cost.lookups >= limits.lookups {
            return Ok(());
        }
        let instant = instant - self.trail.reads_further;
        let from = instant.max(self.window.from).max(self.trail.ends_at.unwrap_or(instant)).min(self.covered.from);
        let read = Window::new(from, self.covered.from);
        let new = self.trail.evidence.iter().filter(|(_, piece)| read.from <= piece.at && piece.at < read.to);
        self.fresh.extend(new.cloned());
        self.covered = Window::new(from, self.covered.to);
        self.cost.lookups += self.trail.lookups_per_read;
        Ok(())
    }

    fn covered(&self) -> Window {
        self.covered
    }

    fn take_evidence(&mut self) -> Vec<ServerEvidence> {
        std::mem::take(&mut self.fresh)
    }

    fn take_blind_spots(&mut self) -> BlindSpots {
        let read = self.covered;
        let (taken, left): (Vec<_>, Vec<_>) =
            self.trail.unreadable.drain(..).partition(|(_, at)| read.from <= *at && *at < read.to);
        self.trail.unreadable = left;
        taken.into_iter().fold(BlindSpots::none(), |mut blind, (name, at)| {
            blind.add(name, at);
            blind
        })
    }

    fn cost(&self) -> SweepCost {
        self.cost
    }
}
