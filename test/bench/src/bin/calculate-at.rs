//! `calculateMonthlyRuntime` as it is deployed, but for the time: `BENCH_NOW` is the instant that each of its runs is about,
//! so that a month can be 25 days old on any day. With `BENCH_UNPACED` it asks CloudTrail as fast as it can.

use account::unpaced;
use calculate_monthly_runtime::{Calculation, Config, Moment, handle};
use chrono::{DateTime, Utc};
use doubles::InMemoryReports;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use uptime::Scope;
use uptime_aws::clients::Clients;
use uptime_aws::{telemetry, wiring};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(wiring::variable("AWS_LAMBDA_LOG_LEVEL").as_deref());
    let now: DateTime<Utc> = wiring::variable("BENCH_NOW").unwrap_or_default().parse()?;
    let config = Config::read(&wiring::variable).inspect_err(|error| tracing::error!("{error}"))?;
    let clients = Clients::from_env().await;
    let checks = wiring::status_checks(&clients, &config.shared);
    let paced = wiring::ports(clients, &config.shared);
    let is_paced = wiring::variable("BENCH_UNPACED").is_none();
    let services = |scope: &Scope| if is_paced { paced(scope) } else { unpaced(paced(scope)) };
    // No benchmark waits for a month's report.
    let reports = InMemoryReports::default();
    let (scopes, metrics) = (config.shared.scopes.clone(), config.shared.metrics());
    let calculation = Calculation::over(services, checks, reports, scopes, config.settings, metrics);
    run(service_fn(async |event: LambdaEvent<Value>| {
        let moment = Moment { now, ..Moment::begin(event.context.deadline()) };
        let handled = handle(&calculation, event.payload, moment).await;
        if let Some(line) = handled.metrics {
            println!("{line}");
        }
        handled.outcome
    }))
    .await
}
