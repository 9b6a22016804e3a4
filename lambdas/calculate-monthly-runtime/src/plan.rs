//! The second step, without any effect: what has to be read.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use uptime::{Coverage, InstanceId, Month, Period, Window};
use uptime_ledger::Moment;
use uptime_ledger::ports::{IndexedServer, SweepState};

use crate::config::Settings;
use crate::error::RunError;
use crate::observe::Observed;
use crate::request::{InvalidRequest, Purpose, Request};
use crate::task::Reach;

/// Of more newcomers than this, the fleet's month is swept anew instead of looking each of them up.
const MOST_NEWCOMERS: usize = 50;
/// How often a sweep reaches back further than the overlap for late delivery, to heal what came later still.
const DEEP_SWEEP_EVERY: TimeDelta = TimeDelta::hours(24);
/// How far it does: with a whole day and an hour no time is read by one deep sweep only.
const DEEP_OVERLAP: TimeDelta = TimeDelta::hours(25);

/// What a run has to read, and about whom.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The newest first, for of a run that is cut short the newest is worth the most.
    pub(crate) windows: Vec<Window>,
    /// The time that has to be known.
    pub(crate) needed: Window,
    pub(crate) reach: Reach,
    /// Whom the run is about.
    pub(crate) ids: BTreeSet<InstanceId>,
    /// Servers asked for that are not there.
    pub(crate) missing: Vec<InstanceId>,
    /// True where each server's own records are read once more, whatever its item has: who reopens a month of servers by name
    /// has a reason to doubt it.
    pub(crate) rereads: bool,
}

impl Plan {
    /// What a request needs, given what was observed.
    ///
    /// # Errors
    /// Where it asks for a month that is final, or of which nothing is known.
    pub(crate) fn of(
        request: &Request,
        observed: &Observed,
        settings: Settings,
        moment: Moment,
    ) -> Result<Self, RunError> {
        if request.purpose == Purpose::Close {
            return Ok(Self::closing(observed, moment));
        }
        if request.is_past(moment) {
            return Self::of_past(request, observed, settings, moment);
        }
        let needed = needed(observed, settings, moment);
        let state = &observed.state;
        let whole_fleet = request.servers.is_none();
        let watermark = state.coverage.end().map_or(moment.now, |end| end - settings.overlap);
        let anew = whole_fleet && state.coverage.end().is_some() && observed.newcomers(watermark) > MOST_NEWCOMERS;
        let reach = match state.coverage.end() {
            _ if anew => Reach::Anew,
            None => Reach::First,
            Some(_) if is_deep_due(state, moment) => Reach::Deep,
            Some(_) => Reach::Usual,
        };
        let windows = to_read(state, needed, reach, settings.overlap);
        let ids = observed.servers.keys().filter(|id| request.asks_for(id)).cloned().collect();
        let missing = request.missing(|id| observed.servers.contains_key(id));
        let reach = if whole_fleet { reach } else { Reach::Aside };
        let plan = Self { windows, needed, reach, ids, missing, rereads: false };
        // Nobody is there, and nobody was in this month or the last.
        let idle = plan.ids.is_empty() && observed.listed().next().is_none();
        Ok(if idle { plan.idle() } else { plan })
    }

    /// Nothing is read any more, and who is not gone yet has left now.
    fn closing(observed: &Observed, moment: Moment) -> Self {
        let ids = observed.listed().map(|server| server.id.clone()).collect();
        let needed = Window::new(moment.now, moment.now);
        Self { windows: Vec::new(), needed, reach: Reach::Closing, ids, missing: Vec::new(), rereads: false }
    }

    /// What the items of a month that is over lack, as far as the trail remembers it.
    fn of_past(request: &Request, observed: &Observed, settings: Settings, moment: Moment) -> Result<Self, RunError> {
        let (month, since) = (request.month, observed.remembered_since);
        let mut done = BTreeSet::new();
        if request.purpose != Purpose::Reopen {
            let (over, open): (Vec<_>, Vec<_>) =
                observed.index.iter().filter(|server| request.asks_for(&server.id)).partition(|server| server.is_final);
            if open.is_empty() && !over.is_empty() {
                return Err(InvalidRequest::Final(month).into());
            }
            done.extend(over.into_iter().map(|server: &IndexedServer| server.id.clone()));
        }
        let is_forgotten = month.end() <= since;
        if observed.index.is_empty() && is_forgotten {
            remembered_by_cloudwatch(month, since, settings, moment)?;
        }
        let mut ids = observed.servers_in(request);
        if is_forgotten && settings.asks_cloudwatch {
            // Of a server that is gone nobody else remembers that it was there.
            ids.extend(request.servers.iter().flatten().cloned());
        }
        // What happened some days after the month still tells of its end, as what happened before tells of its start.
        let to = moment.now.min(month.end() + settings.lookback);
        let needed = Window::new((month.start() - settings.lookback).max(since).min(to), to);
        let windows = missing(&observed.covered, needed);
        let missing = request.missing(|id| ids.contains(id));
        ids.retain(|id| !done.contains(id));
        let rereads = request.purpose == Purpose::Reopen && request.servers.is_some();
        let plan = Self { windows, needed, reach: Reach::Past, ids, missing, rereads };
        Ok(if plan.ids.is_empty() { plan.idle() } else { plan })
    }

    fn idle(self) -> Self {
        Self { windows: Vec::new(), ids: BTreeSet::new(), reach: Reach::Aside, ..self }
    }

    /// True where there is nothing to do.
    pub(crate) fn is_idle(&self) -> bool {
        self.ids.is_empty() && !self.moves_the_watermark()
    }

    /// True for a run over the whole fleet of a scope in the month that is going on: only such a run stores what it reads of everybody.
    pub(crate) fn moves_the_watermark(&self) -> bool {
        !matches!(self.reach, Reach::Aside | Reach::Past)
    }
}

/// Checks that CloudWatch may still have samples of a month that CloudTrail has forgotten.
fn remembered_by_cloudwatch(
    month: Month,
    since: DateTime<Utc>,
    settings: Settings,
    moment: Moment,
) -> Result<(), InvalidRequest> {
    let memory = Period::Hour.kept_for();
    let sampled_since = moment.now - memory;
    match settings.asks_cloudwatch {
        true if month.end() > sampled_since => Ok(()),
        true => {
            Err(InvalidRequest::Forgotten { month, who: "CloudWatch", days: memory.num_days(), since: sampled_since })
        }
        false => Err(InvalidRequest::Forgotten { month, who: "CloudTrail", days: 90, since }),
    }
}

/// The time that has to be known: some days back before the month, or before last month while that is open and was begun to
/// be kept.
fn needed(observed: &Observed, settings: Settings, moment: Moment) -> Window {
    let month = moment.month();
    let mut from = month.start() - settings.lookback;
    if let Some(start) = observed.state.coverage.start().filter(|_| !observed.last_month.is_empty()) {
        from = from.min(start.max(month.previous().start() - settings.lookback));
    }
    Window::new(from.max(observed.remembered_since), moment.now)
}

/// True where the run is to reach back further than usual.
fn is_deep_due(state: &SweepState, moment: Moment) -> bool {
    state.deep_sweep_at.is_none_or(|at| moment.now - at >= DEEP_SWEEP_EVERY)
}

/// From when on the trail is read again that was read up to the watermark, by a run over the whole fleet.
pub(crate) fn reread_since(
    state: &SweepState,
    watermark: DateTime<Utc>,
    settings: Settings,
    moment: Moment,
) -> DateTime<Utc> {
    let reach = if is_deep_due(state, moment) { Reach::Deep } else { Reach::Usual };
    watermark - overlap(reach, settings.overlap)
}

/// How long before the watermark everything is read again.
fn overlap(reach: Reach, usual: TimeDelta) -> TimeDelta {
    if reach == Reach::Deep { usual.max(DEEP_OVERLAP) } else { usual }
}

/// What is missing of `needed`. What was read within the overlap of its own time is read again.
fn to_read(state: &SweepState, needed: Window, reach: Reach, usual_overlap: TimeDelta) -> Vec<Window> {
    if reach.begins_anew() {
        return vec![needed];
    }
    let watermark = state.coverage.end().unwrap_or(needed.from);
    let settled = state.coverage.within(&Window::new(needed.from, watermark - overlap(reach, usual_overlap)));
    newest_first(settled.holes(needed))
}

/// The windows that are missing to some server, each once.
fn missing<'c>(coverages: impl IntoIterator<Item = &'c Coverage>, needed: Window) -> Vec<Window> {
    let missing: Coverage = coverages.into_iter().flat_map(|coverage| coverage.holes(needed)).collect();
    newest_first(missing.windows().to_vec())
}

fn newest_first(mut windows: Vec<Window>) -> Vec<Window> {
    windows.reverse();
    windows
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

    fn state(windows: &[Window]) -> SweepState {
        SweepState { coverage: windows.iter().copied().collect(), ..SweepState::default() }
    }

    const HOUR: TimeDelta = TimeDelta::hours(1);

    #[test]
    fn the_first_run_reads_all_that_is_needed() {
        assert_eq!(to_read(&state(&[]), window(0, 500), Reach::First, HOUR), [window(0, 500)]);
        assert_eq!(to_read(&state(&[window(0, 499)]), window(0, 500), Reach::Anew, HOUR), [window(0, 500)]);
    }

    #[test]
    fn a_later_run_reads_from_the_watermark_on_and_the_overlap_again() {
        assert_eq!(to_read(&state(&[window(0, 499)]), window(0, 500), Reach::Usual, HOUR), [window(498, 500)]);
    }

    #[test]
    fn once_a_day_the_overlap_is_a_day() {
        assert_eq!(to_read(&state(&[window(0, 499)]), window(0, 500), Reach::Deep, HOUR), [window(474, 500)]);
    }

    #[test]
    fn what_an_earlier_run_left_is_read_after_what_is_new() {
        let windows = to_read(&state(&[window(0, 100), window(300, 499)]), window(0, 500), Reach::Usual, HOUR);
        assert_eq!(windows, [window(498, 500), window(100, 300)]);
        let windows = to_read(&state(&[window(300, 499)]), window(0, 500), Reach::Usual, HOUR);
        assert_eq!(windows, [window(498, 500), window(0, 300)]);
    }

    #[test]
    fn what_one_server_lacks_is_read_once_for_all() {
        let coverages: [Coverage; 2] =
            [[window(0, 10), window(20, 30)].into_iter().collect(), [window(0, 25)].into_iter().collect()];
        assert_eq!(missing(&coverages, window(0, 30)), [window(25, 30), window(10, 20)].to_vec());
        assert_eq!(missing(&[Coverage::none()], window(0, 30)), [window(0, 30)]);
    }
}
