//! The hourly calculation: the first run and the hour after it, over fleets of several sizes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use account::{Account, LEDGER, SERVERS, results};
use anyhow::{Result, bail, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use fleet_simulator::service::Action;
use serde_json::{Value, json};
use stand_ins::TableStandIn;
use stand_ins::runtime::{Handler, Usage};

use crate::fleet::world;
use crate::process::{body, like_cloudtrail, start};
use crate::program;
use crate::seed::VARIABLES;

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
    /// Whether these runs ended in the same numbers as one that may ask CloudTrail as fast as it can.
    pub as_unlimited: bool,
    /// The hours after it, sorted by [`SteadyHour::times_the_floor`].
    pub steady: Vec<SteadyHour>,
    /// All runs of the next month's first hour.
    pub new_month: Cost,
    /// All runs a day later, by which the month has become final and is handed over.
    pub final_month: Cost,
    /// Writes that the index did not take, in all runs.
    pub index_throttles: u64,
}

/// A run that goes on from the one an hour before.
#[derive(Debug)]
pub struct SteadyHour {
    /// What it cost.
    pub cost: Cost,
    /// How long the cache's writes alone take, in seconds: the mean of right before it and right after it.
    pub cache_writes: f64,
    /// Items of stopped servers that it changed in the history.
    pub stopped_items_changed: usize,
    /// Items of servers that it wrote.
    pub items_written: usize,
    /// Servers to which something happened of which it was the first to know.
    pub changed: usize,
}

impl SteadyHour {
    /// How long its lookups alone take, two a second.
    #[must_use]
    pub fn lookups(&self) -> f64 {
        self.cost.lookups as f64 / 2.0
    }

    /// Its time, as a multiple of what its lookups and the cache's writes alone take.
    #[must_use]
    pub fn times_the_floor(&self) -> f64 {
        self.cost.seconds / (self.lookups() + self.cache_writes)
    }

    /// Writes to the tables.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.cost.tables.get("UpdateItem").copied().unwrap_or_default()
    }
}

impl Measured {
    /// The steady hour in the middle: as many took less time, by the floor's measure, as took more.
    ///
    /// # Panics
    /// Never: some are always measured.
    #[must_use]
    pub fn typical_hour(&self) -> &SteadyHour {
        &self.steady[self.steady.len() / 2]
    }
}

/// Steady hours that are measured, one after another: the time of one alone depends on what else the machine does.
const STEADY_HOURS: i64 = 5;

/// The instant of the first run: the month is 25 days old.
///
/// # Errors
/// Never.
pub fn now() -> Result<DateTime<Utc>> {
    Ok("2025-10-26T00:10:00Z".parse()?)
}

/// Runs the handler over a fleet: until it has read all it needs, for some hours more, and over the month's end.
///
/// # Errors
/// Where a run fails, or something cannot be started.
pub async fn measure(binary: &Path, servers: usize) -> Result<Measured> {
    let tables = TableStandIn::start().await?;
    let mut first = Cost::default();
    let options = like_cloudtrail();
    let at = async |now| {
        let world = world(&options, servers, self::now()?, now);
        Account::with_tables(now, world, &options, tables.clone()).await
    };
    let account = at(now()?).await?;
    through(&account, binary, &mut first).await?;
    let as_unlimited = results(&tables) == unlimited_run(binary, servers).await?;
    let mut steady = Vec::new();
    let mut writes_alone = cache_writes(servers).await?;
    for hours in 1..=STEADY_HOURS {
        let account = at(now()? + TimeDelta::hours(hours)).await?;
        steady.push(steady_hour(&account, binary, &mut writes_alone).await?);
    }
    steady.sort_by(|one, other| one.times_the_floor().total_cmp(&other.times_the_floor()));
    let (mut new_month, mut final_month) = (Cost::default(), Cost::default());
    through(&at(november()?).await?, binary, &mut new_month).await?;
    through(&at(november()? + TimeDelta::days(1)).await?, binary, &mut final_month).await?;
    Ok(Measured {
        servers,
        first,
        as_unlimited,
        steady,
        new_month,
        final_month,
        index_throttles: tables.index_throttles(),
    })
}

/// One run an hour after the last. What the cache's writes alone take was measured before it, and is measured anew.
async fn steady_hour(account: &Account, binary: &Path, writes_alone: &mut f64) -> Result<SteadyHour> {
    let tables = &account.tables;
    let (before, items_before) = (stopped(tables), revisions(tables));
    let mut cost = Cost::default();
    run(account, binary, &mut cost).await?;
    let (after, items_after) = (stopped(tables), revisions(tables));
    let writes_before = std::mem::replace(writes_alone, cache_writes(tables.items(SERVERS).len()).await?);
    Ok(SteadyHour {
        cost,
        cache_writes: f64::midpoint(writes_before, *writes_alone),
        stopped_items_changed: before
            .iter()
            .filter(|(id, item)| after.get(*id).is_some_and(|now| now != *item))
            .count(),
        items_written: items_after.difference(&items_before).count(),
        changed: changed_since(account, account.now() - TimeDelta::hours(1) - LATE),
    })
}

/// The time of an entry for each server, by a process that does nothing else, over entries from an hour before.
async fn cache_writes(servers: usize) -> Result<f64> {
    let tables = TableStandIn::start().await?;
    let mut variables = VARIABLES.to_vec();
    variables.push(("AWS_ENDPOINT_URL_DYNAMODB", &tables.endpoint));
    let mut writer = Handler::start(&program("cache-writes")?, &variables).await?;
    let mut took = Duration::ZERO;
    for at in [now()?, now()? + TimeDelta::hours(1)] {
        let invoked = writer.invoke(json!({"servers": servers, "at": at}), TIMEOUT).await?;
        ensure!(invoked.outcome == Ok(json!(0)), "the cache's writes failed: {:?}", invoked.outcome);
        took = invoked.took;
    }
    Ok(took.as_secs_f64())
}

/// The instant of the next month's first run. Nothing has happened since the one before.
fn november() -> Result<DateTime<Utc>> {
    Ok("2025-11-01T00:10:00Z".parse()?)
}

/// Runs until all that was needed is read and done.
async fn through(account: &Account, binary: &Path, cost: &mut Cost) -> Result<()> {
    while !run(account, binary, cost).await? {
        if cost.runs > MOST_RUNS {
            bail!("not through after {MOST_RUNS} runs");
        }
    }
    Ok(())
}

/// The longest that the simulated trail takes to deliver a record.
const LATE: TimeDelta = TimeDelta::minutes(10);

/// The items of servers, each with its revision.
fn revisions(tables: &TableStandIn) -> BTreeSet<(String, String)> {
    let items = tables.items(LEDGER).into_iter().filter(|item| item.contains_key("scopeMonth"));
    items.map(|item| (format!("{} {}", item["id"], item["month"]), item["revision"].to_string())).collect()
}

/// How many servers have started or stopped since an instant.
fn changed_since(account: &Account, since: DateTime<Utc>) -> usize {
    let (account, now) = account.simulator.account();
    let servers = account.world.servers().iter().filter(|server| server.tag("App") == Some("demo"));
    servers.filter(|server| server.last_change(now).is_some_and(|change| change.at > since)).count()
}

/// The history items of servers that do not run and have not since long: the last third but one.
fn stopped(tables: &TableStandIn) -> BTreeMap<String, Value> {
    let servers = tables.items(SERVERS);
    let never = servers.iter().filter(|item| item["runningMinutesCache"]["N"] == "0.00");
    let never: BTreeSet<String> = never.map(|item| item["id"].to_string()).collect();
    let items = tables.items(LEDGER).into_iter().map(|item| (item["id"].to_string(), json!(item)));
    items.filter(|(id, _)| never.contains(id)).collect()
}

/// One run in a process of its own; true where it was through.
async fn run(account: &Account, binary: &Path, cost: &mut Cost) -> Result<bool> {
    let before =
        (account.counts(Action::LookupEvents), account.counts(Action::DescribeInstances), account.tables.counts());
    let begun = Instant::now();
    let mut handler = start(account, binary, &[]).await?;
    let invoked = handler.invoke(json!({}), TIMEOUT).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let usage = handler.usage()?;
    let body = body(invoked)?;
    let lookups = account.counts(Action::LookupEvents);
    cost.runs += 1;
    cost.lookups += lookups.calls - before.0.calls;
    cost.throttled += lookups.throttled - before.0.throttled;
    cost.describes += account.counts(Action::DescribeInstances).calls - before.1.calls;
    for (operation, count) in account.tables.counts() {
        *cost.tables.entry(operation).or_default() += count - before.2.get(operation).copied().unwrap_or_default();
    }
    cost.seconds += seconds;
    cost.longest_run = cost.longest_run.max(seconds);
    cost.usage.cpu += usage.cpu;
    cost.usage.peak_memory_kib = cost.usage.peak_memory_kib.max(usage.peak_memory_kib);
    Ok(body["remaining"] == 0 && body["cloudtrail"]["complete"] == true)
}

/// What one run leaves that may ask CloudTrail as fast as it can.
async fn unlimited_run(binary: &Path, servers: usize) -> Result<Value> {
    let options = account::options(&[]);
    let account = Account::at(now()?, world(&options, servers, now()?, now()?), &options).await?;
    let mut handler = start(&account, binary, &[("BENCH_UNPACED", "1")]).await?;
    body(handler.invoke(json!({}), TIMEOUT).await?)?;
    Ok(results(&account.tables))
}
