//! Warm answers of `eventResponse`, beside the bare requests that they consist of. `src/bin/warm-answers.rs` times them in a
//! process of its own, for the handler logs to standard output.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::program;

/// What answers to one kind of event took, call by call.
#[derive(Deserialize, Serialize)]
pub struct Answers {
    /// Requests to DynamoDB for each.
    pub round_trips: usize,
    /// The handler's time, in nanoseconds.
    pub handled: Vec<u64>,
    /// The time of the same requests without the handler, in nanoseconds.
    pub bare: Vec<u64>,
}

/// By the state that the event tells.
pub type ByState = BTreeMap<String, Answers>;

/// Measures so many calls of each kind.
///
/// # Errors
/// Where an answer is not from the cache, or the program fails.
pub async fn measure(calls: usize) -> Result<ByState> {
    let mut command = Command::new(program("warm-answers")?);
    command.arg(calls.to_string()).stdout(Stdio::null()).stderr(Stdio::piped());
    let output = command.output()?;
    let told = String::from_utf8(output.stderr)?;
    ensure!(output.status.success(), "warm-answers failed: {told}");
    serde_json::from_str(&told).with_context(|| format!("warm-answers told {told}"))
}
