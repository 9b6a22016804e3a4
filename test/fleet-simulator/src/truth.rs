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
    let ends = history.iter().skip(1).map(|next| next.at).chain([to]);
    let runs: Vec<Span> = history
        .iter()
        .zip(ends)
        .filter(|(change, _)| change.state == State::Running)
        .map(|(change, end)| (change.at, end))
        .collect();
    let possible = runs.iter().chain(&server.doubts).copied().collect();
    Truth { at_least: covered(runs, from, to), at_most: covered(possible, from, to) }
}

type Span = (DateTime<Utc>, DateTime<Utc>);

/// How much of the time between two instants lies in any of the spans.
fn covered(mut spans: Vec<Span>, from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
    spans.sort_unstable();
    let (mut total, mut reached) = (TimeDelta::zero(), from);
    for (start, end) in spans {
        let (start, end) = (start.max(reached), end.min(to));
        if start < end {
            total += end - start;
            reached = end;
        }
    }
    total
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
    let first = first.and_time(NaiveTime::MIN).and_utc();
    // Read back, because the parser takes shorter numbers too.
    (first.format("%Y-%m").to_string() == month).then_some(first)
}
