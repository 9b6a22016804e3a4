//! The strategy that this project replaces: a request to CloudTrail for each server.

use std::time::{Duration, Instant};

use account::{Account, clients};
use anyhow::Result;
use chrono::TimeDelta;
use uptime::Window;
use uptime_aws::trail::CloudTrail;
use uptime_ledger::ports::{Limits, Sweep, Trail};

use crate::fleet::world;
use crate::hourly::now;
use crate::process::like_cloudtrail;

/// What reading a fleet's month one server after the other costs.
pub struct OneByOne {
    /// Servers.
    pub servers: usize,
    /// Requests to CloudTrail.
    pub lookups: u64,
    /// What they took.
    pub seconds: f64,
    /// Whether it was measured, or computed from the seconds per server of the largest that was.
    pub measured: bool,
}

/// Reads the month of each server of a fleet.
///
/// # Errors
/// Where CloudTrail cannot be read.
pub async fn measure(servers: usize) -> Result<OneByOne> {
    let options = like_cloudtrail();
    let now = now()?;
    let account = Account::at(now, world(&options, servers, now, now), &options).await?;
    let history = CloudTrail::new(clients(&account.endpoint, &account.endpoint).cloudtrail);
    let month = Window::new(now - TimeDelta::days(32), now);
    let begun = Instant::now();
    let mut lookups = 0;
    for n in 0..servers {
        let mut sweep = history.lookup(&format!("i-{n:017x}").parse()?, month);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        sweep.read_back_to(month.from, Limits { deadline, lookups: u64::MAX }).await?;
        lookups += sweep.cost().lookups;
    }
    Ok(OneByOne { servers, lookups, seconds: begun.elapsed().as_secs_f64(), measured: true })
}

impl OneByOne {
    /// The same for a larger fleet, computed.
    pub fn scaled_to(&self, servers: usize) -> Self {
        let factor = servers as f64 / self.servers as f64;
        let lookups = (self.lookups as f64 * factor) as u64;
        Self { servers, lookups, seconds: self.seconds * factor, measured: false }
    }
}
