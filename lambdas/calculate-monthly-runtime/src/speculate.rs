//! Beside the third step: what follows for each server if the trail tells nothing of it.
//!
//! Of nearly all servers nothing happens in an hour, and CloudTrail answers two requests a second. So items are read and folded
//! in the time in which the run waits for it anyway, by the fold that settles them. Of what that gives only the entry to be
//! cached is kept, and only where there is nothing else to be done; of others the item is, so that it need not be read again.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures::future::{Either, select};
use futures::{StreamExt, stream};
use uptime::{CacheEntry, Evidence, InstanceId, ServerMonth};
use uptime_ledger::ports::{Ledger, Services, Trail};
use uptime_ledger::{Moment, Question, Testimony};

use crate::error::RunError;
use crate::known::Known;
use crate::newest::Begun;
use crate::observe::{Observed, PART};
use crate::plan::Plan;
use crate::read::read;
use crate::reading::Reading;
use crate::task::{Fate, Reach, Task};

/// Pieces of evidence that are in memory while the trail is read, some 200 bytes each. Items of which more is to be kept are
/// read once more when they are settled.
const MOST_PIECES: usize = 150_000;

/// What was found out about servers while the trail was read.
#[derive(Debug, Default)]
pub(crate) struct Ahead(HashMap<InstanceId, FoundAhead>);

/// What was found out about one server while the trail was read.
#[derive(Debug)]
pub(crate) enum FoundAhead {
    /// Nothing but its cache entry is to be written.
    Unchanged(Speculated),
    /// More is to be done: its item, as it was read.
    Item(Box<ServerMonth>),
}

/// What follows for one server if the trail tells nothing of it.
#[derive(Debug)]
pub(crate) struct Speculated {
    pub(crate) entry: CacheEntry,
    /// Whether its state at the month's start is still open.
    pub(crate) lacks_past: bool,
    /// How often it was started in its last day.
    pub(crate) starts: usize,
    /// What CloudWatch may be able to tell of it.
    pub(crate) question: Option<Question>,
    /// From here on its item covers all time up to now: reading any of that again adds nothing.
    covered_since: DateTime<Utc>,
    /// The evidence in its item of the time that is read, most of which is read again.
    told: Vec<Evidence>,
}

/// Reads the trail, and meanwhile speculates. What is not done by then is left to be settled.
///
/// # Errors
/// Those of reading the trail.
pub(crate) async fn read_and_speculate<S: Services>(
    services: &S,
    plan: &Plan,
    observed: &Observed,
    begun: impl Future<Output = Option<Begun<<S::Trail as Trail>::Sweep>>>,
    moment: Moment,
) -> Result<(Reading, Ahead), RunError> {
    let mut ahead = Ahead::default();
    let reading = {
        let speculating = std::pin::pin!(ahead.find(services.ledger(), plan, observed, moment));
        let reading = std::pin::pin!(read(services.trail(), plan, observed, begun, moment));
        match select(speculating, reading).await {
            Either::Left(((), reading)) => reading.await?,
            Either::Right((reading, _)) => reading?,
        }
    };
    Ok((reading, ahead))
}

impl Ahead {
    /// Reads the items of this month, and adds what follows, in an hour that goes on from the one before.
    async fn find<L: Ledger>(&mut self, ledger: &L, plan: &Plan, observed: &Observed, moment: Moment) {
        if !matches!(plan.reach, Reach::Usual | Reach::Deep) {
            return;
        }
        let covered = plan.windows.iter().copied().collect();
        let known = Known::new(observed, plan, Reading { covered, complete: true, ..Reading::default() }, moment);
        // Where the look is not kept once for all servers, every item has to be written.
        if !known.shares_look() {
            return;
        }
        let is_there = |id: &&InstanceId| observed.servers.contains_key(id) && !observed.state.holes.contains_key(id);
        let ids = observed.index.iter().map(|server| &server.id).filter(is_there).cloned().collect();
        let task = Task { month: moment.month(), fate: Fate::GoesOn, ids };
        let parts = stream::iter(task.ids.chunks(PART)).map(|part| ledger.read(task.month, part));
        let mut parts = std::pin::pin!(parts.buffered(2));
        let mut room = MOST_PIECES;
        // A table that cannot be read is an error where its servers are settled.
        while let Some(Ok(part)) = parts.next().await {
            // So is an item that cannot be read.
            for (id, stored) in part.into_iter().filter_map(|(id, stored)| Some((id, stored.ok()?))) {
                let (pieces, found) = match Speculated::of(&known, &task, &id, &stored) {
                    Some(speculated) => (speculated.told.len(), FoundAhead::Unchanged(speculated)),
                    None => (stored.evidence.len(), FoundAhead::Item(Box::new(stored))),
                };
                if let Some(rest) = room.checked_sub(pieces) {
                    room = rest;
                    self.0.insert(id, found);
                }
            }
        }
    }

    /// What still holds now that the trail is read. An item always does: that it has changed since is found where it is written.
    pub(crate) fn confirmed_by(mut self, known: &Known<'_>) -> Self {
        let Reading { covered, blind, complete, .. } = &known.reading;
        let start = covered.start().filter(|_| *complete && blind.is_empty());
        self.0.retain(|id, found| match found {
            FoundAhead::Unchanged(server) => start.is_some_and(|start| server.holds(known.reading.about(id), start)),
            FoundAhead::Item(_) => true,
        });
        self
    }

    /// What was found out about a server; none where it is still to be read.
    pub(crate) fn about(&self, id: &InstanceId) -> Option<&FoundAhead> {
        self.0.get(id)
    }
}

impl Speculated {
    /// What follows from a server's item; none where more is to be done than to cache it.
    fn of(known: &Known<'_>, task: &Task, id: &InstanceId, stored: &ServerMonth) -> Option<Self> {
        let now = known.moment.now;
        let folded = known.fold(task, id, Some(stored), None, &Testimony::default());
        let is_to_be_stored = known.writing(task.fate).is_worth_it(Some(stored), &folded.month);
        if is_to_be_stored || folded.keeps_summary() || known.to_look_up(task, &folded).is_some() {
            return None;
        }
        let covered_since = folded.month.coverage.windows().last().filter(|last| last.to == now)?.from;
        let (starts, question) = (folded.month.starts_of_last_day(now), known.question(&folded));
        let is_read = |piece: &&Evidence| known.reading.covered.start().is_some_and(|start| start <= piece.at);
        let told = stored.evidence.iter().filter(is_read).cloned().collect();
        Some(Self { entry: folded.entry, lacks_past: folded.lacks_past, starts, question, covered_since, told })
    }

    /// True where the trail, read since `start`, tells nothing of the server that its item has not been told already.
    fn holds(&self, evidence: &[Evidence], start: DateTime<Utc>) -> bool {
        self.covered_since <= start && evidence.iter().all(|piece| self.told.contains(piece))
    }
}
