//! What CloudWatch's samples do to a server's month.

#![allow(clippy::unwrap_used, reason = "what a test builds wrong should stop it")]

use chrono::{DateTime, TimeDelta, Utc};
use uptime::{
    Coverage, Delivery, Evidence, Fact, Folded, InstanceState, Look, News, Observation, Period, Sampled, Samples,
    ServerMonth, Source, Span, SweptFor, Window, fold,
};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn month() -> ServerMonth {
    ServerMonth::new("i-abcd1111".parse().unwrap(), "2026-03".parse().unwrap())
}

fn span(proven: &str, possible: &str) -> Span {
    Span { proven: proven.parse().unwrap(), possible: possible.parse().unwrap() }
}

/// Stopped as it is looked at, at 10:00 on the 2nd; nobody knows since when.
fn stopped(last_start: &str) -> Observation {
    Observation {
        id: "i-abcd1111".parse().unwrap(),
        state: InstanceState::Stopped,
        observed_at: at("2026-03-02T10:00:00Z"),
        launch_time: Some(at(last_start)),
        transition_reason: Some(String::new()),
        created_at: Some(at("2025-01-01T00:00:00Z")),
        name: None,
        instance_type: None,
        spot: None,
    }
}

/// Samples of a server that ran from one instant to another and is checked at the 40th second of each minute.
fn samples(period: Period, (from, to): (&str, &str), window: (&str, &str)) -> Sampled {
    let window = Window::new(at(window.0), at(window.1));
    let mut samples = Samples { window, period, counts: Default::default() };
    let mut begin = window.from;
    while begin < window.to {
        let checks = (0..period.minutes()).map(|minute| begin + TimeDelta::minutes(minute) + TimeDelta::seconds(40));
        let count = checks.filter(|check| at(from) <= *check && *check < at(to)).count();
        if count > 0 {
            samples.counts.insert(begin, u32::try_from(count).unwrap());
        }
        begin += period.length();
    }
    let asked = Coverage::none().with(window);
    Sampled { evidence: samples.evidence(Delivery::default()), asked }
}

/// A server that the first run of the month finds stopped: its start is on record, its shutdown from inside is not.
fn found_stopped(sampled: Option<&Sampled>) -> Folded {
    let look = stopped("2026-03-01T06:00:00Z");
    let swept = Coverage::none().with(Window::new(at("2026-02-20T00:00:00Z"), look.observed_at));
    let start = Evidence {
        at: at("2026-03-01T06:00:00Z"),
        fact: Fact::Started,
        source: Source::CloudTrail { event_name: "StartInstances".into(), event_id: "1".to_owned() },
    };
    let before = Evidence { at: at("2026-02-21T00:00:00Z"), fact: Fact::Stopped, ..start.clone() };
    let nothing = Coverage::none();
    let news = News {
        evidence: vec![&before, &start],
        covered: swept,
        sampled,
        look: Look::Seen(&look),
        ..News::none(SweptFor::all_of(&nothing))
    };
    fold(month(), &news, look.observed_at)
}

#[test]
fn a_shutdown_from_inside_is_found_to_two_minutes() {
    let without = found_stopped(None);
    assert_eq!(without.month.span(), span("0", "1680"));
    assert_eq!(without.open, [Window::new(at("2026-03-01T06:00:00Z"), at("2026-03-02T10:00:00Z"))]);
    for (period, proven) in [(Period::Minute, "209"), (Period::FiveMinutes, "209"), (Period::Hour, "209")] {
        let sampled = samples(
            period,
            ("2026-03-01T06:00:00Z", "2026-03-01T09:30:00Z"),
            ("2026-03-01T05:00:00Z", "2026-03-02T10:00:00Z"),
        );
        let with = found_stopped(Some(&sampled));
        assert_eq!(with.month.span(), span(proven, "2"), "{period:?}");
        assert_eq!(with.open, []);
        assert_eq!(with.month.evidence.iter().filter(|piece| piece.source == Source::CloudWatch).count(), 2);
    }
}

#[test]
fn what_was_asked_is_kept_and_not_asked_again_though_the_answer_was_empty() {
    let asked = Coverage::none().with(Window::new(at("2026-03-01T05:00:00Z"), at("2026-03-02T09:45:00Z")));
    let folded = found_stopped(Some(&Sampled { evidence: Vec::new(), asked: asked.clone() }));
    assert_eq!(folded.month.span(), span("0", "1680"));
    assert_eq!(folded.month.asked, asked);
    assert_eq!(folded.open, [Window::new(at("2026-03-02T09:45:00Z"), at("2026-03-02T10:00:00Z"))]);
    assert!(folded.month.adds_to(&found_stopped(None).month, false));
}

#[test]
fn a_look_that_saw_it_run_is_believed_and_not_a_cloudwatch_that_has_no_sample() {
    let seen =
        Evidence { at: at("2026-03-01T20:00:00Z"), fact: Fact::SeenRunning { last_start: None }, source: Source::Ec2 };
    let silence = samples(
        Period::Minute,
        ("2026-03-01T06:00:00Z", "2026-03-01T09:30:00Z"),
        ("2026-03-01T05:00:00Z", "2026-03-02T10:00:00Z"),
    );
    let month = found_stopped(Some(&silence)).month;
    let told = fold(month, &News { evidence: vec![&seen], ..News::none(SweptFor::all_of(&Coverage::none())) }, seen.at);
    // Nothing started it since six o'clock, so it ran up to the look.
    let expected = span("840", "840");
    assert_eq!(told.month.timeline(at("2026-03-02T10:00:00Z")).span(told.month.month), expected);
    let explained = told.month.explain(at("2026-03-02T10:00:00Z"));
    let set_aside = explained.evidence.iter().filter_map(|heard| heard.set_aside.as_deref());
    assert_eq!(set_aside.collect::<Vec<_>>(), ["EC2 or CloudTrail says otherwise, and they have records of it"]);
}

#[test]
fn samples_alone_tell_a_month_that_nobody_else_remembers() {
    let sampled = samples(
        Period::Hour,
        ("2026-03-03T08:20:30Z", "2026-03-03T17:40:10Z"),
        ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"),
    );
    let nothing = Coverage::none();
    let news = News { sampled: Some(&sampled), ..News::none(SweptFor::all_of(&nothing)) };
    let folded = fold(month(), &news, at("2026-04-01T00:00:00Z"));
    let truth = TimeDelta::seconds(9 * 3600 + 20 * 60 - 20);
    let time = folded.month.timeline(at("2026-04-01T00:00:00Z")).running_time("2026-03".parse().unwrap());
    assert!(time.proven <= truth && truth <= time.proven + time.possible, "{time:?}");
    assert!(time.possible <= TimeDelta::minutes(6), "{time:?}");
}
