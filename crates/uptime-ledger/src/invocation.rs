//! The circumstances of one invocation.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use tokio::time::Instant;
use uptime::Month;

/// Time for the last writes and the answer before Lambda ends the process.
const GRACE: Duration = Duration::from_secs(10);

/// The time of a run to which nobody gave a deadline: `cargo lambda watch` sends one from 1970.
const WITHOUT_DEADLINE: Duration = Duration::from_secs(300);

/// When an invocation began and when it has to be done.
#[derive(Clone, Copy, Debug)]
pub struct Invocation {
    /// When it began: the instant that all its results are about.
    pub now: DateTime<Utc>,
    /// When reading CloudTrail has to stop, so that time is left to write what was read.
    pub reading_deadline: Instant,
    /// When it has to stop in good order, well before Lambda's own deadline.
    pub deadline: Instant,
}

impl Invocation {
    /// Begins now, with the deadline that Lambda gave. This is the only look at a clock of the wall.
    #[expect(clippy::disallowed_methods, reason = "wiring: here now becomes an argument")]
    pub fn begin(lambdas_deadline: SystemTime) -> Self {
        let left = lambdas_deadline.duration_since(SystemTime::now()).unwrap_or(WITHOUT_DEADLINE);
        // Short timeouts keep at least half of their time.
        let usable = left.saturating_sub(GRACE).max(left / 2);
        Self::within(Utc::now(), usable)
    }

    /// The month that is going on.
    pub fn month(&self) -> Month {
        Month::of(self.now)
    }

    /// Begins at `now`, with this much time.
    pub fn within(now: DateTime<Utc>, usable: Duration) -> Self {
        let begin = Instant::now();
        Self { now, reading_deadline: begin + usable * 3 / 4, deadline: begin + usable }
    }
}
