//! The LedgerTable: what is kept of each server and month, and how far the fleet has been swept.

mod item;
mod read_item;
mod status;
mod sweep_state;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValue, ReturnValuesOnConditionCheckFailure};
use futures::{StreamExt, TryStreamExt, stream};
use uptime::{Evidence, InstanceId, Month, Scope, ServerMonth};

use crate::dynamodb::{BATCH, Item, batch_get, refused, text};
use crate::pacer::Pacer;
use crate::sdk_error::service_error;
use item::attribute;
use uptime_ledger::ServiceError;
use uptime_ledger::ports::{
    IndexedServer, KeptMonth, KeptMonths, Ledger, LedgerWritten, Recorded, StoredMonths, SweepState,
};

const GET: &str = "DynamoDB GetItem";
const QUERY: &str = "DynamoDB Query";

/// The index from a scope's month to its servers.
const INDEX: &str = "scopeMonth";
/// The entries of a scope's month are one partition of the index, which takes 1,000 writes a second.
const INDEX_PACE: Duration = Duration::from_micros(1_100);
/// Batches of reads under way at once.
const CONCURRENT_BATCHES: usize = 4;

/// The table of evidence and totals, as the ledger of one scope.
#[derive(Clone, Debug)]
pub struct LedgerTable {
    client: Client,
    name: String,
    scope: Scope,
    pacer: Arc<Pacer>,
}

impl LedgerTable {
    /// The items of `scope` in the table called `name`.
    pub fn new(client: Client, name: String, scope: Scope) -> Self {
        Self { client, name, scope, pacer: Arc::new(Pacer::new(INDEX_PACE)) }
    }

    async fn read_batch(&self, month: Month, ids: &[InstanceId]) -> Result<Vec<Item>, ServiceError> {
        let keys = KeysAndAttributes::builder()
            // Eventually consistent, at half the price: a write to an item that has changed since is refused.
            .set_keys(Some(ids.iter().map(|id| item::key(id, month)).collect()))
            .build()
            .map_err(|error| ServiceError::unexpected("DynamoDB BatchGetItem", error.to_string()))?;
        batch_get(&self.client, &self.name, keys).await
    }

    fn update(&self, id: &InstanceId, month: Month) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.name).set_key(Some(item::key(id, month)))
    }
}

impl Ledger for LedgerTable {
    async fn read(&self, month: Month, ids: &[InstanceId]) -> Result<StoredMonths, ServiceError> {
        let batches: Vec<_> = ids.chunks(BATCH).map(|ids| self.read_batch(month, ids)).collect();
        let items: Vec<Vec<Item>> = stream::iter(batches).buffered(CONCURRENT_BATCHES).try_collect().await?;
        items.into_iter().flatten().map(|item| read_item::read(&self.scope, item)).collect()
    }

    async fn servers(&self, month: Month) -> Result<Vec<IndexedServer>, ServiceError> {
        let query = self.client.query().table_name(&self.name).index_name(INDEX);
        let query =
            query.key_condition_expression("#key = :key").expression_attribute_names("#key", attribute::SCOPE_MONTH);
        let key = text(item::scope_month(&self.scope, month));
        let mut pages = query.expression_attribute_values(":key", key).into_paginator().send();
        let mut servers = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| service_error(QUERY, error))?;
            for listed in page.items() {
                servers.push(read_item::indexed(listed)?);
            }
        }
        Ok(servers)
    }

    async fn write(&self, read: Option<&ServerMonth>, updated: &ServerMonth) -> Result<LedgerWritten, ServiceError> {
        let change = item::Change::of(&self.scope, read, updated);
        self.pacer.next_turn().await;
        let answer = self
            .update(&updated.id, updated.month)
            .update_expression(change.update)
            .condition_expression(change.condition)
            .set_expression_attribute_names(Some(change.names))
            .set_expression_attribute_values(Some(change.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(LedgerWritten::Stored),
            Err(error) => match refused(error) {
                Ok(None) => Ok(LedgerWritten::Conflict(None)),
                Ok(Some(current)) => {
                    Ok(LedgerWritten::Conflict(Some(Box::new(read_item::read(&self.scope, current)?.1?))))
                }
                Err(error) => Err(error.about(format!("{} {}", updated.id, updated.month))),
            },
        }
    }

    async fn record(&self, id: &InstanceId, month: Month, evidence: &Evidence) -> Result<Recorded, ServiceError> {
        let answer = self
            .update(id, month)
            .update_expression("ADD #evidence :evidence, #revision :one")
            .condition_expression(
                "#key = :key AND attribute_not_exists(#left) AND (attribute_not_exists(#final) OR #final = :open) \
                 AND NOT contains(#evidence, :piece)",
            )
            .expression_attribute_names("#evidence", attribute::EVIDENCE)
            .expression_attribute_names("#revision", attribute::REVISION)
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .expression_attribute_names("#key", attribute::SCOPE_MONTH)
            .expression_attribute_values(":key", text(item::scope_month(&self.scope, month)))
            .expression_attribute_names("#left", attribute::LEFT_AT)
            .expression_attribute_names("#final", attribute::FINAL)
            .expression_attribute_values(":evidence", AttributeValue::Ss(vec![evidence.to_string()]))
            .expression_attribute_values(":piece", text(evidence))
            .expression_attribute_values(":open", AttributeValue::Bool(false))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(answer) => {
                let item = answer.attributes.unwrap_or_default();
                Ok(Recorded::Added(Box::new(read_item::read(&self.scope, item)?.1?)))
            }
            Err(error) => match refused(error) {
                Ok(Some(current)) => {
                    read_item::belongs_to(&self.scope, id, &current)?;
                    if read_item::is_final(&current) {
                        return Ok(Recorded::Final);
                    }
                    Ok(match read_item::read(&self.scope, current)?.1? {
                        item if item.left_at.is_some() => Recorded::Unknown,
                        // It has been there, and nothing was written.
                        item => Recorded::Added(Box::new(item)),
                    })
                }
                Ok(None) => Ok(Recorded::Unknown),
                Err(error) => Err(error.about(format!("{id} {month}"))),
            },
        }
    }

    async fn record_late(
        &self,
        id: &InstanceId,
        month: Month,
        evidence: &BTreeSet<Evidence>,
    ) -> Result<(), ServiceError> {
        let answer = self
            .update(id, month)
            .update_expression("ADD #late :late, #revision :one")
            .condition_expression("#key = :key")
            .expression_attribute_names("#late", attribute::LATE_EVIDENCE)
            .expression_attribute_names("#revision", attribute::REVISION)
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .expression_attribute_names("#key", attribute::SCOPE_MONTH)
            .expression_attribute_values(":key", text(item::scope_month(&self.scope, month)))
            .expression_attribute_values(
                ":late",
                AttributeValue::Ss(evidence.iter().map(ToString::to_string).collect()),
            )
            .send()
            .await;
        match answer.map_err(refused) {
            // Without an item there is nothing to explain.
            Ok(_) | Err(Ok(_)) => Ok(()),
            Err(Err(error)) => Err(error.about(format!("{id} {month}"))),
        }
    }

    async fn sweep_state(&self) -> Result<SweepState, ServiceError> {
        let key = sweep_state::key(&self.scope);
        let answer =
            self.client.get_item().table_name(&self.name).set_key(Some(key)).consistent_read(true).send().await;
        let item = answer.map_err(|error| service_error(GET, error))?.item;
        item.map_or_else(|| Ok(SweepState::default()), |item| sweep_state::read(&item))
    }

    async fn store_sweep_state(&self, read: &SweepState, updated: &SweepState) -> Result<bool, ServiceError> {
        let change = sweep_state::Change::of(read, updated);
        let answer = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(sweep_state::key(&self.scope)))
            .update_expression(change.update)
            .condition_expression(change.condition)
            .set_expression_attribute_values(Some(change.values))
            .send()
            .await;
        match answer.map_err(refused) {
            Ok(_) => Ok(true),
            Err(Ok(_)) => Ok(false),
            Err(Err(error)) => Err(error),
        }
    }
}

impl KeptMonths for LedgerTable {
    async fn months_of(&self, id: &InstanceId, since: Month) -> Result<Vec<KeptMonth>, ServiceError> {
        let query = self.client.query().table_name(&self.name).consistent_read(true);
        let query = query.key_condition_expression("#id = :id AND #month >= :since");
        let query = query
            .expression_attribute_names("#id", attribute::ID)
            .expression_attribute_names("#month", attribute::MONTH);
        let query =
            query.expression_attribute_values(":id", text(id)).expression_attribute_values(":since", text(since));
        let mut items = query.into_paginator().items().send();
        let mut months = Vec::new();
        while let Some(item) = items.next().await {
            months.push(read_item::kept(item.map_err(|error| service_error(QUERY, error))?)?);
        }
        Ok(months)
    }
}
