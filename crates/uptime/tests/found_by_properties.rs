//! Cases that the property tests found, by name, and the bounds that random fleets seldom meet.

mod support;

use support::{Server, call, hour};
use uptime::InstanceState::{Running, Stopped, Terminated};
use uptime::{Coverage, Evidence, Fact, Source, Timeline};

const NOW: f64 = 10.0 * 24.0;
const MINUTE: f64 = 1.0 / 60.0;

fn start(hours: f64) -> String {
    call("StartInstances", hours, &[("stopped", Server::ID)])
}

fn stop(hours: f64) -> String {
    call("StopInstances", hours, &[("running", Server::ID)])
}

/// Which came first only a neighbour can tell, and an earlier state may be out of date by an unseen shutdown.
#[test]
fn a_start_and_a_stop_in_one_second_prove_nothing_by_themselves() {
    let pair =
        || Server::seen(Stopped).off_at_the_start().record(&start(5.0)).record(&start(100.0)).record(&stop(100.0));
    pair().at(NOW).assert_span(0.0, (NOW - 5.0) * 60.0);
    // Stopped before, so it was a run of no length; running after, so it was a pause of none.
    pair().record(&stop(50.0)).at(NOW).assert_minutes(45.0 * 60.0);
    pair().record(&stop(150.0)).at(NOW).assert_minutes(145.0 * 60.0);
}

#[test]
fn pairs_in_one_second_tell_each_other() {
    let server = Server::seen(Stopped).off_at_the_start().record(&start(5.0)).record(&stop(90.0));
    let server = [20.0, 30.0, 40.0].iter().fold(server, |server, at| server.record(&start(*at)).record(&stop(*at)));
    server.at(NOW).assert_minutes(85.0 * 60.0);
}

#[test]
fn launched_and_terminated_in_one_second() {
    let launch = call("RunInstances", 10.0, &[("", Server::ID)]);
    let terminate = call("TerminateInstances", 10.0, &[("pending", Server::ID)]);
    let server = Server::seen(Terminated).launched(10.0).created(10.0).record(&launch).record(&terminate);
    server.at(NOW).assert_minutes(0.0);
}

#[test]
fn stopped_and_started_in_one_second_is_running_since_then() {
    let server = Server::seen(Running).off_at_the_start().launched(12.0).record(&start(10.0)).record(&start(12.0));
    let server = server.record(&stop(12.0)).at(NOW);
    server.assert_minutes((NOW - 10.0) * 60.0);
    assert_eq!(server.timeline().running_since(), Some(hour(12.0)));
}

/// Seen running in the second in which it was started: that was after the start.
#[test]
fn a_reboot_in_the_second_of_a_start_does_not_tell_of_the_time_before() {
    let reboot = |hours| call("RebootInstances", hours, &[("", Server::ID)]);
    let server = Server::seen(Running).launched(10.0).off_at_the_start().record(&start(-2.0));
    let server = server.record(&reboot(5.0)).record(&start(10.0)).record(&reboot(10.0));
    server.at(NOW).assert_span((NOW - 5.0) * 60.0, 5.0 * 60.0);
}

#[test]
fn a_last_start_after_the_sighting_is_no_start() {
    let fact = Fact::SeenRunning { last_start: Some(hour(20.0)) };
    let seen = Evidence { at: hour(10.0), fact, source: Source::Ec2 };
    let timeline = Timeline::of([&seen], &Coverage::none(), hour(12.0));
    assert!(timeline.segments().iter().all(|segment| segment.window.to <= hour(12.0)), "{timeline:?}");
    assert_eq!(timeline.running_since(), Some(hour(10.0)));
}

/// Up to 15 minutes a state-change `running` is the call's start; after that, a stop between them was not seen.
#[test]
fn a_start_told_later_than_15_minutes_after_the_call_is_another_one() {
    let server = |later| {
        let server = Server::seen(Stopped).off_at_the_start().record(&start(10.0)).record(&stop(12.0));
        server.state_change("running", 10.0 + later * MINUTE).at(NOW)
    };
    server(15.0).assert_minutes(105.0);
    server(16.0).assert_span(104.0, 16.0);
}

#[test]
fn a_stop_told_later_than_2_minutes_after_the_call_is_another_one() {
    let server = |later| {
        let server = Server::seen(Stopped).off_at_the_start().record(&start(10.0)).record(&stop(12.0));
        server.state_change("stopping", 12.0 + later * MINUTE).at(NOW)
    };
    server(2.0).assert_minutes(122.0);
    server(3.0).assert_span(120.0, 3.0);
}
