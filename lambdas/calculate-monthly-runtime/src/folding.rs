//! From an item of the history and what a run has learnt to the item as it should be. No I/O.

use chrono::{DateTime, Utc};
use uptime::{BlindSpots, Coverage, InstanceId, Month, ServerMonth, SweptFor, Window};
use uptime_aws::cloudtrail::remembered_since;
use uptime_aws::ports::SweepState;
use uptime_ledger::{Folded, OwnHistory};

use crate::passes::Closing;
use crate::reading::Reading;
use crate::roster::Roster;

/// What a run has learnt, for the servers to be folded one after another.
#[derive(Debug)]
pub(crate) struct Learnt {
    pub(crate) now: DateTime<Utc>,
    /// How far the fleet was swept before this run.
    pub(crate) state: SweepState,
    /// True where this run has read all that is worth reading again for what came late.
    pub(crate) deep: bool,
    /// True where the fleet's month is swept again, whatever was swept before.
    pub(crate) forgets: bool,
    pub(crate) reading: Reading,
    pub(crate) roster: Roster,
}

impl Learnt {
    /// The month that is going on, from its item or from that of the month before.
    pub(crate) fn fold_current(
        &self,
        id: &InstanceId,
        stored: Option<&ServerMonth>,
        previous: Option<&ServerMonth>,
        own: &OwnHistory,
    ) -> Folded {
        let mut month = ServerMonth::going_on(id, Month::of(self.now), stored, previous, &self.swept_for(id));
        let observation = self.roster.observed.get(id);
        if observation.is_some() {
            month.left_at = None;
        }
        self.teach(&mut month, own);
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
        closing: Closing,
        stored: Option<&ServerMonth>,
        own: &OwnHistory,
    ) -> Folded {
        let month = closing.month;
        let mut closed = stored.cloned().unwrap_or_else(|| ServerMonth::new(id.clone(), month));
        closed.assume_swept(&self.swept_for(id));
        self.teach(&mut closed, own);
        if closing.reopen {
            closed.learn(closed.late_evidence.clone(), &Coverage::none());
        }
        // Of one that left within the month, a later look tells nothing: it may be a server again since.
        let left_before = closed.left_at.is_some_and(|left| left < month.end());
        if !left_before && closed.sighting.as_ref().is_none_or(|sighting| sighting.at < month.end()) {
            match self.roster.observed.get(id) {
                Some(observation) => closed.see(observation),
                None => closed.leave(self.now),
            }
        }
        closed.is_final |= closing.finalize;
        self.summarize(closed, stored)
    }

    fn teach(&self, month: &mut ServerMonth, own: &OwnHistory) {
        let observed = self.roster.observed.get(&month.id).and_then(|observation| observation.created_at);
        let created = month.created().or(observed);
        let blind = self.blind().and(&own.blind);
        let read = blind.taken_from(self.reading.covered.clone(), created);
        month.learn(self.reading.about(&month.id).iter().cloned(), &read);
        month.learn(own.evidence.iter().cloned(), &blind.taken_from(own.covered.clone(), created));
    }

    /// What a server may rely on of earlier runs' sweeps.
    pub(crate) fn swept_for(&self, id: &InstanceId) -> SweptFor {
        SweptFor { blind: self.blind(), ..self.state.for_server(id) }
    }

    /// Launches and starts that could not be read, by this run or earlier ones.
    pub(crate) fn blind(&self) -> BlindSpots {
        self.state.blind.clone().and(&self.reading.blind)
    }

    /// True where what could not be stored of a server is in its month now.
    pub(crate) fn is_healed(&self, month: &ServerMonth) -> bool {
        let Some(hole) = self.state.holes.get(&month.id) else { return false };
        let readable = self.blind().taken_from(hole.windows.clone(), month.created());
        readable.windows().iter().all(|window| month.coverage.holes(*window).is_empty())
    }

    fn summarize(&self, month: ServerMonth, stored: Option<&ServerMonth>) -> Folded {
        let before = stored.and_then(|stored| stored.summary.clone());
        let mut folded = Folded::of(month, self.now);
        let uncertainty = folded.entry.uncertainty;
        if let Some(before) = before.filter(|before| !self.reading.complete && before.uncertainty < uncertainty) {
            folded.month.summary = Some(before);
            folded.kept = true;
        }
        folded
    }

    /// True where something of the time before `month` was told of a server.
    pub(crate) fn told_before(&self, month: Month, id: &InstanceId) -> bool {
        self.reading.about(id).iter().any(|told| told.at < month.start())
    }

    /// True where this run has read something of a window that no run had read before.
    pub(crate) fn covers_anew(&self, window: Window) -> bool {
        let read = self.reading.covered.within(&window);
        read.windows().iter().any(|read| !self.state.coverage.holes(*read).is_empty())
    }

    /// True where this run has read something that earlier runs had left out, before the time up to which they have read.
    pub(crate) fn fills_hole(&self) -> bool {
        let swept_until = self.state.coverage.end();
        swept_until.is_some_and(|end| self.covers_anew(Window::new(DateTime::<Utc>::MIN_UTC, end)))
    }

    /// True where, before there is any history, reading further back could tell some server's state at the month's start.
    pub(crate) fn anyone_lacks_history(&self) -> bool {
        self.roster.observed.keys().any(|id| self.fold_current(id, None, None, &OwnHistory::default()).lacks_history)
    }

    /// Where the fleet has been swept, this run included.
    pub(crate) fn swept(&self) -> Coverage {
        self.state.coverage.clone().and(&self.reading.covered)
    }

    /// From when on a server's own records are to be read: one of which less was read than of the fleet, such as one that
    /// was not a server when the fleet was swept, where the rest would tell its state at the month's start; and one whose
    /// evidence could not be stored.
    pub(crate) fn own_history_since(&self, folded: &Folded) -> Option<DateTime<Utc>> {
        let month = &folded.month;
        if let Some(hole) = self.state.holes.get(&month.id).filter(|_| !self.is_healed(month)) {
            return hole.windows.start();
        }
        let swept = self.blind().taken_from(self.swept(), month.created());
        let lacks = |swept: &Window| !month.coverage.holes(*swept).is_empty();
        (folded.lacks_history && swept.windows().iter().any(lacks)).then(|| remembered_since(self.now))
    }
}
