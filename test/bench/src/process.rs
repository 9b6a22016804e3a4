//! The hourly handler as a process of its own, over a simulated account.

use std::path::Path;

use account::Account;
use anyhow::{Context, Result, ensure};
use clap::Parser;
use fleet_simulator::options::Options;
use serde_json::Value;
use stand_ins::runtime::{Handler, Invoked};

use crate::seed::VARIABLES;

/// Options of a simulator that answers as CloudTrail does.
#[must_use]
pub fn like_cloudtrail() -> Options {
    Options::parse_from(["fleet-simulator", "--lookup-rate", "2", "--lookup-latency-ms", "500"])
}

/// Starts the handler, as for an hourly run: cold.
///
/// # Errors
/// Where it cannot be started.
pub async fn start(account: &Account, program: &Path, more: &[(&str, &str)]) -> Result<Handler> {
    let now = account.now().to_rfc3339();
    let mut variables = vec![
        ("BENCH_NOW", now.as_str()),
        ("AWS_ENDPOINT_URL_EC2", &account.endpoint),
        ("AWS_ENDPOINT_URL_CLOUDTRAIL", &account.endpoint),
        ("AWS_ENDPOINT_URL_CLOUDWATCH", &account.endpoint),
        ("AWS_ENDPOINT_URL_DYNAMODB", &account.tables.endpoint),
    ];
    variables.extend(VARIABLES.iter().chain(more));
    Handler::start(program, &variables).await
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
