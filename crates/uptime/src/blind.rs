//! Seconds in which a launch or start was recorded that could not be read.

use chrono::{DateTime, TimeDelta, Utc};

use crate::kind::SAME_CHANGE;
use crate::window::{Coverage, Window};

/// Records have whole seconds.
const SECOND: TimeDelta = TimeDelta::seconds(1);
/// More windows than this are made fewer by joining those that are closest.
const MOST: usize = 500;

/// Where CloudTrail has been read, and yet a start may be missing: its record could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlindSpots {
    /// Starts: they may be of any server.
    pub starts: Coverage,
    /// Launches: they can only be of a server that was created then.
    pub launches: Coverage,
}

impl BlindSpots {
    /// None at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// True where there are none.
    pub fn is_empty(&self) -> bool {
        *self == Self::none()
    }

    /// Adds the second of a record of this name; of other calls than launches and starts nothing is missing that coverage
    /// would promise.
    pub fn add(&mut self, event_name: &str, at: DateTime<Utc>) {
        let second = Window::new(at, at + SECOND);
        match event_name {
            "StartInstances" => self.starts.add(second),
            "RunInstances" => self.launches.add(second),
            _ => {}
        }
    }

    /// All of both.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        let (starts, launches) = (self.starts.and(&other.starts), self.launches.and(&other.launches));
        Self { starts: starts.with_at_most(MOST), launches: launches.with_at_most(MOST) }
    }

    /// Those that lie in a window.
    #[must_use]
    pub fn within(&self, window: &Window) -> Self {
        Self { starts: self.starts.within(window), launches: self.launches.within(window) }
    }

    /// The part of a coverage that holds for a server which came into being at `created`, where that is known.
    pub fn taken_from(&self, coverage: Coverage, created: Option<DateTime<Utc>>) -> Coverage {
        let may_be_its_launch = |window: &&Window| {
            created.is_none_or(|created| window.from - SAME_CHANGE <= created && created <= window.to + SAME_CHANGE)
        };
        let launches = self.launches.windows().iter().filter(may_be_its_launch);
        self.starts.windows().iter().chain(launches).fold(coverage, Coverage::without)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn day() -> Coverage {
        Coverage::none().with(Window::new(at(0), at(86_400)))
    }

    #[test]
    fn a_start_that_cannot_be_read_may_be_of_any_server() {
        let mut blind = BlindSpots::none();
        blind.add("StartInstances", at(3_600));
        let left = [Window::new(at(0), at(3_600)), Window::new(at(3_601), at(86_400))];
        assert_eq!(blind.taken_from(day(), Some(at(10))).windows(), left);
        assert_eq!(blind.taken_from(day(), None).windows(), left);
    }

    #[test]
    fn a_launch_that_cannot_be_read_is_of_a_server_created_then() {
        let mut blind = BlindSpots::none();
        blind.add("RunInstances", at(3_600));
        assert_eq!(blind.taken_from(day(), Some(at(10))), day());
        for created in [None, Some(at(3_601))] {
            assert_eq!(blind.taken_from(day(), created).windows().len(), 2, "{created:?}");
        }
    }

    #[test]
    fn other_calls_leave_nothing_open() {
        let mut blind = BlindSpots::none();
        blind.add("StopInstances", at(3_600));
        assert!(blind.is_empty());
    }

    #[test]
    fn very_many_become_fewer_and_cover_no_less() {
        let mut many = BlindSpots::none();
        for n in 0..5_000 {
            many.add("StartInstances", at(n * 10 + n * n % 7));
        }
        let few = BlindSpots::none().and(&many);
        assert_eq!(few.starts.windows().len(), MOST);
        assert!(many.starts.windows().iter().all(|window| few.starts.holes(*window).is_empty()));
    }
}
