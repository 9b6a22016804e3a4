//! One server's month and what is new of it: what a look tells, who left and came back, and as of when.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use uptime::{
    BlindSpots, Coverage, Evidence, Folded, InstanceId, InstanceState, Look, News, Observation, ServerMonth, SweptFor,
    Window, fold,
};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn id() -> InstanceId {
    "i-abcd1111".parse().unwrap()
}

fn october() -> ServerMonth {
    ServerMonth::new(id(), "2025-10".parse().unwrap())
}

fn seen(state: InstanceState, now: &str, launched: &str) -> Observation {
    Observation {
        id: id(),
        state,
        observed_at: at(now),
        launch_time: Some(at(launched)),
        transition_reason: None,
        created_at: Some(at("2025-01-01T00:00:00Z")),
        name: None,
        instance_type: Some("t3.small".to_owned()),
        spot: None,
    }
}

fn running(now: &str) -> Observation {
    seen(InstanceState::Running, now, "2025-09-01T00:00:00Z")
}

fn event(text: &str) -> Evidence {
    text.parse().unwrap()
}

/// The month after a look, with nothing else to go by.
fn looked(month: ServerMonth, look: Look<'_>, now: &str) -> Folded {
    let nothing = Coverage::none();
    fold(month, &News { look, ..News::none(SweptFor::all_of(&nothing)) }, at(now))
}

fn minutes(folded: &Folded) -> (f64, f64) {
    (folded.entry.span.proven.as_f64(), folded.entry.span.possible.as_f64())
}

#[test]
fn a_server_that_is_missed_has_left_when_it_was_first_missed() {
    let noon = "2025-10-01T12:00:00Z";
    let folded = looked(october(), Look::Seen(&running(noon)), noon);
    assert_eq!(minutes(&folded), (720.0, 0.0));
    let one = looked(folded.month, Look::Missed(at("2025-10-01T13:00:00Z")), "2025-10-01T13:00:00Z");
    assert_eq!((minutes(&one), one.month.left_at), ((720.0, 60.0), Some(at("2025-10-01T13:00:00Z"))));
    let two = looked(one.month, Look::Missed(at("2025-10-01T15:00:00Z")), "2025-10-01T15:00:00Z");
    assert_eq!((minutes(&two), two.month.left_at), ((720.0, 60.0), Some(at("2025-10-01T13:00:00Z"))));
    assert_eq!(two.entry.running_since, None);
}

#[test]
fn one_that_came_back_is_certain_since_its_last_start_only() {
    let swept = Coverage::none().with(Window::new(at("2025-09-01T00:00:00Z"), at("2025-10-09T00:00:00Z")));
    let mut away = looked(october(), Look::Missed(at("2025-10-02T00:00:00Z")), "2025-10-02T00:00:00Z").month;
    away.coverage = Coverage::none().with(Window::new(at("2025-09-01T00:00:00Z"), at("2025-10-02T00:00:00Z")));
    let now = "2025-10-10T00:00:00Z";
    let stopped = seen(InstanceState::Stopped, now, "2025-10-05T00:00:00Z");
    let news = News { look: Look::Seen(&stopped), ..News::none(SweptFor::all_of(&swept)) };
    let back = fold(away, &news, at(now)).month;
    assert_eq!(back.left_at, None);
    // The sweeps of the time in between were not its own.
    assert_eq!(
        back.coverage.windows(),
        [
            Window::new(at("2025-09-01T00:00:00Z"), at("2025-10-02T00:00:00Z")),
            Window::new(at("2025-10-05T00:00:00Z"), at(now))
        ]
    );
}

#[test]
fn of_a_month_that_is_over_the_first_look_tells_how_it_ended_and_no_later_one_does() {
    let first = running("2025-11-01T00:05:00Z");
    let closed = looked(october(), Look::Seen(&first), "2025-11-01T00:05:00Z");
    assert_eq!(minutes(&closed), (44_640.0, 0.0));
    let later = looked(closed.month.clone(), Look::Missed(at("2025-11-01T01:05:00Z")), "2025-11-01T01:05:00Z");
    assert_eq!((later.month.left_at, later.month.sighting), (None, closed.month.sighting));
}

#[test]
fn of_a_server_that_left_within_a_month_no_look_after_its_end_tells_anything() {
    let left = looked(october(), Look::Missed(at("2025-10-20T00:00:00Z")), "2025-10-20T00:00:00Z").month;
    let later = looked(left.clone(), Look::Seen(&running("2025-11-01T00:05:00Z")), "2025-11-01T00:05:00Z").month;
    assert_eq!((later.left_at, later.sighting), (left.left_at, None));
}

#[test]
fn where_nobody_looked_it_is_as_of_the_last_evidence_and_never_before_what_is_computed() {
    let noon = "2025-10-01T12:00:00Z";
    let month = looked(october(), Look::Seen(&running(noon)), noon).month;
    let covered = Coverage::none().with(Window::new(at("2025-10-01T00:00:00Z"), at(noon)));
    let stopped = event("2025-10-01T12:30:00Z stopped state-change 1");
    let told = |month: ServerMonth, evidence: Vec<&Evidence>| {
        let swept = SweptFor::all_of(&covered);
        fold(month, &News { evidence, ..News::none(swept) }, at("2025-10-01T20:00:00Z"))
    };
    let folded = told(month.clone(), vec![&stopped]);
    assert_eq!(folded.entry.timestamp, at("2025-10-01T12:30:00Z"));
    assert_eq!((folded.entry.span.most(), folded.entry.running_since), ("750".parse().unwrap(), None));
    assert_eq!(told(month, Vec::new()).entry.timestamp, at(noon), "as of the look");
    let again = told(folded.month, vec![&stopped]);
    assert_eq!(again.entry.timestamp, at("2025-10-01T12:30:00Z"), "the same event once more takes nothing back");
    let late = event("2025-10-01T06:00:00Z seen-running CloudTrail RebootInstances 2");
    assert!(told(again.month, vec![&late]).entry.timestamp >= at("2025-10-01T12:30:00Z"));
}

#[test]
fn what_is_covered_is_so_but_for_blind_spots_and_for_what_could_not_be_stored() {
    let day = |hours: [i64; 2]| {
        let instant = |hour| at("2025-10-01T00:00:00Z") + TimeDelta::hours(hour);
        Window::new(instant(hours[0]), instant(hours[1]))
    };
    let nothing = Coverage::none();
    let (covered, hole) = (Coverage::none().with(day([0, 12])), Coverage::none().with(day([2, 4])));
    let mut blind = BlindSpots::none();
    blind.starts.add(day([6, 7]));
    let news = |hole| {
        let swept = SweptFor { coverage: &nothing, hole, blind: Cow::Borrowed(&blind), seen_at: None };
        News { covered: covered.clone(), ..News::none(swept) }
    };
    let now = at("2025-10-01T12:00:00Z");
    let first = fold(october(), &news(None), now).month;
    assert_eq!(first.coverage.windows(), [day([0, 6]), day([7, 12])]);
    let swept = SweptFor { coverage: &nothing, hole: Some(&hole), blind: Cow::Borrowed(&blind), seen_at: None };
    let without = fold(first, &News::none(swept), now).month;
    assert_eq!(without.coverage.windows(), [day([0, 2]), day([4, 6]), day([7, 12])]);
}

#[test]
fn what_was_more_certain_stays_where_less_could_be_read() {
    let noon = "2025-10-01T12:00:00Z";
    let certain = looked(october(), Look::Seen(&running(noon)), noon);
    let before = certain.month.summary.clone().unwrap();
    let one = Look::Missed(at("2025-10-01T13:00:00Z"));
    let mut vaguer = looked(certain.month.clone(), one, "2025-10-01T13:00:00Z");
    assert!(!vaguer.keeps_summary());
    vaguer.keep_if_more_certain(&before);
    assert_eq!((vaguer.keeps_summary(), vaguer.month.summary.as_ref()), (true, Some(&before)));
    let mut same = looked(certain.month, Look::Seen(&running(noon)), noon);
    same.keep_if_more_certain(&before);
    assert!(!same.keeps_summary());
}
