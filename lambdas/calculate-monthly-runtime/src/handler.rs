//! One run: list the servers, read CloudTrail, compute, cache.

use std::collections::HashMap;

use chrono::TimeDelta;
use futures::{StreamExt, stream};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use uptime::{CacheEntry, Coverage, InstanceId, Month, Window};
use uptime_aws::clients::Clients;
use uptime_aws::cloudtrail::CloudTrailHistory;
use uptime_aws::ec2::Ec2Fleet;
use uptime_aws::metrics::Metrics;
use uptime_aws::ports::{EventHistory, Fleet, Limits, RuntimeCache, Sweep, Written};
use uptime_aws::servers_table::ServersTable;

use crate::config::Config;
use crate::error::RunError;
use crate::invocation::Invocation;
use crate::report::{HistoryReport, Report, history_metrics};
use crate::request::{CLOUDTRAIL_MEMORY, Request};
use crate::response::{Response, result};
use crate::servers::{Selection, Servers};

/// Table writes under way at once.
const CONCURRENT_WRITES: usize = 32;
/// Up to this many requests, or half as many again as were needed, a run reads on into the past while that can tell the
/// state of a server at the month's start: a quiet account answers with so few pages that it costs next to nothing.
const SPARE_LOOKUPS: u64 = 10;

/// The handler's work, over the ports that it needs.
#[derive(Debug)]
pub struct Calculation<F, H, C> {
    fleet: F,
    history: H,
    cache: C,
    lookback: TimeDelta,
    metrics: Metrics,
}

impl Calculation<Ec2Fleet, CloudTrailHistory, ServersTable> {
    /// The calculation over the AWS clients.
    pub fn new(config: Config, clients: Clients) -> Self {
        let metrics = Metrics::new(&config.app, &config.environment);
        let cache = ServersTable::new(clients.dynamodb, config.servers_table_name);
        let history = CloudTrailHistory::new(clients.cloudtrail);
        Self::over(Ec2Fleet::new(clients.ec2, config.tag), history, cache, config.lookback, metrics)
    }
}

/// Handles one invocation.
///
/// # Errors
/// A failure of the whole run; a failure of one server is counted in the answer.
pub async fn handle<F: Fleet, H: EventHistory, C: RuntimeCache>(
    calculation: &Calculation<F, H, C>,
    payload: Value,
    invocation: Invocation,
) -> Result<Response, RunError> {
    let report = match calculation.run(payload, invocation).await {
        Ok(report) => report,
        Err(error) => {
            if let RunError::Throttled(cost) = &error {
                println!("{}", calculation.metrics.line(invocation.now, &history_metrics(cost)));
            }
            tracing::error!("{error}");
            return Err(error);
        }
    };
    // Not through the logger: CloudWatch wants the line as it is.
    println!("{}", report.metrics(&calculation.metrics, invocation.now));
    let body = report.body();
    tracing::info!(total = body.total_servers, processed = body.processed, errors = body.errors, "{}", body.message);
    Ok(Response::of(&body))
}

impl<F: Fleet, H: EventHistory, C: RuntimeCache> Calculation<F, H, C> {
    /// The calculation over any ports.
    pub fn over(fleet: F, history: H, cache: C, lookback: TimeDelta, metrics: Metrics) -> Self {
        Self { fleet, history, cache, lookback, metrics }
    }

    async fn run(&self, payload: Value, invocation: Invocation) -> Result<Report, RunError> {
        let now = invocation.now;
        let request = Request::read(payload, now)?;
        let observed = timeout_at(invocation.deadline, self.fleet.list(now)).await;
        let observed = observed.map_err(|_| RunError::TimeUp("listing the servers"))?.map_err(RunError::Fleet)?;
        let Selection { mut servers, missing } = Servers::select(observed, request.servers.as_deref());
        let this_month = request.month == Month::of(now);
        let of_fleet = this_month && request.servers.is_none();
        let mut report = Report::new(request.month, servers.len(), &missing, of_fleet);
        if servers.len() == 0 {
            return Ok(report);
        }
        // Asked first, so that a table that cannot be reached fails the run before it costs CloudTrail requests.
        let cached = if this_month { self.read_cache(&servers, invocation.deadline).await? } else { HashMap::new() };
        let history = self.read_history(&mut servers, request.month, invocation).await?;
        let entries = servers.entries(&coverage(history.covered), request.month, now);
        report.history = Some(history);
        if this_month {
            self.store(entries, &cached, invocation, &mut report).await?;
        } else {
            report.processed = entries.len();
            entries.iter().for_each(|(_, entry)| report.count(Some(entry)));
            report.results = entries.iter().map(|(id, entry)| result(id, entry)).collect();
        }
        Ok(report)
    }

    async fn read_cache(
        &self,
        servers: &Servers,
        deadline: Instant,
    ) -> Result<HashMap<InstanceId, CacheEntry>, RunError> {
        let read = timeout_at(deadline, self.cache.read(&servers.ids())).await;
        read.map_err(|_| RunError::TimeUp("reading the servers table"))?.map_err(RunError::CacheRead)
    }

    /// Reads CloudTrail as far back as needed and, where few requests did that, as far as it helps.
    async fn read_history(
        &self,
        servers: &mut Servers,
        month: Month,
        invocation: Invocation,
    ) -> Result<HistoryReport, RunError> {
        let Invocation { now, reading_deadline: deadline, .. } = invocation;
        // What happened some days after a past month still tells of its end, as what happened before tells of its start.
        let to = now.min(month.end() + self.lookback);
        let window = Window::new((now - CLOUDTRAIL_MEMORY).min(to), to);
        let needed = (month.start() - self.lookback).max(window.from);
        let mut sweep = self.history.sweep(window);
        let read = sweep.read_back_to(needed, Limits { deadline, lookups: u64::MAX }).await;
        read.map_err(RunError::History)?;
        servers.learn(sweep.take_evidence());
        if sweep.covered().is_empty() {
            return Err(RunError::Throttled(sweep.cost()));
        }
        let lookups = sweep.cost().lookups;
        let spare = SPARE_LOOKUPS.max(lookups + lookups / 2);
        let mut failed = false;
        if sweep.covered().from <= needed
            && lookups < spare
            && servers.lack_history(&coverage(sweep.covered()), month, now)
        {
            if let Err(error) = sweep.read_back_to(window.from, Limits { deadline, lookups: spare }).await {
                // What is needed has been read. Yet the last run may have read more, and known better.
                tracing::warn!("Could not read further back than needed: {error}");
                failed = true;
            }
            servers.learn(sweep.take_evidence());
        }
        let covered = sweep.covered();
        let complete = covered.from <= needed && !failed;
        if covered.from > needed {
            tracing::warn!(%covered.from, %needed, "Time was up before CloudTrail was read whole: read since {}, needed since {needed}", covered.from);
        }
        Ok(HistoryReport { covered, complete, cost: sweep.cost() })
    }

    /// Writes the entries, those first whose cache is the oldest.
    async fn store(
        &self,
        mut entries: Vec<(InstanceId, CacheEntry)>,
        cached: &HashMap<InstanceId, CacheEntry>,
        invocation: Invocation,
        report: &mut Report,
    ) -> Result<(), RunError> {
        let read_all = report.history.is_none_or(|history| history.complete);
        entries.sort_by_key(|(id, _)| cached.get(id).map(|entry| entry.timestamp));
        let writes =
            entries.iter().map(|(id, entry)| {
                let old = cached.get(id).filter(|old| old.month == entry.month);
                let keep = !read_all && old.is_some_and(|old| old.uncertainty < entry.uncertainty);
                async move {
                    (id, entry, if keep { Outcome::Kept } else { self.write(id, entry, invocation.deadline).await })
                }
            });
        let mut outcomes = stream::iter(writes).buffer_unordered(CONCURRENT_WRITES);
        let (mut first_error, mut unanswered) = (None, false);
        while let Some((id, entry, outcome)) = outcomes.next().await {
            let known = if matches!(outcome, Outcome::Written(_)) { Some(entry) } else { cached.get(id) };
            report.count(known.filter(|known| known.month == entry.month));
            report.age(known, invocation.now);
            match outcome {
                Outcome::Written(written) => {
                    report.processed += 1;
                    log_written(id, entry, written);
                }
                Outcome::Kept => report.kept += 1,
                Outcome::NotBegun => report.remaining += 1,
                Outcome::Unanswered => {
                    report.remaining += 1;
                    unanswered = true;
                }
                Outcome::Failed(error) => {
                    report.errors += 1;
                    tracing::error!(%id, %error, "Could not cache the runtime of {id}: {error}");
                    first_error.get_or_insert(error);
                }
            }
        }
        match first_error {
            _ if report.processed + report.kept > 0 => Ok(()),
            Some(error) => Err(RunError::CacheWrite(error)),
            None if unanswered => Err(RunError::CacheSilent),
            None => Ok(()),
        }
    }

    async fn write(&self, id: &InstanceId, entry: &CacheEntry, deadline: Instant) -> Outcome {
        if Instant::now() >= deadline {
            return Outcome::NotBegun;
        }
        match timeout_at(deadline, self.cache.write(id, entry)).await {
            Err(_) => Outcome::Unanswered,
            Ok(Ok(written)) => Outcome::Written(written),
            Ok(Err(error)) => Outcome::Failed(error),
        }
    }
}

/// What became of one server.
enum Outcome {
    /// The cache is as of this run, or of a later one.
    Written(Written),
    /// The cached value is more certain and stays.
    Kept,
    /// The time was up before its turn came.
    NotBegun,
    /// The time was up before the table answered.
    Unanswered,
    /// It could not be written.
    Failed(uptime_aws::ServiceError),
}

fn log_written(id: &InstanceId, entry: &CacheEntry, written: Written) {
    let (minutes, uncertainty, month) = (entry.minutes.as_f64(), entry.uncertainty.as_f64(), entry.month);
    match written {
        Written::Stored => {
            tracing::info!(%id, minutes, uncertainty, %month, "Cached runtime for {id}: {} minutes", entry.minutes);
        }
        Written::Superseded => tracing::info!(%id, "A later calculation has cached the runtime of {id} already"),
    }
}

fn coverage(covered: Window) -> Coverage {
    Coverage::none().with(covered)
}
