//! A simulated account, tables on loopback, and the handler over the real clients.

#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use event_response::grouped::Grouped;
use event_response::{EventError, EventResponse, handle};
use fleet_simulator::clock::{Clock, ManualClock};
use fleet_simulator::options::Options;
use fleet_simulator::scenario;
use fleet_simulator::service::{Action, Simulator};
use fleet_simulator::world::World;
use loopback_clients::{REGION, clients};
use serde_json::{Value, json};
use stand_ins::TableStandIn;
use uptime::InstanceId;
use uptime_aws::clients::Clients;
use uptime_aws::ec2::Ec2Fleet;
use uptime_aws::ledger_table::LedgerTable;
use uptime_aws::servers_table::ServersTable;
use uptime_aws::trail::CloudTrail;
use uptime_aws::wiring::AwsPorts;
use uptime_ledger::AppTag;
use uptime_ledger::metrics::Metrics;
use uptime_ledger::ports::Ports;
use uptime_ledger::{Handled, Moment, OneServer};

pub(crate) const SERVERS: &str = "servers";
pub(crate) const HISTORY: &str = "history";
/// An instance that nobody knows.
pub(crate) const STRANGER: &str = "i-0aaaaaaaaaaaaaaaa";

pub(crate) type Handler = EventResponse<Ports<Grouped<Ec2Fleet>, CloudTrail, LedgerTable, ServersTable>>;

pub(crate) fn now() -> DateTime<Utc> {
    "2025-10-12T09:30:00Z".parse().unwrap()
}

/// A simulated account at an instant, and empty tables.
pub(crate) struct Account {
    pub(crate) simulator: Arc<Simulator>,
    pub(crate) tables: TableStandIn,
    clock: Arc<ManualClock>,
    endpoint: String,
}

impl Account {
    /// The showcase's servers.
    pub(crate) async fn new() -> Self {
        Self::over(scenario::build(&options(), now()).unwrap()).await
    }

    pub(crate) async fn over(world: World) -> Self {
        let clock = Arc::new(ManualClock::new(now()));
        let simulator = Simulator::new(world, options().settings(), Box::new(Arc::clone(&clock)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, simulator.router()).into_future());
        Self { simulator, tables: TableStandIn::start().await.unwrap(), clock, endpoint }
    }

    /// Lets time pass until `instant`.
    pub(crate) fn wait_until(&self, instant: DateTime<Utc>) {
        self.clock.advance(instant - self.clock.now());
    }

    pub(crate) fn services(&self) -> AwsPorts {
        services(&clients(&self.endpoint, &self.tables.endpoint), SERVERS, HISTORY)
    }

    pub(crate) fn server(&self) -> OneServer<AwsPorts> {
        OneServer::over(self.services())
    }

    pub(crate) fn handler(&self) -> Handler {
        EventResponse::over(self.services(), tag(), None, Metrics::new("runtime-cache", "test"))
    }

    /// The id of a server of the showcase.
    pub(crate) fn id(&self, name: &str) -> InstanceId {
        let (account, _) = self.simulator.account();
        let server = account.world.servers().iter().find(|server| server.tag("Name") == Some(name)).unwrap();
        server.id.parse().unwrap()
    }

    pub(crate) fn calls(&self, action: Action) -> u64 {
        self.simulator.account().0.counts.get(&action).map(|counts| counts.calls).unwrap_or_default()
    }

    /// All that both tables hold.
    pub(crate) fn everything(&self) -> String {
        json!([self.tables.items(SERVERS), self.tables.items(HISTORY)]).to_string()
    }
}

fn options() -> Options {
    Options::try_parse_from(["fleet-simulator", "--lookup-rate", "0", "--describe-latency-ms", "5"]).unwrap()
}

pub(crate) fn tag() -> AppTag {
    AppTag { key: "App".to_owned(), value: "demo".to_owned() }
}

pub(crate) fn services(clients: &Clients, servers: &str, history: &str) -> AwsPorts {
    Ports {
        fleet: Ec2Fleet::new(clients.ec2.clone(), tag()),
        trail: CloudTrail::paced(clients.cloudtrail.clone(), Duration::from_micros(1)),
        ledger: LedgerTable::new(clients.dynamodb.clone(), history.to_owned(), REGION.to_owned()),
        cache: ServersTable::new(clients.dynamodb.clone(), servers.to_owned()),
    }
}

/// A state change as EventBridge tells it.
pub(crate) fn event(id: &str, state: &str, at: DateTime<Utc>) -> Value {
    json!({
        "version": "0",
        "id": format!("{id}-{state}-{}", at.timestamp()),
        "detail-type": "EC2 Instance State-change Notification",
        "source": "aws.ec2",
        "account": "123456789012",
        "time": at,
        "region": "eu-west-1",
        "resources": [format!("arn:aws:ec2:eu-west-1:123456789012:instance/{id}")],
        "detail": {"instance-id": id, "state": state},
    })
}

pub(crate) async fn answer(handler: &Handler, event: Value, now: DateTime<Utc>) -> Result<Value, EventError> {
    handled(handler, event, now).await.outcome
}

/// The answer, and the line of metrics beside it.
pub(crate) async fn handled(handler: &Handler, event: Value, now: DateTime<Utc>) -> Handled<Value, EventError> {
    handle(handler, event, Moment::within(now, Duration::from_secs(50))).await
}

pub(crate) fn minutes_ago(minutes: i64) -> DateTime<Utc> {
    now() - TimeDelta::minutes(minutes)
}
