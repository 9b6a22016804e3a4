//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Parser, ValueEnum};

use crate::cloudwatch::Sampling;
use crate::dice;
use crate::place::Place;
use crate::service::Settings;
use crate::world::Rules;

/// Which made-up fleet to simulate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScenarioName {
    /// One server per case that a runtime calculation is known to get wrong.
    Showcase,
    /// One server per situation that people who run fleets have reported.
    Field,
    /// Many servers with typical lives.
    Random,
}

/// Serves EC2 and CloudTrail for a fleet whose true running minutes are known.
/// For development only.
#[derive(Debug, Clone, Parser)]
#[command(name = "fleet-simulator", version)]
pub struct Options {
    /// Port on 127.0.0.1; 0 picks a free one.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// The fleet.
    #[arg(long, value_enum, default_value_t = ScenarioName::Showcase)]
    pub scenario: ScenarioName,
    /// Serve the real records in this folder instead of a made-up fleet.
    #[arg(long, value_name = "DIR", conflicts_with = "scenario")]
    pub records: Option<PathBuf>,
    /// Number of servers of the random fleet.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub servers: u32,
    /// The same seed gives the same random fleet, event ids and delivery delays.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Freeze the time at this instant (RFC 3339) instead of following the clock.
    #[arg(long, value_name = "RFC3339", value_parser = parse_time)]
    pub now: Option<DateTime<Utc>>,
    /// The account of whoever has no 12-digit access key: MiniStack's.
    #[arg(long, default_value = "000000000000")]
    pub home_account: String,
    /// The region of the home scope's servers, as their records tell it. Requests for any other region are answered as well.
    #[arg(long, default_value = "us-east-1")]
    pub home_region: String,
    /// A further account and region, and its fleet, such as `222233334444/us-east-1=random:5`; may be given several times.
    /// Which of them a request is for, its signature says. With `:clash` its first server has the id of the home scope's first.
    #[arg(long, value_name = "ACCOUNT/REGION=SCENARIO[:SERVERS][:clash]", value_parser = parse_further_scope)]
    pub further_scope: Vec<FurtherScope>,
    /// Key of the tag that makes an instance a server of the fleet.
    #[arg(long, default_value = "App")]
    pub tag_key: String,
    /// Value of that tag.
    #[arg(long, default_value = "demo")]
    pub tag_value: String,
    /// LookupEvents requests granted per second; 0 grants all.
    #[arg(long, default_value_t = 2.0, value_parser = parse_rate)]
    pub lookup_rate: f64,
    /// LookupEvents requests granted at once after a pause.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    pub lookup_burst: u32,
    /// Seconds until CloudTrail shows a record: the shortest and the longest (0: at once).
    #[arg(long, value_name = "MIN..MAX", default_value = "60..600", value_parser = parse_span)]
    pub delivery_delay: (TimeDelta, TimeDelta),
    /// Milliseconds that a LookupEvents call takes.
    #[arg(long, default_value_t = 0)]
    pub lookup_latency_ms: u64,
    /// Milliseconds that a DescribeInstances call takes.
    #[arg(long, default_value_t = 0)]
    pub describe_latency_ms: u64,
    /// Seconds by which DescribeInstances lags behind what has happened.
    #[arg(long, default_value_t = 0)]
    pub describe_lag_seconds: u32,
    /// Seconds that a start stays pending.
    #[arg(long, default_value_t = 0)]
    pub pending_seconds: u32,
    /// Seconds that a stop stays stopping, and a termination shutting-down.
    #[arg(long, default_value_t = 0)]
    pub stopping_seconds: u32,
    /// Seconds until CloudWatch has a sample of a status check.
    #[arg(long, default_value_t = 120)]
    pub sample_delay_seconds: u32,
    /// One of so many samples of status checks is lost (0: none).
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub sample_lost_one_of: u32,
    /// Milliseconds that a GetMetricData call takes.
    #[arg(long, default_value_t = 0)]
    pub metric_latency_ms: u64,
    /// Minutes that EC2 shows a terminated instance. EC2 itself: about 60, the random fleet's default; the other fleets
    /// default to 62 days, so that every case can be looked at.
    #[arg(long)]
    pub terminated_visible_minutes: Option<u32>,
}

/// A further account and region, and its fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FurtherScope {
    /// Where it is.
    pub place: Place,
    /// Its fleet.
    pub scenario: ScenarioName,
    /// Number of servers of a random fleet.
    pub servers: u32,
    /// Whether its first server has the id of the home scope's first, as no two have on AWS.
    pub clash: bool,
}

impl Options {
    /// Where the home scope is.
    #[must_use]
    pub fn home(&self) -> Place {
        Place { account: self.home_account.clone(), region: self.home_region.clone() }
    }

    /// The same for a further account and region: with its own fleet, ids and chance.
    #[must_use]
    pub fn in_scope(&self, scope: &FurtherScope) -> Self {
        let FurtherScope { scenario, servers, .. } = *scope;
        Self { records: None, scenario, servers, seed: dice::mix(self.seed, scope.place.id_space()), ..self.clone() }
    }

    /// How the account behaves.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules {
            seed: self.seed,
            id_space: 0,
            pending: TimeDelta::seconds(self.pending_seconds.into()),
            stopping: TimeDelta::seconds(self.stopping_seconds.into()),
            delivery: self.delivery_delay,
        }
    }

    /// How the service behaves.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let made_up = self.records.is_none() && self.scenario == ScenarioName::Random;
        let visible = self.terminated_visible_minutes.map(|minutes| TimeDelta::minutes(minutes.into()));
        Settings {
            tag: (self.tag_key.clone(), self.tag_value.clone()),
            lookup_rate: (self.lookup_rate, self.lookup_burst),
            lookup_latency: Duration::from_millis(self.lookup_latency_ms),
            describe_latency: Duration::from_millis(self.describe_latency_ms),
            describe_lag: TimeDelta::seconds(self.describe_lag_seconds.into()),
            sampling: Sampling {
                delay: TimeDelta::seconds(self.sample_delay_seconds.into()),
                lost_one_of: self.sample_lost_one_of,
                latency: Duration::from_millis(self.metric_latency_ms),
            },
            terminated_visible: visible.unwrap_or(if made_up { TimeDelta::hours(1) } else { TimeDelta::days(62) }),
        }
    }
}

fn parse_time(written: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(written)
        .map(|at| at.to_utc())
        .map_err(|cause| format!("{cause}; a time looks like 2025-10-20T12:00:00Z"))
}

fn parse_further_scope(written: &str) -> Result<FurtherScope, String> {
    let (place, fleet) = written.split_once('=').unwrap_or((written, "random:5"));
    let (fleet, clash) = fleet.strip_suffix(":clash").map_or((fleet, false), |fleet| (fleet, true));
    let (scenario, servers) = fleet.split_once(':').unwrap_or((fleet, "5"));
    Ok(FurtherScope {
        clash,
        place: place.parse()?,
        scenario: ScenarioName::from_str(scenario, true)?,
        servers: servers.parse().map_err(|cause| format!("{servers} is no number of servers: {cause}"))?,
    })
}

fn parse_rate(written: &str) -> Result<f64, String> {
    match written.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate >= 0.0 => Ok(rate),
        _ => Err("a rate is a number of requests per second, 0 or more".to_owned()),
    }
}

fn parse_span(written: &str) -> Result<(TimeDelta, TimeDelta), String> {
    let (shortest, longest) = written.split_once("..").unwrap_or((written, written));
    let seconds = |part: &str| part.parse::<u32>().map(|seconds| TimeDelta::seconds(seconds.into()));
    match (seconds(shortest), seconds(longest)) {
        (Ok(shortest), Ok(longest)) if shortest <= longest => Ok((shortest, longest)),
        _ => Err("a delay is a number of seconds, or two of them such as 60..600".to_owned()),
    }
}
