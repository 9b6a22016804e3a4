//! The ServersTable: the cached running minutes, beside settings of the operator's application that are none of ours.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use uptime::{CacheEntry, InstanceId, Minutes};

use crate::error::ServiceError;
use crate::ports::{RuntimeCache, Written};

const KEY: &str = "id";
const MINUTES: &str = "runningMinutesCache";
const TIMESTAMP: &str = "runningMinutesCacheTimestamp";
const MONTH: &str = "runningMinutesCacheMonth";
const UNCERTAINTY: &str = "runningMinutesUncertainty";
const RUNNING_SINCE: &str = "runningSince";

/// The most keys that one `BatchGetItem` takes.
const BATCH: usize = 100;
/// How often keys that DynamoDB left unprocessed are asked for again.
const ROUNDS: u32 = 8;
/// No run takes this long and no clock of AWS is this wrong: a timestamp further in the future is no entry from later but
/// a broken one.
const BROKEN: TimeDelta = TimeDelta::hours(1);

/// The table that applications read.
#[derive(Clone, Debug)]
pub struct ServersTable {
    client: Client,
    name: String,
}

impl ServersTable {
    /// The table called `name`.
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// One batch of reads, until nothing of it is left unprocessed.
    async fn read_batch(&self, ids: &[InstanceId]) -> Result<Vec<HashMap<String, AttributeValue>>, ServiceError> {
        const OPERATION: &str = "DynamoDB BatchGetItem";
        let key = |id: &InstanceId| HashMap::from([(KEY.to_owned(), text(id))]);
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(ids.iter().map(key).collect()))
            .projection_expression([KEY, MINUTES, TIMESTAMP, MONTH, UNCERTAINTY, RUNNING_SINCE].join(", "))
            .build()
            .map_err(|error| ServiceError::unexpected(OPERATION, error.to_string()))?;
        let mut rest = Some(HashMap::from([(self.name.clone(), keys)]));
        let mut items = Vec::with_capacity(ids.len());
        for round in 0..ROUNDS {
            let Some(request) = rest.take() else { return Ok(items) };
            let answer = self.client.batch_get_item().set_request_items(Some(request)).send().await;
            let mut answer = answer.map_err(|error| ServiceError::new(OPERATION, error))?;
            items.extend(answer.responses.take().unwrap_or_default().remove(&self.name).unwrap_or_default());
            rest = answer.unprocessed_keys.filter(|keys| !keys.is_empty());
            if rest.is_some() {
                tokio::time::sleep(std::time::Duration::from_millis(50 << round)).await;
            }
        }
        match rest {
            None => Ok(items),
            Some(_) => Err(ServiceError::unexpected(OPERATION, format!("{} left keys unprocessed", self.name))),
        }
    }
}

impl RuntimeCache for ServersTable {
    async fn read(&self, ids: &[InstanceId]) -> Result<HashMap<InstanceId, CacheEntry>, ServiceError> {
        let mut entries = HashMap::with_capacity(ids.len());
        for batch in ids.chunks(BATCH) {
            let items = self.read_batch(batch).await?;
            entries.extend(items.iter().filter_map(|item| Some((string(item, KEY)?.parse().ok()?, entry(item)?))));
        }
        Ok(entries)
    }

    async fn write(&self, id: &InstanceId, entry: &CacheEntry) -> Result<Written, ServiceError> {
        let mut update = format!(
            "SET {MINUTES} = :minutes, {TIMESTAMP} = :timestamp, {MONTH} = :month, {UNCERTAINTY} = :uncertainty"
        );
        let mut request = self.client.update_item().table_name(&self.name).key(KEY, text(id));
        match entry.running_since {
            Some(since) => {
                update.push_str(&format!(", {RUNNING_SINCE} = :since"));
                request = request.expression_attribute_values(":since", text(timestamp(since)));
            }
            None => update.push_str(&format!(" REMOVE {RUNNING_SINCE}")),
        }
        // A calculation that began earlier never overwrites one that began later, whichever arrives last. An equal one is
        // this one, tried again.
        // What is no text is no timestamp, and neither is one from the far future.
        let earlier =
            format!("NOT attribute_type({TIMESTAMP}, :text) OR {TIMESTAMP} <= :timestamp OR {TIMESTAMP} > :broken");
        let answer = request
            .update_expression(update)
            .condition_expression(earlier)
            .expression_attribute_values(":minutes", AttributeValue::N(entry.minutes.to_string()))
            .expression_attribute_values(":timestamp", text(timestamp(entry.timestamp)))
            .expression_attribute_values(":month", text(entry.month))
            .expression_attribute_values(":uncertainty", AttributeValue::N(entry.uncertainty.to_string()))
            .expression_attribute_values(":text", text("S"))
            .expression_attribute_values(":broken", text(timestamp(entry.timestamp + BROKEN)))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Written::Stored),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(Written::Superseded)
            }
            Err(error) => Err(ServiceError::new("DynamoDB UpdateItem", error)),
        }
    }
}

/// Milliseconds always: texts of one length sort as the times do.
fn timestamp(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// What an item caches; none where it caches nothing or nothing readable.
fn entry(item: &HashMap<String, AttributeValue>) -> Option<CacheEntry> {
    Some(CacheEntry {
        minutes: number(item, MINUTES)?,
        uncertainty: number(item, UNCERTAINTY)?,
        timestamp: string(item, TIMESTAMP)?.parse().ok()?,
        month: string(item, MONTH)?.parse().ok()?,
        running_since: string(item, RUNNING_SINCE).and_then(|since| since.parse().ok()),
    })
}

fn string<'i>(item: &'i HashMap<String, AttributeValue>, name: &str) -> Option<&'i str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn number(item: &HashMap<String, AttributeValue>, name: &str) -> Option<Minutes> {
    item.get(name)?.as_n().ok()?.parse().ok()
}
