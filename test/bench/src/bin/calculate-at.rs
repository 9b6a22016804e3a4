//! `calculateMonthlyRuntime` as it is deployed, but for the time: `BENCH_NOW` is the instant that each of its runs is about,
//! so that a month can be 25 days old on any day. With `BENCH_UNPACED` it asks CloudTrail as fast as it can.

use std::time::Duration;

use calculate_monthly_runtime::{Calculation, Config, Invocation, handle};
use chrono::{DateTime, Utc};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use uptime_aws::clients::Clients;
use uptime_aws::cloudtrail::CloudTrailHistory;
use uptime_aws::ec2::Ec2Fleet;
use uptime_aws::history_table::RuntimeHistoryTable;
use uptime_aws::metrics::Metrics;
use uptime_aws::servers_table::ServersTable;
use uptime_aws::{telemetry, variables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(variables::process("AWS_LAMBDA_LOG_LEVEL").as_deref());
    let now: DateTime<Utc> = variables::process("BENCH_NOW").unwrap_or_default().parse()?;
    let config = Config::read(&variables::process).inspect_err(|error| tracing::error!("{error}"))?;
    let clients = Clients::from_env().await;
    let calculation = match variables::process("BENCH_UNPACED") {
        None => Calculation::new(config, clients),
        Some(_) => unpaced(config, clients),
    };
    run(service_fn(async |event: LambdaEvent<Value>| {
        let invocation = Invocation { now, ..Invocation::begin(event.context.deadline()) };
        let handled = handle(&calculation, event.payload, invocation).await;
        if let Some(line) = handled.metrics {
            println!("{line}");
        }
        handled.outcome
    }))
    .await
}

fn unpaced(
    config: Config,
    clients: Clients,
) -> Calculation<Ec2Fleet, CloudTrailHistory, RuntimeHistoryTable, ServersTable> {
    let events = CloudTrailHistory::paced(clients.cloudtrail, Duration::from_micros(1));
    let ledger = RuntimeHistoryTable::new(clients.dynamodb.clone(), config.history_table_name, clients.region);
    let cache = ServersTable::new(clients.dynamodb, config.servers_table_name);
    let metrics = Metrics::new(&config.app, &config.environment);
    Calculation::over(Ec2Fleet::new(clients.ec2, config.tag), events, ledger, cache, config.settings, metrics)
}
