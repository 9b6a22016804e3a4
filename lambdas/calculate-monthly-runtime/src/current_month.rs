//! A run over the month that is going on.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uptime::{InstanceId, Month, Observation, Window};
use uptime_aws::cloudtrail::remembered_since;
use uptime_aws::ports::{EventHistory, Fleet, RuntimeCache, RuntimeHistory, SweepState};
use uptime_ledger::Invocation;

use crate::error::{RunError, in_time};
use crate::folding::Learnt;
use crate::handler::Calculation;
use crate::holes::are_few;
use crate::passes::{Pass, Reached};
use crate::reading::{Plan, Reader};
use crate::report::{HistoryReport, Report};
use crate::request::Request;
use crate::rollover::Closed;
use crate::roster::Roster;
use crate::storing::SingleLookups;

/// Requests that a run spends on single servers of which less was read than of the fleet.
const SINGLE_LOOKUPS: u64 = 60;
/// Of more newcomers than this, CloudTrail is read by sweeping the fleet's month again.
const MOST_NEWCOMERS: usize = 50;
/// How often the sweep state is stored anew because another run has stored one in between.
const ATTEMPTS: u32 = 5;

impl<F: Fleet, H: EventHistory, L: RuntimeHistory, C: RuntimeCache> Calculation<F, H, L, C> {
    /// Calculates the servers asked for, or all.
    ///
    /// # Errors
    /// A failure of the whole run. What was learnt before it is stored.
    pub(crate) async fn current_month(
        &self,
        request: &Request,
        observed: HashMap<InstanceId, Observation>,
        invocation: Invocation,
    ) -> Result<Report, RunError> {
        // Asked first, so that a table that cannot be reached fails the run before it costs CloudTrail requests.
        let state = in_time(invocation, "reading the history table", self.ledger.sweep_state()).await?;
        let state = state.map_err(RunError::HistoryRead)?;
        let roster = self.roster(request, observed, &state, invocation).await?;
        let missing = request.missing(|id| roster.observed.contains_key(id));
        let mut report = Report::new(request, invocation.now, roster.len(), &missing);
        if roster.is_empty() {
            return Ok(report);
        }
        let mut learnt = self.learn(roster, state, invocation).await?;
        let failure = learnt.reading.failure.take();
        let lookups = SingleLookups::new(SINGLE_LOOKUPS, invocation.reading_deadline);
        let pass = Pass { learnt: &learnt, lookups: &lookups, rewrite: learnt.forgets };
        let closed = self.close_last_months(&pass, invocation).await?;
        let ids = learnt.roster.in_order(&learnt.state, &learnt.reading, learnt.fills_hole());
        let reached = self.settle(&pass, &ids, invocation, &mut report).await?;
        report.closed(&closed);
        report.left(&learnt.roster, &ids);
        report.history = Some(HistoryReport::of(&learnt, lookups.cost()));
        if learnt.roster.whole_fleet {
            self.advance(&learnt, &reached, &closed, invocation).await?;
        }
        failure.map_or(Ok(report), Err)
    }

    /// Reads what is new in CloudTrail, and what is still missing.
    async fn learn(&self, roster: Roster, state: SweepState, invocation: Invocation) -> Result<Learnt, RunError> {
        let Invocation { now, reading_deadline, .. } = invocation;
        let watermark = state.coverage.end().map_or(now, |end| end - self.settings.overlap);
        let forgets = roster.whole_fleet && roster.newcomers(watermark) > MOST_NEWCOMERS;
        let first = forgets || state.coverage.end().is_none();
        let needed = self.needed(&roster, &state, now);
        let plan = if forgets {
            Plan::of(&SweepState::default(), needed, self.settings.overlap)
        } else {
            Plan::of(&state, needed, self.settings.overlap)
        };
        let known = roster.knows();
        let mut reader = Reader::new(&self.events, reading_deadline, now, |id: &InstanceId| known.contains(id));
        reader.read(&plan.windows).await?;
        let complete = reader.reading.complete;
        // What came late is in the newest window. What a first run reads is as deep as it gets, even where it is only a
        // part: the others go on from there.
        let newest_is_read = plan.windows.first().is_none_or(|window| reader.reading.covered.holes(*window).is_empty());
        let deep = plan.deep && (newest_is_read || first);
        let mut learnt = Learnt { now, roster, state, deep, forgets, reading: reader.reading };
        let lacks_history = if first { learnt.anyone_lacks_history() } else { learnt.state.lacks_history };
        if complete && lacks_history {
            let past = Window::new(reader.remembered_since, needed.to);
            if let Some(hole) = learnt.swept().holes(past).pop() {
                reader.reading = learnt.reading;
                reader.read_on(hole).await;
                learnt.reading = reader.reading;
            }
        }
        Ok(learnt)
    }

    /// The time of which CloudTrail has to be read: some days back before the month, or before last month while that is
    /// open and was begun to be kept.
    fn needed(&self, roster: &Roster, state: &SweepState, now: DateTime<Utc>) -> Window {
        let month = Month::of(now);
        let mut from = month.start() - self.settings.lookback;
        if let Some(start) = state.coverage.start().filter(|_| !roster.last_month.is_empty()) {
            from = from.min(start.max(month.previous().start() - self.settings.lookback));
        }
        Window::new(from.max(remembered_since(now)), now)
    }

    /// Moves the watermark on, now that all that was read is stored.
    async fn advance(
        &self,
        learnt: &Learnt,
        reached: &Reached,
        closed: &Closed,
        invocation: Invocation,
    ) -> Result<(), RunError> {
        let mut read = learnt.state.clone();
        for _ in 0..ATTEMPTS {
            let mut next = SweepState { resume_after: reached.stopped_after.clone(), ..read.clone() };
            let before = if learnt.forgets { &Default::default() } else { &read.coverage };
            let remembered =
                Window::new(remembered_since(learnt.now), learnt.now.max(before.end().unwrap_or(learnt.now)));
            let month = Month::of(learnt.now);
            for (stored, month) in [(&reached.stored, month), (&closed.stored, month.previous())] {
                stored.apply(&mut next.holes, month, &learnt.reading.covered, &remembered);
            }
            if !are_few(&next.holes) {
                next.holes.clone_from(&read.holes);
            } else if reached.stored.is_settled() && closed.stored.is_settled() {
                next.blind = read.blind.clone().and(&learnt.reading.blind).within(&remembered);
                next.coverage = learnt.reading.covered.clone().and(before).within(&remembered);
                next.lacks_history = reached.lacks_history;
                next.rolled_over = next.rolled_over.max(closed.rolled_over);
                next.final_month = next.final_month.max(closed.final_month);
                if learnt.deep {
                    next.deep_sweep_at = Some(learnt.now);
                }
            }
            if next == read {
                return Ok(());
            }
            let stored =
                in_time(invocation, "storing the watermark", self.ledger.store_sweep_state(&read, &next)).await?;
            if stored.map_err(RunError::HistoryWrite)? {
                return Ok(());
            }
            let current = in_time(invocation, "reading the watermark", self.ledger.sweep_state()).await?;
            read = current.map_err(RunError::HistoryRead)?;
        }
        tracing::warn!(
            "Other runs moved the watermark {ATTEMPTS} times in between; the next run reads this hour again"
        );
        Ok(())
    }
}
