//! `calculateMonthlyRuntime` as it is deployed, but for the time: `BENCH_NOW` is the instant that each of its runs is about,
//! so that a month can be 25 days old on any day.

use calculate_monthly_runtime::{Calculation, Config, Invocation, handle};
use chrono::{DateTime, Utc};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use uptime_aws::{clients::Clients, telemetry, variables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(variables::process("AWS_LAMBDA_LOG_LEVEL").as_deref());
    let now: DateTime<Utc> = variables::process("BENCH_NOW").unwrap_or_default().parse()?;
    let config = Config::read(&variables::process).inspect_err(|error| tracing::error!("{error}"))?;
    let calculation = Calculation::new(config, Clients::from_env().await);
    run(service_fn(|event: LambdaEvent<Value>| {
        let invocation = Invocation { now, ..Invocation::begin(event.context.deadline()) };
        handle(&calculation, event.payload, invocation)
    }))
    .await
}
