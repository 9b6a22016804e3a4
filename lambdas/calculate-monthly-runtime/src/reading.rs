//! What a run reads of CloudTrail: only what is new since the last, what may have come late, and what is still missing.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;
use uptime::{BlindSpots, Coverage, Evidence, InstanceId, ServerEvidence, Window};
use uptime_aws::cloudtrail::remembered_since;
use uptime_aws::ports::{EventHistory, Limits, Sweep, SweepCost, SweepState};

use crate::error::RunError;

/// Up to this many requests, or half as many again as were needed, a sweep reads on into the past while that can tell the
/// state of a server at the month's start: a quiet account answers with so few pages that it costs next to nothing.
const SPARE_LOOKUPS: u64 = 10;
/// What a later run spends on it: a page for each event name, and as many more.
const SPARE_LOOKUPS_ANEW: u64 = 12;
/// How often a sweep reaches back further than the overlap for late delivery, to heal what came later still.
const DEEP_SWEEP_EVERY: TimeDelta = TimeDelta::hours(24);
/// How far it does: with a whole day and an hour no time is read by one deep sweep only.
const DEEP_OVERLAP: TimeDelta = TimeDelta::hours(25);

/// The windows that a run has to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The newest first, for of a run that is cut short the newest is worth the most.
    pub(crate) windows: Vec<Window>,
    /// True where it reaches back further than usual.
    pub(crate) deep: bool,
}

impl Plan {
    /// What is missing of `needed`, given how far the fleet has been swept. What was read within `overlap` of its own time
    /// is read again.
    pub(crate) fn of(state: &SweepState, needed: Window, overlap: TimeDelta) -> Self {
        let deep = state.deep_sweep_at.is_none_or(|at| needed.to - at >= DEEP_SWEEP_EVERY);
        let overlap = if deep { overlap.max(DEEP_OVERLAP) } else { overlap };
        let watermark = state.coverage.end().unwrap_or(needed.from);
        let settled = state.coverage.within(&Window::new(needed.from, watermark - overlap));
        Self { windows: newest_first(settled.holes(needed)), deep }
    }
}

/// The windows that are missing to some server, each once.
pub(crate) fn missing<'c>(coverages: impl IntoIterator<Item = &'c Coverage>, needed: Window) -> Vec<Window> {
    let missing: Coverage = coverages.into_iter().flat_map(|coverage| coverage.holes(needed)).collect();
    newest_first(missing.windows().to_vec())
}

fn newest_first(mut windows: Vec<Window>) -> Vec<Window> {
    windows.reverse();
    windows
}

/// What a run has read.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) evidence: HashMap<InstanceId, Vec<Evidence>>,
    /// Where everything was read, but for the blind spots.
    pub(crate) covered: Coverage,
    /// Launches and starts that could not be read.
    pub(crate) blind: BlindSpots,
    /// True where all that was planned was read.
    pub(crate) complete: bool,
    pub(crate) cost: SweepCost,
    /// Why not all was read, where it was not for the time: what was read is stored, and then the run fails.
    pub(crate) failure: Option<RunError>,
}

/// Reads CloudTrail for a run.
pub(crate) struct Reader<'h, H: EventHistory, K> {
    pub(crate) events: &'h H,
    pub(crate) deadline: Instant,
    /// Whose evidence is kept.
    pub(crate) keep: K,
    /// The earliest that CloudTrail remembers.
    pub(crate) remembered_since: DateTime<Utc>,
    /// The sweep of the oldest window, which may go on into the past.
    oldest: Option<H::Sweep>,
    pub(crate) reading: Reading,
}

impl<'h, H: EventHistory, K: Fn(&InstanceId) -> bool> Reader<'h, H, K> {
    pub(crate) fn new(events: &'h H, deadline: Instant, now: DateTime<Utc>, keep: K) -> Self {
        let reading = Reading { complete: true, ..Reading::default() };
        Self { events, deadline, keep, remembered_since: remembered_since(now), oldest: None, reading }
    }

    /// Reads the windows of a plan. What is read until the deadline counts.
    ///
    /// # Errors
    /// Where nothing could be read at all.
    pub(crate) async fn read(&mut self, windows: &[Window]) -> Result<(), RunError> {
        for (i, window) in windows.iter().enumerate() {
            // For a quiet account the last window costs the same with all that comes before it.
            let from = if i + 1 == windows.len() { self.remembered_since.min(window.from) } else { window.from };
            let mut sweep = self.events.sweep(Window::new(from, window.to));
            let outcome = self.read_back_to(&mut sweep, window.from, u64::MAX).await;
            self.oldest = Some(sweep);
            self.reading.complete = outcome.is_ok() && self.reading.covered.holes(*window).is_empty();
            if let Err(error) = outcome {
                self.reading.failure = Some(error);
            }
            if !self.reading.complete {
                tracing::warn!(%window, "CloudTrail was not read whole: of {window} a part is missing");
                break;
            }
        }
        match self.reading.failure.take() {
            Some(error) if self.reading.covered == Coverage::none() => Err(error),
            None if !windows.is_empty() && self.reading.covered == Coverage::none() => {
                Err(RunError::Throttled(self.reading.cost))
            }
            failure => {
                self.reading.failure = failure;
                Ok(())
            }
        }
    }

    /// Reads on into the past where that costs little: `hole` is the newest time that was never read. That it fails or is
    /// cut short is no harm.
    pub(crate) async fn read_on(&mut self, hole: Window) {
        let lookups = self.reading.cost.lookups;
        let under_way = self.oldest.take().filter(|sweep| sweep.covered().from == hole.to);
        let (mut sweep, most) = match under_way {
            Some(sweep) => (sweep, SPARE_LOOKUPS.max(lookups + lookups / 2)),
            None => (self.events.sweep(hole), SPARE_LOOKUPS_ANEW),
        };
        if sweep.cost().lookups >= most {
            return;
        }
        if let Err(error) = self.read_back_to(&mut sweep, hole.from, most).await {
            tracing::warn!(%hole, "Could not read further back than needed: {error}");
        }
    }

    /// Reads one sweep on, with at most so many requests of it.
    async fn read_back_to(
        &mut self,
        sweep: &mut H::Sweep,
        instant: DateTime<Utc>,
        lookups: u64,
    ) -> Result<(), RunError> {
        let before = sweep.cost();
        let outcome = sweep.read_back_to(instant, Limits { deadline: self.deadline, lookups }).await;
        self.reading.take(sweep.take_evidence(), &self.keep);
        self.reading.covered.add(sweep.covered());
        self.reading.blind = std::mem::take(&mut self.reading.blind).and(&sweep.take_blind_spots());
        self.reading.cost = self.reading.cost.and(sweep.cost()).less(before);
        outcome.map_err(RunError::History)
    }
}

impl Reading {
    fn take(&mut self, told: Vec<ServerEvidence>, keep: &impl Fn(&InstanceId) -> bool) {
        for (id, evidence) in told.into_iter().filter(|(id, _)| keep(id)) {
            self.evidence.entry(id).or_default().push(evidence);
        }
    }

    /// What was read about one server.
    pub(crate) fn about(&self, id: &InstanceId) -> &[Evidence] {
        self.evidence.get(id).map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
    }

    fn window(from: i64, to: i64) -> Window {
        Window::new(at(from), at(to))
    }

    fn state(windows: &[Window], deep: i64) -> SweepState {
        SweepState {
            coverage: windows.iter().copied().collect(),
            deep_sweep_at: Some(at(deep)),
            ..SweepState::default()
        }
    }

    const HOUR: TimeDelta = TimeDelta::hours(1);

    #[test]
    fn the_first_run_reads_all_that_is_needed() {
        let plan = Plan::of(&SweepState::default(), window(0, 500), HOUR);
        assert_eq!(plan, Plan { windows: vec![window(0, 500)], deep: true });
    }

    #[test]
    fn a_later_run_reads_from_the_watermark_on_and_the_overlap_again() {
        let plan = Plan::of(&state(&[window(0, 499)], 490), window(0, 500), HOUR);
        assert_eq!(plan, Plan { windows: vec![window(498, 500)], deep: false });
    }

    #[test]
    fn once_a_day_the_overlap_is_a_day() {
        let plan = Plan::of(&state(&[window(0, 499)], 476), window(0, 500), HOUR);
        assert_eq!(plan, Plan { windows: vec![window(474, 500)], deep: true });
    }

    #[test]
    fn what_an_earlier_run_left_is_read_after_what_is_new() {
        let plan = Plan::of(&state(&[window(0, 100), window(300, 499)], 490), window(0, 500), HOUR);
        assert_eq!(plan.windows, [window(498, 500), window(100, 300)]);
        let plan = Plan::of(&state(&[window(300, 499)], 490), window(0, 500), HOUR);
        assert_eq!(plan.windows, [window(498, 500), window(0, 300)]);
    }

    #[test]
    fn what_one_server_lacks_is_read_once_for_all() {
        let coverages: [Coverage; 2] =
            [[window(0, 10), window(20, 30)].into_iter().collect(), [window(0, 25)].into_iter().collect()];
        assert_eq!(missing(&coverages, window(0, 30)), [window(25, 30), window(10, 20)].to_vec());
        assert_eq!(missing(&[Coverage::none()], window(0, 30)), [window(0, 30)]);
    }
}
