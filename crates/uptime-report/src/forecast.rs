//! What a month comes to at its end.

use std::iter::Sum;
use std::ops::Add;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uptime::{Minutes, Month, Span, Window};

/// What a month comes to at its end: nothing of it is evidence but the least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// What is proven already.
    pub least: Minutes,
    /// What it comes to when the rest of the month goes on as the month has gone so far.
    pub expected: Minutes,
    /// What it comes to when the server has run wherever it may have, and runs from now on.
    pub most: Minutes,
}

impl Forecast {
    /// Of a month of which nothing is to come: over, or of a server that left.
    pub fn settled(span: Span) -> Self {
        Self { least: span.proven, expected: span.proven, most: span.most() }
    }

    /// Of a server that has been there since `since` and ran this long in `month` up to `as_of`.
    pub fn of(span: Span, month: Month, since: DateTime<Utc>, as_of: DateTime<Utc>) -> Self {
        // Of a month of which nothing is known yet, all is to come.
        let as_of = as_of.max(month.start());
        let so_far = Window::new(since.max(month.start()), as_of).length();
        let rest = Window::new(as_of, month.end()).length();
        Self {
            least: span.proven,
            expected: span.proven + at_the_same_rate(span.proven, so_far, rest),
            most: span.most() + Minutes::floor(rest),
        }
    }
}

/// The minutes in `rest`, if there are as many in proportion as in `so_far`.
fn at_the_same_rate(minutes: Minutes, so_far: chrono::TimeDelta, rest: chrono::TimeDelta) -> Minutes {
    let milliseconds = |time: chrono::TimeDelta| i128::from(time.num_milliseconds());
    let share = milliseconds(minutes.as_time()) * milliseconds(rest) / milliseconds(so_far).max(1);
    // Never more than all of the rest, whatever was before.
    Minutes::floor(chrono::TimeDelta::milliseconds(i64::try_from(share).unwrap_or(i64::MAX)).min(rest))
}

impl Add for Forecast {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { least: self.least + other.least, expected: self.expected + other.expected, most: self.most + other.most }
    }
}

impl Sum for Forecast {
    fn sum<I: Iterator<Item = Self>>(forecasts: I) -> Self {
        forecasts.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn span(proven: &str, possible: &str) -> Span {
        Span { proven: proven.parse().unwrap(), possible: possible.parse().unwrap() }
    }

    fn texts(forecast: Forecast) -> [String; 3] {
        [forecast.least, forecast.expected, forecast.most].map(|minutes| minutes.to_string())
    }

    #[test]
    fn the_rest_of_the_month_goes_on_at_its_own_rate() {
        let november = "2026-11".parse().unwrap();
        let (start, third) = (at("2026-11-01T00:00:00Z"), at("2026-11-11T00:00:00Z"));
        let of = |proven, possible, since| texts(Forecast::of(span(proven, possible), november, since, third));
        assert_eq!(of("1000", "60", start), ["1000.00", "3000.00", "29860.00"]);
        assert_eq!(of("14400", "0", start), ["14400.00", "43200.00", "43200.00"], "one that always runs");
        assert_eq!(of("0", "14400", start), ["0.00", "0.00", "43200.00"]);
        let launched = at("2026-11-10T12:00:00Z");
        assert_eq!(
            of("720", "0", launched),
            ["720.00", "29520.00", "29520.00"],
            "its rate is of the time it was there"
        );
        assert_eq!(of("0", "0", third), ["0.00", "0.00", "28800.00"], "launched this very instant");
    }

    #[test]
    fn of_a_month_that_is_over_nothing_is_to_come() {
        let settled = Forecast::settled(span("600", "60"));
        assert_eq!(texts(settled), ["600.00", "600.00", "660.00"]);
        assert_eq!(texts([settled, settled].into_iter().sum()), ["1200.00", "1200.00", "1320.00"]);
    }
}
