//! What CloudWatch has of a server's status checks, and the evidence in it.
//!
//! A server is checked once a minute while it runs, and each check is a sample of `StatusCheckFailed`, whatever it finds. So k
//! samples in a run tell that it lasted between k − 1 and k + 1 minutes. Only how many there are in a period is known, and what
//! is left of older ones are longer periods.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::evidence::{Evidence, Fact, Source};
use crate::period::Period;
use crate::window::Window;

/// The time between two samples, within which a run begins before its first and ends after its last one.
const MINUTE: TimeDelta = TimeDelta::minutes(1);
/// So many empty periods in a row tell that a server did not run; fewer may have been lost.
const EMPTY: i64 = 3;
/// How seldom samples that were lost may look like a server that did not run.
const SELDOM: f64 = 1e-6;

/// How many samples CloudWatch has of a server in each period of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Samples {
    /// Whole periods.
    pub window: Window,
    /// Their length.
    pub period: Period,
    /// From the beginning of a period to its samples; periods without any are not in it.
    pub counts: BTreeMap<DateTime<Utc>, u32>,
}

/// How many samples reach CloudWatch of those that should.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Those that did.
    pub arrived: u64,
    /// Those that are missing between others, too few in a row for a server that did not run.
    pub lost: u64,
}

impl Delivery {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { arrived: self.arrived + other.arrived, lost: self.lost + other.lost }
    }

    /// The longest row of lost samples to reckon with.
    fn most_in_a_row(self) -> i64 {
        if self.lost == 0 {
            return 0;
        }
        let share = self.lost as f64 / (self.lost + self.arrived) as f64;
        (SELDOM.ln() / share.ln()).ceil() as i64
    }
}

/// What is known of a period, or of some minutes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Full,
    Empty,
    Part(i64),
    /// Nothing: some of its samples may be lost.
    Nothing,
}

/// Minutes in a row of which the same is known.
#[derive(Clone, Copy, Debug)]
struct Row {
    window: Window,
    known: Known,
}

impl Samples {
    /// How many of its samples are missing between others.
    pub fn delivery(&self) -> Delivery {
        let minutes = self.period.minutes();
        let arrived = self.counts.values().map(|count| u64::from(*count)).sum();
        let rows = self.periods();
        let is_lost = |three: &[Row]| match (three[0].known, three[1].known, three[2].known) {
            (Known::Full, Known::Part(count), Known::Full) => minutes - count,
            (Known::Full, Known::Empty, Known::Full) => minutes,
            _ => 0,
        };
        let missing = rows.windows(3).map(is_lost).filter(|missing| *missing < EMPTY);
        Delivery { arrived, lost: missing.map(i64::unsigned_abs).sum() }
    }

    /// The evidence in them, where samples get lost as seldom as `delivery` says. Of a server that has none at all, that proves
    /// nothing.
    pub fn evidence(&self, delivery: Delivery) -> Vec<Evidence> {
        if self.counts.is_empty() {
            return Vec::new();
        }
        let lost = delivery.most_in_a_row();
        let rows = joined(self.edges(self.periods(), lost));
        rows.iter().filter_map(|row| self.evidence_of(row, lost)).collect()
    }

    fn evidence_of(&self, row: &Row, lost: i64) -> Option<Evidence> {
        // What is known of a row is known but for the minute at either end, in which the state may have changed.
        let inner = |margin: TimeDelta| Window::new(row.window.from + margin, row.window.to - margin);
        let minutes = |minutes: i64| TimeDelta::minutes(minutes);
        let (window, fact) = match row.known {
            Known::Full => {
                let inner = inner(MINUTE);
                (inner, Fact::Sampled { until: inner.to })
            }
            Known::Empty => {
                let least = (EMPTY * self.period.minutes()).max(lost + 1);
                if row.window.length() < minutes(least) {
                    return None;
                }
                let inner = inner(minutes(1 + lost));
                (inner, Fact::Unsampled { until: inner.to })
            }
            Known::Part(count) => {
                let proven = minutes((count - 1).max(0));
                let rest = row.window.length() - proven;
                let possible = if lost == 0 { rest.min(minutes(2)) } else { rest };
                (row.window, Fact::PartlySampled { until: row.window.to, proven, possible })
            }
            Known::Nothing => return None,
        };
        (!window.is_empty()).then_some(Evidence { at: window.from, fact, source: Source::CloudWatch })
    }

    /// What is known of each period.
    fn periods(&self) -> Vec<Row> {
        let full = self.period.minutes();
        let mut rows = Vec::new();
        let mut from = self.window.from;
        while from < self.window.to {
            let to = from + self.period.length();
            let count = i64::from(self.counts.get(&from).copied().unwrap_or_default());
            let known = match count {
                0 => Known::Empty,
                count if count >= full => Known::Full,
                count => Known::Part(count),
            };
            rows.push(Row { window: Window::new(from, to), known });
            from = to;
        }
        rows
    }

    /// The same with each period in which a run begins or ends cut in two: its samples lie on the side of the run. That there
    /// are no more of them tells nothing where some get lost.
    fn edges(&self, periods: Vec<Row>, lost: i64) -> Vec<Row> {
        let rest = if lost == 0 { Known::Empty } else { Known::Nothing };
        let ran = |i: Option<usize>| match periods.get(i?)?.known {
            Known::Empty => Some(false),
            Known::Full | Known::Part(_) => Some(true),
            Known::Nothing => None,
        };
        let mut rows = Vec::with_capacity(periods.len());
        for (i, row) in periods.iter().enumerate() {
            let Window { from, to } = row.window;
            let cut = |at, before, after| {
                [
                    Row { window: Window::new(from, at), known: before },
                    Row { window: Window::new(at, to), known: after },
                ]
            };
            match (row.known, ran(i.checked_sub(1)), ran(Some(i + 1))) {
                (Known::Part(count), Some(false), Some(true)) => {
                    rows.extend(cut(to - TimeDelta::minutes(count), rest, Known::Full));
                }
                (Known::Part(count), Some(true), Some(false)) => {
                    rows.extend(cut(from + TimeDelta::minutes(count), Known::Full, rest));
                }
                _ => rows.push(*row),
            }
        }
        rows
    }
}

/// Rows of which the same is known as one.
fn joined(rows: Vec<Row>) -> Vec<Row> {
    let mut joined: Vec<Row> = Vec::new();
    for row in rows {
        match joined.last_mut() {
            Some(last) if last.known == row.known && !matches!(row.known, Known::Part(_)) => {
                last.window.to = row.window.to;
            }
            _ => joined.push(row),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        format!("2026-03-01T{text}Z").parse().unwrap()
    }

    /// Counts of periods from 10:00 on.
    fn samples(period: Period, counts: &[u32]) -> Samples {
        let begin = |i: usize| at("10:00:00") + period.length() * i32::try_from(i).unwrap();
        let window = Window::new(begin(0), begin(counts.len()));
        let counts = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        Samples { window, period, counts: counts.map(|(i, count)| (begin(i), *count)).collect() }
    }

    fn evidence(period: Period, counts: &[u32]) -> Vec<String> {
        let all = samples(period, counts).evidence(Delivery::default());
        all.iter().map(|piece| piece.to_string().replace("2026-03-01T", "").replace(" CloudWatch", "")).collect()
    }

    #[test]
    fn minutes_with_a_sample_and_without_are_two_stretches_up_to_two_minutes_apart() {
        let found = evidence(Period::Minute, &[1, 1, 1, 1, 0, 0, 0, 0, 0]);
        assert_eq!(found, ["10:01:00Z sampled(until=10:03:00Z)", "10:05:00Z unsampled(until=10:08:00Z)"]);
    }

    #[test]
    fn a_run_that_ends_within_a_period_has_its_samples_at_the_period_s_beginning() {
        let found = evidence(Period::FiveMinutes, &[5, 5, 3, 0, 0, 0]);
        assert_eq!(found, ["10:01:00Z sampled(until=10:12:00Z)", "10:14:00Z unsampled(until=10:29:00Z)"]);
        let found = evidence(Period::FiveMinutes, &[0, 0, 0, 2, 5, 5]);
        assert_eq!(found, ["10:01:00Z unsampled(until=10:17:00Z)", "10:19:00Z sampled(until=10:29:00Z)"]);
    }

    #[test]
    fn of_a_period_alone_only_the_sum_is_known() {
        let found = evidence(Period::Hour, &[0, 0, 0, 25, 0, 0, 0]);
        let sum = "13:00:00Z partly-sampled(until=14:00:00Z,proven=1440000ms,possible=120000ms)";
        assert_eq!(found[1], sum);
        assert_eq!(evidence(Period::Minute, &[1]), [""; 0]);
    }

    #[test]
    fn of_a_server_without_any_sample_nothing_is_known() {
        assert_eq!(evidence(Period::FiveMinutes, &[0; 100]), [""; 0]);
    }

    #[test]
    fn few_empty_periods_prove_nothing() {
        let found = evidence(Period::Minute, &[1, 1, 1, 0, 0, 1, 1, 1]);
        assert_eq!(found, ["10:01:00Z sampled(until=10:02:00Z)", "10:06:00Z sampled(until=10:07:00Z)"]);
    }

    #[test]
    fn where_samples_get_lost_more_of_them_have_to_be_missing() {
        let mut counts = vec![1; 400];
        for i in (20..400).step_by(20) {
            counts[i] = 0;
        }
        counts.extend([0; 40]);
        let samples = samples(Period::Minute, &counts);
        let delivery = samples.delivery();
        assert_eq!(delivery, Delivery { arrived: 381, lost: 19 });
        assert_eq!(delivery.most_in_a_row(), 5);
        let last = samples.evidence(delivery).pop().unwrap();
        assert_eq!(last.to_string(), "2026-03-01T16:46:00Z unsampled(until=2026-03-01T17:14:00Z) CloudWatch");
    }
}
