//! One invocation: a run, its answer, and its metrics.

use serde_json::Value;
use uptime_ledger::metrics::Metrics;
use uptime_ledger::ports::Services;
use uptime_ledger::{Handled, Moment};

use crate::config::Settings;
use crate::error::RunError;
use crate::hour::run;
use crate::report::trail_metrics;
use crate::response::Response;

/// The handler's work, over the ports that it needs.
#[derive(Debug)]
pub struct Calculation<S> {
    services: S,
    settings: Settings,
    metrics: Metrics,
}

/// Handles one invocation. A failure of the whole run is its error; a failure of one server is counted in the answer.
pub async fn handle<S: Services>(
    calculation: &Calculation<S>,
    payload: Value,
    moment: Moment,
) -> Handled<Response, RunError> {
    let metrics = &calculation.metrics;
    match run(&calculation.services, calculation.settings, payload, moment).await {
        Ok(report) => {
            let body = report.body();
            let (total, processed, errors) = (body.total_servers, body.processed, body.errors);
            tracing::info!(total, processed, errors, "{}", body.message);
            Handled { outcome: Ok(Response::of(&body)), metrics: Some(report.metrics(metrics, moment.now)) }
        }
        Err(error) => {
            tracing::error!("{error}");
            let metrics = match &error {
                RunError::Throttled(cost) => Some(metrics.line(moment.now, &trail_metrics(cost))),
                _ => None,
            };
            Handled { outcome: Err(error), metrics }
        }
    }
}

impl<S: Services> Calculation<S> {
    /// The calculation over any ports.
    pub fn over(services: S, settings: Settings, metrics: Metrics) -> Self {
        Self { services, settings, metrics }
    }
}
