//! What a run knows once the trail is read, and what follows for one server's month. No I/O.

use chrono::{DateTime, Utc};
use uptime::{BlindSpots, Coverage, InstanceId, Month, ServerMonth, SweptFor, Window};
use uptime_ledger::{Folded, OwnTrail};

use crate::observe::Observed;
use crate::reading::Reading;
use crate::task::{Fate, Reach, Task};

/// What was observed and read.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) observed: Observed,
    pub(crate) reading: Reading,
    /// How far back it was read.
    pub(crate) reach: Reach,
    pub(crate) now: DateTime<Utc>,
}

impl Known {
    /// A server's month as it should be: from its item, or from that of the month before, with what was read of it.
    pub(crate) fn fold(
        &self,
        task: &Task,
        id: &InstanceId,
        stored: Option<&ServerMonth>,
        previous: Option<&ServerMonth>,
        own: &OwnTrail,
    ) -> Folded {
        let month = match task.fate {
            Fate::GoesOn => self.fold_current(task.month, id, stored, previous, own),
            fate => self.fold_closed(task.month, fate, id, stored, own),
        };
        let before = stored.and_then(|stored| stored.summary.clone());
        let mut folded = Folded::of(month, self.now);
        let uncertainty = folded.entry.uncertainty;
        if let Some(before) = before.filter(|before| !self.reading.complete && before.uncertainty < uncertainty) {
            folded.month.summary = Some(before);
            folded.kept = true;
        }
        folded
    }

    fn fold_current(
        &self,
        month: Month,
        id: &InstanceId,
        stored: Option<&ServerMonth>,
        previous: Option<&ServerMonth>,
        own: &OwnTrail,
    ) -> ServerMonth {
        // Begun from the item of the month before, it lacks what that one lacks.
        let made_from: &[Month] = if stored.is_some() { &[month] } else { &[month, month.previous()] };
        let mut month = ServerMonth::going_on(id, month, stored, previous, &self.swept_for(id, made_from));
        let observation = self.observed.servers.get(id);
        if observation.is_some() {
            month.left_at = None;
        }
        self.teach(&mut month, own);
        match observation {
            Some(observation) => month.see(observation),
            None => month.leave(self.now),
        }
        month
    }

    /// The first look at the server after the end of its month tells of the end; later ones tell nothing more.
    fn fold_closed(
        &self,
        month: Month,
        fate: Fate,
        id: &InstanceId,
        stored: Option<&ServerMonth>,
        own: &OwnTrail,
    ) -> ServerMonth {
        let mut closed = stored.cloned().unwrap_or_else(|| ServerMonth::new(id.clone(), month));
        closed.assume_swept(&self.swept_for(id, &[month]));
        self.teach(&mut closed, own);
        if matches!(fate, Fate::Reopened { .. }) {
            closed.learn(closed.late_evidence.clone(), &Coverage::none());
        }
        // Of one that left within the month, a later look tells nothing: it may be a server again since.
        let left_before = closed.left_at.is_some_and(|left| left < month.end());
        if !left_before && closed.sighting.as_ref().is_none_or(|sighting| sighting.at < month.end()) {
            match self.observed.servers.get(id) {
                Some(observation) => closed.see(observation),
                None => closed.leave(self.now),
            }
        }
        // A month that still lacks something is closed once that is filled.
        let lacks = self.observed.state.owes(id, month) && !self.is_healed(&closed, own);
        closed.is_final |= fate.is_final() && !lacks;
        closed
    }

    fn teach(&self, month: &mut ServerMonth, own: &OwnTrail) {
        let observed = self.observed.servers.get(&month.id).and_then(|observation| observation.created_at);
        let created = month.created().or(observed);
        let blind = self.blind().and(&own.blind);
        let read = blind.taken_from(self.reading.covered.clone(), created);
        month.learn(self.reading.about(&month.id).iter().cloned(), &read);
        month.learn(own.evidence.iter().cloned(), &blind.taken_from(own.covered.clone(), created));
    }

    /// What a server may rely on of earlier runs' sweeps.
    fn swept_for(&self, id: &InstanceId, months: &[Month]) -> SweptFor {
        SweptFor { blind: self.blind(), ..self.observed.state.for_server(id, months) }
    }

    /// Launches and starts that could not be read, by this run or earlier ones.
    fn blind(&self) -> BlindSpots {
        self.observed.state.blind.clone().and(&self.reading.blind)
    }

    /// Where the fleet has been swept, this run included.
    pub(crate) fn swept(&self) -> Coverage {
        self.observed.state.coverage.clone().and(&self.reading.covered)
    }

    /// True where what could not be stored of a server is in its month now: all of that time is covered, or was read again. (Of
    /// the time after it left, and of other months' time, an item keeps no coverage.)
    pub(crate) fn is_healed(&self, month: &ServerMonth, own: &OwnTrail) -> bool {
        let Some(hole) = self.observed.state.holes.get(&month.id) else { return false };
        let readable = self.blind().taken_from(hole.windows.clone(), month.created());
        let known = month.coverage.clone().and(&self.reading.covered).and(&own.covered);
        readable.windows().iter().all(|window| known.holes(*window).is_empty())
    }

    /// The time of which a server's own records are to be read: one of which less was read than of the fleet, such as one that
    /// was not a server when the fleet was swept, where the rest would tell its state at the month's start; and one whose
    /// evidence could not be stored.
    pub(crate) fn to_look_up(&self, task: &Task, folded: &Folded) -> Option<Window> {
        let month = &folded.month;
        let is_healed = self.is_healed(month, &OwnTrail::default());
        if let Some(hole) = self.observed.state.holes.get(&month.id).filter(|_| !is_healed) {
            return Some(Window::new(hole.windows.start()?, hole.windows.end()?));
        }
        if task.fate != Fate::GoesOn || !folded.lacks_past {
            return None;
        }
        let swept = self.blind().taken_from(self.swept(), month.created());
        let lacks = |swept: &Window| !month.coverage.holes(*swept).is_empty();
        swept.windows().iter().any(lacks).then(|| Window::new(self.observed.remembered_since, self.now))
    }

    /// True where something of the time before `instant` was read of a server.
    pub(crate) fn told_before(&self, instant: DateTime<Utc>, id: &InstanceId) -> bool {
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

/// True where, before anything is kept, reading further back could tell some server's state at the month's start.
pub(crate) fn lacks_past_at_first(observed: &Observed, reading: &Reading, now: DateTime<Utc>) -> bool {
    observed.servers.values().any(|server| {
        let mut month = ServerMonth::new(server.id.clone(), Month::of(now));
        let blind = observed.state.blind.clone().and(&reading.blind);
        let read = blind.taken_from(reading.covered.clone(), server.created_at);
        month.learn(reading.about(&server.id).iter().cloned(), &read);
        month.see(server);
        month.lacks_past(now)
    })
}
