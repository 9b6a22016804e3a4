//! CloudWatch's samples beside all other evidence: the truth stays inside, and no span gets wider.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use uptime::{Audit, Certainty, Delivery, Evidence, Period, Samples, ServerMonth, Timeline, Window};

use crate::plan::{Plan, plans, tellings};
use crate::reference_model::{Change, Server};
use crate::told::{coverage, told};

/// What CloudWatch is asked, and how it samples and loses.
#[derive(Clone, Copy, Debug)]
struct Asked {
    period: Period,
    /// At which second of a minute the server is checked.
    second: i64,
    /// From tick to tick.
    ticks: (i64, i64),
    /// One of so many samples is lost; none where 0.
    lost: u64,
}

fn asked() -> impl Strategy<Value = Asked> {
    let period = prop_oneof![3 => Just(Period::Minute), 2 => Just(Period::FiveMinutes), 1 => Just(Period::Hour)];
    let lost = prop_oneof![2 => Just(0u64), 1 => Just(20), 1 => Just(7)];
    (period, 0..60i64, -70..60i64, 1..150i64, lost).prop_map(|(period, second, from, length, lost)| Asked {
        period,
        second,
        ticks: (from, from + length),
        lost,
    })
}

/// Plans whose runs and pauses are long enough for periods to tell them apart, and what CloudWatch is asked of them.
fn sampled_plans() -> impl Strategy<Value = (Plan, Asked)> {
    (plans(), asked()).prop_map(|(mut plan, asked)| {
        plan.tick = plan.tick.clamp(60 * asked.period.minutes(), 3600);
        (plan, asked)
    })
}

/// A number that looks like chance, the same for the same minute.
fn chance(minute: i64) -> u64 {
    let mixed = (minute as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33
}

/// What CloudWatch has of a server up to now.
fn samples(plan: &Plan, server: &Server, asked: &Asked) -> Samples {
    let ticks = (asked.ticks.0, asked.ticks.1.min(plan.now()));
    let window = asked.period.around(plan.window(ticks));
    // A period that is not over is not asked for.
    let over = plan.instant(plan.now()).duration_trunc(asked.period.length()).unwrap();
    let window = Window::new(window.from, window.to.min(over));
    let mut counts: BTreeMap<DateTime<Utc>, u32> = BTreeMap::new();
    let mut minute = window.from;
    while minute < window.to {
        let at = minute + TimeDelta::seconds(asked.second);
        let tick = (at - plan.month.start()).num_seconds().div_euclid(plan.tick);
        let is_lost = asked.lost > 0 && chance(minute.timestamp() / 60).is_multiple_of(asked.lost);
        if server.ran_in(tick) && !is_lost {
            let length = asked.period.length().num_seconds();
            let begin = window.from + TimeDelta::seconds((minute - window.from).num_seconds() / length * length);
            *counts.entry(begin).or_default() += 1;
        }
        minute += TimeDelta::minutes(1);
    }
    Samples { window, period: asked.period, counts }
}

/// The evidence in them, where CloudWatch is known to lose as many as it does.
fn evidence(samples: &Samples, asked: &Asked) -> Vec<Evidence> {
    let delivery = match asked.lost {
        0 => Delivery::default(),
        one_of => Delivery { arrived: 1_000 * (one_of - 1), lost: 1_000 },
    };
    samples.evidence(delivery)
}

/// True for a server that ran for no time at all: an event says that it ran, no sample does, and the event is believed.
fn has_flashes(server: &Server) -> bool {
    let ends_at = |tick| server.changes.contains(&(tick, Change::Stop));
    server.changes.iter().any(|(tick, change)| *change == Change::Start && ends_at(*tick))
}

fn lines(evidence: &[Evidence]) -> String {
    evidence.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The truth is inside: minute by minute where the timeline tells when, and in all.
fn assert_truth_inside(plan: &Plan, server: &Server, timeline: &Timeline) -> TestCaseResult {
    let ran = |from: DateTime<Utc>| server.ran_in((from - plan.month.start()).num_seconds().div_euclid(plan.tick));
    let proven = |segment: &&uptime::Segment| segment.certainty == Certainty::Proven && segment.sum.is_none();
    for segment in timeline.segments().iter().filter(proven) {
        let mut at = segment.window.from.max(plan.instant(-100));
        while at < segment.window.to {
            prop_assert!(ran(at), "{} did not run at {at}: {:?}", server.id, timeline.segments());
            at += TimeDelta::seconds(30);
        }
    }
    let mut at = plan.instant(-100);
    while at < plan.instant(plan.now()) {
        let is_inside = timeline.segments().iter().any(|s| s.window.from <= at && at < s.window.to);
        prop_assert!(is_inside || !ran(at), "{} ran at {at}: {:?}", server.id, timeline.segments());
        at += TimeDelta::seconds(30);
    }
    let month = plan.month.until(plan.instant(plan.now()));
    let inside = (0..plan.now()).filter(|tick| server.ran_in(*tick) && plan.instant(*tick) < month.to);
    let truth = TimeDelta::seconds(plan.tick * inside.count() as i64);
    let time = timeline.running_time(plan.month);
    prop_assert!(time.proven <= truth && truth <= time.proven + time.possible, "{truth} is not in {time:?}");
    Ok(())
}

/// No span gets wider, but for `tolerance`: a run that begins and ends between two samples leaves none, so that a start which
/// is told where there are no samples opens the time up to the next of them on either side.
fn assert_not_wider(plan: &Plan, before: &Timeline, after: &Timeline, tolerance: TimeDelta) -> TestCaseResult {
    let (was, is) = (before.running_time(plan.month), after.running_time(plan.month));
    let message = || format!("{was:?} became {is:?}: {:?} became {:?}", before.segments(), after.segments());
    prop_assert!(is.proven >= was.proven, "{}", message());
    prop_assert!(is.proven + is.possible <= was.proven + was.possible + tolerance, "{}", message());
    Ok(())
}

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn samples_narrow_and_the_truth_stays_inside((plan, asked) in sampled_plans(), telling in tellings()) {
        crate::for_each(&plan, |server, all| {
            let (told, _) = told(&plan, all, &telling);
            let told: Vec<Evidence> = told.into_iter().map(|piece| piece.evidence).collect();
            let more = evidence(&samples(&plan, server, &asked), &asked);
            let of = |evidence: &[Evidence]| {
                Timeline::of(evidence, &coverage(&plan, &telling.windows), plan.instant(plan.now()))
            };
            let (before, after) = (of(&told), of(&[told.clone(), more.clone()].concat()));
            assert_truth_inside(&plan, server, &after)
                .map_err(|error| TestCaseError::fail(format!("{error}\n{}\n{}", lines(&told), lines(&more))))?;
            assert_not_wider(&plan, &before, &after, TimeDelta::zero())
                .map_err(|error| TestCaseError::fail(format!("{error}\n{}\n{}", lines(&told), lines(&more))))
        })?;
    }

    #[test]
    fn an_audit_never_finds_what_is_not_there((plan, asked) in sampled_plans(), telling in tellings()) {
        // Of few hours nobody can tell how many samples get lost.
        let asked = Asked { lost: asked.lost / 20 * 20, ..asked };
        crate::for_each(&plan, |server, all| {
            let (told, _) = told(&plan, all, &telling);
            let mut month = ServerMonth::new(server.id.clone(), plan.month);
            month.learn(told.into_iter().map(|piece| piece.evidence), &coverage(&plan, &telling.windows));
            let samples = samples(&plan, server, &asked);
            let comparison = month.compared_with(&samples);
            let found = comparison.audit(comparison.completeness());
            prop_assert!(!matches!(found, Some(Audit::Disagrees(_))), "{found:?} in {samples:?} of {month:?}");
            Ok(())
        })?;
    }

    #[test]
    fn records_that_come_after_samples_never_widen_the_span((plan, asked) in sampled_plans(), telling in tellings()) {
        crate::for_each(&plan, |server, all| {
            let (told, lost) = told(&plan, all, &telling);
            let more = evidence(&samples(&plan, server, &asked), &asked);
            let mut known: Vec<Evidence> = told.into_iter().map(|piece| piece.evidence).chain(more).collect();
            let of = |evidence: &[Evidence]| {
                Timeline::of(evidence, &coverage(&plan, &telling.windows), plan.instant(plan.now()))
            };
            let mut before = of(&known);
            let flashes = has_flashes(server);
            for piece in lost {
                known.push(piece.evidence.clone());
                let after = of(&known);
                let fail = |error| TestCaseError::fail(format!("{error}\nadded {}\n{}", piece.evidence, lines(&known)));
                assert_truth_inside(&plan, server, &after).map_err(fail)?;
                if !flashes {
                    assert_not_wider(&plan, &before, &after, TimeDelta::minutes(2)).map_err(fail)?;
                }
                before = after;
            }
            Ok(())
        })?;
    }
}
