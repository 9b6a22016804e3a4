//! Spot servers: EC2 itself stops, terminates and starts them again, and not all of it leaves a record.

mod support;

use support::{Server, call, evicted};
use uptime::InstanceState::{Running, Stopped, Terminated};
use uptime::SpotRequest;

const NOW: f64 = 10.0 * 24.0;

#[test]
fn a_spot_server_that_was_reclaimed() {
    let server = Server::seen(Terminated)
        .launched(5.0)
        .created(5.0)
        .record(&call("RunInstances", 5.0, &[("", Server::ID)]))
        .record(&evicted(12.25, Server::ID));
    server.at(NOW).assert_minutes(435.0);
}

#[test]
fn a_spot_server_that_ec2_stopped_may_have_run_before_ec2_shows_it_running() {
    let day = 24.0;
    let server = Server::seen(Running)
        .launched(17.0 * day + 8.0)
        .record(&call("RunInstances", 0.0, &[("", Server::ID)]))
        .record(&evicted(2.0 * day + 10.0, Server::ID));
    let server = server.at(25.0 * day + 11.0);
    let proven = 15_180.0;
    server.assert_span(proven, (15.0 * day - 2.0) * 60.0);
    // The truth: it ran for four more days in between.
    let span = server.timeline().span(support::month());
    assert!((proven + 5_760.0) <= span.most().as_f64());
}

#[test]
fn a_spot_server_that_ec2_stopped_is_known_to_rest_while_looks_show_its_last_start() {
    let launched = Server::seen(Stopped)
        .launched(0.0)
        .created(0.0)
        .record(&call("RunInstances", 0.0, &[("", Server::ID)]))
        .record(&evicted(10.0, Server::ID));
    launched.at(NOW).assert_minutes(600.0);
}

#[test]
fn a_stop_event_minutes_after_an_eviction_leaves_it_to_ec2_to_start_the_server_again() {
    let launched = Server::seen(Stopped)
        .created(0.0)
        .record(&call("RunInstances", 0.0, &[("", Server::ID)]))
        .record(&evicted(10.0, Server::ID))
        .state_change("stopping", 10.05);
    // Three minutes of notice, and all the time until it was seen stopped.
    launched.at(NOW).assert_span(600.0, 3.0 + (NOW - 10.05) * 60.0);
}

#[test]
fn a_spot_server_that_was_terminated_never_runs_again() {
    let launched = Server::seen(Terminated)
        .created(0.0)
        .record(&call("RunInstances", 0.0, &[("", Server::ID)]))
        .record(&evicted(10.0, Server::ID))
        .state_change("shutting-down", 10.0 + 1.0 / 3600.0);
    launched.at(NOW).assert_minutes(600.01);
}

#[test]
fn a_one_time_spot_server_ran_until_ec2_terminated_it() {
    let reclaimed = |spot| {
        let server = Server::seen(Terminated).launched(5.0).created(5.0).service_reason(12.25).spot(spot);
        server.record(&call("RunInstances", 5.0, &[("", Server::ID)])).at(NOW)
    };
    reclaimed(SpotRequest::OneTime).assert_minutes(435.0);
    // A persistent one may have been stopped before, and terminated when its request was cancelled.
    reclaimed(SpotRequest::Persistent).assert_span(0.0, 437.0);
}

#[test]
fn bare_metal_takes_up_to_half_an_hour_to_run() {
    let minute = 1.0 / 60.0;
    let started = |instance_type| {
        let server = Server::seen(Stopped).instance_type(instance_type).off_at_the_start();
        let server = server.record(&call("StartInstances", 10.0, &[("stopped", Server::ID)]));
        server.state_change("running", 10.0 + 20.0 * minute).state_change("stopping", 12.0)
    };
    started("m7i.metal-24xl").at(NOW).assert_minutes(100.0);
    // Another start, before which a shutdown from inside the guest is possible.
    started("m7i.24xlarge").at(NOW).assert_span(100.0, 20.0);
}
