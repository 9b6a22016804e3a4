//! Evidence that cannot be true: whatever comes in, what goes out keeps to the rules.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::collection::vec;
use proptest::prelude::*;
use uptime::{Certainty, Coverage, Evidence, Fact, Month, RunningTime, Source, Timeline, Window};

pub(crate) fn instants() -> impl Strategy<Value = DateTime<Utc>> {
    let start = "2025-10".parse::<Month>().unwrap().start();
    let second = prop_oneof![-30..30i64, -5_000..5_000i64, -3_000_000..3_000_000i64];
    let usual = second.prop_map(move |second| start + TimeDelta::seconds(second));
    prop_oneof![30 => usual, 1 => Just(DateTime::<Utc>::MIN_UTC), 1 => Just(DateTime::<Utc>::MAX_UTC)]
}

pub(crate) fn facts() -> impl Strategy<Value = Fact> {
    let last_start = || prop::option::of(instants());
    prop_oneof![
        Just(Fact::Started),
        Just(Fact::Stopped),
        Just(Fact::Interrupted),
        Just(Fact::Terminated),
        Just(Fact::Created),
        last_start().prop_map(|last_start| Fact::SeenRunning { last_start }),
        last_start().prop_map(|last_start| Fact::SeenStopped { last_start }),
        last_start().prop_map(|last_start| Fact::SeenTerminated { last_start }),
    ]
}

fn sources() -> impl Strategy<Value = Source> {
    let cloud_trail = Source::CloudTrail { event_name: "StopInstances".into(), event_id: String::new() };
    prop_oneof![Just(cloud_trail), Just(Source::Ec2), Just(Source::StateChange { event_id: "e".into() })]
}

pub(crate) fn evidence() -> impl Strategy<Value = Evidence> {
    (instants(), facts(), sources()).prop_map(|(at, fact, source)| Evidence { at, fact, source })
}

pub(crate) fn coverages() -> impl Strategy<Value = Coverage> {
    let window = (instants(), instants()).prop_map(|(from, to)| Window::new(from, to));
    vec(window, 0..4).prop_map(|windows| windows.into_iter().collect())
}

fn sum(segments: impl Iterator<Item = (Window, Certainty)>) -> RunningTime {
    segments.fold(RunningTime::default(), |mut time, (window, certainty)| {
        match certainty {
            Certainty::Proven => time.proven += window.length(),
            Certainty::Possible => time.possible += window.length(),
        }
        time
    })
}

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn a_month_never_has_less_than_nothing_nor_more_than_has_passed(
        evidence in vec(evidence(), 0..12), coverage in coverages(), now in instants(),
    ) {
        let timeline = Timeline::of(&evidence, &coverage, now);
        let month: Month = "2025-10".parse().unwrap();
        for month in [month.previous(), month, month.next()] {
            let time = timeline.running_time(month);
            let elapsed = uptime::Minutes::floor(month.until(now).length());
            let nothing = uptime::Minutes::default();
            prop_assert!(time.span().proven >= nothing && time.span().possible >= nothing, "{month} {time:?}");
            let most = time.span().most();
            prop_assert!(most <= elapsed, "{month} {time:?}");
        }
    }

    #[test]
    fn segments_are_in_order_apart_and_up_to_now(
        evidence in vec(evidence(), 0..12), coverage in coverages(), now in instants(),
    ) {
        let timeline = Timeline::of(&evidence, &coverage, now);
        for segment in timeline.segments() {
            prop_assert!(segment.window.from < segment.window.to && segment.window.to <= now, "{segment:?}");
        }
        for pair in timeline.segments().windows(2) {
            let (one, next) = (pair[0], pair[1]);
            let touch = one.window.to == next.window.from;
            prop_assert!(one.window.to < next.window.from || touch && one.certainty != next.certainty, "{pair:?}");
        }
        prop_assert!(timeline.running_since().is_none_or(|since| since <= now));
    }

    #[test]
    fn the_months_together_have_what_the_segments_have(
        evidence in vec(evidence(), 0..12), coverage in coverages(), now in instants(),
    ) {
        let timeline = Timeline::of(&evidence, &coverage, now);
        let month: Month = "2025-10".parse().unwrap();
        let months = [month.previous(), month, month.next()];
        let whole = Window::new(months[0].start(), months[2].end());
        let expected = sum(timeline.segments().iter().map(|s| (s.window.within(&whole), s.certainty)));
        let clipped = sum(months.iter().flat_map(|m| timeline.segments_in(*m)).map(|s| (s.window, s.certainty)));
        let times: Vec<RunningTime> = months.iter().map(|m| timeline.running_time(*m)).collect();
        prop_assert_eq!(clipped, expected);
        prop_assert_eq!(times.iter().map(|time| time.proven).sum::<TimeDelta>(), expected.proven);
        prop_assert_eq!(times.iter().map(|time| time.possible).sum::<TimeDelta>(), expected.possible);
    }

    #[test]
    fn order_and_repetition_change_nothing_even_in_contradictions(
        evidence in vec(evidence(), 0..12), coverage in coverages(), now in instants(), by in 0..12usize,
    ) {
        let mut shuffled = evidence.clone();
        shuffled.rotate_left(by.min(evidence.len()));
        shuffled.reverse();
        shuffled.extend(evidence.iter().take(by).cloned());
        prop_assert_eq!(Timeline::of(&shuffled, &coverage, now), Timeline::of(&evidence, &coverage, now));
    }
}
