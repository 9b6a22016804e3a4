//! Amounts of running time, and how they are written.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Sub};
use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Serialize, Serializer};

/// Minutes with two decimals, held as whole hundredths so that sums are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minutes(i64);

impl Minutes {
    /// `duration` in hundredths of a minute (0.6 s), rounded down: what is written never exceeds what is proven.
    pub fn floor(duration: TimeDelta) -> Self {
        Self(duration.num_milliseconds().div_euclid(600))
    }

    /// The time that they are.
    pub fn as_time(self) -> TimeDelta {
        TimeDelta::milliseconds(self.0 * 600)
    }

    /// As a floating-point number, for metrics and JSON.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 100.0
    }
}

impl Add for Minutes {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Minutes {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Sum for Minutes {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

/// Always with two decimals: `1234.50`.
impl fmt::Display for Minutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, hundredths) = (self.0.abs() / 100, self.0.abs() % 100);
        match f.width() {
            None => write!(f, "{sign}{whole}.{hundredths:02}"),
            Some(_) => f.pad(&format!("{sign}{whole}.{hundredths:02}")),
        }
    }
}

/// As a number: `1234.5`.
impl Serialize for Minutes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_f64())
    }
}

/// A text that is no amount of minutes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount of minutes")]
pub struct InvalidMinutes(pub String);

impl FromStr for Minutes {
    type Err = InvalidMinutes;

    /// Any non-negative decimal number, rounded down to hundredths.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let amount: f64 = text.parse().map_err(|_| InvalidMinutes(text.to_owned()))?;
        // The margin makes up for decimals that have no exact binary form: 0.29 is a little less.
        let hundredths = (amount * 100.0 + 1e-6).floor();
        if !(0.0..1e12).contains(&hundredths) {
            return Err(InvalidMinutes(text.to_owned()));
        }
        Ok(Self(hundredths as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_have_two_decimals_rounded_down() {
        assert_eq!(Minutes::floor(TimeDelta::seconds(120)).to_string(), "2.00");
        assert_eq!(Minutes::floor(TimeDelta::seconds(59)).to_string(), "0.98");
        assert_eq!(Minutes::floor(TimeDelta::seconds(74_073)).to_string(), "1234.55");
        assert_eq!(Minutes(-5).to_string(), "-0.05");
        assert_eq!(format!("{:>8}", Minutes(5)), "    0.05");
    }

    #[test]
    fn what_is_written_can_be_read_back() {
        for hundredths in (0..100_000).chain([4_464_000]) {
            assert_eq!(Minutes(hundredths).to_string().parse(), Ok(Minutes(hundredths)));
        }
        assert_eq!("12".parse(), Ok(Minutes(1200)));
        for text in ["", "soon", "-1", "NaN", "inf", "1e300"] {
            assert_eq!(
                text.parse::<Minutes>().unwrap_err().to_string(),
                format!("`{text}` is not an amount of minutes")
            );
        }
    }
}
