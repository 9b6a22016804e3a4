//! Wiring of `calculateMonthlyRuntime`: settings and clients once per cold start, then one run per invocation.

use calculate_monthly_runtime::{Calculation, Config, Moment, handle};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use uptime_aws::{clients::Clients, telemetry, wiring};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(wiring::variable("AWS_LAMBDA_LOG_LEVEL").as_deref());
    let config = Config::read(&wiring::variable).inspect_err(|error| tracing::error!("{error}"))?;
    let clients = Clients::from_env().await;
    let reports = wiring::month_reports(&clients, &config.shared, config.reports_bucket_name);
    let checks = wiring::status_checks(&clients, &config.shared);
    let services = wiring::ports(clients, &config.shared);
    let metrics = config.shared.metrics();
    let calculation = Calculation::over(services, checks, reports, config.shared.scopes, config.settings, metrics);
    run(service_fn(async |event: LambdaEvent<Value>| {
        let moment = Moment::begin(event.context.deadline());
        let handled = handle(&calculation, event.payload, moment).await;
        if let Some(line) = handled.metrics {
            // Not through the logger: CloudWatch wants the line as it is.
            println!("{line}");
        }
        handled.outcome
    }))
    .await
}
