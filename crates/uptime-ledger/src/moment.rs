//! When an invocation happens, and by when it has to be done.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use tokio::time::Instant;
use uptime::Month;

/// Time for the last writes and the answer before Lambda ends the process.
const GRACE: Duration = Duration::from_secs(10);

/// The part of it in which how far a run got is noted.
const NOTING: Duration = Duration::from_secs(5);

/// The time of a run to which nobody gave a deadline: `cargo lambda watch` sends one from 1970.
const WITHOUT_DEADLINE: Duration = Duration::from_secs(300);

/// The instant that an invocation is about, and by when it has to be done.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// When the invocation began: the instant that all its results are about.
    pub now: DateTime<Utc>,
    /// By when it has to be done.
    pub deadlines: Deadlines,
}

/// By when the parts of an invocation have to be done.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// When reading the trail has to stop, so that time is left to write what was read.
    pub reading: Instant,
    /// When the work on servers has to stop in good order, well before Lambda's own deadline.
    pub all: Instant,
    /// When what was done has to be noted, so that the next run goes on from there.
    pub noting: Instant,
}

impl Moment {
    /// The moment at which Lambda has called, with the deadline that it gave. This is the only look at a wall clock.
    #[expect(clippy::disallowed_methods, reason = "wiring: here now becomes an argument")]
    pub fn begin(lambdas_deadline: SystemTime) -> Self {
        let left = lambdas_deadline.duration_since(SystemTime::now()).unwrap_or(WITHOUT_DEADLINE);
        // Short timeouts keep at least half of their time.
        let usable = left.saturating_sub(GRACE).max(left / 2);
        Self::within(Utc::now(), usable)
    }

    /// A moment at `now`, with this much time.
    pub fn within(now: DateTime<Utc>, usable: Duration) -> Self {
        let begin = Instant::now();
        Self {
            now,
            deadlines: Deadlines {
                reading: begin + usable * 3 / 4,
                all: begin + usable,
                noting: begin + usable + NOTING,
            },
        }
    }

    /// The month that is going on.
    pub fn month(&self) -> Month {
        Month::of(self.now)
    }

    /// The same with `instant` as now, where that is later: another machine's clock may be a little ahead, and what it tells
    /// of has happened.
    #[must_use]
    pub fn not_before(self, instant: DateTime<Utc>) -> Self {
        Self { now: self.now.max(instant), ..self }
    }
}
