//! The fourth step: each server's month. Its item is read, folded and stored, and what goes on is cached.

use std::collections::{BTreeSet, HashMap};

use futures::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};
use uptime::{CacheEntry, Coverage, Folded, InstanceId, Month, Sampled, ServerMonth};
use uptime_ledger::ports::{Ledger, Services, StoredMonths, WriteRule, Written};
use uptime_ledger::{Question, ServiceError, Testimony, begins_anew, cache, cache_entry, store};

use crate::error::RunError;
use crate::holes::Storing;
use crate::known::Known;
use crate::observe::PART;
use crate::outcome::{Outcome, Settled};
use crate::report::Report;
use crate::single_lookups::SingleLookups;
use crate::speculate::{Ahead, FoundAhead, Speculated};
use crate::task::{Fate, Task};

/// Servers under way at once. Of items, at most three parts are in memory at a time.
const CONCURRENT_SERVERS: usize = 32;

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
    /// What CloudWatch may be able to tell of them.
    pub(crate) questions: Vec<Question>,
}

/// What a run settles servers with.
pub(crate) struct Means<'m, S> {
    pub(crate) services: &'m S,
    pub(crate) known: &'m Known<'m>,
    /// What was found out about servers while the trail was read.
    pub(crate) ahead: &'m Ahead,
    pub(crate) lookups: &'m SingleLookups,
}

/// Settles the servers of a task, each on its own; `sampled` is what CloudWatch has told of them already.
///
/// # Errors
/// Where nothing could be done for any server that the run is about.
pub(crate) async fn settle<S: Services>(
    means: &Means<'_, S>,
    task: &Task,
    sampled: &HashMap<InstanceId, Sampled>,
    report: &mut Report,
) -> Result<Settlement, RunError> {
    let (known, moment) = (means.known, means.known.moment);
    let mut settlement = Settlement {
        month: task.month,
        fate: task.fate,
        storing: Storing::default(),
        lacks_past: false,
        stopped_after: None,
        unanswered: BTreeSet::new(),
        questions: Vec::new(),
    };
    let mut begun = 0;
    let settling = Settling { means, task, sampled };
    settling
        .each(|id, mut settled| {
            settlement.lacks_past |= settled.lacks_past;
            settlement.storing.take(&id, &settled);
            begun += usize::from(!matches!(settled.outcome, Outcome::NotBegun));
            if matches!(settled.outcome, Outcome::Unanswered) {
                settlement.unanswered.insert(id.clone());
            }
            settlement.questions.extend(settled.question.take());
            report.note_disagreements(&id, task.month, &settled.disagreements);
            report.take(known, task, &id, settled);
        })
        .await;
    if begun < task.ids.len() {
        settlement.stopped_after = begun.checked_sub(1).map(|last| task.ids[last].clone());
    }
    if task.fate.is_cached() {
        report.age_of_unwritten(means.services.cache(), moment).await;
    }
    if task.month == report.month {
        report.verdict()?;
    }
    if task.fate.is_final() && !task.ids.is_empty() {
        let (month, servers) = (task.month, task.ids.len() - settlement.storing.failures());
        tracing::info!(%month, servers, "{month} is final for {servers} servers");
    }
    Ok(settlement)
}

/// Settles servers once more, now that CloudWatch has told of them. A failure only means that it is asked again.
pub(crate) async fn settle_sampled<S: Services>(
    means: &Means<'_, S>,
    month: Month,
    fate: Fate,
    sampled: &HashMap<InstanceId, Sampled>,
    report: &mut Report,
) {
    let task = Task { month, fate, ids: sampled.keys().cloned().collect() };
    let settling = Settling { means, task: &task, sampled };
    settling
        .each(|id, settled| {
            report.note_disagreements(&id, month, &settled.disagreements);
            if let Outcome::LedgerFailed(error) | Outcome::CacheFailed(error) = settled.outcome {
                tracing::warn!(%id, %month, %error, "Could not store what CloudWatch tells of {id}: {error}");
            }
        })
        .await;
}

/// What CloudWatch may be able to tell of a task's servers, before any of them is settled.
pub(crate) async fn questions<S: Services>(means: &Means<'_, S>, task: &Task) -> Vec<Question> {
    let (unsampled, nothing) = (HashMap::new(), Testimony::default());
    let settling = Settling { means, task, sampled: &unsampled };
    let mut questions = Vec::new();
    for part in task.ids.chunks(PART) {
        for (id, found) in settling.read_part(part).await {
            // One whose item cannot be read is an error where it is settled.
            let Found::Stored(items) = found else { continue };
            let folded = means.known.fold(task, &id, items.stored.as_ref(), items.previous.as_ref(), &nothing);
            questions.extend(means.known.question(&folded));
        }
    }
    questions
}

/// What a server is settled from.
enum Found<'m> {
    /// Nothing is new of it: what follows is known already.
    Unchanged(&'m Speculated),
    /// Its items, as far as there are any.
    Stored(Box<Items>),
    /// It could not be read.
    Unreadable(ServiceError),
}

/// What is stored of a server: its item, and where it has none in a month that goes on, that of the month before.
#[derive(Default)]
struct Items {
    stored: Option<ServerMonth>,
    previous: Option<ServerMonth>,
}

/// One task's servers being settled.
struct Settling<'t, S> {
    means: &'t Means<'t, S>,
    task: &'t Task,
    /// What CloudWatch has told of them.
    sampled: &'t HashMap<InstanceId, Sampled>,
}

impl<'t, S: Services> Settling<'t, S> {
    /// Settles each of them, as many at a time as do no harm.
    async fn each(&self, mut take: impl FnMut(InstanceId, Settled)) {
        let deadline = self.means.known.moment.deadlines.all;
        let parts = stream::iter(self.task.ids.chunks(PART)).map(|part| self.read_part(part)).buffered(2);
        let settled = parts.flat_map(stream::iter).map(|(id, found)| async move {
            let settled = in_time(deadline, self.settle(&id, found)).await;
            (id, settled)
        });
        let mut settled = std::pin::pin!(settled.buffer_unordered(CONCURRENT_SERVERS));
        while let Some((id, settled)) = settled.next().await {
            take(id, settled);
        }
    }

    /// What some servers are settled from.
    async fn read_part(&self, part: &[InstanceId]) -> Vec<(InstanceId, Found<'t>)> {
        if Instant::now() >= self.means.known.moment.deadlines.all {
            return part.iter().map(|id| (id.clone(), Found::Stored(Box::default()))).collect();
        }
        let ledger = self.means.services.ledger();
        let to_read: Vec<InstanceId> = part.iter().filter(|id| self.ahead(id).is_none()).cloned().collect();
        let mut stored = ledger.read(self.task.month, &to_read).await;
        let mut previous = Ok(StoredMonths::new());
        if let (true, Ok(stored)) = (self.task.fate.is_cached(), &stored) {
            let new: Vec<InstanceId> = to_read.iter().filter(|id| !stored.contains_key(id)).cloned().collect();
            previous = ledger.read(self.task.month.previous(), &new).await;
        }
        let mut items = |id: &InstanceId| {
            let stored = take(&mut stored, id)?;
            let previous = match take(&mut previous, id) {
                Err(error) if error.is_of_one_item => begins_anew(id, self.task.month, &error),
                previous => previous?,
            };
            Ok(Found::Stored(Box::new(Items { stored, previous })))
        };
        let mut found = |id: &InstanceId| match self.ahead(id) {
            Some(FoundAhead::Unchanged(unchanged)) => Found::Unchanged(unchanged),
            Some(FoundAhead::Item(item)) => {
                Found::Stored(Box::new(Items { stored: Some(ServerMonth::clone(item)), previous: None }))
            }
            None => items(id).unwrap_or_else(Found::Unreadable),
        };
        part.iter().map(|id| (id.clone(), found(id))).collect()
    }

    /// What was found out about a server while the trail was read, where it is settled for the first time in its month.
    fn ahead(&self, id: &InstanceId) -> Option<&'t FoundAhead> {
        let is_first = self.task.fate == Fate::GoesOn && !self.sampled.contains_key(id);
        self.means.ahead.about(id).filter(|_| is_first)
    }

    async fn settle(&self, id: &InstanceId, found: Found<'t>) -> Settled {
        match found {
            Found::Unchanged(Speculated { entry, lacks_past, starts, question, .. }) => {
                let outcome = done(cache_entry(self.means.services.cache(), id, entry, WriteRule::Upsert).await, entry);
                Settled { lacks_past: *lacks_past, starts: *starts, question: question.clone(), ..outcome.into() }
            }
            Found::Stored(items) => self.settle_items(id, *items).await,
            Found::Unreadable(error) => Outcome::LedgerFailed(error).into(),
        }
    }

    async fn settle_items(&self, id: &InstanceId, items: Items) -> Settled {
        let Items { stored, previous } = items;
        let (known, task) = (self.means.known, self.task);
        let mut folded = known.fold(task, id, stored.as_ref(), previous.as_ref(), &Testimony::default());
        let before = folded.disagreements.clone();
        let own = Testimony { sampled: self.sampled.get(id).cloned(), ..self.own_trail(id, &folded).await };
        let refold = |stored: Option<&ServerMonth>| known.fold(task, id, stored, previous.as_ref(), &own);
        if own.covered != Coverage::none() || own.sampled.is_some() {
            folded = refold(stored.as_ref());
        }
        let folded = match store(self.means.services.ledger(), stored, folded, known.writing(task.fate), refold).await {
            Ok(folded) => folded,
            Err(error) => return Outcome::LedgerFailed(error).into(),
        };
        Settled {
            lacks_past: folded.lacks_past && task.fate == Fate::GoesOn,
            healed: known.is_healed(&folded.month, &own),
            starts: folded.month.starts_of_last_day(known.moment.now),
            question: known.question(&folded),
            disagreements: folded.disagreements.iter().filter(|window| !before.contains(window)).copied().collect(),
            outcome: if task.fate.is_cached() {
                self.cache(folded).await
            } else {
                Outcome::Closed(folded.month.span())
            },
        }
    }

    /// What the trail tells of one server of which less was read, or less could be stored, than of the fleet.
    async fn own_trail(&self, id: &InstanceId, folded: &Folded) -> Testimony {
        let Some(window) = self.means.known.to_look_up(self.task, folded) else { return Testimony::default() };
        let observation = self.means.known.observed.servers.get(id);
        let may_be_spot = observation.is_none_or(|observation| observation.spot.is_some());
        self.means.lookups.read(self.means.services.trail(), id, window, may_be_spot).await
    }

    async fn cache(&self, folded: Folded) -> Outcome {
        if folded.keeps_summary() {
            return Outcome::Kept;
        }
        done(cache(self.means.services.cache(), &folded.month, &folded.entry).await, &folded.entry)
    }
}

/// What became of a server by writing its cache entry.
fn done(written: Result<Written, ServiceError>, entry: &CacheEntry) -> Outcome {
    written.map_or_else(Outcome::CacheFailed, |_| Outcome::Done(entry.span))
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
