//! Wiring of `fleetReport`: settings and a client once per cold start, then one report per invocation.

use fleet_report::{Call, FleetReport, handle};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use mimalloc::MiMalloc;
use serde_json::Value;
use uptime_aws::{clients::Clients, telemetry, wiring};
use uptime_ledger::variables::Variables;
use uptime_ledger::{Moment, SharedSettings};

/// A report of a large fleet is millions of small pieces of memory, for which the C library's allocator takes a fifth of its time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(wiring::variable("AWS_LAMBDA_LOG_LEVEL").as_deref());
    let settings =
        SharedSettings::read(&Variables(&wiring::variable)).inspect_err(|error| tracing::error!("{error}"))?;
    let ledgers = wiring::ledgers(Clients::from_env().await, &settings);
    let report = FleetReport::over(ledgers, settings.scopes);
    run(service_fn(async |event: LambdaEvent<Value>| {
        let moment = Moment::begin(event.context.deadline());
        handle(&report, event.payload, Call { moment, function_arn: event.context.invoked_function_arn }).await
    }))
    .await
}
