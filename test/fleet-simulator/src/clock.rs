//! What time it is: the wall clock, or an instant that a test chose.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// The simulated account's time, and the time that passes while requests are served.
pub trait Clock: Send + Sync {
    /// The instant at which the account is looked at, in whole seconds as CloudTrail's own times are.
    fn now(&self) -> DateTime<Utc>;

    /// Time since the clock was made; request rates are measured in it, also where `now` stands still.
    fn elapsed(&self) -> Duration;
}

/// Time flows: events happen and are delivered while the simulator runs.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

/// `now` stands still; request rates are measured in real time.
#[derive(Debug)]
pub struct FrozenClock {
    now: DateTime<Utc>,
    started: Instant,
}

/// Moves only when told to, so that tests wait for nothing.
#[derive(Debug)]
pub struct ManualClock {
    started: DateTime<Utc>,
    elapsed_ms: AtomicI64,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { started: Instant::now() }
    }
}

impl FrozenClock {
    /// A clock that always shows `now`.
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Self {
        Self { now, started: Instant::now() }
    }
}

impl ManualClock {
    /// A clock that shows `now` until it is advanced.
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Self {
        Self { started: now, elapsed_ms: AtomicI64::new(0) }
    }

    /// Lets `span` pass.
    pub fn advance(&self, span: TimeDelta) {
        self.elapsed_ms.fetch_add(span.num_milliseconds(), Ordering::SeqCst);
    }
}

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place where the simulated account meets the real time")]
    fn now(&self) -> DateTime<Utc> {
        whole_seconds(Utc::now())
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Clock for FrozenClock {
    fn now(&self) -> DateTime<Utc> {
        whole_seconds(self.now)
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        whole_seconds(self.started + TimeDelta::milliseconds(self.elapsed_ms.load(Ordering::SeqCst)))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.elapsed_ms.load(Ordering::SeqCst)).unwrap_or(0))
    }
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> DateTime<Utc> {
        (**self).now()
    }

    fn elapsed(&self) -> Duration {
        (**self).elapsed()
    }
}

/// The second that holds an instant: CloudTrail's times are no finer.
#[must_use]
pub fn whole_seconds(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(at.timestamp(), 0).unwrap_or(at)
}
