//! How reading a scope goes, as an item that no reader takes for a server's.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use chrono::{DateTime, TimeDelta, Utc};
use uptime::{Scope, Span, instant_text};
use uptime_ledger::ports::Statuses;
use uptime_ledger::{Figures, ScopeStatus, ServiceError, Trouble, TroubleKind};

use super::LedgerTable;
use super::item::attribute;
use crate::dynamodb::{BATCH, Item, batch_get, number, string, text};
use crate::sdk_error::service_error;

/// Stands where a server's item has its month.
const STATUS: &str = "status";

const LAST_BEGUN: &str = "lastBegun";
const LAST_SUCCESS: &str = "lastSuccess";
const FAILURES: &str = "failuresInARow";
const TROUBLE: &str = "lastErrorKind";
const MESSAGE: &str = "lastErrorMessage";
const SERVERS: &str = "servers";
const PROCESSED: &str = "processed";
const ERRORS: &str = "errors";
const RESTLESS: &str = "restless";
const UNREPORTED: &str = "unreported";
const DISAGREEMENTS: &str = "disagreements";
const LOOKUPS: &str = "lookups";
const THROTTLES: &str = "throttles";
const UNREADABLE: &str = "unreadableRecords";
const COMPLETE: &str = "complete";
const OLDEST: &str = "oldestCacheAgeSeconds";

/// The item of a scope.
fn key(scope: &Scope) -> Item {
    let key = [(attribute::ID, format!("status#{scope}")), (attribute::MONTH, STATUS.to_owned())];
    key.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect()
}

impl Statuses for LedgerTable {
    async fn begun(&self, scope: &Scope, now: DateTime<Utc>) -> Result<(), ServiceError> {
        let whole = [
            (attribute::ACCOUNT, text(&scope.account)),
            (attribute::REGION, text(&scope.region)),
            (LAST_BEGUN, text(instant_text(now))),
        ];
        self.change(scope, &whole, &[], &format!(" ADD {FAILURES} :one")).await
    }

    async fn ended(
        &self,
        scope: &Scope,
        now: DateTime<Utc>,
        outcome: &Result<Figures, Trouble>,
    ) -> Result<(), ServiceError> {
        match outcome {
            Ok(figures) => self.change(scope, &success(figures, now), &[TROUBLE, MESSAGE], "").await,
            Err(Trouble { kind, message }) => {
                let set = [(TROUBLE, text(kind.as_str())), (MESSAGE, text(message))];
                self.change(scope, &set, &[], "").await
            }
        }
    }

    async fn statuses(&self, scopes: &[Scope]) -> Result<HashMap<Scope, ScopeStatus>, ServiceError> {
        let mut statuses = HashMap::with_capacity(scopes.len());
        for part in scopes.chunks(BATCH) {
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(part.iter().map(key).collect()))
                .consistent_read(true)
                .build()
                .map_err(|error| ServiceError::unexpected("DynamoDB BatchGetItem", error.to_string()))?;
            for item in batch_get(&self.client, &self.name, keys).await? {
                statuses.insert(super::read_item::scope(&item)?, read(&item));
            }
        }
        Ok(statuses)
    }
}

impl LedgerTable {
    /// Sets and removes attributes of a scope's status; `more` may use `:one`.
    async fn change(
        &self,
        scope: &Scope,
        set: &[(&str, AttributeValue)],
        remove: &[&str],
        more: &str,
    ) -> Result<(), ServiceError> {
        // `region`, `errors` and the like may be reserved words one day: every name is passed beside.
        let names = set.iter().map(|(name, _)| *name).chain(remove.iter().copied());
        let names = names.map(|name| (format!("#{name}"), name.to_owned())).collect();
        let assignments: Vec<String> = set.iter().map(|(name, _)| format!("#{name} = :{name}")).collect();
        let mut update = format!("SET {}", assignments.join(", "));
        if !remove.is_empty() {
            let removed: Vec<String> = remove.iter().map(|name| format!("#{name}")).collect();
            update.push_str(&format!(" REMOVE {}", removed.join(", ")));
        }
        update.push_str(more);
        let one = (!more.is_empty()).then(|| (":one".to_owned(), AttributeValue::N("1".to_owned())));
        let values = set.iter().map(|(name, value)| (format!(":{name}"), value.clone())).chain(one).collect();
        let request = self.client.update_item().table_name(&self.name).set_key(Some(key(scope)));
        let request = request.update_expression(update).set_expression_attribute_names(Some(names));
        let answer = request.set_expression_attribute_values(Some(values)).send().await;
        answer.map(|_| ()).map_err(|error| service_error("DynamoDB UpdateItem", error))
    }
}

fn success(figures: &Figures, now: DateTime<Utc>) -> [(&'static str, AttributeValue); 15] {
    let count = |count: u64| AttributeValue::N(count.to_string());
    [
        (LAST_SUCCESS, text(instant_text(now))),
        (FAILURES, count(0)),
        (SERVERS, count(figures.servers)),
        (PROCESSED, count(figures.processed)),
        (ERRORS, count(figures.errors)),
        (RESTLESS, count(figures.restless)),
        (UNREPORTED, count(figures.unreported)),
        (DISAGREEMENTS, count(figures.disagreements)),
        (attribute::MINUTES, AttributeValue::N(figures.span.proven.to_string())),
        (attribute::UNCERTAINTY, AttributeValue::N(figures.span.possible.to_string())),
        (LOOKUPS, count(figures.lookups)),
        (THROTTLES, count(figures.throttles)),
        (UNREADABLE, count(figures.unreadable)),
        (COMPLETE, AttributeValue::Bool(figures.complete)),
        (OLDEST, AttributeValue::N(figures.oldest_cache_age.num_seconds().to_string())),
    ]
}

/// Reads an item. What is not readable is as if it were not there: a status only tells, and each run writes it anew.
fn read(item: &Item) -> ScopeStatus {
    let instant = |name| string(item, name).and_then(|at| at.parse().ok());
    let count = |name: &str| item.get(name).and_then(|value| value.as_n().ok()?.parse().ok()).unwrap_or_default();
    let kind = string(item, TROUBLE);
    let kind = kind.map(|name| TroubleKind::ALL.into_iter().find(|kind| kind.as_str() == name));
    let message = string(item, MESSAGE).unwrap_or_default().to_owned();
    ScopeStatus {
        last_begun: instant(LAST_BEGUN),
        last_success: instant(LAST_SUCCESS),
        failures_in_a_row: count(FAILURES),
        last_trouble: kind.map(|kind| Trouble { kind: kind.unwrap_or(TroubleKind::Other), message }),
        figures: Figures {
            servers: count(SERVERS),
            processed: count(PROCESSED),
            errors: count(ERRORS),
            restless: count(RESTLESS),
            unreported: count(UNREPORTED),
            disagreements: count(DISAGREEMENTS),
            span: Span {
                proven: number(item, attribute::MINUTES).unwrap_or_default(),
                possible: number(item, attribute::UNCERTAINTY).unwrap_or_default(),
            },
            lookups: count(LOOKUPS),
            throttles: count(THROTTLES),
            unreadable: count(UNREADABLE),
            complete: matches!(item.get(COMPLETE), Some(AttributeValue::Bool(true))),
            oldest_cache_age: TimeDelta::seconds(count(OLDEST) as i64),
        },
    }
}
