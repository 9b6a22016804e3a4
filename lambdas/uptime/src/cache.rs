//! What is cached of a server's running minutes.

use chrono::{DateTime, TimeDelta, Utc};

use crate::minutes::Minutes;
use crate::month::Month;
use crate::timeline::Timeline;

/// The cached running minutes of one server, as they were at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheEntry {
    /// Proven running minutes of `month` up to `timestamp`.
    pub minutes: Minutes,
    /// How many minutes more the true value could be.
    pub uncertainty: Minutes,
    /// When it was computed.
    pub timestamp: DateTime<Utc>,
    /// The month it is about.
    pub month: Month,
    /// Start of the run that was still going on; none where the server was not running.
    pub running_since: Option<DateTime<Utc>>,
    /// From how many pieces of evidence it was computed. What is known of a month only grows, so of two entries of one
    /// month this tells which knew more, whenever they were written.
    pub evidence: usize,
}

impl CacheEntry {
    /// The entry for `month` that a timeline up to `now` gives.
    pub fn of(timeline: &Timeline, month: Month, now: DateTime<Utc>) -> Self {
        let time = timeline.running_time(month);
        Self {
            minutes: time.minutes(),
            uncertainty: time.uncertainty(),
            timestamp: now,
            month,
            running_since: timeline.running_since(),
            evidence: 0,
        }
    }

    /// How old it is.
    pub fn age(&self, now: DateTime<Utc>) -> TimeDelta {
        now - self.timestamp
    }
}
