//! The cases that a per-server calculation got wrong, by name, told the way AWS tells them: CloudTrail records as JSON
//! and what `DescribeInstances` shows.

mod support;

use support::{Server, call, refused};
use uptime::InstanceState::{Running, Stopped, Terminated};

const NOW: f64 = 10.0 * 24.0;

#[test]
fn running_since_before_the_month_without_an_event() {
    let server = Server::seen(Running).launched(-1000.0).at(NOW);
    server.assert_minutes(NOW * 60.0);
    assert_eq!(server.timeline().running_since(), Some(support::hour(-1000.0)));
}

#[test]
fn running_since_before_the_month_stopped_at_hour_10() {
    let stop = call("StopInstances", 10.0, &[("running", Server::ID)]);
    Server::seen(Stopped).launched(-1000.0).record(&stop).at(NOW).assert_minutes(600.0);
}

#[test]
fn a_refused_start_after_two_hours_of_running() {
    let server = Server::seen(Stopped)
        .off_at_the_start()
        .launched(20.0)
        .record(&call("StartInstances", 20.0, &[("stopped", Server::ID)]))
        .record(&call("StopInstances", 22.0, &[("running", Server::ID)]))
        .record(&refused("StartInstances", 30.0));
    server.at(NOW).assert_minutes(120.0);
}

#[test]
fn launched_at_hour_1_terminated_at_hour_3_and_still_visible() {
    let server = Server::seen(Terminated)
        .launched(1.0)
        .created(1.0)
        .reason(3.0)
        .record(&call("RunInstances", 1.0, &[("", Server::ID)]))
        .record(&call("TerminateInstances", 3.0, &[("running", Server::ID)]));
    server.at(NOW).assert_minutes(120.0);
}

#[test]
fn shut_down_from_inside_the_guest_with_the_time_in_the_transition_reason() {
    let start = call("StartInstances", 40.0, &[("stopped", Server::ID)]);
    Server::seen(Stopped).off_at_the_start().launched(40.0).reason(45.5).record(&start).at(NOW).assert_minutes(330.0);
}

#[test]
fn one_start_call_over_three_servers_of_which_one_already_ran() {
    let all = [("stopped", "i-aaaaaaaa"), ("running", Server::ID), ("stopped", "i-bbbbbbbb")];
    let server = Server::seen(Running).off_at_the_start().launched(2.0).record(&call("StartInstances", 90.0, &all));
    server.at(NOW).assert_minutes((NOW - 2.0) * 60.0);
    let started = Server::seen(Running).named("i-aaaaaaaa").off_at_the_start().launched(90.0).record(&call(
        "StartInstances",
        90.0,
        &all,
    ));
    started.at(NOW).assert_minutes((NOW - 90.0) * 60.0);
}

#[test]
fn on_for_months_with_one_stop_at_hour_50_and_no_other_event() {
    let stop = call("StopInstances", 50.0, &[("running", Server::ID)]);
    Server::seen(Stopped).launched(-2000.0).reason(50.0).record(&stop).at(NOW).assert_minutes(3000.0);
}

#[test]
fn started_stopped_and_terminated_while_stopped() {
    let server = Server::seen(Terminated)
        .off_at_the_start()
        .launched(7.0)
        .reason(30.0)
        .record(&call("StartInstances", 7.0, &[("stopped", Server::ID)]))
        .record(&call("StopInstances", 9.0, &[("running", Server::ID)]))
        .record(&call("TerminateInstances", 30.0, &[("stopped", Server::ID)]));
    server.at(NOW).assert_minutes(120.0);
}

#[test]
fn twelve_half_hour_runs_with_every_kind_of_repetition() {
    let mut server = Server::seen(Stopped).off_at_the_start().launched(23.0).reason(23.5);
    for run in 0..12 {
        let start = f64::from(run) * 2.0 + 1.0;
        server = server.record(&call("StartInstances", start, &[("stopped", Server::ID)])).record(&call(
            "StopInstances",
            start + 0.5,
            &[("running", Server::ID)],
        ));
    }
    let server = server
        .record(&call("StartInstances", 1.0, &[("stopped", Server::ID)]))
        .record(&call("StopInstances", 1.75, &[("stopped", Server::ID)]))
        .record(&call("StopInstances", 1.51, &[("stopping", Server::ID)]))
        .record(&call("StartInstances", 3.25, &[("running", Server::ID)]))
        .record(&call("RebootInstances", 5.25, &[("", Server::ID)]));
    server.at(NOW).assert_minutes(360.0);
}

#[test]
fn one_start_told_by_call_launch_time_and_state_change_is_one_start() {
    let start = call("StartInstances", 10.0, &[("stopped", Server::ID)]);
    let minute = 1.0 / 60.0;
    let server =
        Server::seen(Running).off_at_the_start().launched(10.0).record(&start).state_change("running", 10.0 + minute);
    server.at(NOW).assert_minutes((NOW - 10.0) * 60.0 - 1.0);
    let late = Server::seen(Stopped)
        .off_at_the_start()
        .record(&start)
        .state_change("running", 10.0 + 15.0 * minute)
        .state_change("stopping", 12.0);
    late.at(NOW).assert_minutes(105.0);
}

#[test]
fn one_stop_told_by_call_reason_and_state_changes_is_one_stop() {
    let second = 1.0 / 3600.0;
    let server = Server::seen(Stopped)
        .off_at_the_start()
        .launched(10.0)
        .reason(12.0)
        .record(&call("StopInstances", 12.0, &[("running", Server::ID)]))
        .state_change("stopping", 12.0 + second)
        .state_change("stopped", 12.0 + 40.0 * second);
    server.at(NOW).assert_minutes(120.01);
}

#[test]
fn stopping_without_a_trace_is_possible_until_it_was_seen() {
    let server = Server::seen(Stopped)
        .off_at_the_start()
        .record(&call("StartInstances", 10.0, &[("stopped", Server::ID)]))
        .at(NOW);
    server.assert_span(0.0, (NOW - 10.0) * 60.0);
    let seen = Server::seen(Stopped)
        .off_at_the_start()
        .record(&call("StartInstances", 10.0, &[("stopped", Server::ID)]))
        .record(&call("RebootInstances", 13.0, &[("", Server::ID)]))
        .state_change("stopped", 14.0);
    seen.at(NOW).assert_span(180.0, 60.0);
}

#[test]
fn a_stopped_server_without_any_trace_may_have_run_until_it_was_seen() {
    Server::seen(Stopped).at(NOW).assert_span(0.0, NOW * 60.0);
    Server::seen(Stopped).created(100.0).at(NOW).assert_span(0.0, (NOW - 100.0) * 60.0);
}

/// It may have been on since before the coverage and then have been shut down from inside the guest, unseen.
#[test]
fn before_a_first_start_without_any_history_running_is_possible() {
    let start = call("StartInstances", 20.0, &[("stopped", Server::ID)]);
    let stop = call("StopInstances", 22.0, &[("running", Server::ID)]);
    Server::seen(Stopped).launched(20.0).record(&start).record(&stop).at(NOW).assert_span(120.0, 20.0 * 60.0);
    let known = Server::seen(Stopped).off_at_the_start().launched(20.0).record(&start).record(&stop);
    known.at(NOW).assert_minutes(120.0);
    let created = Server::seen(Stopped).created(20.0).launched(20.0).record(&start).record(&stop);
    created.at(NOW).assert_minutes(120.0);
}

#[test]
fn a_running_server_needs_no_coverage_and_no_record() {
    Server::seen(Running).launched(30.0).uncovered().at(NOW).assert_span((NOW - 30.0) * 60.0, 30.0 * 60.0);
    let stopped_before = call("StopInstances", -5.0, &[("running", Server::ID)]);
    let server = Server::seen(Running).launched(30.0).record(&stopped_before);
    server.at(NOW).assert_minutes((NOW - 30.0) * 60.0);
}

#[test]
fn whatever_cloudtrail_says_a_running_server_ran_since_its_launch_time() {
    let contradiction = call("StopInstances", 50.0, &[("running", Server::ID)]);
    let started = call("StartInstances", 30.0, &[("stopped", Server::ID)]);
    let server = Server::seen(Running).launched(30.0).created(0.0).record(&contradiction).record(&started);
    let server = server.record(&call("StopInstances", 0.0, &[("running", Server::ID)]));
    server.at(NOW).assert_minutes((NOW - 30.0) * 60.0);
}

#[test]
fn a_stop_and_a_start_within_one_second_keep_their_order() {
    let server = Server::seen(Stopped)
        .off_at_the_start()
        .launched(12.0)
        .reason(15.0)
        .record(&call("StartInstances", 12.0, &[("stopped", Server::ID)]))
        .record(&call("StopInstances", 12.0, &[("running", Server::ID)]))
        .record(&call("StartInstances", 10.0, &[("stopped", Server::ID)]))
        .record(&call("StopInstances", 15.0, &[("running", Server::ID)]));
    server.at(NOW).assert_minutes(300.0);
}

#[test]
fn an_uncovered_stretch_is_possible_and_a_covered_one_is_not() {
    let stop = call("StopInstances", 10.0, &[("running", Server::ID)]);
    let server = || {
        Server::seen(Stopped)
            .off_at_the_start()
            .record(&call("StartInstances", 5.0, &[("stopped", Server::ID)]))
            .record(&stop)
    };
    server().at(NOW).assert_minutes(300.0);
    server().covered(-100.0, 100.0).at(NOW).assert_span(300.0, (NOW - 100.0) * 60.0);
}

#[test]
fn history_is_lacking_only_where_it_could_tell_the_state_at_the_months_start() {
    let start = call("StartInstances", 20.0, &[("stopped", Server::ID)]);
    let lacks = |server: Server| server.at(NOW).timeline().lacks_past(support::month());
    let first_start = || Server::seen(Running).launched(20.0).record(&start);
    assert!(lacks(first_start()));
    assert!(lacks(first_start().created(-5000.0)));
    assert!(!lacks(first_start().created(20.0)));
    assert!(!lacks(first_start().off_at_the_start()));
    assert!(!lacks(Server::seen(Running).launched(-20.0)));
    assert!(lacks(Server::seen(Stopped)));
    // Stopped long ago, and what came since has not been read.
    let stopped_before_the_coverage = || {
        let stop = call("StopInstances", -500.0, &[("running", Server::ID)]);
        Server::seen(Running).launched(20.0).record(&stop).record(&start)
    };
    assert!(lacks(stopped_before_the_coverage()));
    assert!(!lacks(stopped_before_the_coverage().covered(-500.0, NOW)));
    // A run that began before the coverage may have ended there; one that began inside it ended unseen.
    assert!(lacks(Server::seen(Stopped).launched(-500.0)));
    assert!(!lacks(Server::seen(Stopped).launched(-20.0)));
}

#[test]
fn a_run_across_midnight_is_split_and_the_days_sum_to_the_month() {
    let server = Server::seen(Stopped)
        .off_at_the_start()
        .launched(22.0)
        .record(&call("StartInstances", 22.0, &[("stopped", Server::ID)]))
        .record(&call("StopInstances", 49.001, &[("running", Server::ID)]))
        .at(60.0);
    let (timeline, now) = (server.timeline(), support::hour(60.0));
    let days = timeline.days(support::month(), now);
    assert_eq!(days.iter().map(ToString::to_string).collect::<Vec<_>>(), ["120.00", "1440.00", "60.06"]);
    assert_eq!(days.into_iter().sum::<uptime::Minutes>(), timeline.span(support::month()).proven);
    let whole =
        Server::seen(Running).launched(-20.0).at(31.0 * 24.0).timeline().days(support::month(), support::hour(800.0));
    assert_eq!(whole.iter().map(|day| day.as_f64()).collect::<Vec<_>>(), [1440.0; 31]);
}

#[test]
fn a_termination_noted_a_moment_before_the_call_is_still_its_stop() {
    let second = 1.0 / 3600.0;
    let server = Server::seen(Terminated)
        .launched(1.0)
        .created(1.0)
        .reason(3.0 - second)
        .record(&call("RunInstances", 1.0, &[("", Server::ID)]))
        .record(&call("TerminateInstances", 3.0, &[("running", Server::ID)]));
    server.at(NOW).assert_minutes(120.0);
}

/// Its items were cut, so nobody knows whether the server was running before it: there may have been a run in between.
#[test]
fn a_start_whose_items_were_cut_never_lets_the_time_around_it_pass_for_known() {
    let id = Server::ID;
    let cut = |name: &str, hours: f64| {
        call(name, hours, &[("stopped", id)])
            .replace(r#""responseElements":{"instancesSet""#, r#""responseElements":{"omitted""#)
    };
    let server = Server::seen(Stopped)
        .off_at_the_start()
        .record(&cut("StartInstances", 10.0))
        .record(&cut("StopInstances", 12.0))
        .launched(20.0)
        .reason(21.0);
    server.at(NOW).assert_span(60.0, 120.0);
    let ran_before = Server::seen(Stopped)
        .off_at_the_start()
        .record(&call("StartInstances", 5.0, &[("stopped", id)]))
        .record(&cut("StartInstances", 10.0))
        .record(&call("StopInstances", 12.0, &[("running", id)]))
        .launched(20.0)
        .reason(21.0);
    ran_before.at(NOW).assert_span(180.0, 300.0);
}

/// EC2 answers a call that is sent again with its client token with the instance that it launched, as it is by then.
#[test]
fn a_launch_sent_again_with_its_client_token_is_no_second_launch() {
    let launch = |hours, state: &str| {
        let item = format!(r#""instanceState":{{"code":0,"name":"{state}"}},"previousState""#);
        call("RunInstances", hours, &[("", Server::ID)]).replace(r#""previousState""#, &item)
    };
    let server = Server::seen(Stopped)
        .launched(0.0)
        .created(0.0)
        .record(&launch(0.0, "pending"))
        .record(&launch(9.0 * 24.0, "running"))
        .record(&call("StopInstances", 11.0 * 24.0, &[("running", Server::ID)]));
    // No look before the first deployment on the 13th.
    server.at(12.0 * 24.0).assert_minutes(15_840.0);
}
