//! Condensing what is decided: whatever was told and whatever comes later, no span changes by it.

use proptest::prelude::*;
use uptime::{Coverage, Evidence, Fact, InstanceId, ServerMonth, Window};

use crate::plan::{plans, tellings};
use crate::told::{coverage, told};

/// What a month says, but for which evidence stands behind it.
fn says(month: &ServerMonth, now: chrono::DateTime<chrono::Utc>) -> impl PartialEq + std::fmt::Debug + use<> {
    let timeline = month.timeline(now);
    let time = timeline.running_time(month.month);
    (time, timeline.days(month.month, now), timeline.running_since(), timeline.lacks_past(month.month))
}

/// A server that was started `starts` times a day for `days`, and ran for some minutes each time, or none at all.
fn restless(starts: u32, days: u32, stops: bool) -> ServerMonth {
    let month: uptime::Month = "2025-10".parse().unwrap();
    let id: InstanceId = "i-abcd1111".parse().unwrap();
    let mut restless = ServerMonth::new(id, month);
    let step = chrono::TimeDelta::seconds(86_400 / i64::from(starts));
    let mut evidence: Vec<Evidence> = Vec::new();
    for n in 0..starts * days {
        let at = month.start() + step * i32::try_from(n).unwrap();
        let at = at.format("%Y-%m-%dT%H:%M:%SZ");
        evidence
            .push(format!("{at} started CloudTrail StartInstances 7bf73129-1428-4cd3-a780-{n:012}").parse().unwrap());
    }
    if stops {
        let ends = evidence.clone().into_iter().map(|start| Evidence {
            at: start.at + step / 3,
            fact: Fact::Stopped,
            ..start
        });
        evidence.extend(ends.collect::<Vec<_>>());
    }
    let covered = Window::new(month.start() - chrono::TimeDelta::days(7), month.end());
    restless.learn(evidence, &Coverage::none().with(covered));
    restless
}

fn size(month: &ServerMonth) -> usize {
    month.evidence.iter().map(|told| told.to_string().len() + 3).sum()
}

#[test]
fn a_server_that_starts_every_five_minutes_keeps_its_span_and_stays_small() {
    for stops in [false, true] {
        let now = "2025-10-18T00:00:00Z".parse().unwrap();
        let whole = restless(288, 17, stops);
        let mut condensed = whole.clone();
        condensed.keep_small(now);
        assert_eq!(says(&condensed, now), says(&whole, now));
        assert!(size(&whole) > 400_000 && size(&condensed) < 100_000, "{} {}", size(&whole), size(&condensed));
        let days = condensed.evidence.iter().filter(|told| matches!(told.fact, Fact::Digest(_))).count();
        assert!((15..=16).contains(&days), "{days}");
        // Explained, it is the same number, a line a day.
        let explanation = condensed.explain(now);
        let sum = explanation.segments.iter().map(|segment| segment.minutes).sum::<uptime::Minutes>();
        assert_eq!(sum, [explanation.minutes, explanation.uncertainty].into_iter().sum());
        // What was condensed is told again by the daily deep sweep, and changes nothing.
        condensed.learn(whole.evidence.iter().cloned(), &Coverage::none());
        assert_eq!(says(&condensed, now), says(&whole, now));
        assert!(size(&condensed) < 100_000);
    }
}

#[test]
fn a_start_every_ten_seconds_fits_as_well() {
    let now = "2025-10-03T00:00:00Z".parse().unwrap();
    let whole = restless(8_640, 2, true);
    let mut condensed = whole.clone();
    condensed.keep_small(now);
    assert_eq!(says(&condensed, now), says(&whole, now));
    assert!(size(&condensed) < 300_000, "{}", size(&condensed));
}

#[test]
fn a_usual_server_is_kept_as_it_is() {
    let whole = restless(4, 30, true);
    let mut kept = whole.clone();
    kept.keep_small("2025-10-31T00:00:00Z".parse().unwrap());
    assert_eq!(kept, whole);
}

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn folding_never_changes_a_span(plan in plans(), telling in tellings(), cut in 0..100i64) {
        let telling = telling.over(&[(-3000, 1000)]);
        crate::for_each(&plan, |server, all| {
            let (told, _) = told(&plan, all, &telling);
            let mut month = ServerMonth::new(server.id.clone(), plan.month);
            month.learn(told.into_iter().map(|piece| piece.evidence), &coverage(&plan, &telling.windows));
            let mut condensed = month.clone();
            condensed.condense_before(plan.instant(plan.now() * cut / 100));
            let now = plan.instant(plan.now());
            prop_assert_eq!(says(&condensed, now), says(&month, now), "{:#?}", condensed.evidence);
            Ok(())
        })?;
    }

    /// What is told after condensing of what happened after it finds both months the same; what is told again is known.
    #[test]
    fn a_condensed_month_goes_on_as_one_that_was_not(plan in plans(), telling in tellings(), cut in 0..100i64) {
        let telling = telling.over(&[(-3000, 1000)]);
        crate::for_each(&plan, |server, all| {
            let (told, _) = told(&plan, all, &telling);
            let told: Vec<Evidence> = told.into_iter().map(|piece| piece.evidence).collect();
            let until = plan.instant(plan.now() * cut / 100);
            let known = told.iter().filter(|told| told.at <= until).cloned();
            let covered = coverage(&plan, &telling.windows);
            let mut month = ServerMonth::new(server.id.clone(), plan.month);
            month.learn(known, &covered.within(&Window::new(chrono::DateTime::<chrono::Utc>::MIN_UTC, until)));
            let mut condensed = month.clone();
            // Changes are told by several sources within half an hour.
            condensed.condense_before(until - chrono::TimeDelta::minutes(32));
            for each in [&mut month, &mut condensed] {
                each.learn(told.iter().cloned(), &covered);
            }
            let now = plan.instant(plan.now());
            prop_assert_eq!(says(&condensed, now), says(&month, now), "{:#?}", condensed.evidence);
            Ok(())
        })?;
    }
}
