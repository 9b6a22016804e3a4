//! A second source about single servers: CloudWatch's samples of their status checks. What is asked of it, and in which requests.

use std::collections::HashMap;
use std::future::Future;

use chrono::{DateTime, TimeDelta, Utc};
use uptime::{Folded, InstanceId, Month, Period, Sampled, Samples, Window};

use crate::service_error::ServiceError;

/// What CloudWatch counted of the status checks of a scope's servers.
pub trait StatusChecks {
    /// How much one request may ask for.
    const MOST: MostAsked;

    /// The samples of a batch's servers, in one request. A server of which it had no complete answer is not among them.
    ///
    /// # Errors
    /// Where CloudWatch cannot be asked.
    fn ask(&self, batch: &Batch) -> impl Future<Output = Result<HashMap<InstanceId, Samples>, ServiceError>> + Send;
}

/// How much one request may ask for.
#[derive(Clone, Copy, Debug)]
pub struct MostAsked {
    /// Servers.
    pub servers: usize,
    /// Periods of all servers together.
    pub periods: i64,
}

/// When a server's time was open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The server.
    pub id: InstanceId,
    /// From the beginning of the first stretch that is open to the end of the last.
    pub window: Window,
}

/// Servers of which the same window is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The window, in whole periods.
    pub window: Window,
    /// How long the periods are.
    pub period: Period,
    /// The servers.
    pub ids: Vec<InstanceId>,
}

/// CloudWatch has all samples of a time so long after it.
const SETTLED: TimeDelta = TimeDelta::minutes(15);
/// Up to so long a window is asked for by the minute, which tells shorter pauses; longer ones would cost five times as much.
const BY_THE_MINUTE: TimeDelta = TimeDelta::hours(3);
/// So many periods around a window tell what was at its ends.
const AROUND: i32 = 3;

impl Question {
    /// What is to be asked at `now` of a server's month, as far as CloudWatch has all of it by then and has not forgotten it; none
    /// where that is nothing. A run before what is open is part of the question: that there are samples of it is what makes
    /// those that are missing tell anything.
    pub fn of(folded: &Folded, now: DateTime<Utc>) -> Option<Self> {
        let window = Self::window(&folded.open, folded.month.start_of_last_run(), now)?;
        Some(Self { id: folded.month.id.clone(), window })
    }

    fn window(open: &[Window], last_run: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<Window> {
        let known = Window::new(now - Period::Hour.kept_for(), now - SETTLED);
        let mut parts =
            open.iter().map(|window| window.within(&known)).filter(|part| part.length() >= Sampled::SHORTEST);
        let first = parts.next()?;
        let to = parts.next_back().map_or(first.to, |last| last.to);
        Some(Window::new(last_run.map_or(first.from, |start| start.min(first.from)), to).within(&known))
    }

    /// The shortest periods that CloudWatch still has of it at `now`, and that are worth their price.
    fn period(&self, now: DateTime<Utc>) -> Period {
        let around = |period: Period| period.around(self.window).from - period.length() * AROUND;
        let is_kept = |period: Period| now - around(period) < period.kept_for();
        if self.window.length() <= BY_THE_MINUTE && is_kept(Period::Minute) {
            Period::Minute
        } else if is_kept(Period::FiveMinutes) {
            Period::FiveMinutes
        } else {
            Period::Hour
        }
    }
}

impl Batch {
    /// The questions in as few requests as they need, the newest first.
    pub fn all_of(mut questions: Vec<Question>, most: MostAsked, now: DateTime<Utc>) -> Vec<Self> {
        questions.sort_by_key(|question| (question.window.to, question.window.from));
        let mut batches: Vec<Self> = Vec::new();
        for question in questions.into_iter().rev() {
            let period = question.period(now);
            let settled = period.begin(now - SETTLED);
            let exact = period.around(question.window);
            let margin = period.length() * AROUND;
            let window = Window::new(exact.from - margin, (exact.to + margin).min(settled));
            let last = batches.iter_mut().rev().find(|batch| batch.period == period);
            match last.and_then(|batch| batch.with(&question.id, window, most)) {
                Some(()) => {}
                None => batches.push(Self { window, period, ids: vec![question.id] }),
            }
        }
        batches
    }

    /// A whole month of servers by the hour, in as few requests as they need.
    pub fn of_month(month: Month, ids: Vec<InstanceId>, most: MostAsked) -> Vec<Self> {
        let (window, period) = (Window::new(month.start(), month.end()), Period::Hour);
        let periods = window.length().num_minutes() / period.minutes();
        let servers = usize::try_from(most.periods / periods).unwrap_or(1).clamp(1, most.servers);
        ids.chunks(servers).map(|ids| Self { window, period, ids: ids.to_vec() }).collect()
    }

    /// Adds a server, where the request does not become too large by it.
    fn with(&mut self, id: &InstanceId, window: Window, most: MostAsked) -> Option<()> {
        let both = Window::new(self.window.from.min(window.from), self.window.to.max(window.to));
        let servers = self.ids.len() + 1;
        let periods = |window: &Window, servers: usize| {
            window.length().num_minutes() / self.period.minutes() * i64::try_from(servers).unwrap_or(i64::MAX)
        };
        // Servers whose windows hardly meet cost more together than apart.
        let apart = periods(&self.window, self.ids.len()) + periods(&window, 1);
        let together = periods(&both, servers);
        let fits = servers <= most.servers && together <= most.periods && together <= 2 * apart;
        fits.then(|| {
            self.window = both;
            self.ids.push(id.clone());
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: MostAsked = MostAsked { servers: 500, periods: 100_800 };

    fn at(text: &str) -> DateTime<Utc> {
        format!("2026-03-{text}:00Z").parse().unwrap()
    }

    fn window(from: &str, to: &str) -> Window {
        Window::new(at(from), at(to))
    }

    fn id(number: usize) -> InstanceId {
        format!("i-{number:08x}").parse().unwrap()
    }

    fn batches(open: &[(usize, Window)], now: &str) -> Vec<Batch> {
        let questions = open.iter().filter_map(|(n, open)| {
            let window = Question::window(&[*open], None, at(now))?;
            Some(Question { id: id(*n), window })
        });
        Batch::all_of(questions.collect(), MOST, at(now))
    }

    #[test]
    fn what_was_open_for_an_hour_is_asked_by_the_minute_with_some_around_it() {
        let asked = batches(&[(1, window("20T10:10", "20T11:10"))], "20T12:10");
        let window = window("20T10:07", "20T11:13");
        assert_eq!(asked, [Batch { window, period: Period::Minute, ids: vec![id(1)] }]);
    }

    #[test]
    fn what_cloudwatch_may_still_be_told_is_not_asked_yet() {
        assert_eq!(batches(&[(1, window("20T12:00", "20T12:10"))], "20T12:12"), []);
        let asked = batches(&[(1, window("20T11:10", "20T12:10"))], "20T12:10");
        assert_eq!(asked[0].window, window("20T11:07", "20T11:55"));
    }

    #[test]
    fn the_run_before_what_is_open_is_part_of_the_question() {
        let open = [window("20T08:00", "20T09:00"), window("20T10:00", "20T11:00")];
        let asked = |last_run| Question::window(&open, last_run, at("20T12:00"));
        assert_eq!(asked(None), Some(window("20T08:00", "20T11:00")));
        assert_eq!(asked(Some(at("19T10:00"))), Some(window("19T10:00", "20T11:00")));
        assert_eq!(asked(Some(at("20T10:30"))), Some(window("20T08:00", "20T11:00")));
    }

    #[test]
    fn periods_are_as_short_as_they_are_kept() {
        let period = |from: &str, to: &str| batches(&[(1, window(from, to))], "31T12:10")[0].period;
        assert_eq!(period("20T10:00", "20T12:00"), Period::Minute);
        assert_eq!(period("10T10:00", "10T12:00"), Period::FiveMinutes);
        assert_eq!(period("20T10:00", "22T12:00"), Period::FiveMinutes);
        let january = Window::new("2026-01-01T00:00:00Z".parse().unwrap(), "2026-01-20T00:00:00Z".parse().unwrap());
        assert_eq!(batches(&[(1, january)], "31T12:10")[0].period, Period::Hour);
    }

    #[test]
    fn servers_of_the_same_time_are_asked_together_and_the_newest_first() {
        let morning = window("20T08:00", "20T09:00");
        let all: Vec<_> = (0..600).map(|n| (n, morning)).chain([(700, window("20T10:10", "20T11:10"))]).collect();
        let asked = batches(&all, "20T12:10");
        let sizes: Vec<_> = asked.iter().map(|batch| (batch.window.to, batch.ids.len())).collect();
        assert_eq!(sizes, [(at("20T11:13"), 1), (at("20T09:03"), 500), (at("20T09:03"), 100)]);
    }

    #[test]
    fn whole_months_are_asked_for_by_the_hour() {
        let asked = Batch::of_month("2026-03".parse().unwrap(), (0..300).map(id).collect(), MOST);
        let sizes: Vec<_> = asked.iter().map(|batch| (batch.period, batch.ids.len())).collect();
        assert_eq!(sizes, [(Period::Hour, 135), (Period::Hour, 135), (Period::Hour, 30)]);
    }

    #[test]
    fn a_month_of_a_large_fleet_takes_as_many_requests_as_it_has_periods() {
        let month = window("01T00:00", "25T00:00");
        let asked = batches(&(0..1_000).map(|n| (n, month)).collect::<Vec<_>>(), "25T00:10");
        let periods = |batch: &Batch| batch.window.length().num_minutes() / 5 * batch.ids.len() as i64;
        assert!(asked.iter().all(|batch| periods(batch) <= MOST.periods));
        assert_eq!(asked.len(), 72);
    }
}
