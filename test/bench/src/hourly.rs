//! The hourly calculation: the first run and the hour after it, over fleets of several sizes.

use std::collections::BTreeMap;
use std::future::IntoFuture;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, TimeDelta, Utc};
use fleet_simulator::clock::FrozenClock;
use fleet_simulator::options::Options;
use fleet_simulator::service::{Action, Simulator};
use serde_json::{Value, json};
use stand_ins::TableStandIn;
use stand_ins::runtime::{Handler, Usage};

use crate::fleet::world;

const SERVERS: &str = "servers";
const HISTORY: &str = "history";
/// The timeout of the deployed function.
const TIMEOUT: Duration = Duration::from_secs(300);
/// A first run that is not through after so many is not going to be.
const MOST_RUNS: u64 = 20;

/// What a run, or several until all was read, cost.
#[derive(Clone, Debug, Default)]
pub struct Cost {
    /// Invocations.
    pub runs: u64,
    /// Requests to CloudTrail.
    pub lookups: u64,
    /// Of these, throttled.
    pub throttled: u64,
    /// Requests to EC2.
    pub describes: u64,
    /// Requests to DynamoDB, by operation.
    pub tables: BTreeMap<&'static str, u64>,
    /// All runs, from the start of each process to its answer.
    pub seconds: f64,
    /// The longest of them, in seconds.
    pub longest_run: f64,
    /// Processor time of all runs, and the peak of memory of any.
    pub usage: Usage,
}

/// One size of fleet.
pub struct Measured {
    /// Servers.
    pub servers: usize,
    /// All runs until the month so far was read.
    pub first: Cost,
    /// One run, an hour later.
    pub steady: Cost,
    /// Items of stopped servers that the steady hour changed in the history.
    pub stopped_items_changed: usize,
}

/// The instant of the first run: the month is 25 days old.
///
/// # Errors
/// Never.
pub fn now() -> Result<DateTime<Utc>> {
    Ok("2025-10-26T00:10:00Z".parse()?)
}

/// Options of a simulator that answers as CloudTrail does.
pub fn options() -> Options {
    let arguments = ["fleet-simulator", "--lookup-rate", "2", "--lookup-latency-ms", "500"];
    <Options as clap::Parser>::parse_from(arguments)
}

/// Runs the handler over a fleet: until it has read all it needs, and an hour later once more.
///
/// # Errors
/// Where a run fails, or something cannot be started.
pub async fn measure(binary: &Path, servers: usize) -> Result<Measured> {
    let tables = TableStandIn::start().await?;
    let mut first = Cost::default();
    let account = Account::start(servers, now()?).await?;
    while !account.run(binary, &tables, &mut first).await? {
        if first.runs > MOST_RUNS {
            bail!("the first run over {servers} servers is not through after {MOST_RUNS} runs");
        }
    }
    let before = stopped(&tables);
    let account = Account::start(servers, now()? + TimeDelta::hours(1)).await?;
    let mut steady = Cost::default();
    account.run(binary, &tables, &mut steady).await?;
    let after = stopped(&tables);
    let stopped_items_changed =
        before.iter().filter(|(id, item)| after.get(*id).is_some_and(|now| now != *item)).count();
    Ok(Measured { servers, first, steady, stopped_items_changed })
}

/// The history items of servers that do not run and have not since long: the last third but one.
fn stopped(tables: &TableStandIn) -> BTreeMap<String, Value> {
    let servers = tables.items(SERVERS);
    let never = servers.iter().filter(|item| item["runningMinutesCache"]["N"] == "0.00");
    let never: std::collections::BTreeSet<String> = never.map(|item| item["id"].to_string()).collect();
    let items = tables.items(HISTORY).into_iter().map(|item| (item["id"].to_string(), json!(item)));
    items.filter(|(id, _)| never.contains(id)).collect()
}

/// A simulated account at a fixed instant.
struct Account {
    simulator: Arc<Simulator>,
    endpoint: String,
    now: DateTime<Utc>,
}

impl Account {
    async fn start(servers: usize, at: DateTime<Utc>) -> Result<Self> {
        let options = options();
        let clock = Box::new(FrozenClock::new(at));
        let simulator = Simulator::new(world(&options, servers, now()?, at), options.settings(), clock);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        tokio::spawn(axum::serve(listener, simulator.router()).into_future());
        Ok(Self { simulator, endpoint, now: at })
    }

    /// One run in a process of its own, as an hourly function starts cold; true where it was through.
    async fn run(&self, binary: &Path, tables: &TableStandIn, cost: &mut Cost) -> Result<bool> {
        let now = self.now.to_rfc3339();
        let variables = [
            ("BENCH_NOW", now.as_str()),
            ("AWS_ENDPOINT_URL_EC2", &self.endpoint),
            ("AWS_ENDPOINT_URL_CLOUDTRAIL", &self.endpoint),
            ("AWS_ENDPOINT_URL_DYNAMODB", &tables.endpoint),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("SERVERS_TABLE_NAME", SERVERS),
            ("RUNTIME_HISTORY_TABLE_NAME", HISTORY),
            ("TAG_APP_VALUE", "demo"),
        ];
        let counts = |action| self.simulator.account().0.counts.get(&action).copied().unwrap_or_default();
        let (lookups, describes, writes) =
            (counts(Action::LookupEvents), counts(Action::DescribeInstances).calls, tables.counts());
        let begun = Instant::now();
        let mut handler = Handler::start(binary, &variables).await?;
        let invoked = handler.invoke(json!({}), TIMEOUT).await?;
        let seconds = begun.elapsed().as_secs_f64();
        let usage = handler.usage()?;
        let answer = invoked.outcome.map_err(|error| anyhow::anyhow!("the run failed: {error}"))?;
        let body: Value = serde_json::from_str(answer["body"].as_str().context("no body")?)?;
        if body["errors"] != json!(0) {
            bail!("the run had errors: {body}");
        }
        cost.runs += 1;
        cost.lookups += counts(Action::LookupEvents).calls - lookups.calls;
        cost.throttled += counts(Action::LookupEvents).throttled - lookups.throttled;
        cost.describes += counts(Action::DescribeInstances).calls - describes;
        for (operation, count) in tables.counts() {
            *cost.tables.entry(operation).or_default() += count - writes.get(operation).copied().unwrap_or_default();
        }
        cost.seconds += seconds;
        cost.longest_run = cost.longest_run.max(seconds);
        cost.usage.cpu += usage.cpu;
        cost.usage.peak_memory_kib = cost.usage.peak_memory_kib.max(usage.peak_memory_kib);
        Ok(body["remaining"] == json!(0) && body["cloudtrail"]["complete"] == json!(true))
    }
}
