//! A simulated account at an instant, with its tables, and runs over them with the real clients over HTTP.

#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;
use std::time::Duration;

use calculate_monthly_runtime::error::RunError;
use calculate_monthly_runtime::{Calculation, Moment, handle};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use fleet_simulator::clock::{Clock, ManualClock};
use fleet_simulator::options::Options;
use fleet_simulator::scenario;
use fleet_simulator::service::Simulator;
use fleet_simulator::world::World;
use loopback_clients::{REGION, clients};
use serde_json::{Value, json};
use stand_ins::{Faults, TableStandIn};
use uptime_aws::ec2::Ec2Fleet;
use uptime_aws::ledger_table::LedgerTable;
use uptime_aws::servers_table::ServersTable;
use uptime_aws::trail::CloudTrail;
use uptime_ledger::AppTag;
use uptime_ledger::metrics::Metrics;
use uptime_ledger::ports::Ports;

use crate::fakes::SETTINGS;

pub(crate) const SERVERS: &str = "servers";
pub(crate) const HISTORY: &str = "history";

pub(crate) fn now() -> DateTime<Utc> {
    "2025-10-12T09:30:00Z".parse().unwrap()
}

/// A simulated account at an instant, and its tables.
pub(crate) struct Account {
    pub(crate) simulator: Arc<Simulator>,
    clock: Arc<ManualClock>,
    pub(crate) endpoint: String,
    pub(crate) tables: TableStandIn,
}

impl Account {
    pub(crate) async fn showcase() -> Self {
        let options = options();
        Self::over(scenario::build(&options, now()).unwrap(), &options).await
    }

    pub(crate) async fn over(world: World, options: &Options) -> Self {
        Self::at(now(), world, options).await
    }

    pub(crate) async fn at(now: DateTime<Utc>, world: World, options: &Options) -> Self {
        let clock = Arc::new(ManualClock::new(now));
        let simulator = Simulator::new(world, options.settings(), Box::new(Arc::clone(&clock)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, simulator.router()).into_future());
        Self { simulator, clock, endpoint, tables: TableStandIn::start().await.unwrap() }
    }

    pub(crate) async fn run(&self, seconds: u64) -> Result<Value, RunError> {
        let clients = clients(&self.endpoint, &self.tables.endpoint);
        let tag = AppTag { key: "App".to_owned(), value: "demo".to_owned() };
        let events = CloudTrail::paced(clients.cloudtrail, Duration::from_micros(1));
        let ledger = LedgerTable::new(clients.dynamodb.clone(), HISTORY.to_owned(), REGION.to_owned());
        let cache = ServersTable::new(clients.dynamodb, SERVERS.to_owned());
        let metrics = Metrics::new("runtime-cache", "test");
        let calculation = Calculation::over(
            Ports { fleet: Ec2Fleet::new(clients.ec2, tag), trail: events, ledger, cache },
            SETTINGS,
            metrics,
        );
        let moment = Moment::within(self.clock.now(), Duration::from_secs(seconds));
        let response = handle(&calculation, json!({}), moment).await.outcome?;
        Ok(serde_json::from_str(&response.body).unwrap())
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, span: TimeDelta) {
        self.clock.advance(span);
    }

    /// What is cached of a server: minutes, and how many more it could be.
    pub(crate) fn cached(&self, id: &str) -> (f64, f64) {
        let items = self.tables.items(SERVERS);
        let item = items.iter().find(|item| item["id"]["S"] == id).unwrap();
        let number = |name: &str| item[name]["N"].as_str().unwrap().parse().unwrap();
        (number("runningMinutesCache"), number("runningMinutesUncertainty"))
    }

    /// A run that is ended, as a process that is killed, when the tables have carried out so many updates.
    pub(crate) async fn cut_off_after(&self, updates: u64) {
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

    pub(crate) async fn good_run(&self) -> Value {
        let body = self.run(300).await.unwrap();
        assert_eq!((&body["errors"], &body["remaining"]), (&json!(0), &json!(0)), "{body}");
        body
    }

    pub(crate) fn fault(&self, fault: Value) {
        self.simulator.account().0.faults.add(serde_json::from_value(fault).unwrap()).unwrap();
    }

    pub(crate) fn no_faults(&self) {
        self.simulator.account().0.faults.clear();
        self.tables.fail(Faults::default());
    }

    /// All that both tables hold, but for the number of writes of the watermark.
    pub(crate) fn everything(&self) -> Value {
        let mut history = self.tables.items(HISTORY);
        for item in &mut history {
            item.remove("revision");
        }
        json!([self.tables.items(SERVERS), history])
    }

    /// All that a reader of both tables is told: everything but what was kept on the way to it.
    pub(crate) fn results(&self) -> Value {
        let (mut servers, mut history) = (self.tables.items(SERVERS), self.tables.items(HISTORY));
        history.retain(|item| item["month"]["S"] != "watermark");
        for item in servers.iter_mut().chain(&mut history) {
            for kept in ["runningMinutesRevision", "revision", "evidence", "coverage", "sighting"] {
                item.remove(kept);
            }
        }
        json!([servers, history])
    }

    pub(crate) fn watermark(&self) -> Option<Value> {
        let items = self.tables.items(HISTORY);
        items.into_iter().find(|item| item["month"]["S"] == "watermark").map(|item| json!(item))
    }
}

pub(crate) fn options() -> Options {
    Options::try_parse_from(["fleet-simulator", "--lookup-rate", "0"]).unwrap()
}
