//! The handler over a simulated account, with the real clients.

#![allow(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use account::{Account, contents, scopes, tag};
use chrono::{DateTime, TimeDelta, Utc};
use event_response::grouped::Grouped;
use event_response::{EventError, EventResponse, handle};
use fleet_simulator::options::Options;
use fleet_simulator::scenario;
use fleet_simulator::world::World;
use serde_json::{Value, json};
use uptime::Scope;
use uptime_aws::ec2::Ec2Fleet;
use uptime_aws::ledger_table::LedgerTable;
use uptime_aws::servers_table::ServersTable;
use uptime_aws::trail::CloudTrail;
use uptime_aws::wiring::AwsPorts;
use uptime_ledger::metrics::Metrics;
use uptime_ledger::ports::Ports;
use uptime_ledger::{Handled, Moment};

pub(crate) use account::now;

/// An instance that nobody knows.
pub(crate) const STRANGER: &str = "i-0aaaaaaaaaaaaaaaa";

pub(crate) type Handler = EventResponse<Ports<Grouped<Ec2Fleet>, CloudTrail, LedgerTable, ServersTable>>;

/// The showcase's servers, and empty tables.
pub(crate) async fn showcase() -> Account {
    over(scenario::build(&options(), now()).unwrap()).await
}

pub(crate) async fn over(world: World) -> Account {
    Account::at(now(), world, &options()).await.unwrap()
}

pub(crate) fn handler(services: AwsPorts) -> Handler {
    EventResponse::over(move |_: &Scope| services.clone(), scopes(), tag(), None, Metrics::new("runtime-cache", "test"))
}

/// All that both tables hold.
pub(crate) fn everything(account: &Account) -> String {
    contents(&account.tables, &[]).to_string()
}

fn options() -> Options {
    account::options(&["--describe-latency-ms", "5"])
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
