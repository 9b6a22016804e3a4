//! Whole runs that are cut off or fail, with the real clients over HTTP, against the simulator and tables on loopback:
//! nothing is lost, nothing becomes zero, and the next run ends where an undisturbed one would have.

use account::{Account, SERVERS, now, options, results};
use calculate_monthly_runtime::error::RunError;
use chrono::TimeDelta;
use fleet_simulator::calls::{Action as Change, Call};
use fleet_simulator::scenario;
use fleet_simulator::server::Server;
use fleet_simulator::service::Action;
use fleet_simulator::world::{Happening, World};
use serde_json::{Value, json};
use stand_ins::Faults;

use crate::support::{cut_off_after, everything, good_run, run};

/// What an undisturbed run leaves, and how many updates it takes.
async fn undisturbed() -> (Value, u64) {
    let account = Account::showcase().await.unwrap();
    good_run(&account).await;
    (everything(&account), account.tables.attempts())
}

#[tokio::test]
async fn a_run_that_is_cut_off_anywhere_is_made_good_by_the_next() {
    let (expected, updates) = undisturbed().await;
    assert!(updates > 60, "{updates} updates");
    // The last three are the watermark, that last month is handed over, and how the run ended.
    for cut in (0..updates - 2).step_by(3) {
        let account = Account::showcase().await.unwrap();
        cut_off_after(&account, cut).await;
        assert_eq!(account.watermark(), None, "nothing is swept before all is stored");
        account.no_faults();
        good_run(&account).await;
        assert_eq!(everything(&account), expected, "cut after {cut} updates");
    }
}

#[tokio::test]
async fn cloudtrail_that_throttles_for_a_whole_run_is_an_error_and_changes_nothing() {
    let (expected, _) = undisturbed().await;
    let account = Account::showcase().await.unwrap();
    account.fault(json!({"action": "LookupEvents", "kind": "throttle"})).unwrap();
    let error = run(&account, 5).await.unwrap_err();
    let RunError::Throttled(cost) = &error else { panic!("{error}") };
    assert!(cost.throttles > 0 && cost.throttles == cost.lookups, "{error}");
    assert_eq!(everything(&account), json!([[], []]));
    account.no_faults();
    good_run(&account).await;
    assert_eq!(everything(&account), expected);
}

#[tokio::test]
async fn a_failing_second_page_of_ec2_is_never_passed_off_as_the_fleet() {
    let options = options(&[]);
    let mut world = World::new(options.rules());
    let tags = || scenario::tags(("App", "demo"), "many");
    let add = |n: usize| world.add_server(Server::new(format!("i-{n:017x}"), tags()));
    let servers: Vec<_> = (0..1100).map(add).collect();
    for part in servers.chunks(50) {
        let launch = Call::new(Change::Run, part.to_vec());
        world.plan(now() - TimeDelta::days(20), Happening::Call(launch));
    }
    world.advance(now());
    let account = Account::at(now(), world, &options).await.unwrap();
    account.fault(json!({"action": "DescribeInstances", "kind": "accessDenied", "afterCalls": 1})).unwrap();
    let error = run(&account, 60).await.unwrap_err();
    assert!(matches!(error, RunError::Fleet(_)), "{error}");
    assert_eq!(everything(&account), json!([[], []]));
    account.no_faults();
    assert_eq!(good_run(&account).await["processed"], json!(1100));
    assert_eq!(account.tables.items(SERVERS).len(), 1100);
    assert_eq!(account.simulator.account().0.counts[&Action::DescribeInstances].calls, 4);
}

#[tokio::test]
async fn tables_that_throttle_a_third_of_the_writes_lose_none() {
    let (expected, _) = undisturbed().await;
    let account = Account::showcase().await.unwrap();
    account.tables.fail(Faults { throttle_every: 3, ..Faults::default() });
    let body = run(&account, 300).await.unwrap();
    let (throttled, errors) = (account.tables.attempts() / 3, body["errors"].as_u64().unwrap());
    assert!(
        errors * 2 < throttled,
        "most of {throttled} throttled writes are tried again with success: {errors} errors"
    );
    assert_eq!(body["processed"].as_u64().unwrap() + errors, body["total_servers"].as_u64().unwrap());
    // A write that is throttled each time that it is tried is an error of its server, and the run takes no note of having
    // read this hour.
    if errors == 0 {
        assert_eq!(everything(&account), expected);
    }
    account.no_faults();
    good_run(&account).await;
    assert_eq!(everything(&account), expected);
}

#[tokio::test]
async fn tables_that_throttle_every_write_keep_the_watermark_where_it_is() {
    let (expected, _) = undisturbed().await;
    let account = Account::showcase().await.unwrap();
    account.tables.fail(Faults { throttle_every: 1, ..Faults::default() });
    let error = run(&account, 60).await.unwrap_err();
    assert!(matches!(error, RunError::LedgerWrite(_)), "{error}");
    assert_eq!(everything(&account), json!([[], []]));
    account.no_faults();
    good_run(&account).await;
    assert_eq!(everything(&account), expected);
}

/// Of a busy month a run gets through a part before its time is up. The cut is made by what CloudTrail answers, so that it is
/// in the same place on any machine.
#[tokio::test]
async fn a_first_run_in_parts_ends_where_an_unlimited_one_would() {
    let options = options(&["--scenario", "random", "--servers", "300"]);
    let fleet = async || Account::at(now(), scenario::build(&options, now()).unwrap(), &options).await.unwrap();
    let unlimited = fleet().await;
    let lookups = good_run(&unlimited).await["cloudtrail"]["lookups"].as_u64().unwrap();
    for part in [lookups / 5, lookups / 2] {
        let account = fleet().await;
        let mut runs = 0;
        loop {
            account.no_faults();
            account.fault(json!({"action": "LookupEvents", "kind": "throttle", "afterCalls": part})).unwrap();
            let outcome = run(&account, 2).await;
            runs += 1;
            assert!(runs < 30, "{outcome:?}");
            match outcome {
                // A busy machine may not even get to the request that is throttled: a run for nothing.
                Err(RunError::Throttled(cost)) if cost.throttles == 0 => continue,
                Err(error) => panic!("{error}"),
                Ok(body) => {
                    assert_eq!(body["errors"], json!(0), "{body}");
                    if body["cloudtrail"]["complete"] == json!(true) {
                        break;
                    }
                }
            }
        }
        assert!(runs > 2, "{runs} runs of {part} of {lookups} requests");
        account.no_faults();
        good_run(&account).await;
        assert_eq!(results(&account.tables), results(&unlimited.tables), "{runs} runs of {part} of {lookups} requests");
    }
}
