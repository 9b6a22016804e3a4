//! A final month beside CloudWatch's samples of it: two witnesses that know nothing of each other.

use chrono::{DateTime, TimeDelta, Utc};

use crate::admitted::{BETWEEN_SAMPLES, TOLERANCE};
use crate::evidence::Source;
use crate::samples::Samples;
use crate::server_month::ServerMonth;
use crate::timeline::{Certainty, Segment, Timeline};
use crate::window::{Coverage, Window};

/// How rarely chance may lose so many samples of one period that it looks like a finding.
const SELDOM: f64 = 1e-9;

/// Whether CloudWatch's samples tell of a month what the records do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audit {
    /// In every period of which both tell.
    Agrees,
    /// Not in these windows.
    Disagrees(Coverage),
}

/// A server's month beside its samples, period by period.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The length of a period.
    length: TimeDelta,
    periods: Vec<Compared>,
}

/// What the records and the samples tell of one period.
#[derive(Clone, Copy, Debug)]
struct Compared {
    window: Window,
    /// How long the server ran in it by the records, at least.
    least: TimeDelta,
    /// The same, at most.
    most: TimeDelta,
    /// How many runs begin or end in it.
    ends: i32,
    /// How many samples it has.
    samples: u32,
}

/// How complete the samples of periods are in which servers ran all the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Completeness {
    /// Periods that have all their samples.
    whole: u64,
    /// All of them.
    all: u64,
}

impl Audit {
    /// The verdict where they agree.
    pub const AGREES: &str = "agrees";
    /// The verdict where they do not.
    pub const DISAGREES: &str = "disagrees";

    /// What it says in a word, as it is kept and shown.
    pub fn verdict(&self) -> &'static str {
        match self {
            Self::Agrees => Self::AGREES,
            Self::Disagrees(_) => Self::DISAGREES,
        }
    }

    /// The audit with a verdict, and where they disagree; none where that is no verdict.
    pub fn read(verdict: &str, disagreements: Coverage) -> Option<Self> {
        match verdict {
            Self::AGREES => Some(Self::Agrees),
            Self::DISAGREES => Some(Self::Disagrees(disagreements)),
            _ => None,
        }
    }

    /// Where they disagree; empty where they agree.
    pub fn disagreements(&self) -> &Coverage {
        static NONE: Coverage = Coverage::none();
        match self {
            Self::Agrees => &NONE,
            Self::Disagrees(windows) => windows,
        }
    }
}

impl ServerMonth {
    /// The month by its records alone beside the samples of it, up to where it is counted.
    pub fn compared_with(&self, samples: &Samples) -> Comparison {
        let counted = Window::new(self.month.start(), self.horizon(self.month.end()));
        let horizon = self.horizon(DateTime::<Utc>::MAX_UTC);
        let records = self.all_evidence().filter(|piece| piece.source != Source::CloudWatch);
        let timeline = Timeline::of_machine(self.machine(), records, &self.coverage, horizon);
        let length = samples.period.length();
        let mut segments = timeline.segments();
        let mut periods = Vec::new();
        let mut window = Window::new(samples.window.from, samples.window.from + length);
        while window.to <= samples.window.to {
            let over = segments.iter().take_while(|segment| segment.window.to < window.from).count();
            segments = &segments[over..];
            if window.within(&counted) == window {
                let count = samples.counts.get(&window.from).copied().unwrap_or_default();
                periods.push(Compared::of(window, segments, count));
            }
            window = Window::new(window.to, window.to + length);
        }
        Comparison { length, periods }
    }
}

impl Comparison {
    /// How complete the samples are, as far as this server's tell.
    pub fn completeness(&self) -> Completeness {
        let ran_through = self.periods.iter().filter(|period| period.least == self.length);
        ran_through.fold(Completeness::default(), |sum, period| Completeness {
            whole: sum.whole + u64::from(i64::from(period.samples) >= self.length.num_minutes()),
            all: sum.all + 1,
        })
    }

    /// Whether both tell the same, where samples are as complete as they are for all servers of an answer. None where the
    /// records tell nothing that could be compared: such a month rests on samples alone.
    pub fn audit(&self, completeness: Completeness) -> Option<Audit> {
        let lost = completeness.most_lost(self.length.num_minutes());
        let told = || self.periods.iter().filter(|period| period.most - period.least < self.length);
        told().next()?;
        let disagreements: Coverage =
            told().filter(|period| period.disagrees(lost)).map(|period| period.window).collect();
        Some(if disagreements == Coverage::none() { Audit::Agrees } else { Audit::Disagrees(disagreements) })
    }
}

impl Compared {
    /// `segments` are in time order, and may go on beyond the period.
    fn of(window: Window, segments: &[Segment], samples: u32) -> Self {
        let mut period = Self { window, least: TimeDelta::zero(), most: TimeDelta::zero(), ends: 0, samples };
        for segment in segments.iter().take_while(|segment| segment.window.from <= window.to) {
            let inside = segment.window.within(&window).length();
            let outside = segment.window.length() - inside;
            // Of what is kept as a sum, how much lies in the period is not known.
            let most = segment.length().min(inside);
            let least = (segment.length() - outside).max(TimeDelta::zero()).min(most);
            period.most += most;
            if segment.certainty == Certainty::Proven {
                period.least += least;
            }
            let is_here = |end: &DateTime<Utc>| window.from <= *end && *end <= window.to;
            period.ends += [segment.window.from, segment.window.to].iter().filter(|end| is_here(end)).count() as i32;
        }
        period.most = period.most.min(window.length());
        period
    }

    fn disagrees(&self, lost: i64) -> bool {
        let sampled = TimeDelta::minutes(i64::from(self.samples));
        let error = TOLERANCE + BETWEEN_SAMPLES * self.ends;
        sampled > self.most + error || sampled + error + TimeDelta::minutes(lost) < self.least
    }
}

impl Completeness {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { whole: self.whole + other.whole, all: self.all + other.all }
    }

    /// How many samples of a period of so many minutes may be lost by chance. How often a sample is lost follows from how
    /// many periods are whole, which a few servers that disagree hardly change.
    fn most_lost(self, minutes: i64) -> i64 {
        let whole = (self.whole + 1) as f64 / (self.all + 1) as f64;
        let share = 1.0 - whole.powf(1.0 / minutes as f64);
        let mut chance = 1.0;
        for lost in 0..minutes {
            // At most the chance that one more than this is lost: of all ways to choose them, each.
            chance *= (minutes - lost) as f64 / (lost + 1) as f64 * share;
            if chance < SELDOM {
                return lost;
            }
        }
        minutes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Evidence, Fact};
    use crate::period::Period;

    fn month() -> crate::month::Month {
        "2026-03".parse().unwrap()
    }

    fn at(hour: i64) -> DateTime<Utc> {
        month().start() + TimeDelta::hours(hour)
    }

    /// A server that ran in these hours of the month, by calls that CloudTrail recorded.
    fn ran(runs: &[(i64, i64)]) -> ServerMonth {
        let call = |at, fact, name: &str| Evidence {
            at,
            fact,
            source: Source::CloudTrail { event_name: name.to_owned().into(), event_id: format!("{name}{at}") },
        };
        let pieces = runs.iter().flat_map(|(from, to)| {
            [call(at(*from), Fact::Started, "StartInstances"), call(at(*to), Fact::Stopped, "StopInstances")]
        });
        let mut server = ServerMonth::new("i-0123456789abcdef0".parse().unwrap(), month());
        server.learn(pieces, &Coverage::none().with(Window::new(at(-100), month().end())));
        server
    }

    /// Samples by the hour, of which `lost` tells how many of an hour are missing.
    fn sampled(runs: &[(i64, i64)], lost: impl Fn(i64) -> u32) -> Samples {
        let counts = runs.iter().flat_map(|(from, to)| *from..*to).map(|hour| (at(hour), 60 - lost(hour)));
        Samples { window: Window::new(month().start(), month().end()), period: Period::Hour, counts: counts.collect() }
    }

    fn audit(server: &ServerMonth, samples: &Samples) -> Option<Audit> {
        let comparison = server.compared_with(samples);
        comparison.audit(comparison.completeness())
    }

    const RUNS: [(i64, i64); 2] = [(10, 100), (200, 744)];

    #[test]
    fn a_month_with_all_its_samples_agrees() {
        assert_eq!(audit(&ran(&RUNS), &sampled(&RUNS, |_| 0)), Some(Audit::Agrees));
    }

    #[test]
    fn a_stop_that_no_record_tells_of_is_a_finding() {
        let samples = sampled(&[(10, 100), (200, 300), (308, 744)], |_| 0);
        let finding = Coverage::none().with(Window::new(at(300), at(308)));
        assert_eq!(audit(&ran(&RUNS), &samples), Some(Audit::Disagrees(finding)));
    }

    #[test]
    fn a_run_that_no_record_tells_of_is_a_finding() {
        let samples = sampled(&[(10, 100), (150, 151), (200, 744)], |_| 0);
        let finding = Coverage::none().with(Window::new(at(150), at(151)));
        assert_eq!(audit(&ran(&RUNS), &samples), Some(Audit::Disagrees(finding)));
    }

    #[test]
    fn samples_that_get_lost_are_no_finding_and_a_run_beside_them_is_one() {
        let lost = |hour: i64| u32::try_from(hour.rem_euclid(5)).unwrap();
        assert_eq!(audit(&ran(&RUNS), &sampled(&RUNS, lost)), Some(Audit::Agrees));
        let samples = sampled(&[(10, 100), (200, 300), (301, 744)], lost);
        let finding = Coverage::none().with(Window::new(at(300), at(301)));
        assert_eq!(audit(&ran(&RUNS), &samples), Some(Audit::Disagrees(finding)));
    }

    #[test]
    fn what_is_no_longer_than_the_witness_s_own_error_is_none() {
        let mut samples = sampled(&RUNS, |_| 0);
        samples.counts.insert(at(300), 57);
        samples.counts.insert(at(150), 3);
        assert_eq!(audit(&ran(&RUNS), &samples), Some(Audit::Agrees));
        samples.counts.insert(at(150), 4);
        assert!(matches!(audit(&ran(&RUNS), &samples), Some(Audit::Disagrees(_))));
    }

    #[test]
    fn where_the_records_tell_nothing_there_is_nothing_to_compare() {
        let unknown = ServerMonth::new("i-0123456789abcdef0".parse().unwrap(), month());
        assert_eq!(audit(&unknown, &sampled(&RUNS, |_| 0)), None);
    }

    #[test]
    fn of_a_server_that_left_only_the_time_before_counts() {
        let mut server = ran(&[(10, 100)]);
        server.leave(at(150));
        assert_eq!(audit(&server, &sampled(&[(10, 100), (160, 300)], |_| 0)), Some(Audit::Agrees));
    }
}
