//! Beside the third step: what follows for each server if the trail tells nothing of it.
//!
//! Of nearly all servers nothing happens in an hour, and CloudTrail answers two requests a second. So items are read and folded
//! in the time in which the run waits for it anyway, by the fold that settles them. Of what that gives only the entry to be
//! cached is kept, and only where there is nothing else to be done.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures::future::{Either, select};
use futures::{StreamExt, stream};
use uptime::{CacheEntry, InstanceId, ServerMonth};
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

/// What follows for the servers of which nothing but the cache entry is to be written.
#[derive(Debug, Default)]
pub(crate) struct Unchanged(HashMap<InstanceId, Speculated>);

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
) -> Result<(Reading, Unchanged), RunError> {
    let mut unchanged = Unchanged::default();
    let reading = {
        let speculating = std::pin::pin!(unchanged.find(services.ledger(), plan, observed, moment));
        let reading = std::pin::pin!(read(services.trail(), plan, observed, begun, moment));
        match select(speculating, reading).await {
            Either::Left(((), reading)) => reading.await?,
            Either::Right((reading, _)) => reading?,
        }
    };
    Ok((reading, unchanged))
}

impl Unchanged {
    /// Adds what follows for the servers that have an item this month, in an hour that goes on from the one before.
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
        // A table that cannot be read is an error where its servers are settled.
        while let Some(Ok(part)) = parts.next().await {
            let items = part.into_iter().filter_map(|(id, stored)| Some((id, stored.ok()?)));
            self.0.extend(items.filter_map(|(id, stored)| {
                let speculated = Speculated::of(&known, &task, &id, &stored)?;
                Some((id, speculated))
            }));
        }
    }

    /// Those that still hold now that the trail is read.
    pub(crate) fn confirmed_by(mut self, known: &Known<'_>) -> Self {
        let Reading { covered, blind, complete, .. } = &known.reading;
        let Some(start) = covered.start().filter(|_| *complete && blind.is_empty()) else { return Self::default() };
        self.0.retain(|id, server| known.reading.about(id).is_empty() && server.covered_since <= start);
        self
    }

    /// What follows for a server; none where that is still to be found.
    pub(crate) fn get(&self, id: &InstanceId) -> Option<&Speculated> {
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
        let (starts, question) = (folded.month.starts_of_last_day(now), Question::of(&folded, now));
        Some(Self { entry: folded.entry, lacks_past: folded.lacks_past, starts, question, covered_since })
    }
}
