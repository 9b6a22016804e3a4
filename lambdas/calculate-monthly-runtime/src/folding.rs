//! From an item of the history and what a run has learnt to the item as it should be. No I/O.

use chrono::{DateTime, Utc};
use uptime::{CacheEntry, Coverage, Evidence, InstanceId, Month, ServerMonth};
use uptime_aws::ports::SweepState;

use crate::reading::Reading;
use crate::roster::Roster;

/// What a run has learnt, for the servers to be folded one after another.
#[derive(Debug)]
pub(crate) struct Learnt {
    pub(crate) now: DateTime<Utc>,
    /// How far the fleet was swept before this run.
    pub(crate) state: SweepState,
    /// True where this run reached back further than usual.
    pub(crate) deep: bool,
    /// True where the fleet's month is swept again, whatever was swept before.
    pub(crate) forgets: bool,
    pub(crate) reading: Reading,
    pub(crate) roster: Roster,
}

/// What was read about one server only.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) covered: Coverage,
}

/// An item as it should be, and what is to be cached of it.
#[derive(Debug)]
pub(crate) struct Folded {
    pub(crate) month: ServerMonth,
    pub(crate) entry: CacheEntry,
    /// True where less was read than is needed, and what was known an hour ago was more certain: that stays.
    pub(crate) kept: bool,
    /// True where its state at the month's start is not known, and reading further back could tell.
    pub(crate) lacks_history: bool,
}

impl Learnt {
    /// The month that is going on, from its item or from that of the month before.
    pub(crate) fn fold_current(
        &self,
        id: &InstanceId,
        stored: Option<&ServerMonth>,
        previous: Option<&ServerMonth>,
        extra: &Extra,
    ) -> Folded {
        let mut month = match (stored, previous) {
            (Some(stored), _) => stored.clone(),
            (None, Some(previous)) => {
                let mut previous = previous.clone();
                previous.assume_swept(&self.state.coverage);
                previous.next_month()
            }
            (None, None) => ServerMonth::new(id.clone(), Month::of(self.now)),
        };
        let observation = self.roster.observed.get(id);
        month.assume_swept(&self.state.coverage);
        if observation.is_some() {
            month.left_at = None;
        }
        self.teach(&mut month, extra);
        match observation {
            Some(observation) => month.see(observation),
            None => month.leave(self.now),
        }
        self.summarize(month, stored)
    }

    /// A month that is over. The first look at the server after its end tells of the end; later ones tell nothing more.
    pub(crate) fn fold_closed(
        &self,
        id: &InstanceId,
        month: Month,
        stored: Option<&ServerMonth>,
        finalize: bool,
    ) -> Folded {
        let mut closed = stored.cloned().unwrap_or_else(|| ServerMonth::new(id.clone(), month));
        closed.assume_swept(&self.state.coverage);
        self.teach(&mut closed, &Extra::default());
        if closed.sighting.as_ref().is_none_or(|sighting| sighting.at < month.end()) {
            match self.roster.observed.get(id) {
                Some(observation) => closed.see(observation),
                None => closed.leave(self.now),
            }
        }
        closed.is_final |= finalize;
        self.summarize(closed, stored)
    }

    fn teach(&self, month: &mut ServerMonth, extra: &Extra) {
        month.learn(self.reading.about(&month.id).iter().cloned(), &self.reading.covered);
        month.learn(extra.evidence.iter().cloned(), &extra.covered);
    }

    fn summarize(&self, mut month: ServerMonth, stored: Option<&ServerMonth>) -> Folded {
        let before = stored.and_then(|stored| stored.summary.clone());
        // A run that began later may have stored what it knows already.
        let now = before.as_ref().map_or(self.now, |before| self.now.max(before.as_of));
        let timeline = month.timeline(now);
        let lacks_history = timeline.lacks_history(month.month);
        let entry = month.summarize_as(&timeline, now);
        let kept = before.filter(|before| !self.reading.complete && before.uncertainty < entry.uncertainty);
        let is_kept = kept.is_some();
        month.summary = kept.or(month.summary);
        Folded { month, entry, kept: is_kept, lacks_history }
    }

    /// True where something of the time before `month` was told of a server.
    pub(crate) fn told_before(&self, month: Month, id: &InstanceId) -> bool {
        self.reading.about(id).iter().any(|told| told.at < month.start())
    }

    /// True where, before there is any history, reading further back could tell some server's state at the month's start.
    pub(crate) fn anyone_lacks_history(&self) -> bool {
        self.roster.observed.keys().any(|id| self.fold_current(id, None, None, &Extra::default()).lacks_history)
    }

    /// Where the fleet has been swept, this run included.
    pub(crate) fn swept(&self) -> Coverage {
        self.state.coverage.clone().and(&self.reading.covered)
    }

    /// True for a server of which less was read than of the fleet, such as one that was not a server when the fleet was
    /// swept, and where the rest would tell its state at the month's start.
    pub(crate) fn lacks_own_history(&self, folded: &Folded) -> bool {
        let read_since = self.reading.covered.start();
        let swept_since =
            self.state.coverage.start().map_or(read_since, |since| read_since.map(|read| read.min(since)));
        let own = folded.month.coverage.start();
        folded.lacks_history && swept_since.is_some_and(|since| own.is_none_or(|own| own > since))
    }
}
