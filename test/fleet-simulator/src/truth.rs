//! The true running time: the history of a server, added up second by second in the plainest way.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::server::{Server, State};

/// A server's running time in a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truth {
    /// It ran at least so long.
    pub at_least: TimeDelta,
    /// It ran at most so long; more than `at_least` only where replayed real records leave something open.
    pub at_most: TimeDelta,
}

impl Truth {
    /// The running time, where it is determined.
    #[must_use]
    pub fn exact(self) -> Option<TimeDelta> {
        (self.at_least == self.at_most).then_some(self.at_least)
    }
}

/// How long a server was in `running` between two instants.
#[must_use]
pub fn running_time(server: &Server, from: DateTime<Utc>, to: DateTime<Utc>) -> Truth {
    let history = server.history();
    let mut at_least = TimeDelta::zero();
    for (position, change) in history.iter().enumerate() {
        let until = history.get(position + 1).map_or(to, |next| next.at);
        if change.state == State::Running {
            at_least += overlap((change.at, until), (from, to));
        }
    }
    let doubt: TimeDelta = server.doubts.iter().map(|&doubt| overlap(doubt, (from, to))).sum();
    Truth { at_least, at_most: at_least + doubt }
}

/// The first instant of a UTC month.
#[must_use]
pub fn month_start(at: DateTime<Utc>) -> DateTime<Utc> {
    let first = at.date_naive().with_day(1).unwrap_or_else(|| at.date_naive());
    first.and_time(NaiveTime::MIN).and_utc()
}

/// The first instant of the month after the one that holds `at`.
#[must_use]
pub fn next_month(at: DateTime<Utc>) -> DateTime<Utc> {
    month_start(month_start(at) + TimeDelta::days(31))
}

/// The first instant of a month written as `YYYY-MM`.
#[must_use]
pub fn parse_month(month: &str) -> Option<DateTime<Utc>> {
    let first = NaiveDate::parse_from_str(&format!("{month}-01"), "%Y-%m-%d").ok()?;
    Some(first.and_time(NaiveTime::MIN).and_utc())
}

fn overlap(a: (DateTime<Utc>, DateTime<Utc>), b: (DateTime<Utc>, DateTime<Utc>)) -> TimeDelta {
    (a.1.min(b.1) - a.0.max(b.0)).max(TimeDelta::zero())
}
