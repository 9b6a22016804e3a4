//! Why time is possible and not proven, in words: the rows of the table in `docs/ARCHITECTURE.md`.

use chrono::{DateTime, Utc};

use super::condensed::day_and_time;
use super::derivation::Derivation;
use crate::gap::Gap;
use crate::state::State;
use crate::timeline::Certainty;
use crate::window::Window;

impl Derivation<'_> {
    /// Why the server may have run in a gap.
    pub(super) fn why_possible(&self, gap: &Gap) -> String {
        let (from, to) = (day_and_time(gap.window.from), day_and_time(gap.window.to));
        let first = gap.number == 0;
        let last = gap.number == self.points.points.len();
        let unread = self.unread(gap.window.within(&self.month_so_far()));
        let possible = gap.part(Certainty::Possible);
        let all_covered = self.month.coverage.holes(possible).is_empty();
        if let Some(since) = self.stopped_by_ec2(&possible) {
            let stop = day_and_time(since);
            return format!(
                "EC2 itself stopped this Spot server at {stop} and may have started it again: whether it records that is not published"
            );
        }
        match (gap.before, gap.after) {
            (None, None) if first && last => format!("there is no evidence of it at all{unread}"),
            (None, Some(State::Running)) if first => {
                format!("there is no evidence before it was running at {to}{unread}")
            }
            (None, _) if first => {
                format!("an unseen stop is possible: there is no evidence before it was not running at {to}{unread}")
            }
            (None, _) => format!(
                "it started and stopped within the second of {from}, and nothing tells which came first{unread}"
            ),
            (Some(State::Running), None) if last => {
                format!("an unseen stop is possible: running after {from}, and there is no evidence since")
            }
            (Some(State::NotRunning), None) if last => {
                format!("an unseen start is possible: not running after {from}, and there is no evidence since{unread}")
            }
            (_, None) => format!("the evidence of {to} does not say whether it ran before{unread}"),
            (Some(State::Running), Some(State::NotRunning)) => {
                format!("an unseen stop is possible: running after {from}, not running before {to}")
            }
            (Some(State::Running), Some(State::Running)) => {
                format!("a stop and another start are possible: running after {from} and before {to}{unread}")
            }
            (Some(State::NotRunning), Some(State::NotRunning)) => {
                format!("a start and another stop are possible: not running after {from} nor before {to}{unread}")
            }
            (Some(State::NotRunning), Some(State::Running)) if all_covered => format!(
                "a start is missing: not running after {from}, running before {to}, and CloudTrail has none between them (or not yet)"
            ),
            (Some(State::NotRunning), Some(State::Running)) => {
                format!("a start was not seen: not running after {from}, running before {to}{unread}")
            }
        }
    }

    /// When EC2 itself stopped the server, where it may have started it again in a window.
    fn stopped_by_ec2(&self, window: &Window) -> Option<DateTime<Utc>> {
        let mut windows = self.points.starts_by_ec2.iter();
        windows.find(|by_ec2| !by_ec2.within(window).is_empty()).map(|by_ec2| by_ec2.from)
    }

    fn month_so_far(&self) -> Window {
        self.month.month.until(self.horizon)
    }

    /// The parts of a window in which CloudTrail was not read.
    fn unread(&self, window: Window) -> String {
        let holes = self.month.coverage.holes(window);
        let texts: Vec<String> =
            holes.iter().map(|hole| format!("{} to {}", day_and_time(hole.from), day_and_time(hole.to))).collect();
        match texts.is_empty() {
            true => String::new(),
            false => format!("; not covered: CloudTrail was not read from {}", texts.join(", nor from ")),
        }
    }
}
