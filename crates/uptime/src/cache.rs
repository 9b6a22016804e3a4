//! What is cached of a server's running minutes.

use chrono::{DateTime, TimeDelta, Utc};

use crate::minutes::Minutes;
use crate::month::Month;
use crate::span::Span;
use crate::timeline::Timeline;

/// The cached running minutes of one server, as they were at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheEntry {
    /// How long it ran in `month` up to `timestamp`.
    pub span: Span,
    /// When it was computed.
    pub timestamp: DateTime<Utc>,
    /// The month it is about.
    pub month: Month,
    /// Start of the run that was still going on; none where the server was not running.
    pub running_since: Option<DateTime<Utc>>,
    /// The revision of the ledger's item that it was computed from: of two entries of one month it tells which knew more,
    /// whenever they were written.
    pub revision: u64,
}

impl CacheEntry {
    /// The entry for `month` that a timeline up to `now` gives.
    pub fn of(timeline: &Timeline, month: Month, now: DateTime<Utc>) -> Self {
        Self { span: timeline.span(month), timestamp: now, month, running_since: timeline.running_since(), revision: 0 }
    }

    /// The minutes at `instant`, taken for granted that a server that was running has been running since: an assumption,
    /// not evidence. Of the entry's month only, so that it never grows beyond the month's end, nor below what is cached.
    pub fn live_at(&self, instant: DateTime<Utc>) -> Minutes {
        let since = instant.min(self.month.end()) - self.timestamp;
        match self.running_since {
            Some(_) if since > TimeDelta::zero() => self.span.proven + Minutes::floor(since),
            _ => self.span.proven,
        }
    }

    /// How old it is.
    pub fn age(&self, now: DateTime<Utc>) -> TimeDelta {
        now - self.timestamp
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn entry(running_since: Option<&str>) -> CacheEntry {
        CacheEntry {
            span: Span { proven: "100.50".parse().unwrap(), possible: Minutes::default() },
            timestamp: at("2025-10-31T23:00:00Z"),
            month: "2025-10".parse().unwrap(),
            running_since: running_since.map(at),
            revision: 1,
        }
    }

    #[test]
    fn the_live_value_grows_while_the_server_runs_and_only_in_its_month() {
        let running = entry(Some("2025-10-01T00:00:00Z"));
        let live = |entry: &CacheEntry, instant| entry.live_at(at(instant)).to_string();
        assert_eq!(live(&running, "2025-10-31T23:30:15Z"), "130.75");
        assert_eq!(live(&running, "2025-11-01T10:00:00Z"), "160.50");
        assert_eq!(live(&running, "2025-10-31T22:00:00Z"), "100.50");
        assert_eq!(live(&entry(None), "2025-10-31T23:30:15Z"), "100.50");
    }
}
