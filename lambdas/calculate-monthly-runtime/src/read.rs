//! The third step: reading the trail, as far as time and requests allow.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use tokio::time::Instant;
use uptime::{Coverage, InstanceId, Window};
use uptime_ledger::Moment;
use uptime_ledger::ports::{Limits, Sweep, SweepCost, Trail};

use crate::error::RunError;
use crate::known::lacks_past_at_first;
use crate::newest::Begun;
use crate::observe::Observed;
use crate::plan::Plan;
use crate::reading::Reading;
use crate::task::Reach;

/// Up to this many requests, or half as many again as were needed, a sweep reads on into the past while that can tell the
/// state of a server at the month's start: a quiet account answers with so few pages that it costs next to nothing.
const SPARE_LOOKUPS: u64 = 10;
/// What a later run spends on it: a page for each event name, and as many more.
const SPARE_LOOKUPS_ANEW: u64 = 12;

/// Reads what a plan needs, the newest by the sweep that was `begun` for it, and on into the past where that can tell more and
/// costs little.
///
/// # Errors
/// Where nothing could be read at all.
pub(crate) async fn read<T: Trail>(
    trail: &T,
    plan: &Plan,
    observed: &Observed,
    begun: impl Future<Output = Option<Begun<T::Sweep>>>,
    moment: Moment,
) -> Result<Reading, RunError> {
    let keep = if plan.reach == Reach::Past { plan.ids.iter().cloned().collect() } else { observed.known_ids() };
    let since = observed.remembered_since;
    let mut reader = Reader::new(trail, moment.deadlines.reading, since, keep);
    reader.read(&plan.windows, begun.await).await?;
    if matches!(plan.reach, Reach::Past | Reach::Closing) || !reader.reading.complete {
        return Ok(reader.reading);
    }
    let first = plan.reach.begins_anew() || observed.state.coverage.end().is_none();
    let lacks_past =
        if first { lacks_past_at_first(observed, &reader.reading, moment) } else { observed.state.lacks_past };
    let swept = observed.state.coverage.clone().and(&reader.reading.covered);
    if let Some(hole) = swept.holes(Window::new(since, plan.needed.to)).pop().filter(|_| lacks_past) {
        reader.read_on(hole).await;
    }
    Ok(reader.reading)
}

/// A trail being read.
struct Reader<'t, T: Trail> {
    trail: &'t T,
    deadline: Instant,
    /// Whose evidence is kept.
    keep: HashSet<InstanceId>,
    remembered_since: DateTime<Utc>,
    /// The sweep of the oldest window, which may go on into the past.
    oldest: Option<T::Sweep>,
    reading: Reading,
}

impl<'t, T: Trail> Reader<'t, T> {
    fn new(trail: &'t T, deadline: Instant, remembered_since: DateTime<Utc>, keep: HashSet<InstanceId>) -> Self {
        let reading = Reading { complete: true, ..Reading::default() };
        Self { trail, deadline, keep, remembered_since, oldest: None, reading }
    }

    /// Reads windows one after another, of which the first may be `begun`. What is read until the deadline counts.
    async fn read(&mut self, windows: &[Window], mut begun: Option<Begun<T::Sweep>>) -> Result<(), RunError> {
        for (i, window) in windows.iter().enumerate() {
            // For a quiet account the last window costs the same with all that comes before it.
            let from = if i + 1 == windows.len() { self.remembered_since.min(window.from) } else { window.from };
            let sweep = || self.trail.sweep(Window::new(from, window.to));
            let Begun { mut sweep, outcome } =
                begun.take().unwrap_or_else(|| Begun { sweep: sweep(), outcome: Ok(()) });
            self.take(&mut sweep, SweepCost::default());
            let outcome = match outcome {
                Ok(()) => self.read_back_to(&mut sweep, window.from, u64::MAX).await,
                Err(error) => Err(RunError::Trail(error)),
            };
            self.oldest = Some(sweep);
            self.reading.complete = outcome.is_ok() && self.reading.covered.holes(*window).is_empty();
            self.reading.failure = outcome.err();
            if !self.reading.complete {
                tracing::warn!(%window, "CloudTrail was not read whole: of {window} a part is missing");
                break;
            }
        }
        let nothing = !windows.is_empty() && self.reading.covered == Coverage::none();
        match self.reading.failure.take() {
            Some(error) if nothing => Err(error),
            None if nothing => Err(RunError::Throttled(self.reading.cost)),
            failure => {
                self.reading.failure = failure;
                Ok(())
            }
        }
    }

    /// Reads on into the past where that costs little: `hole` is the newest time that was never read. That it fails or is
    /// cut short is no harm.
    async fn read_on(&mut self, hole: Window) {
        let lookups = self.reading.cost.lookups;
        let under_way = self.oldest.take().filter(|sweep| sweep.covered().from == hole.to);
        let (mut sweep, most) = match under_way {
            Some(sweep) => (sweep, SPARE_LOOKUPS.max(lookups + lookups / 2)),
            None => (self.trail.sweep(hole), SPARE_LOOKUPS_ANEW),
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
        sweep: &mut T::Sweep,
        instant: DateTime<Utc>,
        lookups: u64,
    ) -> Result<(), RunError> {
        if sweep.covered().from <= instant {
            return Ok(());
        }
        let before = sweep.cost();
        let outcome = sweep.read_back_to(instant, Limits { deadline: self.deadline, lookups }).await;
        self.take(sweep, before);
        outcome.map_err(RunError::Trail)
    }

    /// Takes what a sweep has read since it had cost so much.
    fn take(&mut self, sweep: &mut T::Sweep, before: SweepCost) {
        for (id, evidence) in sweep.take_evidence().into_iter().filter(|(id, _)| self.keep.contains(id)) {
            self.reading.evidence.entry(id).or_default().push(evidence);
        }
        self.reading.covered.add(sweep.covered());
        self.reading.blind = std::mem::take(&mut self.reading.blind).and(&sweep.take_blind_spots());
        self.reading.cost = self.reading.cost.and(sweep.cost()).less(before);
    }
}
