//! What a run could not store: a hole in one server's coverage, so that the watermark of all others can go on.

use std::collections::{BTreeMap, BTreeSet};

use uptime::{Coverage, InstanceId, Month, Window};
use uptime_ledger::ports::{Hole, SweepState};

use crate::outcome::{Outcome, Settled};

/// More servers than this are not in trouble of their own: the table is. Then the watermark stays where it is.
const MOST: usize = 50;

/// What became of the items that a run had to write in one month.
#[derive(Debug, Default)]
pub(crate) struct Storing {
    /// Servers whose item could not be read or written.
    failed: BTreeSet<InstanceId>,
    /// Servers whose item has now what earlier runs could not store.
    healed: BTreeSet<InstanceId>,
    /// True where the time was up before all were done.
    cut_short: bool,
}

impl Storing {
    /// Takes note of one server.
    pub(crate) fn take(&mut self, id: &InstanceId, settled: &Settled) {
        match settled.outcome {
            Outcome::LedgerFailed(_) => {
                self.failed.insert(id.clone());
            }
            Outcome::NotBegun | Outcome::Unanswered => self.cut_short = true,
            Outcome::Done(_) | Outcome::Closed(_) | Outcome::Kept | Outcome::CacheFailed(_) => {}
        }
        if settled.healed {
            self.healed.insert(id.clone());
        }
    }

    /// How many could not be read or written.
    pub(crate) fn failures(&self) -> usize {
        self.failed.len()
    }

    /// True where all that was read is stored, or can be left to single servers' holes.
    pub(crate) fn is_settled(&self) -> bool {
        !self.cut_short && self.failed.len() <= MOST
    }

    /// Brings the holes up to date with this month: `observed` is the state that the run began with, `read` is what the run has
    /// read, `remembered` all that CloudTrail still remembers.
    pub(crate) fn apply(
        &self,
        holes: &mut BTreeMap<InstanceId, Hole>,
        observed: &SweepState,
        month: Month,
        read: &Coverage,
        remembered: &Window,
    ) {
        for id in &self.healed {
            let as_observed =
                |hole: &&mut Hole| observed.holes.get(id).is_some_and(|observed| observed.windows == hole.windows);
            // Another run may have added to it since.
            if let Some(hole) = holes.get_mut(id).filter(as_observed) {
                hole.months.remove(&month);
            }
        }
        for id in &self.failed {
            let begun = || Hole { seen_at: observed.seen_at(id), ..Hole::default() };
            let hole = holes.entry(id.clone()).or_insert_with(begun);
            hole.windows = std::mem::take(&mut hole.windows).and(read);
            hole.months.insert(month);
        }
        holes.retain(|_, hole| {
            hole.windows = hole.windows.within(remembered);
            !hole.months.is_empty() && hole.windows != Coverage::none()
        });
    }
}

/// True where there are so few that each can be left to its server.
pub(crate) fn are_few(holes: &BTreeMap<InstanceId, Hole>) -> bool {
    holes.len() <= MOST
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeDelta, Utc};

    fn window(from: i64, to: i64) -> Window {
        let at = |hour| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::hours(hour);
        Window::new(at(from), at(to))
    }

    fn holes(id: &InstanceId, windows: &[Window]) -> BTreeMap<InstanceId, Hole> {
        let (windows, months) = (windows.iter().copied().collect(), [Month::of(DateTime::UNIX_EPOCH)].into());
        [(id.clone(), Hole { windows, months, seen_at: None })].into()
    }

    #[test]
    fn what_another_run_has_added_to_a_hole_is_not_taken_for_healed() {
        let id: InstanceId = "i-abcd1111".parse().unwrap();
        let storing = Storing { healed: [id.clone()].into(), ..Storing::default() };
        let observed = SweepState { holes: holes(&id, &[window(1, 2)]), ..SweepState::default() };
        let applied = |now: &[Window]| {
            let mut holes = holes(&id, now);
            let month = Month::of(DateTime::UNIX_EPOCH);
            storing.apply(&mut holes, &observed, month, &Coverage::none(), &window(0, 100));
            holes
        };
        assert_eq!(applied(&[window(1, 2)]), BTreeMap::new());
        assert_eq!(applied(&[window(1, 2), window(5, 6)]), holes(&id, &[window(1, 2), window(5, 6)]));
    }
}
