//! The ServersTable: the cached running minutes, beside settings of the operator's application that are none of ours.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use chrono::TimeDelta;
use uptime::{CacheEntry, InstanceId, Span, instant_text};

use crate::dynamodb::{BATCH, Item, batch_get, number, refused, string, text};
use crate::sdk_error::service_error;
use uptime_ledger::ServiceError;
use uptime_ledger::ports::{Cache, WriteRule, Written};

const KEY: &str = "id";
const MINUTES: &str = "runningMinutesCache";
const TIMESTAMP: &str = "runningMinutesCacheTimestamp";
const MONTH: &str = "runningMinutesCacheMonth";
const UNCERTAINTY: &str = "runningMinutesUncertainty";
const RUNNING_SINCE: &str = "runningSince";
const REVISION: &str = "runningMinutesRevision";

/// All that is read of an item.
const ATTRIBUTES: [&str; 7] = [KEY, MINUTES, TIMESTAMP, MONTH, UNCERTAINTY, RUNNING_SINCE, REVISION];

/// No run takes this long and no clock of AWS is this wrong: a timestamp further in the future is no entry from later but
/// a broken one.
const BROKEN: TimeDelta = TimeDelta::hours(1);
/// Writers that began at one time are done by then: an entry this much older never stays for the revision that it is of.
/// After a loss of the ledger, revisions begin anew.
const OUTDATED: TimeDelta = TimeDelta::hours(2);

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

    async fn read_batch(&self, ids: &[InstanceId]) -> Result<Vec<Item>, ServiceError> {
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(ids.iter().map(key).collect()))
            .projection_expression(ATTRIBUTES.join(", "))
            .build()
            .map_err(|error| ServiceError::unexpected("DynamoDB BatchGetItem", error.to_string()))?;
        batch_get(&self.client, &self.name, keys).await
    }
}

impl Cache for ServersTable {
    async fn read(&self, ids: &[InstanceId]) -> Result<HashMap<InstanceId, CacheEntry>, ServiceError> {
        let mut entries = HashMap::with_capacity(ids.len());
        for batch in ids.chunks(BATCH) {
            let items = self.read_batch(batch).await?;
            entries.extend(items.iter().filter_map(|item| Some((string(item, KEY)?.parse().ok()?, entry(item)?))));
        }
        Ok(entries)
    }

    async fn read_one(&self, id: &InstanceId) -> Result<Option<CacheEntry>, ServiceError> {
        let request = self.client.get_item().table_name(&self.name).set_key(Some(key(id))).consistent_read(true);
        let answer = request.projection_expression(ATTRIBUTES.join(", ")).send().await;
        let answer = answer.map_err(|error| service_error("DynamoDB GetItem", error))?;
        Ok(answer.item.as_ref().and_then(entry))
    }

    async fn write(&self, id: &InstanceId, entry: &CacheEntry, rule: WriteRule) -> Result<Written, ServiceError> {
        let mut update = format!(
            "SET {MINUTES} = :minutes, {TIMESTAMP} = :timestamp, {MONTH} = :month, {UNCERTAINTY} = :uncertainty, {REVISION} = :revision"
        );
        let mut request = self.client.update_item().table_name(&self.name).set_key(Some(key(id)));
        match entry.running_since {
            Some(since) => {
                update.push_str(&format!(", {RUNNING_SINCE} = :since"));
                request = request.expression_attribute_values(":since", text(instant_text(since)));
            }
            None => update.push_str(&format!(" REMOVE {RUNNING_SINCE}")),
        }
        let number = |value: &dyn std::fmt::Display| AttributeValue::N(value.to_string());
        let answer = request
            .update_expression(update)
            .condition_expression(knows_less(rule))
            .expression_attribute_values(":minutes", number(&entry.span.proven))
            .expression_attribute_values(":timestamp", text(instant_text(entry.timestamp)))
            .expression_attribute_values(":month", text(entry.month))
            .expression_attribute_values(":uncertainty", number(&entry.span.possible))
            .expression_attribute_values(":revision", number(&entry.revision))
            .expression_attribute_values(":text", text("S"))
            .expression_attribute_values(":number", text("N"))
            .expression_attribute_values(":broken", text(instant_text(entry.timestamp + BROKEN)))
            .expression_attribute_values(":outdated", text(instant_text(entry.timestamp - OUTDATED)))
            .send()
            .await;
        match answer.map_err(refused) {
            Ok(_) => Ok(Written::Stored),
            Err(Ok(_)) => Ok(Written::Superseded),
            Err(Err(error)) => Err(error),
        }
    }
}

/// The condition under which an entry is written: what is there is no readable entry, or knows less. Writers of one server
/// may overtake each other between their reading the item and their writing the cache; whoever knew a later revision of it
/// stays, and of the same one the later entry. An equal entry is this one, tried again.
fn knows_less(rule: WriteRule) -> String {
    let unreadable = format!(
        "NOT attribute_type({TIMESTAMP}, :text) OR {TIMESTAMP} > :broken OR NOT attribute_type({MONTH}, :text)"
    );
    let earlier =
        format!("NOT attribute_type({REVISION}, :number) OR {REVISION} < :revision OR {TIMESTAMP} < :outdated");
    let same = format!("{REVISION} = :revision AND {TIMESTAMP} <= :timestamp");
    let less = format!("{unreadable} OR {MONTH} < :month OR ({MONTH} = :month AND ({earlier} OR ({same})))");
    match rule {
        WriteRule::Upsert => less,
        WriteRule::ExistingOnly => format!("attribute_exists({KEY}) AND ({less})"),
    }
}

fn key(id: &InstanceId) -> Item {
    HashMap::from([(KEY.to_owned(), text(id))])
}

/// What an item caches; none where it caches nothing or nothing readable.
fn entry(item: &Item) -> Option<CacheEntry> {
    Some(CacheEntry {
        span: Span { proven: number(item, MINUTES)?, possible: number(item, UNCERTAINTY)? },
        timestamp: string(item, TIMESTAMP)?.parse().ok()?,
        month: string(item, MONTH)?.parse().ok()?,
        running_since: string(item, RUNNING_SINCE).and_then(|since| since.parse().ok()),
        revision: item.get(REVISION).and_then(|count| count.as_n().ok()?.parse().ok()).unwrap_or_default(),
    })
}
