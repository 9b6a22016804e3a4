//! One run: list the servers, read CloudTrail, and for each server fold, store and cache.

use serde_json::Value;
use uptime::Month;
use uptime_aws::clients::Clients;
use uptime_aws::cloudtrail::CloudTrailHistory;
use uptime_aws::ec2::Ec2Fleet;
use uptime_aws::history_table::RuntimeHistoryTable;
use uptime_aws::metrics::Metrics;
use uptime_aws::ports::{EventHistory, Fleet, RuntimeCache, RuntimeHistory};
use uptime_aws::servers_table::ServersTable;
use uptime_ledger::{Handled, Invocation};

use crate::config::{Config, Settings};
use crate::error::{RunError, in_time};
use crate::report::{Report, history_metrics};
use crate::request::Request;
use crate::response::Response;

/// The handler's work, over the ports that it needs.
#[derive(Debug)]
pub struct Calculation<F, H, L, C> {
    pub(crate) fleet: F,
    pub(crate) events: H,
    pub(crate) ledger: L,
    pub(crate) cache: C,
    pub(crate) settings: Settings,
    metrics: Metrics,
}

impl Calculation<Ec2Fleet, CloudTrailHistory, RuntimeHistoryTable, ServersTable> {
    /// The calculation over the AWS clients.
    pub fn new(config: Config, clients: Clients) -> Self {
        let metrics = Metrics::new(&config.app, &config.environment);
        let cache = ServersTable::new(clients.dynamodb.clone(), config.servers_table_name);
        let ledger = RuntimeHistoryTable::new(clients.dynamodb, config.history_table_name, clients.region);
        let events = CloudTrailHistory::new(clients.cloudtrail);
        Self::over(Ec2Fleet::new(clients.ec2, config.tag), events, ledger, cache, config.settings, metrics)
    }
}

/// Handles one invocation. A failure of the whole run is its error; a failure of one server is counted in the answer.
pub async fn handle<F: Fleet, H: EventHistory, L: RuntimeHistory, C: RuntimeCache>(
    calculation: &Calculation<F, H, L, C>,
    payload: Value,
    invocation: Invocation,
) -> Handled<Response, RunError> {
    let metrics = &calculation.metrics;
    match calculation.run(payload, invocation).await {
        Ok(report) => {
            let body = report.body();
            let (total, processed, errors) = (body.total_servers, body.processed, body.errors);
            tracing::info!(total, processed, errors, "{}", body.message);
            Handled { outcome: Ok(Response::of(&body)), metrics: Some(report.metrics(metrics, invocation.now)) }
        }
        Err(error) => {
            tracing::error!("{error}");
            let metrics = match &error {
                RunError::Throttled(cost) => Some(metrics.line(invocation.now, &history_metrics(cost))),
                _ => None,
            };
            Handled { outcome: Err(error), metrics }
        }
    }
}

impl<F: Fleet, H: EventHistory, L: RuntimeHistory, C: RuntimeCache> Calculation<F, H, L, C> {
    /// The calculation over any ports.
    pub fn over(fleet: F, events: H, ledger: L, cache: C, settings: Settings, metrics: Metrics) -> Self {
        Self { fleet, events, ledger, cache, settings, metrics }
    }

    async fn run(&self, payload: Value, invocation: Invocation) -> Result<Report, RunError> {
        let request = Request::read(payload, invocation.now)?;
        let observed = in_time(invocation, "listing the servers", self.fleet.list(invocation.now)).await?;
        let observed = observed.map_err(RunError::Fleet)?;
        let observed = observed.into_iter().map(|server| (server.id.clone(), server)).collect();
        if request.month == Month::of(invocation.now) {
            self.current_month(&request, observed, invocation).await
        } else {
            self.past_month(&request, observed, invocation).await
        }
    }
}
