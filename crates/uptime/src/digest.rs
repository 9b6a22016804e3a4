//! What many pieces of evidence prove of a stretch of time, as one.
//!
//! A server that is started every few minutes has thousands of pieces of evidence in a month, more than its item can hold.
//! What they decide of a stretch in the past is a few numbers: how long it ran in it and may have run, and its states at
//! both ends.

use chrono::{DateTime, TimeDelta, Utc};

use crate::state::State;
use crate::window::Window;

/// What a stretch of time comes to. It begins where its evidence has its time, and lies within one UTC day, so that every
/// day and month has its own share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    /// Where the stretch ends.
    pub until: DateTime<Utc>,
    /// The state at its beginning.
    pub before: State,
    /// The state at its end.
    pub after: State,
    /// How long the server certainly ran in it.
    pub proven: TimeDelta,
    /// How much longer it may have run.
    pub possible: TimeDelta,
    /// How many pieces of evidence it stands for.
    pub pieces: usize,
}

impl Digest {
    /// The stretch of a digest that begins at `from`.
    pub fn window(&self, from: DateTime<Utc>) -> Window {
        Window::new(from, self.until)
    }

    /// What it tells of its stretch up to `now`. How much of the sums belongs to a part is not known.
    pub(crate) fn up_to(&self, stretch: Window, now: DateTime<Utc>) -> (Window, Self) {
        if stretch.to <= now {
            return (stretch, self.clone());
        }
        let part = Window::new(stretch.from, now);
        let (proven, possible) = (TimeDelta::zero(), part.length());
        (part, Self { until: now, after: self.before, proven, possible, ..self.clone() })
    }
}
