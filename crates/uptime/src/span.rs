//! The answer: how long a server ran, and how sure that is.

use std::iter::Sum;
use std::ops::Add;

use chrono::TimeDelta;

use crate::minutes::Minutes;

/// How many minutes a server ran: what the evidence proves, and how many more it allows. The truth is inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The minutes that are proven.
    pub proven: Minutes,
    /// How many more are possible; none when every start and stop is known.
    pub possible: Minutes,
}

impl Span {
    /// True where nothing is open.
    pub fn is_exact(self) -> bool {
        self.possible == Minutes::default()
    }

    /// The most that it can be.
    pub fn most(self) -> Minutes {
        self.proven + self.possible
    }
}

impl Add for Span {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { proven: self.proven + other.proven, possible: self.possible + other.possible }
    }
}

impl Sum for Span {
    fn sum<I: Iterator<Item = Self>>(spans: I) -> Self {
        spans.fold(Self::default(), Add::add)
    }
}

/// The same as exact durations, before it is rounded to what is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunningTime {
    /// The time that is proven.
    pub proven: TimeDelta,
    /// How much more is possible.
    pub possible: TimeDelta,
}

impl RunningTime {
    /// The span in minutes. Rounded down as a whole, so that proven and possible never add up to more than the time.
    pub fn span(self) -> Span {
        let proven = Minutes::floor(self.proven);
        Span { proven, possible: Minutes::floor(self.proven + self.possible) - proven }
    }
}

impl Add for RunningTime {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { proven: self.proven + other.proven, possible: self.possible + other.possible }
    }
}

impl Sum for RunningTime {
    fn sum<I: Iterator<Item = Self>>(times: I) -> Self {
        times.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(proven: &str, possible: &str) -> Span {
        Span { proven: proven.parse().unwrap(), possible: possible.parse().unwrap() }
    }

    #[test]
    fn what_is_written_never_adds_up_to_more_than_the_whole() {
        let time = RunningTime { proven: TimeDelta::milliseconds(599), possible: TimeDelta::milliseconds(599) };
        assert_eq!(time.span(), span("0", "0.01"));
    }

    #[test]
    fn a_sum_is_proven_and_possible_as_much_as_its_parts() {
        let sum: Span = [span("1.50", "0"), span("2.25", "60")].into_iter().sum();
        assert_eq!((sum, sum.most(), sum.is_exact()), (span("3.75", "60"), "63.75".parse().unwrap(), false));
        assert!(span("1.50", "0").is_exact());
    }
}
