//! The time between two neighbouring points of a timeline, and what is certain of it.

use chrono::{DateTime, Utc};

use crate::state::State;
use crate::timeline::Certainty;
use crate::window::{Coverage, Window};

/// The time between two neighbouring points, or before the first or after the last one. Digests cut it into several.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gap {
    /// How many points come before it.
    pub(crate) number: usize,
    pub(crate) window: Window,
    /// The state at its beginning, where it is known.
    pub(crate) before: Option<State>,
    /// The state at its end, where it is known.
    pub(crate) after: Option<State>,
    /// Up to then nothing ran.
    quiet_until: DateTime<Utc>,
    /// Since then it ran.
    ran_since: DateTime<Utc>,
}

impl Gap {
    /// True where something outside of it could still tell more of it, such as a later look that shows the last start: of an
    /// unseen stop nothing else tells.
    pub(crate) fn is_open(&self) -> bool {
        let unseen_stop = self.before == Some(State::Running) && self.after == Some(State::NotRunning);
        !unseen_stop && !self.part(Certainty::Possible).is_empty()
    }

    /// The gap between two instants whose states are known, or not. Only two things are certain of it: where starts are
    /// known without a gap from a stop on, nothing ran; and where they are known without a gap up to a run, it ran.
    /// Everything else is possible, an unseen stop included.
    pub(crate) fn between(
        number: usize,
        (before, from): (Option<State>, DateTime<Utc>),
        (after, to): (Option<State>, DateTime<Utc>),
        starts_known: &Coverage,
    ) -> Self {
        let mut quiet_until = from;
        if before == Some(State::NotRunning) {
            quiet_until = starts_known.until(from).min(to);
        }
        let mut ran_since = to;
        if after == Some(State::Running) {
            ran_since = starts_known.since(to).max(from);
        }
        // A start that should have been seen, and was not or is not delivered yet: it can be anywhere.
        if before == Some(State::NotRunning) && after == Some(State::Running) && ran_since <= quiet_until {
            (quiet_until, ran_since) = (from, to);
        }
        Self { number, window: Window { from, to }, before, after, quiet_until, ran_since }
    }

    /// The states at both ends of the part in which the server may have run, where they are known.
    pub(crate) fn states_of_open_part(&self) -> (Option<State>, Option<State>) {
        let open = self.part(Certainty::Possible);
        let before = if open.from == self.window.from { self.before } else { Some(State::NotRunning) };
        let after = if open.to == self.window.to { self.after } else { Some(State::Running) };
        (before, after)
    }

    /// The part of it in which the server ran, or may have run.
    pub(crate) fn part(&self, certainty: Certainty) -> Window {
        match certainty {
            Certainty::Possible => Window::new(self.quiet_until, self.ran_since),
            Certainty::Proven => Window::new(self.ran_since.max(self.quiet_until), self.window.to),
        }
    }
}
