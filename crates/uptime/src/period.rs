//! The periods in which CloudWatch counts samples.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::window::Window;

/// How long the periods are in which CloudWatch counts samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// Kept for 15 days.
    Minute,
    /// Kept for 63 days.
    FiveMinutes,
    /// Kept for 455 days.
    Hour,
}

impl Period {
    /// How long it is, in minutes: so many samples it has of a server that runs all the time.
    pub fn minutes(self) -> i64 {
        match self {
            Self::Minute => 1,
            Self::FiveMinutes => 5,
            Self::Hour => 60,
        }
    }

    /// The same as a time.
    pub fn length(self) -> TimeDelta {
        TimeDelta::minutes(self.minutes())
    }

    /// For how long CloudWatch keeps counts in periods as short as this.
    pub fn kept_for(self) -> TimeDelta {
        TimeDelta::days(match self {
            Self::Minute => 15,
            Self::FiveMinutes => 63,
            Self::Hour => 455,
        })
    }

    /// The beginning of the period that an instant lies in.
    pub fn begin(self, instant: DateTime<Utc>) -> DateTime<Utc> {
        // Fails only for instants that no month has.
        instant.duration_trunc(self.length()).unwrap_or(instant)
    }

    /// The smallest window of whole periods that has all of `window`.
    pub fn around(self, window: Window) -> Window {
        let to = self.begin(window.to);
        Window::new(self.begin(window.from), if to < window.to { to + self.length() } else { to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        format!("2026-03-01T{text}Z").parse().unwrap()
    }

    #[test]
    fn a_window_is_widened_to_whole_periods() {
        let window = Window::new(at("10:03:20"), at("10:10:00"));
        assert_eq!(Period::Minute.around(window), Window::new(at("10:03:00"), at("10:10:00")));
        assert_eq!(Period::FiveMinutes.around(window), Window::new(at("10:00:00"), at("10:10:00")));
        assert_eq!(Period::Hour.around(window), Window::new(at("10:00:00"), at("11:00:00")));
    }
}
