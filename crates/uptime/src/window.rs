//! Windows of time, and the coverage made of them.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;

/// A stretch of time from `from` up to `to`; one that would end before it begins is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// First instant.
    pub from: DateTime<Utc>,
    /// First instant after it.
    pub to: DateTime<Utc>,
}

impl Window {
    /// The window between two instants.
    pub fn new(from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        Self { from, to: to.max(from) }
    }

    /// How long it is.
    pub fn length(&self) -> TimeDelta {
        self.to - self.from
    }

    /// The part that lies inside `other` too; empty where they do not meet.
    pub fn within(&self, other: &Window) -> Window {
        Window::new(self.from.max(other.from), self.to.min(other.to))
    }

    /// True where nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.from == self.to
    }
}

/// A text that is no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a window of time: expected `from/to`, two RFC 3339 times in order")]
pub struct InvalidWindow(pub String);

/// As ISO 8601 writes an interval: `2025-10-01T00:00:00Z/2025-10-11T09:30:00Z`.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        write!(f, "{}/{}", text(self.from), text(self.to))
    }
}

impl FromStr for Window {
    type Err = InvalidWindow;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (from, to) = text.split_once('/').ok_or_else(|| InvalidWindow(text.to_owned()))?;
        match (from.parse(), to.parse()) {
            (Ok(from), Ok(to)) if from <= to => Ok(Self { from, to }),
            _ => Err(InvalidWindow(text.to_owned())),
        }
    }
}

/// Where every start is known: windows that a CloudTrail sweep has read whole.
///
/// Every start is an API call, so a covered window without one had none after its first instant. Stops are not complete
/// anywhere: a shutdown from inside the guest leaves no event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Disjoint, not touching, in time order, none empty.
    windows: Vec<Window>,
}

impl Coverage {
    /// No window at all.
    pub const fn none() -> Self {
        Self { windows: Vec::new() }
    }

    /// Adds a window; what overlaps or touches becomes one.
    pub fn add(&mut self, window: Window) {
        if window.is_empty() {
            return;
        }
        let first = self.windows.partition_point(|w| w.to < window.from);
        let last = self.windows.partition_point(|w| w.from <= window.to);
        let merged = self.windows[first..last]
            .iter()
            .fold(window, |all, w| Window { from: all.from.min(w.from), to: all.to.max(w.to) });
        self.windows.splice(first..last, [merged]);
    }

    /// The coverage with one window more.
    #[must_use]
    pub fn with(mut self, window: Window) -> Self {
        self.add(window);
        self
    }

    /// The windows, in time order.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// Adds all windows of another coverage.
    #[must_use]
    pub fn and(self, other: &Coverage) -> Self {
        other.windows.iter().copied().fold(self, Self::with)
    }

    /// The part of it that lies in `window`.
    #[must_use]
    pub fn within(&self, window: &Window) -> Self {
        self.windows.iter().map(|covered| covered.within(window)).collect()
    }

    /// The part of it that lies outside `window`.
    #[must_use]
    pub fn without(self, window: &Window) -> Self {
        let parts = |covered: &Window| {
            [
                Window::new(covered.from, window.from.min(covered.to)),
                Window::new(window.to.max(covered.from), covered.to),
            ]
        };
        if window.is_empty() { self } else { self.windows.iter().flat_map(parts).collect() }
    }

    /// The same in so many windows at most: those closest to each other are joined.
    #[must_use]
    pub(crate) fn with_at_most(mut self, most: usize) -> Self {
        if self.windows.len() <= most {
            return self;
        }
        let mut gaps: Vec<TimeDelta> = self.windows.windows(2).map(|pair| pair[1].from - pair[0].to).collect();
        gaps.sort_unstable();
        let mut to_join = self.windows.len() - most;
        let widest = gaps[to_join - 1];
        let mut joined: Vec<Window> = Vec::with_capacity(most);
        for window in self.windows {
            match joined.last_mut() {
                Some(last) if to_join > 0 && window.from - last.to <= widest => {
                    last.to = window.to;
                    to_join -= 1;
                }
                _ => joined.push(window),
            }
        }
        self.windows = joined;
        self
    }

    /// The first covered instant.
    pub fn start(&self) -> Option<DateTime<Utc>> {
        self.windows.first().map(|window| window.from)
    }

    /// The first instant after all that is covered.
    pub fn end(&self) -> Option<DateTime<Utc>> {
        self.windows.last().map(|window| window.to)
    }

    /// All time before its end; empty where nothing is covered.
    pub(crate) fn up_to_end(&self) -> Window {
        let end = self.end().unwrap_or(DateTime::<Utc>::MIN_UTC);
        Window::new(DateTime::<Utc>::MIN_UTC, end)
    }

    /// The parts of `window` that are not covered, in time order.
    pub fn holes(&self, window: Window) -> Vec<Window> {
        let mut holes = Vec::new();
        let mut from = window.from;
        for covered in self.windows.iter().filter(|covered| covered.to > window.from && covered.from < window.to) {
            holes.push(Window::new(from, covered.from));
            from = covered.to;
        }
        holes.push(Window::new(from, window.to));
        holes.retain(|hole| !hole.is_empty());
        holes
    }

    /// Up to where time is covered without a gap from `instant` on; `instant` itself where it is not covered.
    pub(crate) fn until(&self, instant: DateTime<Utc>) -> DateTime<Utc> {
        self.around(instant).map_or(instant, |w| w.to)
    }

    /// Since when time is covered without a gap up to `instant`; `instant` itself where it is not covered.
    pub(crate) fn since(&self, instant: DateTime<Utc>) -> DateTime<Utc> {
        self.around(instant).map_or(instant, |w| w.from)
    }

    fn around(&self, instant: DateTime<Utc>) -> Option<&Window> {
        self.windows.iter().find(|w| w.from <= instant && instant <= w.to)
    }
}

impl FromIterator<Window> for Coverage {
    fn from_iter<I: IntoIterator<Item = Window>>(windows: I) -> Self {
        windows.into_iter().fold(Self::none(), Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn window(from: i64, to: i64) -> Window {
        Window::new(at(from), at(to))
    }

    #[test]
    fn windows_that_touch_become_one_whatever_their_order() {
        let coverage: Coverage =
            [window(50, 60), window(0, 10), window(20, 30), window(10, 20), window(5, 5)].into_iter().collect();
        assert_eq!(coverage.windows(), [window(0, 30), window(50, 60)]);
        let bridged = coverage.with(window(25, 55));
        assert_eq!(bridged.windows(), [window(0, 60)]);
    }

    #[test]
    fn coverage_reaches_both_ways_from_an_instant() {
        let coverage: Coverage = [window(0, 10), window(20, 30)].into_iter().collect();
        assert_eq!((coverage.since(at(10)), coverage.until(at(0))), (at(0), at(10)));
        assert_eq!((coverage.since(at(15)), coverage.until(at(15))), (at(15), at(15)));
    }

    #[test]
    fn a_window_can_be_taken_out() {
        let coverage: Coverage = [window(0, 10), window(20, 30)].into_iter().collect();
        assert_eq!(coverage.clone().without(&window(5, 25)).windows(), [window(0, 5), window(25, 30)]);
        assert_eq!(coverage.clone().without(&window(2, 4)).windows(), [window(0, 2), window(4, 10), window(20, 30)]);
        assert_eq!(coverage.clone().without(&window(0, 40)), Coverage::none());
        assert_eq!(coverage.clone().without(&window(12, 18)), coverage);
        assert_eq!(coverage.clone().without(&window(5, 5)), coverage);
    }

    #[test]
    fn holes_are_what_is_not_covered() {
        let coverage: Coverage = [window(10, 20), window(30, 40)].into_iter().collect();
        assert_eq!(coverage.holes(window(0, 50)), [window(0, 10), window(20, 30), window(40, 50)]);
        assert_eq!(coverage.holes(window(15, 35)), [window(20, 30)]);
        assert_eq!(coverage.holes(window(12, 18)), []);
        assert_eq!(Coverage::none().holes(window(0, 5)), [window(0, 5)]);
        assert_eq!(coverage.holes(window(20, 30)), [window(20, 30)]);
    }

    #[test]
    fn what_is_written_is_read_back_as_it_was() {
        for window in [window(0, 60), Window::new(at(0), at(60) + TimeDelta::milliseconds(5))] {
            assert_eq!(window.to_string().parse(), Ok(window));
        }
        for text in ["", "1970-01-01T00:00:00Z", "1970-01-01T00:01:00Z/1970-01-01T00:00:00Z", "a/b"] {
            assert_eq!(text.parse::<Window>(), Err(InvalidWindow(text.to_owned())));
        }
    }

    #[test]
    fn a_window_never_ends_before_it_begins() {
        assert!(window(10, 5).is_empty());
        assert!(window(0, 10).within(&window(20, 30)).is_empty());
        assert_eq!(window(0, 10).within(&window(5, 30)), window(5, 10));
    }
}
