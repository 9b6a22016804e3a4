//! The requests of a fleet report and nothing else: a handler that sends them by the SDK's client, drops the answers, and
//! answers how many they were.

use std::collections::HashMap;

use account::LEDGER;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures::{StreamExt, TryStreamExt, stream};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};
use uptime_aws::clients::Clients;

/// As the ledger's adapter asks.
const BATCH: usize = 100;
/// Two parts of four batches each.
const AT_ONCE: usize = 8;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let client = Clients::from_env().await.dynamodb;
    run(service_fn(async |event: LambdaEvent<Value>| requests(&client, event.payload).await)).await
}

/// Status, sweep state, index, and every item of a month.
async fn requests(client: &Client, payload: Value) -> Result<Value, Error> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let key = |id: &str, month: &str| HashMap::from([("id".to_owned(), text(id)), ("month".to_owned(), text(month))]);
    let scope = "123456789012/eu-west-1";
    let month = payload["month"].as_str().unwrap_or_default();
    let mut sent = 0;
    for (id, month) in [(format!("status#{scope}"), "status"), (format!("sweep#{scope}"), "watermark")] {
        let get = client.get_item().table_name(LEDGER).set_key(Some(key(&id, month))).consistent_read(true);
        get.send().await?;
        sent += 1;
    }
    let query = client.query().table_name(LEDGER).index_name("scopeMonth");
    let query = query.key_condition_expression("#key = :key").expression_attribute_names("#key", "scopeMonth");
    let query = query.expression_attribute_values(":key", text(&format!("{scope}/{month}")));
    let pages: Vec<_> = query.into_paginator().send().try_collect().await?;
    sent += pages.len();
    let id = |item: &HashMap<String, AttributeValue>| item.get("id").and_then(|id| id.as_s().ok().cloned());
    let ids: Vec<String> = pages.iter().flat_map(|page| page.items()).filter_map(id).collect();
    let batches: Vec<_> = ids
        .chunks(BATCH)
        .map(|ids| {
            let keys = ids.iter().map(|id| key(id, month)).collect();
            async move {
                let keys = KeysAndAttributes::builder().set_keys(Some(keys)).build()?;
                client.batch_get_item().request_items(LEDGER, keys).send().await?;
                Ok::<_, Error>(1)
            }
        })
        .collect();
    sent += stream::iter(batches).buffered(AT_ONCE).try_fold(0, async |sum, one| Ok(sum + one)).await?;
    Ok(json!(sent))
}
