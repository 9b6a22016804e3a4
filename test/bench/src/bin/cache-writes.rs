//! The cache's writes of an hour and nothing else: a handler that writes an entry for each server, as many at once as a run.

use account::SERVERS;
use bench::seed::id;
use chrono::{DateTime, Utc};
use futures::{StreamExt, stream};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};
use uptime::{CacheEntry, Month, Span};
use uptime_aws::clients::Clients;
use uptime_aws::servers_table::ServersTable;
use uptime_ledger::ports::{Cache, WriteRule};

/// As the hourly run writes.
const AT_ONCE: usize = 32;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let table = ServersTable::new(Clients::from_env().await.dynamodb, SERVERS.to_owned());
    run(service_fn(async |event: LambdaEvent<Value>| writes(&table, event.payload).await)).await
}

async fn writes(table: &ServersTable, payload: Value) -> Result<Value, Error> {
    let timestamp: DateTime<Utc> = payload["at"].as_str().unwrap_or_default().parse()?;
    let month = Month::of(timestamp);
    let entry = CacheEntry { span: Span::default(), timestamp, month, running_since: None, revision: 1 };
    let servers = payload["servers"].as_u64().unwrap_or_default();
    let ids = (0..servers as usize).map(id).collect::<Result<Vec<_>, _>>()?;
    let writes: Vec<_> = ids.iter().map(|id| table.write(id, &entry, WriteRule::Upsert)).collect();
    let failed = stream::iter(writes).buffer_unordered(AT_ONCE).filter(|written| {
        let failed = written.is_err();
        async move { failed }
    });
    Ok(json!(failed.count().await))
}
