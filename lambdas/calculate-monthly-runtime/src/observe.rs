//! The first step: who there is, who there was, and how far earlier runs have read.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use futures::future::try_join;
use uptime::{Coverage, InstanceId, Month, Observation};
use uptime_ledger::Moment;
use uptime_ledger::ports::{Fleet, IndexedServer, Ledger, Services, SweepState, Trail};

use crate::error::{RunError, in_time};
use crate::request::{Purpose, Request};

/// Items read by one request.
pub(crate) const PART: usize = 100;

/// What a run finds before it reads the trail.
#[derive(Debug)]
pub(crate) struct Observed {
    /// The whole fleet, whoever was asked for.
    pub(crate) servers: HashMap<InstanceId, Observation>,
    /// How far the fleet was swept before this run.
    pub(crate) state: SweepState,
    /// The servers that have an item in the month that the run is about; of a run over some servers only, none.
    pub(crate) index: Vec<IndexedServer>,
    /// The servers of the month before, while something is to be done in it.
    pub(crate) last_month: Vec<IndexedServer>,
    /// Of a month that is over: what the item of each server covers.
    pub(crate) covered: Vec<Coverage>,
    /// The earliest that the trail remembers.
    pub(crate) remembered_since: DateTime<Utc>,
}

/// Lists the fleet, and at the same time the servers that earlier runs have left.
///
/// # Errors
/// Where EC2 or a table cannot be asked.
pub(crate) async fn observe<S: Services>(
    services: &S,
    state: SweepState,
    request: &Request,
    moment: Moment,
) -> Result<Observed, RunError> {
    let ledger = services.ledger();
    let listing = list(services.fleet(), request, moment);
    let (servers, (index, last_month)) = try_join(listing, kept(ledger, &state, request, moment)).await?;
    let mut observed = Observed {
        servers: servers.into_iter().map(|server| (server.id.clone(), server)).collect(),
        state,
        index,
        last_month,
        covered: Vec::new(),
        remembered_since: services.trail().remembers_since(moment.now),
    };
    if request.is_past(moment) {
        observed.covered = covered(ledger, request, &observed, moment).await?;
    }
    Ok(observed)
}

/// The whole fleet. Of a scope that is closed nobody asks any more, and nobody may: its role may be gone.
async fn list<F: Fleet>(fleet: &F, request: &Request, moment: Moment) -> Result<Vec<Observation>, RunError> {
    match request.purpose {
        Purpose::Close => Ok(Vec::new()),
        Purpose::Calculate | Purpose::Reopen => {
            in_time(moment, "listing the servers", fleet.list(moment.now)).await?.map_err(RunError::Fleet)
        }
    }
}

/// The servers that have an item in the month that the run is about, and while something is to be done in it those of last
/// month.
async fn kept<L: Ledger>(
    ledger: &L,
    state: &SweepState,
    request: &Request,
    moment: Moment,
) -> Result<(Vec<IndexedServer>, Vec<IndexedServer>), RunError> {
    let of_all_now = request.is_of_all_now(moment);
    let last = moment.month().previous();
    let of = async |month: Month, is_needed: bool| match is_needed {
        true => servers_of(ledger, month, moment).await,
        false => Ok(Vec::new()),
    };
    let index = of(request.month, request.is_past(moment) || of_all_now).await?;
    let last_month = of(last, of_all_now && (is_open(state, last) || state.owes_any(last))).await?;
    Ok((index, last_month))
}

/// True until a month has become final.
fn is_open(state: &SweepState, month: Month) -> bool {
    state.final_month.is_none_or(|done| done < month)
}

/// The servers that have an item in `month`.
async fn servers_of<L: Ledger>(ledger: &L, month: Month, moment: Moment) -> Result<Vec<IndexedServer>, RunError> {
    let servers = in_time(moment, "reading the ledger", ledger.servers(month)).await?;
    servers.map_err(RunError::LedgerRead)
}

/// What the item of each server of a month that is over covers.
async fn covered<L: Ledger>(
    ledger: &L,
    request: &Request,
    observed: &Observed,
    moment: Moment,
) -> Result<Vec<Coverage>, RunError> {
    let ids: Vec<InstanceId> = observed.servers_in(request).into_iter().collect();
    let mut covered = Vec::with_capacity(ids.len());
    for part in ids.chunks(PART) {
        let stored = in_time(moment, "reading the ledger", ledger.read(request.month, part)).await?;
        let mut stored = stored.map_err(RunError::LedgerRead)?;
        covered.extend(part.iter().map(|id| match stored.remove(id) {
            Some(Ok(mut stored)) => {
                stored.assume_swept(&observed.state.for_server(id, &[request.month]));
                // What could not be read once cannot be read again.
                stored.coverage.and(&observed.state.blind.starts).and(&observed.state.blind.launches)
            }
            _ => Coverage::none(),
        }));
    }
    Ok(covered)
}

impl Observed {
    /// True until a month has become final.
    pub(crate) fn is_open(&self, month: Month) -> bool {
        is_open(&self.state, month)
    }

    /// All who have an item in the month or, while that is open, in the one before.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &IndexedServer> {
        self.index.iter().chain(&self.last_month)
    }

    /// Servers that are none any more, and nobody has taken note of it yet.
    pub(crate) fn newly_left(&self) -> impl Iterator<Item = &InstanceId> {
        let gone = |server: &&IndexedServer| !server.left && !self.servers.contains_key(&server.id);
        self.listed().filter(gone).map(|server| &server.id)
    }

    /// Whose evidence is kept.
    pub(crate) fn known_ids(&self) -> HashSet<InstanceId> {
        self.servers.keys().chain(self.listed().map(|server| &server.id)).cloned().collect()
    }

    /// How many servers have no item and are older than what is about to be read.
    pub(crate) fn newcomers(&self, read_since: DateTime<Utc>) -> usize {
        let listed: HashSet<_> = self.listed().map(|server| &server.id).collect();
        let older = |server: &&Observation| server.created_at.is_none_or(|created| created < read_since);
        self.servers.values().filter(older).filter(|server| !listed.contains(&server.id)).count()
    }

    /// Servers launched in the month before since `read_since`, of which no run in that month has taken note.
    pub(crate) fn launched_unnoticed(&self, month: Month, read_since: DateTime<Utc>) -> Vec<InstanceId> {
        let noticed: HashSet<_> = self.last_month.iter().map(|server| &server.id).collect();
        let since = read_since.max(month.start());
        let launched =
            |server: &&Observation| server.created_at.is_some_and(|created| since <= created && created < month.end());
        let servers = self.servers.values().filter(launched).map(|server| &server.id);
        servers.filter(|id| !noticed.contains(id)).cloned().collect()
    }

    /// The servers of a month that is over which a request is about: those with an item in it, and those that there are now
    /// and may have been there then.
    pub(crate) fn servers_in(&self, request: &Request) -> BTreeSet<InstanceId> {
        let existed = |server: &&Observation| server.created_at.is_none_or(|created| created < request.month.end());
        let now = self.servers.values().filter(existed).map(|server| &server.id);
        let ids = self.index.iter().map(|server| &server.id).chain(now);
        ids.filter(|id| request.asks_for(id)).cloned().collect()
    }
}
