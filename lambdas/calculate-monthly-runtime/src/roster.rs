//! Who a run is about.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use uptime::{InstanceId, Month, Observation};
use uptime_aws::ports::{EventHistory, Fleet, IndexedServer, RuntimeCache, RuntimeHistory, SweepState};
use uptime_ledger::Invocation;

use crate::error::{RunError, in_time};
use crate::handler::Calculation;
use crate::reading::Reading;
use crate::request::Request;

/// The servers that there are, and those that there were.
#[derive(Debug)]
pub(crate) struct Roster {
    /// The whole fleet, whoever was asked for.
    pub(crate) observed: HashMap<InstanceId, Observation>,
    /// The servers of this month's history.
    pub(crate) index: Vec<IndexedServer>,
    /// The servers of the month before, while that is open.
    pub(crate) last_month: Vec<IndexedServer>,
    /// True where the run is about all servers.
    pub(crate) whole_fleet: bool,
    /// The servers asked for that there are; without a list, all.
    asked: Vec<InstanceId>,
}

impl Roster {
    /// Who a run over a month that is over is about.
    pub(crate) fn of_past(observed: HashMap<InstanceId, Observation>, index: Vec<IndexedServer>) -> Self {
        Self { observed, index, last_month: Vec::new(), whole_fleet: false, asked: Vec::new() }
    }

    /// How many servers are asked for.
    pub(crate) fn len(&self) -> usize {
        self.asked.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.asked.is_empty() && self.listed().next().is_none()
    }

    /// Servers that are none any more, and nobody has taken note of it yet.
    fn left(&self) -> impl Iterator<Item = &InstanceId> {
        let gone = |server: &&IndexedServer| !server.left && !self.observed.contains_key(&server.id);
        self.listed().filter(gone).map(|server| &server.id)
    }

    fn listed(&self) -> impl Iterator<Item = &IndexedServer> {
        self.index.iter().chain(&self.last_month)
    }

    /// Whose evidence is kept.
    pub(crate) fn knows(&self) -> HashSet<InstanceId> {
        self.observed.keys().chain(self.listed().map(|server| &server.id)).cloned().collect()
    }

    /// Servers launched in `month` since `read_since`, of which no run in that month has taken note.
    pub(crate) fn launched_unnoticed(&self, month: Month, read_since: DateTime<Utc>) -> Vec<InstanceId> {
        let noticed: HashSet<_> = self.last_month.iter().map(|server| &server.id).collect();
        let since = read_since.max(month.start());
        let launched =
            |server: &&Observation| server.created_at.is_some_and(|created| since <= created && created < month.end());
        let servers = self.observed.values().filter(launched).map(|server| &server.id);
        servers.filter(|id| !noticed.contains(id)).cloned().collect()
    }

    /// How many servers have no history and are older than what is about to be read.
    pub(crate) fn newcomers(&self, read_since: DateTime<Utc>) -> usize {
        let listed: HashSet<_> = self.listed().map(|server| &server.id).collect();
        let older = |server: &&Observation| server.created_at.is_none_or(|created| created < read_since);
        self.observed.values().filter(older).filter(|server| !listed.contains(&server.id)).count()
    }

    /// The servers to do, each once, beginning where the last run was stopped. `fills_hole`: something was read of a time
    /// that earlier runs had left out.
    pub(crate) fn in_order(&self, state: &SweepState, reading: &Reading, fills_hole: bool) -> Vec<InstanceId> {
        let mut ids: BTreeSet<&InstanceId> = self.asked.iter().collect();
        ids.extend(self.left());
        // What is told late of a server that left may still be of the time before, and so may what is not told.
        let late = |server: &&IndexedServer| server.left && (fills_hole || reading.evidence.contains_key(&server.id));
        ids.extend(self.index.iter().filter(late).map(|server| &server.id));
        let mut ids: Vec<InstanceId> = ids.into_iter().cloned().collect();
        if let Some(after) = state.resume_after.as_ref().filter(|_| self.whole_fleet) {
            let first = ids.partition_point(|id| id <= after);
            ids.rotate_left(first);
        }
        ids
    }
}

impl<F: Fleet, H: EventHistory, L: RuntimeHistory, C: RuntimeCache> Calculation<F, H, L, C> {
    pub(crate) async fn roster(
        &self,
        request: &Request,
        observed: HashMap<InstanceId, Observation>,
        state: &SweepState,
        invocation: Invocation,
    ) -> Result<Roster, RunError> {
        let month = Month::of(invocation.now);
        let whole_fleet = request.servers.is_none();
        let is_there = |id: &&InstanceId| observed.contains_key(*id);
        let asked = match &request.servers {
            Some(asked) => asked.iter().filter(is_there).cloned().collect(),
            None => observed.keys().cloned().collect(),
        };
        let last = month.previous();
        let open = state.final_month.is_none_or(|done| done < last)
            || state.holes.values().any(|hole| hole.months.contains(&last));
        let index = if whole_fleet { self.servers_of(month, invocation).await? } else { Vec::new() };
        let last_month = if whole_fleet && open { self.servers_of(last, invocation).await? } else { Vec::new() };
        Ok(Roster { observed, index, last_month, whole_fleet, asked })
    }

    /// The servers that have a history in `month`.
    pub(crate) async fn servers_of(
        &self,
        month: Month,
        invocation: Invocation,
    ) -> Result<Vec<IndexedServer>, RunError> {
        let servers = in_time(invocation, "reading the history table", self.ledger.servers(month)).await?;
        servers.map_err(RunError::HistoryRead)
    }
}
