//! How long a conditional write takes on the table stand-in, and beside it on another DynamoDB: the one at
//! `AWS_ENDPOINT_URL_DYNAMODB`, in tables of its own that are deleted again. Each server is written twice, to the ledger and to
//! the cache, one write after another.

use std::time::{Duration, Instant};

use account::{LEDGER, SERVERS, clients, create_table};
use anyhow::{Context, Result};
use bench::hourly::now;
use bench::seed::seed;
use stand_ins::TableStandIn;
use uptime_aws::wiring;

const COUNT: usize = 500;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let other = wiring::variable("AWS_ENDPOINT_URL_DYNAMODB").context("set AWS_ENDPOINT_URL_DYNAMODB")?;
    let stand_in = TableStandIn::start().await?;
    let on_stand_in = measure(&stand_in.endpoint).await?;
    let dynamodb = clients(&other, &other).dynamodb;
    create_table(&dynamodb, LEDGER, &["id", "month"]).await?;
    create_table(&dynamodb, SERVERS, &["id"]).await?;
    let on_other = measure(&other).await;
    for table in [LEDGER, SERVERS] {
        dynamodb.delete_table().table_name(table).send().await?;
    }
    let on_other = on_other?;
    let times = on_other.as_secs_f64() / on_stand_in.as_secs_f64();
    println!("a write: {on_stand_in:?} on the stand-in, {on_other:?} on {other}: {times:.0} times as long");
    Ok(())
}

/// The time of one write.
async fn measure(endpoint: &str) -> Result<Duration> {
    let begun = Instant::now();
    seed(&clients(endpoint, endpoint), COUNT, now()?).await?;
    Ok(begun.elapsed() / (2 * COUNT as u32))
}
