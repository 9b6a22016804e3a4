//! What a run knows once the trail is read, and what follows for one server's month. No I/O.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use uptime::{
    BlindSpots, Coverage, Folded, InstanceId, Look, Month, News, Observation, ServerMonth, SweptFor, Window, fold,
};
use uptime_ledger::{Moment, Question, Testimony, Writing};

use crate::observe::Observed;
use crate::plan::Plan;
use crate::reading::Reading;
use crate::task::{Fate, Reach, Task};

/// Lambda's longest.
const LONGEST_RUN: TimeDelta = TimeDelta::minutes(15);
/// Each of them is named in the state of the sweeps, which every event reads.
const MOST_BETWEEN_STATES: usize = 50;

/// What was observed, planned and read.
#[derive(Debug)]
pub(crate) struct Known<'r> {
    pub(crate) observed: &'r Observed,
    pub(crate) plan: &'r Plan,
    pub(crate) reading: Reading,
    pub(crate) moment: Moment,
    /// Where the fleet has been swept, this run included.
    pub(crate) swept: Coverage,
    /// Launches and starts that could not be read, by this run or earlier ones.
    blind: BlindSpots,
    /// Where this run's look is kept once for all servers: those of which it shows no state. (Found once, for each server asks.)
    shared_look_shows_not: Option<BTreeSet<InstanceId>>,
}

impl<'r> Known<'r> {
    /// All three together.
    pub(crate) fn new(observed: &'r Observed, plan: &'r Plan, reading: Reading, moment: Moment) -> Self {
        let swept = observed.state.coverage.clone().and(&reading.covered);
        let blind = observed.state.blind.clone().and(&reading.blind);
        let shared_look_shows_not = not_shown_by_shared_look(observed, plan, moment);
        Self { observed, plan, reading, moment, swept, blind, shared_look_shows_not }
    }

    /// True where this run's look is kept once for all servers.
    pub(crate) fn shares_look(&self) -> bool {
        self.shared_look_shows_not.is_some()
    }

    /// The servers of which the look shows no state, where it is kept once for all servers.
    pub(crate) fn not_shown(&self) -> Option<&BTreeSet<InstanceId>> {
        self.shared_look_shows_not.as_ref()
    }

    /// How the items of months with this fate are written. One of which only the coverage has grown is worth writing where the
    /// sweep state is about to forget that.
    pub(crate) fn writing(&self, fate: Fate) -> Writing {
        Writing {
            rewrite: self.plan.reach == Reach::Anew && fate == Fate::GoesOn,
            reopen: fate.reopens(),
            look_is_shared: self.shares_look() && fate == Fate::GoesOn,
        }
    }

    /// A server's month as it should be: from its item, or from that of the month before, with what is new of it.
    pub(crate) fn fold(
        &self,
        task: &Task,
        id: &InstanceId,
        stored: Option<&ServerMonth>,
        previous: Option<&ServerMonth>,
        own: &Testimony,
    ) -> Folded {
        // Begun from the item of the month before, it lacks what that one lacks.
        let made_from = [task.month, task.month.previous()];
        let made_from = if stored.is_none() && task.fate.is_cached() { &made_from[..] } else { &made_from[..1] };
        let news = self.news(task, id, stored, made_from, own);
        let month = ServerMonth::begun(id, task.month, stored, previous, &news.swept);
        let mut folded = fold(month, &news, self.moment.now);
        // A month that still lacks something is closed once that is filled.
        let lacks = self.observed.state.owes(id, task.month) && !self.is_healed(&folded.month, own);
        folded.month.is_final &= task.fate != Fate::GoesOn;
        folded.month.is_final |= task.fate.is_final() && !lacks;
        if !self.reading.complete
            && let Some(stored) = stored
            && let Some(before) = stored.last_summary(&self.observed.state.for_server(id, made_from))
        {
            folded.keep_if_more_certain(&before);
        }
        folded
    }

    fn news<'n>(
        &'n self,
        task: &Task,
        id: &InstanceId,
        stored: Option<&'n ServerMonth>,
        made_from: &[Month],
        own: &'n Testimony,
    ) -> News<'n> {
        let swept = SweptFor { blind: Cow::Borrowed(&self.blind), ..self.observed.state.for_server(id, made_from) };
        let late = stored.filter(|_| matches!(task.fate, Fate::Reopened { .. })).map(|stored| &stored.late_evidence);
        let evidence = self.reading.about(id).iter().chain(&own.evidence).chain(late.into_iter().flatten());
        News {
            swept: swept.with_blind_spots(&own.blind),
            evidence: evidence.collect(),
            covered: self.reading.covered.clone().and(&own.covered),
            sampled: own.sampled.as_ref(),
            look: Look::of(self.observed.servers.get(id), self.moment.now),
        }
    }

    /// True where what could not be stored of a server is in its month now: all of that time is covered, or was read again. (Of
    /// the time after it left, and of other months' time, an item keeps no coverage.)
    pub(crate) fn is_healed(&self, month: &ServerMonth, own: &Testimony) -> bool {
        let Some(hole) = self.observed.state.holes.get(&month.id) else { return false };
        let readable = self.blind.taken_from(hole.windows.clone(), month.created());
        let known = month.coverage.clone().and(&self.reading.covered).and(&own.covered);
        readable.windows().iter().all(|window| known.holes(*window).is_empty())
    }

    /// The time of which a server's own records are to be read: one of which less was read than of the fleet, such as one that
    /// was not a server when the fleet was swept, where the rest would tell its state at the month's start; one whose
    /// evidence could not be stored; and one that is doubted.
    pub(crate) fn to_look_up(&self, task: &Task, folded: &Folded) -> Option<Window> {
        let month = &folded.month;
        let is_healed = self.is_healed(month, &Testimony::default());
        if let Some(hole) = self.observed.state.holes.get(&month.id).filter(|_| !is_healed) {
            return Some(Window::new(hole.windows.start()?, hole.windows.end()?));
        }
        if self.plan.rereads && !self.plan.needed.is_empty() {
            return Some(self.plan.needed);
        }
        if task.fate != Fate::GoesOn || !folded.lacks_past {
            return None;
        }
        let swept = self.blind.taken_from(self.swept.clone(), month.created());
        let lacks = |swept: &Window| !month.coverage.holes(*swept).is_empty();
        swept.windows().iter().any(lacks).then(|| Window::new(self.observed.remembered_since, self.moment.now))
    }

    /// What CloudWatch may be able to tell of a server. Nothing is asked while the trail is about to tell more: that may close what
    /// is open now, and the samples would make the item larger for the whole month.
    pub(crate) fn question(&self, folded: &Folded) -> Option<Question> {
        Question::of(folded, self.moment.now).filter(|_| !self.reads_on_next_time())
    }

    /// True where this run did not get through what was to be read, and the next one will get further: it was the first to try, or
    /// runs get on with what earlier ones have left.
    fn reads_on_next_time(&self) -> bool {
        let is_first = self.observed.state.coverage == Coverage::none();
        !self.reading.complete && (is_first || self.fills_hole())
    }

    /// True where something of the time before `instant` was read of a server.
    pub(crate) fn has_evidence_before(&self, instant: DateTime<Utc>, id: &InstanceId) -> bool {
        self.reading.about(id).iter().any(|evidence| evidence.at < instant)
    }

    /// True where this run has read something of a window that no run had read before.
    pub(crate) fn covers_anew(&self, window: Window) -> bool {
        let read = self.reading.covered.within(&window);
        read.windows().iter().any(|read| !self.observed.state.coverage.holes(*read).is_empty())
    }

    /// True where this run has read something that earlier runs had left out, before the time up to which they have read.
    pub(crate) fn fills_hole(&self) -> bool {
        let swept_until = self.observed.state.coverage.end();
        swept_until.is_some_and(|end| self.covers_anew(Window::new(DateTime::<Utc>::MIN_UTC, end)))
    }
}

/// The servers between two states, of which the look shows none. It is kept once for all servers in a run over the whole fleet,
/// unless there are many such servers, or another run's look is so young that the run may not be over.
fn not_shown_by_shared_look(observed: &Observed, plan: &Plan, moment: Moment) -> Option<BTreeSet<InstanceId>> {
    let last = observed.state.looks.first();
    let is_alone = last.is_none_or(|look| moment.now - look.at >= LONGEST_RUN);
    let between_states = observed.servers.values().filter(|server| server.sighting().is_none());
    let not_shown: BTreeSet<InstanceId> = between_states.map(|server| server.id.clone()).collect();
    (is_alone && plan.moves_the_watermark() && not_shown.len() <= MOST_BETWEEN_STATES).then_some(not_shown)
}

/// True where, before anything is kept, reading further back could tell some server's state at the month's start.
pub(crate) fn lacks_past_at_first(observed: &Observed, reading: &Reading, moment: Moment) -> bool {
    let blind = observed.state.blind.clone().and(&reading.blind);
    let nothing = Coverage::none();
    let lacks_past = |server: &Observation| {
        let swept = SweptFor { coverage: &nothing, hole: None, blind: Cow::Borrowed(&blind), seen_at: None };
        let evidence = reading.about(&server.id).iter().collect();
        let look = Look::Seen(server);
        let news = News { swept, evidence, covered: reading.covered.clone(), sampled: None, look };
        fold(ServerMonth::new(server.id.clone(), moment.month()), &news, moment.now).lacks_past
    };
    observed.servers.values().any(lacks_past)
}
