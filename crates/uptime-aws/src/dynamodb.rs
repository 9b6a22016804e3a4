//! What the adapters of both tables share.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use uptime::Minutes;

use crate::sdk_error::service_error;
use uptime_ledger::ServiceError;

/// The most keys that one `BatchGetItem` takes.
pub(crate) const BATCH: usize = 100;
/// How often keys that DynamoDB left unprocessed are asked for again.
const ROUNDS: u32 = 8;

/// Attributes by name.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// One batch of reads, until nothing of it is left unprocessed.
pub(crate) async fn batch_get(
    client: &Client,
    table: &str,
    keys: KeysAndAttributes,
) -> Result<Vec<Item>, ServiceError> {
    const OPERATION: &str = "DynamoDB BatchGetItem";
    let mut items = Vec::with_capacity(keys.keys().len());
    let mut rest = Some(HashMap::from([(table.to_owned(), keys)]));
    for round in 0..ROUNDS {
        let Some(request) = rest.take() else { return Ok(items) };
        let answer = client.batch_get_item().set_request_items(Some(request)).send().await;
        let mut answer = answer.map_err(|error| service_error(OPERATION, error))?;
        items.extend(answer.responses.take().unwrap_or_default().remove(table).unwrap_or_default());
        rest = answer.unprocessed_keys.filter(|keys| !keys.is_empty());
        if rest.is_some() {
            tokio::time::sleep(Duration::from_millis(50 << round)).await;
        }
    }
    match rest {
        None => Ok(items),
        Some(_) => Err(ServiceError::unexpected(OPERATION, format!("{table} left keys unprocessed"))),
    }
}

/// Tells an update whose condition was not met, with the item as it is where that was asked for, from one that failed.
pub(crate) fn refused<R>(error: SdkError<UpdateItemError, R>) -> Result<Option<Item>, ServiceError>
where
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => Ok(refusal.item.clone()),
        _ => Err(service_error("DynamoDB UpdateItem", error)),
    }
}

pub(crate) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

pub(crate) fn string<'i>(item: &'i Item, name: &str) -> Option<&'i str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

pub(crate) fn number(item: &Item, name: &str) -> Option<Minutes> {
    item.get(name)?.as_n().ok()?.parse().ok()
}
