//! Times warm answers of `eventResponse` beside the bare requests that they consist of, and tells the times as JSON on
//! standard error: standard output has the handler's log, as when it is deployed.

use std::collections::HashMap;
use std::time::Instant;

use account::{SERVERS, clients};
use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::get_item::builders::GetItemFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use bench::hourly::now;
use bench::seed::{VARIABLES, seed, state_change};
use bench::warm_answers::{Answers, ByState};
use event_response::{Config, EventResponse, handle};
use serde_json::Value;
use stand_ins::{LoggedRequest, TableStandIn};
use tokio::runtime::Builder;
use uptime_aws::{telemetry, wiring};
use uptime_ledger::Moment;

const TIME: std::time::Duration = std::time::Duration::from_secs(20);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    telemetry::init(None);
    let count: usize = std::env::args().nth(1).context("how many?")?.parse()?;
    let tables = served(TableStandIn::start).await?;
    let aws = clients(&tables.endpoint, &tables.endpoint);
    let now = now()?;
    seed(&aws, count, now).await?;
    let again = tables.clone();
    let copy = served(async move || again.copy().await).await?;
    let bare = clients(&copy.endpoint, &copy.endpoint).dynamodb;
    let config =
        Config::read(&|name| VARIABLES.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))?;
    let services = wiring::ports(aws, &config.shared);
    let metrics = config.shared.metrics();
    let response =
        EventResponse::over(services, config.shared.scopes, config.shared.tag, config.cache_max_age, metrics);
    response.open_connection().await;
    let mut told = ByState::new();
    for state in ["pending", "running"] {
        let (mut handled, mut floor, mut round_trips) = (Vec::new(), Vec::new(), 0);
        for n in 0..count {
            let event = state_change(n, state, now)?;
            tables.take_requests();
            let begun = Instant::now();
            let it = handle(&response, event, Moment::within(now, TIME)).await;
            if let Some(line) = it.metrics {
                println!("{line}");
            }
            let answer = it.outcome?;
            handled.push(begun.elapsed().as_nanos() as u64);
            ensure!(answer["runningMinutesCacheTimestamp"].is_string(), "not answered from the cache: {answer}");
            let requests: Vec<Bare> =
                tables.take_requests().iter().map(|it| Bare::of(&bare, it)).collect::<Result<_>>()?;
            round_trips = requests.len();
            let begun = Instant::now();
            for request in requests {
                request.send().await?;
            }
            floor.push(begun.elapsed().as_nanos() as u64);
        }
        told.insert(state.to_owned(), Answers { round_trips, handled, bare: floor });
    }
    ensure!(tables.items(SERVERS) == copy.items(SERVERS), "the bare requests did not do the same");
    eprintln!("{}", serde_json::to_string(&told)?);
    Ok(())
}

/// A stand-in served by a thread of its own, so that its work is not the client's.
async fn served(start: impl AsyncFnOnce() -> Result<TableStandIn> + Send + 'static) -> Result<TableStandIn> {
    let (told, started) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || -> Result<()> {
        Builder::new_current_thread().enable_all().build()?.block_on(async {
            told.send(start().await).ok().context("nobody waits")?;
            std::future::pending().await
        })
    });
    started.await?
}

/// A request as the handler has sent it, by the SDK's client and nothing around it.
enum Bare {
    Get(Box<GetItemFluentBuilder>),
    Update(Box<UpdateItemFluentBuilder>),
}

impl Bare {
    fn of(client: &Client, request: &LoggedRequest) -> Result<Self> {
        let body: Value = serde_json::from_slice(&request.body)?;
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        let names = || {
            let names = body["ExpressionAttributeNames"].as_object()?;
            Some(names.iter().filter_map(|(name, to)| Some((name.clone(), to.as_str()?.to_owned()))).collect())
        };
        let values = |name: &str| body[name].as_object().map(item).transpose();
        Ok(match request.operation.as_str() {
            "GetItem" => Self::Get(Box::new(
                client
                    .get_item()
                    .set_table_name(text("TableName"))
                    .set_key(values("Key")?)
                    .set_consistent_read(body["ConsistentRead"].as_bool())
                    .set_projection_expression(text("ProjectionExpression")),
            )),
            "UpdateItem" => Self::Update(Box::new(
                client
                    .update_item()
                    .set_table_name(text("TableName"))
                    .set_key(values("Key")?)
                    .set_update_expression(text("UpdateExpression"))
                    .set_condition_expression(text("ConditionExpression"))
                    .set_expression_attribute_names(names())
                    .set_expression_attribute_values(values("ExpressionAttributeValues")?)
                    .set_return_values(text("ReturnValues").map(|it| ReturnValue::from(it.as_str())))
                    .set_return_values_on_condition_check_failure(
                        text("ReturnValuesOnConditionCheckFailure")
                            .map(|it| ReturnValuesOnConditionCheckFailure::from(it.as_str())),
                    ),
            )),
            other => anyhow::bail!("a warm answer asked for {other}"),
        })
    }

    async fn send(self) -> Result<()> {
        match self {
            Self::Get(request) => request.send().await.map(drop)?,
            Self::Update(request) => request.send().await.map(drop)?,
        }
        Ok(())
    }
}

fn item(values: &serde_json::Map<String, Value>) -> Result<HashMap<String, AttributeValue>> {
    values.iter().map(|(name, value)| Ok((name.clone(), attribute(value)?))).collect()
}

fn attribute(value: &Value) -> Result<AttributeValue> {
    let (kind, value) = value.as_object().and_then(|value| value.iter().next()).context("no attribute")?;
    let text = || value.as_str().map(str::to_owned).context("no text");
    Ok(match kind.as_str() {
        "S" => AttributeValue::S(text()?),
        "N" => AttributeValue::N(text()?),
        "BOOL" => AttributeValue::Bool(value.as_bool().context("no truth")?),
        "SS" => AttributeValue::Ss(serde_json::from_value(value.clone())?),
        other => anyhow::bail!("a warm answer sent {other}"),
    })
}
