//! A simulated account at a fixed instant, and hourly runs over it, each in a process of its own.

use std::future::IntoFuture;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use clap::Parser;
use fleet_simulator::clock::FrozenClock;
use fleet_simulator::options::Options;
use fleet_simulator::service::{Counts, Simulator};
use fleet_simulator::world::World;
use serde_json::Value;
use stand_ins::TableStandIn;
use stand_ins::runtime::{Handler, Invoked};

use crate::seed::{HISTORY, SERVERS, VARIABLES};

/// EC2 and CloudTrail of one account.
pub struct Account {
    /// What it is asked.
    pub simulator: Arc<Simulator>,
    /// Where it is served.
    pub endpoint: String,
    now: DateTime<Utc>,
}

/// Options of a simulator that answers as CloudTrail does.
#[must_use]
pub fn like_cloudtrail() -> Options {
    Options::parse_from(["fleet-simulator", "--lookup-rate", "2", "--lookup-latency-ms", "500"])
}

/// Options of a simulator that answers at once, as often as it is asked.
#[must_use]
pub fn unlimited() -> Options {
    Options::parse_from(["fleet-simulator", "--lookup-rate", "0"])
}

impl Account {
    /// Serves a world at an instant.
    ///
    /// # Errors
    /// Where it cannot listen.
    pub async fn serve(world: World, options: &Options, now: DateTime<Utc>) -> Result<Self> {
        let simulator = Simulator::new(world, options.settings(), Box::new(FrozenClock::new(now)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        tokio::spawn(axum::serve(listener, simulator.router()).into_future());
        Ok(Self { simulator, endpoint, now })
    }

    /// Starts the handler, as for an hourly run: cold.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub async fn handler(&self, program: &Path, tables: &TableStandIn, more: &[(&str, &str)]) -> Result<Handler> {
        let now = self.now.to_rfc3339();
        let mut variables = vec![
            ("BENCH_NOW", now.as_str()),
            ("AWS_ENDPOINT_URL_EC2", &self.endpoint),
            ("AWS_ENDPOINT_URL_CLOUDTRAIL", &self.endpoint),
            ("AWS_ENDPOINT_URL_DYNAMODB", &tables.endpoint),
        ];
        variables.extend(VARIABLES.iter().chain(more));
        Handler::start(program, &variables).await
    }

    /// How often an action was asked for.
    #[must_use]
    pub fn counts(&self, action: fleet_simulator::service::Action) -> Counts {
        self.simulator.account().0.counts.get(&action).copied().unwrap_or_default()
    }
}

/// The body of an hourly run's answer.
///
/// # Errors
/// Where the run failed, or some of its servers did.
pub fn body(invoked: Invoked) -> Result<Value> {
    let answer = invoked.outcome.map_err(|error| anyhow::anyhow!("the run failed: {error}"))?;
    let body: Value = serde_json::from_str(answer["body"].as_str().context("no body")?)?;
    ensure!(body["errors"] == 0, "the run had errors: {body}");
    Ok(body)
}

/// All that readers of both tables are told.
#[must_use]
pub fn results(tables: &TableStandIn) -> Vec<Value> {
    let watermark =
        |item: &serde_json::Map<String, Value>| item["id"]["S"].as_str().is_some_and(|id| id.starts_with("sweep#"));
    let items = [SERVERS, HISTORY].into_iter().flat_map(|table| tables.items(table));
    let items = items.filter(|item| !watermark(item)).map(|mut item| {
        // How it came to be known may differ.
        for kept in ["runningMinutesRevision", "revision", "evidence", "coverage", "sighting"] {
            item.remove(kept);
        }
        Value::Object(item)
    });
    items.collect()
}
