//! UTC calendar months.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

use crate::window::Window;

/// A calendar month in UTC, written `YYYY-MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month {
    /// The first day; years are limited to four digits, so that the month after exists as well.
    first: NaiveDate,
}

/// A text that is no month.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a month: expected `YYYY-MM`, such as `2025-10`")]
pub struct InvalidMonth(pub String);

impl Month {
    /// The month that contains `instant`.
    pub fn of(instant: DateTime<Utc>) -> Self {
        let day = instant.date_naive();
        Self { first: day.with_day(1).unwrap_or(day) }
    }

    /// Its first instant.
    pub fn start(self) -> DateTime<Utc> {
        self.first.and_time(NaiveTime::MIN).and_utc()
    }

    /// The first instant after it, which is the start of the next month.
    pub fn end(self) -> DateTime<Utc> {
        self.next().start()
    }

    /// The month after.
    pub fn next(self) -> Self {
        self.shifted(1)
    }

    /// The month before.
    pub fn previous(self) -> Self {
        self.shifted(-1)
    }

    /// The part of the month that lies at or before `now`; empty where the month is still to come.
    pub fn until(self, now: DateTime<Utc>) -> Window {
        Window::new(self.start(), now.min(self.end()))
    }

    fn shifted(self, months: i32) -> Self {
        let index = self.first.year() * 12 + self.first.month0() as i32 + months;
        let first = NaiveDate::from_ymd_opt(index.div_euclid(12), index.rem_euclid(12) as u32 + 1, 1);
        Self { first: first.unwrap_or(self.first) }
    }
}

impl FromStr for Month {
    type Err = InvalidMonth;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidMonth(text.to_owned());
        let bytes = text.as_bytes();
        let shaped = bytes.len() == 7
            && bytes.iter().enumerate().all(|(i, b)| if i == 4 { *b == b'-' } else { b.is_ascii_digit() });
        if !shaped {
            return Err(invalid());
        }
        let year = text[..4].parse().map_err(|_| invalid())?;
        let month = text[5..].parse().map_err(|_| invalid())?;
        NaiveDate::from_ymd_opt(year, month, 1).map(|first| Self { first }).ok_or_else(invalid)
    }
}

impl TryFrom<String> for Month {
    type Error = InvalidMonth;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_runs_from_its_first_instant_to_the_next_months() {
        assert_eq!(month("2024-02").start().to_rfc3339(), "2024-02-01T00:00:00+00:00");
        assert_eq!((month("2024-02").end() - month("2024-02").start()).num_days(), 29);
        assert_eq!((month("2025-02").end() - month("2025-02").start()).num_days(), 28);
        assert_eq!(month("2025-12").next(), month("2026-01"));
        assert_eq!(month("2026-01").previous(), month("2025-12"));
    }

    #[test]
    fn midnight_of_the_first_belongs_to_the_new_month() {
        let midnight = month("2026-01").start();
        assert_eq!(Month::of(midnight), month("2026-01"));
        assert_eq!(Month::of(midnight - chrono::TimeDelta::nanoseconds(1)), month("2025-12"));
    }

    #[test]
    fn malformed_months_are_refused_by_name() {
        for text in
            ["", "2025", "2025-1", "2025-13", "2025-00", "2025-10-01", "25-10", "2025/10", "２０２５-10", "+025-10"]
        {
            let error = text.parse::<Month>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("`{text}` is not a month")), "{error}");
        }
    }
}
