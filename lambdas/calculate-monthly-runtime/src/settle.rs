//! The fourth step: each server's month. Its item is read, folded and stored, and what goes on is cached.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};
use uptime::{Coverage, Folded, InstanceId, Month, ServerMonth, Window};
use uptime_ledger::ports::{Ledger, Limits, Services, StoredMonths, SweepCost, Trail};
use uptime_ledger::{OwnTrail, ServiceError, Writing, begins_anew, cache, store};

use crate::error::RunError;
use crate::holes::Storing;
use crate::known::Known;
use crate::observe::PART;
use crate::outcome::{Outcome, Settled};
use crate::report::Report;
use crate::task::{Fate, Reach, Task};

/// Servers under way at once. Of items, at most three parts are in memory at a time.
const CONCURRENT_SERVERS: usize = 32;
/// Requests that a run spends on single servers of which less was read than of the fleet.
const SINGLE_LOOKUPS: u64 = 60;
/// Requests that reading about one server may take.
const LOOKUPS_PER_SERVER: u64 = 4;

/// What became of a task.
#[derive(Debug)]
pub(crate) struct Settlement {
    pub(crate) month: Month,
    pub(crate) fate: Fate,
    pub(crate) storing: Storing,
    /// True where some server's state at the month's start is not known.
    pub(crate) lacks_past: bool,
    /// The last server before the time was up; none where all were done.
    pub(crate) stopped_after: Option<InstanceId>,
    /// The servers that were begun, and not done when the time was up.
    pub(crate) unanswered: BTreeSet<InstanceId>,
}

/// Settles the servers of a task, each on its own.
///
/// # Errors
/// Where nothing could be done for any server that the run is about.
pub(crate) async fn settle<S: Services>(
    services: &S,
    known: &Known,
    task: Task,
    lookups: &SingleLookups,
    report: &mut Report,
) -> Result<Settlement, RunError> {
    let moment = known.moment;
    let one = Settling { services, known, task: &task, lookups };
    let parts = stream::iter(task.ids.chunks(PART)).map(|part| one.read_part(part)).buffered(2);
    let settled = parts.flat_map(stream::iter).map(|(id, items)| {
        let one = &one;
        async move {
            let settled = in_time(moment.deadlines.all, one.settle(&id, items)).await;
            (id, settled)
        }
    });
    let mut settled = std::pin::pin!(settled.buffer_unordered(CONCURRENT_SERVERS));
    let mut begun = 0;
    let (month, fate) = (task.month, task.fate);
    let mut settlement = Settlement {
        month,
        fate,
        storing: Storing::default(),
        lacks_past: false,
        stopped_after: None,
        unanswered: BTreeSet::new(),
    };
    while let Some((id, settled)) = settled.next().await {
        settlement.lacks_past |= settled.lacks_past;
        settlement.storing.take(&id, &settled);
        begun += usize::from(!matches!(settled.outcome, Outcome::NotBegun));
        if matches!(settled.outcome, Outcome::Unanswered) {
            settlement.unanswered.insert(id.clone());
        }
        report.take(known, &task, &id, settled);
    }
    if begun < task.ids.len() {
        settlement.stopped_after = begun.checked_sub(1).map(|last| task.ids[last].clone());
    }
    if task.fate.is_cached() {
        report.age_of_unwritten(services.cache(), moment).await;
    }
    if task.month == report.month {
        report.verdict()?;
    }
    if task.fate.is_final() && !task.ids.is_empty() {
        let servers = task.ids.len() - settlement.storing.failures();
        tracing::info!(%month, servers, "{month} is final for {servers} servers");
    }
    Ok(settlement)
}

/// What is stored of one server.
struct Items {
    stored: Result<Option<ServerMonth>, ServiceError>,
    previous: Option<ServerMonth>,
}

/// One task's servers being settled.
struct Settling<'t, S> {
    services: &'t S,
    known: &'t Known,
    task: &'t Task,
    lookups: &'t SingleLookups,
}

impl<S: Services> Settling<'_, S> {
    /// The items of some servers, and where one has none in a month that goes on, that of the month before.
    async fn read_part(&self, part: &[InstanceId]) -> Vec<(InstanceId, Items)> {
        let none = || Items { stored: Ok(None), previous: None };
        if Instant::now() >= self.known.moment.deadlines.all {
            return part.iter().map(|id| (id.clone(), none())).collect();
        }
        let ledger = self.services.ledger();
        let mut stored = ledger.read(self.task.month, part).await;
        let mut previous = Ok(StoredMonths::new());
        if let (true, Ok(stored)) = (self.task.fate.is_cached(), &stored) {
            let new: Vec<InstanceId> = part.iter().filter(|id| !stored.contains_key(id)).cloned().collect();
            if !new.is_empty() {
                previous = ledger.read(self.task.month.previous(), &new).await;
            }
        }
        let mut items = |id: &InstanceId| {
            let stored = take(&mut stored, id)?;
            let previous = match take(&mut previous, id) {
                Err(error) if error.is_of_one_item => begins_anew(id, self.task.month, &error),
                previous => previous?,
            };
            Ok((stored, previous))
        };
        let all = part.iter().map(|id| match items(id) {
            Ok((stored, previous)) => (id.clone(), Items { stored: Ok(stored), previous }),
            Err(error) => (id.clone(), Items { stored: Err(error), previous: None }),
        });
        all.collect()
    }

    async fn settle(&self, id: &InstanceId, items: Items) -> Settled {
        let Items { stored, previous } = items;
        let stored = match stored {
            Ok(stored) => stored,
            Err(error) => return Outcome::LedgerFailed(error).into(),
        };
        let (known, task) = (self.known, self.task);
        let mut folded = known.fold(task, id, stored.as_ref(), previous.as_ref(), &OwnTrail::default());
        let own = self.own_trail(id, &folded).await;
        let refold = |stored: Option<&ServerMonth>| known.fold(task, id, stored, previous.as_ref(), &own);
        if own.covered != Coverage::none() {
            folded = refold(stored.as_ref());
        }
        let folded = match store(self.services.ledger(), stored, folded, self.writing(), refold).await {
            Ok(folded) => folded,
            Err(error) => return Outcome::LedgerFailed(error).into(),
        };
        Settled {
            lacks_past: folded.lacks_past && task.fate == Fate::GoesOn,
            healed: known.is_healed(&folded.month, &own),
            starts: folded.month.starts_of_last_day(known.moment.now),
            outcome: if task.fate.is_cached() {
                self.cache(folded).await
            } else {
                Outcome::Closed(folded.month.span())
            },
        }
    }

    /// An item of which only the coverage has grown is worth writing where the sweep state is about to forget that.
    fn writing(&self) -> Writing {
        let fate = self.task.fate;
        Writing {
            rewrite: self.known.plan.reach == Reach::Anew && fate == Fate::GoesOn,
            reopen: fate.reopens(),
            look_is_shared: self.known.shares_look() && fate == Fate::GoesOn,
        }
    }

    /// What the trail tells of one server of which less was read, or less could be stored, than of the fleet.
    async fn own_trail(&self, id: &InstanceId, folded: &Folded) -> OwnTrail {
        let Some(window) = self.known.to_look_up(self.task, folded) else { return OwnTrail::default() };
        let observation = self.known.observed.servers.get(id);
        let may_be_spot = observation.is_none_or(|observation| observation.spot.is_some());
        self.lookups.read(self.services.trail(), id, window, may_be_spot).await
    }

    async fn cache(&self, folded: Folded) -> Outcome {
        if folded.keeps_summary() {
            return Outcome::Kept;
        }
        match cache(self.services.cache(), &folded.month, &folded.entry).await {
            Ok(_) => Outcome::Done(folded.entry.span),
            Err(error) => Outcome::CacheFailed(error),
        }
    }
}

/// One server's item out of a part; a part that could not be read is an error of each of its servers.
fn take(items: &mut Result<StoredMonths, ServiceError>, id: &InstanceId) -> Result<Option<ServerMonth>, ServiceError> {
    match items {
        Ok(items) => items.remove(id).transpose(),
        Err(error) => Err(error.clone()),
    }
}

/// Does `work` unless the time is up.
async fn in_time(deadline: Instant, work: impl Future<Output = Settled>) -> Settled {
    if Instant::now() >= deadline {
        return Outcome::NotBegun.into();
    }
    timeout_at(deadline, work).await.unwrap_or(Outcome::Unanswered.into())
}

/// Requests for reading about single servers, shared by all of a run.
#[derive(Debug)]
pub(crate) struct SingleLookups {
    left: AtomicU64,
    deadline: Instant,
    cost: std::sync::Mutex<SweepCost>,
}

impl SingleLookups {
    /// None after `deadline`.
    pub(crate) fn new(deadline: Instant) -> Self {
        Self { left: AtomicU64::new(SINGLE_LOOKUPS), deadline, cost: std::sync::Mutex::default() }
    }

    /// Reads what the trail tells of one server; nothing where the requests are used up. A failure only means that the
    /// server's past stays open until a later run. `may_be_spot`: EC2 may have taken its capacity back.
    async fn read<T: Trail>(&self, trail: &T, id: &InstanceId, window: Window, may_be_spot: bool) -> OwnTrail {
        let take = |left: u64| left.checked_sub(LOOKUPS_PER_SERVER);
        let mut own = OwnTrail::default();
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            return own;
        }
        let limits = Limits { deadline: self.deadline, lookups: LOOKUPS_PER_SERVER };
        let mut sweep = if may_be_spot { trail.lookup_spot(id, window) } else { trail.lookup(id, window) };
        if let Err(error) = own.read_back_to(&mut sweep, id, window.from, limits).await {
            tracing::warn!(%id, "Could not read what CloudTrail tells of {id}: {error}");
        }
        self.left.fetch_add(LOOKUPS_PER_SERVER.saturating_sub(own.cost.lookups), Ordering::Relaxed);
        self.count(own.cost);
        own
    }

    /// What they cost so far.
    pub(crate) fn cost(&self) -> SweepCost {
        *self.cost.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn count(&self, cost: SweepCost) {
        // A panic while it was held cannot leave a sum in disorder.
        let mut all = self.cost.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *all = all.and(cost);
    }
}
