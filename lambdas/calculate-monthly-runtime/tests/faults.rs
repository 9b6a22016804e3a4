//! Whole runs that are cut off or fail, with the real clients over HTTP, against the simulator and tables on loopback:
//! nothing is lost, nothing becomes zero, and the next run ends where an undisturbed one would have.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

mod fakes;

use std::sync::Arc;
use std::time::Duration;

use calculate_monthly_runtime::error::RunError;
use calculate_monthly_runtime::{Calculation, Invocation, handle};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use fakes::{SETTINGS, clients};
use fleet_simulator::calls::{Action as Change, Call};
use fleet_simulator::clock::FrozenClock;
use fleet_simulator::options::Options;
use fleet_simulator::scenario;
use fleet_simulator::server::Server;
use fleet_simulator::service::{Action, Simulator};
use fleet_simulator::world::{Happening, World};
use serde_json::{Value, json};
use stand_ins::{Faults, TableStandIn};
use uptime_aws::cloudtrail::CloudTrailHistory;
use uptime_aws::ec2::{AppTag, Ec2Fleet};
use uptime_aws::history_table::RuntimeHistoryTable;
use uptime_aws::metrics::Metrics;
use uptime_aws::servers_table::ServersTable;

const SERVERS: &str = "servers";
const HISTORY: &str = "history";

fn now() -> DateTime<Utc> {
    "2025-10-12T09:30:00Z".parse().unwrap()
}

/// A simulated account at a fixed instant, and its tables.
struct Account {
    simulator: Arc<Simulator>,
    endpoint: String,
    tables: TableStandIn,
}

impl Account {
    async fn showcase() -> Self {
        let options = options();
        Self::over(scenario::build(&options, now()).unwrap(), &options).await
    }

    async fn over(world: World, options: &Options) -> Self {
        let simulator = Simulator::new(world, options.settings(), Box::new(FrozenClock::new(now())));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, simulator.router()).into_future());
        Self { simulator, endpoint, tables: TableStandIn::start().await.unwrap() }
    }

    async fn run(&self, seconds: u64) -> Result<Value, RunError> {
        let clients = clients(&self.endpoint, &self.tables.endpoint);
        let tag = AppTag { key: "App".to_owned(), value: "demo".to_owned() };
        let events = CloudTrailHistory::paced(clients.cloudtrail, Duration::from_micros(1));
        let ledger = RuntimeHistoryTable::new(clients.dynamodb.clone(), HISTORY.to_owned(), "eu-west-1".to_owned());
        let cache = ServersTable::new(clients.dynamodb, SERVERS.to_owned());
        let metrics = Metrics::new("runtime-cache", "test");
        let calculation = Calculation::over(Ec2Fleet::new(clients.ec2, tag), events, ledger, cache, SETTINGS, metrics);
        let invocation = Invocation::within(now(), Duration::from_secs(seconds));
        let response = handle(&calculation, json!({}), invocation).await?;
        Ok(serde_json::from_str(&response.body).unwrap())
    }

    /// A run that is ended, as a process that is killed, when the tables have carried out so many updates.
    async fn cut_off_after(&self, updates: u64) {
        self.tables.fail(Faults { silent_after: Some(updates), ..Faults::default() });
        let cut = async {
            while self.tables.attempts() <= updates {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            body = self.run(300) => panic!("it was done before it was cut off: {body:?}"),
            () = cut => {}
        }
    }

    async fn good_run(&self) -> Value {
        let body = self.run(300).await.unwrap();
        assert_eq!((&body["errors"], &body["remaining"]), (&json!(0), &json!(0)), "{body}");
        body
    }

    fn fault(&self, fault: Value) {
        self.simulator.account().0.faults.add(serde_json::from_value(fault).unwrap()).unwrap();
    }

    fn no_faults(&self) {
        self.simulator.account().0.faults.clear();
        self.tables.fail(Faults::default());
    }

    /// All that both tables hold, but for the number of writes of the watermark.
    fn everything(&self) -> Value {
        let mut history = self.tables.items(HISTORY);
        for item in &mut history {
            item.remove("revision");
        }
        json!([self.tables.items(SERVERS), history])
    }

    fn watermark(&self) -> Option<Value> {
        let items = self.tables.items(HISTORY);
        items.into_iter().find(|item| item["month"]["S"] == "watermark").map(|item| json!(item))
    }
}

fn options() -> Options {
    Options::try_parse_from(["fleet-simulator", "--lookup-rate", "0"]).unwrap()
}

/// What an undisturbed run leaves, and how many updates it takes.
async fn undisturbed() -> (Value, u64) {
    let account = Account::showcase().await;
    account.good_run().await;
    (account.everything(), account.tables.attempts())
}

#[tokio::test]
async fn a_run_that_is_cut_off_anywhere_is_made_good_by_the_next() {
    let (expected, updates) = undisturbed().await;
    assert!(updates > 60, "{updates} updates");
    for cut in (0..updates).step_by(3) {
        let account = Account::showcase().await;
        account.cut_off_after(cut).await;
        assert_eq!(account.watermark(), None, "nothing is swept before all is stored");
        account.no_faults();
        account.good_run().await;
        assert_eq!(account.everything(), expected, "cut after {cut} updates");
    }
}

#[tokio::test]
async fn cloudtrail_that_throttles_for_a_whole_run_is_an_error_and_changes_nothing() {
    let (expected, _) = undisturbed().await;
    let account = Account::showcase().await;
    account.fault(json!({"action": "LookupEvents", "kind": "throttle"}));
    let error = account.run(2).await.unwrap_err();
    let RunError::Throttled(cost) = &error else { panic!("{error}") };
    assert!(cost.throttles > 0 && cost.throttles == cost.lookups, "{error}");
    assert_eq!(account.everything(), json!([[], []]));
    account.no_faults();
    account.good_run().await;
    assert_eq!(account.everything(), expected);
}

#[tokio::test]
async fn a_failing_second_page_of_ec2_is_never_passed_off_as_the_fleet() {
    let options = options();
    let mut world = World::new(options.rules());
    let tags = || scenario::tags(("App", "demo"), "many");
    let add = |n: usize| world.add_server(Server::new(format!("i-{n:017x}"), tags()));
    let servers: Vec<_> = (0..1100).map(add).collect();
    for part in servers.chunks(50) {
        let launch = Call::new(Change::Run, part.to_vec());
        world.plan(now() - TimeDelta::days(20), Happening::Call(launch));
    }
    world.advance(now());
    let account = Account::over(world, &options).await;
    account.fault(json!({"action": "DescribeInstances", "kind": "accessDenied", "afterCalls": 1}));
    let error = account.run(60).await.unwrap_err();
    assert!(matches!(error, RunError::Fleet(_)), "{error}");
    assert_eq!(account.everything(), json!([[], []]));
    account.no_faults();
    assert_eq!(account.good_run().await["processed"], json!(1100));
    assert_eq!(account.tables.items(SERVERS).len(), 1100);
    assert_eq!(account.simulator.account().0.counts[&Action::DescribeInstances].calls, 4);
}

#[tokio::test]
async fn tables_that_throttle_a_third_of_the_writes_lose_none() {
    let (expected, updates) = undisturbed().await;
    let account = Account::showcase().await;
    account.tables.fail(Faults { throttle_every: 3, ..Faults::default() });
    let body = account.run(300).await.unwrap();
    assert!(account.tables.attempts() > updates * 4 / 3, "throttled writes are tried again");
    let errors = body["errors"].as_u64().unwrap();
    assert_eq!(body["processed"].as_u64().unwrap() + errors, body["total_servers"].as_u64().unwrap());
    // A write that is throttled each time that it is tried is an error of its server, and the run takes no note of having
    // read this hour.
    if errors == 0 {
        assert_eq!(account.everything(), expected);
    }
    account.no_faults();
    account.good_run().await;
    assert_eq!(account.everything(), expected);
}

#[tokio::test]
async fn tables_that_throttle_every_write_keep_the_watermark_where_it_is() {
    let (expected, _) = undisturbed().await;
    let account = Account::showcase().await;
    account.tables.fail(Faults { throttle_every: 1, ..Faults::default() });
    let error = account.run(60).await.unwrap_err();
    assert!(matches!(error, RunError::HistoryWrite(_)), "{error}");
    assert_eq!(account.everything(), json!([[], []]));
    account.no_faults();
    account.good_run().await;
    assert_eq!(account.everything(), expected);
}
