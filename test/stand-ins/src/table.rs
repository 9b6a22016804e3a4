//! DynamoDB: `GetItem`, `BatchGetItem`, `Query` on an index, `UpdateItem`.

use std::collections::{BTreeMap, HashMap};
use std::future::IntoFuture;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

use crate::expression::{Item, Placeholders, holds, update};
use crate::index_partition::{INDEXED, IndexPartitions};

/// How the tables fail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Of the updates, every so many is throttled, as for a table without capacity; 0: none.
    pub throttle_every: u64,
    /// After so many updates nothing is answered any more, as if the network were cut.
    pub silent_after: Option<u64>,
}

/// Tables in memory, served on loopback.
#[derive(Clone)]
pub struct TableStandIn {
    /// Where it listens.
    pub endpoint: String,
    tables: Arc<Mutex<Tables>>,
}

#[derive(Default)]
struct Tables {
    items: HashMap<String, BTreeMap<Vec<String>, Item>>,
    counts: BTreeMap<&'static str, u64>,
    attempts: u64,
    faults: Faults,
    partitions: IndexPartitions,
    /// Requests since somebody wanted to see them.
    log: Option<Vec<LoggedRequest>>,
}

/// A request as it came: its operation, and its body as JSON.
#[derive(Clone, Debug)]
pub struct LoggedRequest {
    /// Such as `UpdateItem`.
    pub operation: String,
    /// JSON.
    pub body: Bytes,
}

const KEYS: [&str; 2] = ["id", "month"];

impl TableStandIn {
    /// Empty tables of any name; the key is `id`, and `month` where a request's key has one. There is one index, `scopeMonth`.
    ///
    /// # Errors
    /// Where it cannot listen.
    pub async fn start() -> Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let tables: Arc<Mutex<Tables>> = Arc::default();
        let router = Router::new().route("/", post(serve)).with_state(Arc::clone(&tables));
        tokio::spawn(axum::serve(listener, router).into_future());
        Ok(Self { endpoint, tables })
    }

    /// From now on it fails like this; updates are counted anew.
    pub fn fail(&self, faults: Faults) {
        let mut tables = self.tables();
        tables.faults = faults;
        tables.attempts = 0;
    }

    /// Updates that were asked for since the faults were set.
    #[must_use]
    pub fn attempts(&self) -> u64 {
        self.tables().attempts
    }

    /// Updates that a partition of the index did not take: each takes 1,000 write units a second.
    #[must_use]
    pub fn index_throttles(&self) -> u64 {
        self.tables().partitions.throttled
    }

    /// Requests answered so far, by operation.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.tables().counts.clone()
    }

    /// The requests since this was last asked; none at the first time, for they are kept only from then on.
    pub fn take_requests(&self) -> Vec<LoggedRequest> {
        self.tables().log.replace(Vec::new()).unwrap_or_default()
    }

    /// All items of a table, in the order of their keys.
    #[must_use]
    pub fn items(&self, table: &str) -> Vec<Item> {
        self.tables().items.get(table).map(|items| items.values().cloned().collect()).unwrap_or_default()
    }

    /// The same tables once more, from here on their own.
    ///
    /// # Errors
    /// Where it cannot listen.
    pub async fn copy(&self) -> Result<Self> {
        let items = self.tables().items.clone();
        let copy = Self::start().await?;
        copy.tables().items = items;
        Ok(copy)
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is answered.
enum Answer {
    Done(Value),
    Refused(Value),
    Throttled,
    Silence,
}

async fn serve(State(tables): State<Arc<Mutex<Tables>>>, headers: HeaderMap, body: Bytes) -> Response {
    let answer = {
        let mut tables = tables.lock().unwrap_or_else(PoisonError::into_inner);
        let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let operation = target.rsplit_once('.').map_or(target, |(_, operation)| operation);
        if let Some(log) = &mut tables.log {
            log.push(LoggedRequest { operation: operation.to_owned(), body: body.clone() });
        }
        serde_json::from_slice(&body).map_err(Into::into).and_then(|request| tables.answer(operation, &request))
    };
    let error = |kind: &str, message: String| json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": message});
    match answer {
        Ok(Answer::Done(body)) => respond(StatusCode::OK, &body),
        Ok(Answer::Refused(item)) => {
            let mut body = error("ConditionalCheckFailedException", "The conditional request failed".to_owned());
            if !item.is_null() {
                body["Item"] = item;
            }
            respond(StatusCode::BAD_REQUEST, &body)
        }
        Ok(Answer::Throttled) => {
            let message = "The level of configured provisioned throughput for the table was exceeded".to_owned();
            respond(StatusCode::BAD_REQUEST, &error("ProvisionedThroughputExceededException", message))
        }
        Ok(Answer::Silence) => std::future::pending().await,
        Err(why) => respond(StatusCode::BAD_REQUEST, &error("ValidationException", format!("{why:#}"))),
    }
}

fn respond(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], body.to_string()).into_response()
}

impl Tables {
    fn answer(&mut self, operation: &str, request: &Value) -> Result<Answer> {
        let (name, answer): (&'static str, _) = match operation {
            "GetItem" => ("GetItem", self.get(request)?),
            "BatchGetItem" => ("BatchGetItem", self.batch_get(request)?),
            "Query" => ("Query", self.query(request)?),
            "UpdateItem" => ("UpdateItem", self.update(request)?),
            other => bail!("{other} is not among what this stand-in serves"),
        };
        *self.counts.entry(name).or_default() += 1;
        Ok(answer)
    }

    fn get(&self, request: &Value) -> Result<Answer> {
        let item = self.items.get(table(request)?).and_then(|items| items.get(&key(&request["Key"])));
        Ok(Answer::Done(item.map_or_else(|| json!({}), |item| json!({"Item": item}))))
    }

    fn batch_get(&self, request: &Value) -> Result<Answer> {
        let asked = request["RequestItems"].as_object().context("no RequestItems")?;
        let found = asked.iter().map(|(table, asked)| {
            let items = self.items.get(table);
            let keys = asked["Keys"].as_array().into_iter().flatten();
            let found: Vec<&Item> = keys.filter_map(|wanted| items?.get(&key(wanted))).collect();
            (table.clone(), json!(found))
        });
        Ok(Answer::Done(json!({"Responses": Value::Object(found.collect()), "UnprocessedKeys": {}})))
    }

    /// The items of a table, or what the index has of them; of the real one a page is at most 1 MB.
    fn query(&self, request: &Value) -> Result<Answer> {
        let is_indexed = match request["IndexName"].as_str() {
            None => false,
            Some("scopeMonth") => true,
            Some(_) => bail!("only the index `scopeMonth` is there"),
        };
        let condition = request["KeyConditionExpression"].as_str().context("no KeyConditionExpression")?;
        let mut found = Vec::new();
        for item in self.items.get(table(request)?).into_iter().flatten().map(|(_, item)| item) {
            if holds(condition, item, Placeholders::of(request))? {
                let has = |name: &String| !is_indexed || INDEXED.contains(&name.as_str());
                let projected = item.iter().filter(|(name, _)| has(name));
                found.push(projected.map(|(name, value)| (name.clone(), value.clone())).collect::<Item>());
            }
        }
        Ok(Answer::Done(json!({"Count": found.len(), "Items": found})))
    }

    fn update(&mut self, request: &Value) -> Result<Answer> {
        self.attempts += 1;
        if self.faults.silent_after.is_some_and(|after| self.attempts > after) {
            return Ok(Answer::Silence);
        }
        if self.faults.throttle_every > 0 && self.attempts.is_multiple_of(self.faults.throttle_every) {
            return Ok(Answer::Throttled);
        }
        let items = self.items.entry(table(request)?.to_owned()).or_default();
        let key = key(&request["Key"]);
        let current = items.get(&key);
        let placeholders = Placeholders::of(request);
        let none = Item::new();
        if let Some(condition) = request["ConditionExpression"].as_str()
            && !holds(condition, current.unwrap_or(&none), placeholders)?
        {
            let told = request["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD";
            return Ok(Answer::Refused(json!(current.filter(|_| told))));
        }
        let mut item = current.cloned().unwrap_or_else(|| request["Key"].as_object().cloned().unwrap_or_default());
        update(request["UpdateExpression"].as_str().unwrap_or_default(), &mut item, placeholders)?;
        if !self.partitions.take(current, &item) {
            return Ok(Answer::Throttled);
        }
        let answer = if request["ReturnValues"] == "ALL_NEW" { json!({"Attributes": item}) } else { json!({}) };
        items.insert(key, item);
        Ok(Answer::Done(answer))
    }
}

fn table(request: &Value) -> Result<&str> {
    request["TableName"].as_str().context("no TableName")
}

fn key(key: &Value) -> Vec<String> {
    KEYS.iter().filter_map(|name| key[*name]["S"].as_str()).map(str::to_owned).collect()
}
