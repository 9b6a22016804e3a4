//! A first run over a fleet that shuts itself down every night: how long CloudWatch is asked about it, beside the requests
//! that it takes at least.

use std::path::Path;
use std::time::{Duration, Instant};

use account::Account;
use anyhow::{Result, bail, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use fleet_simulator::calls::{Action, Call};
use fleet_simulator::options::Options;
use fleet_simulator::scenario;
use fleet_simulator::server::{ReasonText, Server};
use fleet_simulator::world::{Happening, World};
use serde_json::{Value, json};
use stand_ins::TableStandIn;
use stand_ins::runtime::Usage;

use crate::fleet::GROUP;
use crate::hourly::now;
use crate::process::{body, start};

const TIMEOUT: Duration = Duration::from_secs(300);
/// A fleet of which not all is told after so many runs is not going to be.
const MOST_RUNS: u64 = 20;
/// What a request to CloudWatch takes.
const LATENCY: Duration = Duration::from_millis(200);
/// Days on which the servers run.
const DAYS: i64 = 25;
/// The most points of an answer, by CloudWatch's quotas.
const MOST_POINTS: u64 = 100_800;
/// Requests that a run has under way at once.
pub const AT_ONCE: usize = 3;

/// What was found.
pub struct Witnessed {
    /// Servers, each with a stretch that is open for each day.
    pub servers: usize,
    /// Seconds of the first run where CloudWatch is not asked.
    pub without: f64,
    /// Seconds of all runs until everything was asked.
    pub with: f64,
    /// These runs.
    pub runs: u64,
    /// Requests to CloudWatch.
    pub requests: u64,
    /// Points of the month so far.
    pub points: u64,
    /// As many requests as these points need at least.
    pub least_requests: u64,
    /// Minutes that are possible in all after the first run where CloudWatch is not asked, and where it is.
    pub open: (f64, f64),
    /// The runs that ask.
    pub usage: Usage,
}

impl Witnessed {
    /// Seconds that the least requests take alone.
    pub fn floor(&self) -> f64 {
        self.least_requests as f64 * LATENCY.as_secs_f64() / AT_ONCE as f64
    }
}

/// Measures it.
///
/// # Errors
/// Where a run fails, or something cannot be started.
pub async fn measure(binary: &Path, servers: usize) -> Result<Witnessed> {
    let latency = LATENCY.as_millis().to_string();
    let options = account::options(&["--metric-latency-ms", &latency]);
    let points = points(servers);
    let mut found = Witnessed {
        servers,
        without: 0.0,
        with: 0.0,
        runs: 0,
        requests: 0,
        points,
        least_requests: points.div_ceil(MOST_POINTS),
        open: (0.0, 0.0),
        usage: Usage::default(),
    };
    let account = account(&options, servers).await?;
    let (_, seconds, _) = run(&account, binary, "false").await?;
    (found.without, found.open.0) = (seconds, open(&account));
    let account = self::account(&options, servers).await?;
    loop {
        let (answer, seconds, usage) = run(&account, binary, "true").await?;
        found.runs += 1;
        found.with += seconds;
        found.usage.cpu += usage.cpu;
        found.usage.peak_memory_kib = found.usage.peak_memory_kib.max(usage.peak_memory_kib);
        found.requests += answer["cloudwatch"]["requests"].as_u64().unwrap_or_default();
        if answer["cloudwatch"]["unanswered"].as_u64().unwrap_or_default() == 0 {
            break;
        }
        if found.runs > MOST_RUNS {
            bail!("CloudWatch is not through after {MOST_RUNS} runs");
        }
    }
    found.open.1 = open(&account);
    ensure!(found.open.1 < found.open.0, "CloudWatch has told nothing");
    Ok(found)
}

async fn account(options: &Options, servers: usize) -> Result<Account> {
    let now = now()?;
    Account::with_tables(now, world(options, servers, now), options, TableStandIn::start().await?).await
}

/// One run in a process of its own that reads CloudTrail as fast as it can: its answer, its seconds, and what it used.
async fn run(account: &Account, binary: &Path, asks: &str) -> Result<(Value, f64, Usage)> {
    let begun = Instant::now();
    let mut handler = start(account, binary, &[("BENCH_UNPACED", "1"), ("ASK_CLOUDWATCH", asks)]).await?;
    let answer = body(handler.invoke(json!({}), TIMEOUT).await?)?;
    let seconds = begun.elapsed().as_secs_f64();
    ensure!(answer["remaining"] == 0, "the run was cut short: {answer}");
    Ok((answer, seconds, handler.usage()?))
}

/// Minutes that are possible, of all servers together.
fn open(account: &Account) -> f64 {
    let items = account.tables.items(account::SERVERS);
    items.iter().filter_map(|item| item["runningMinutesUncertainty"]["N"].as_str()?.parse::<f64>().ok()).sum()
}

/// Of each server five minutes are a point, from the first morning of the month on.
fn points(servers: usize) -> u64 {
    let since_first_morning = TimeDelta::days(DAYS) - TimeDelta::hours(6);
    since_first_morning.num_minutes().unsigned_abs() / 5 * servers as u64
}

/// Servers that calls over ten of them start every morning, and that shut themselves down at some minute of the night, of which
/// EC2 notes no time.
fn world(options: &Options, servers: usize, now: DateTime<Utc>) -> World {
    let mut world = World::new(options.rules());
    let tags = || scenario::tags(("App", "demo"), "nightly");
    let keys: Vec<_> = (0..servers).map(|n| world.add_server(Server::new(format!("i-{n:017x}"), tags()))).collect();
    for (number, group) in keys.chunks(GROUP).enumerate() {
        group.iter().for_each(|key| world.set_reason_text(*key, ReasonText::NoTime));
        let made = now - TimeDelta::days(60) + TimeDelta::minutes(number as i64 % 240);
        world.plan(made, Happening::Call(Call::new(Action::Run, group.to_vec())));
        world.plan(made + TimeDelta::hours(5), Happening::Call(Call::new(Action::STOP, group.to_vec())));
        for day in (1..=DAYS).rev() {
            let morning =
                now - TimeDelta::days(day) + TimeDelta::hours(6) + TimeDelta::minutes(number as i64 * 97 % 240);
            world.plan(morning, Happening::Call(Call::new(Action::Start, group.to_vec())));
            for (place, key) in group.iter().enumerate() {
                let minutes = 480 + (number as i64 * 37 + place as i64 * 53 + day * 71) % 240;
                world.plan(morning + TimeDelta::minutes(minutes), Happening::GuestShutdown(*key));
            }
        }
    }
    world.advance(now);
    world
}
