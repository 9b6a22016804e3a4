//! The ServersTable adapter against recorded answers of DynamoDB.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use aws_smithy_mocks::{Rule, mock};
use serde_json::{Value, json};
use support::{answer, client};
use uptime::{CacheEntry, InstanceId, Span};
use uptime_aws::servers_table::ServersTable;
use uptime_ledger::ports::{Cache, WriteRule, Written};

fn id(n: u32) -> InstanceId {
    format!("i-{n:08x}").parse().unwrap()
}

fn entry() -> CacheEntry {
    CacheEntry {
        span: Span { proven: "1234.56".parse().unwrap(), possible: "0.50".parse().unwrap() },
        timestamp: "2025-10-15T12:00:00.250Z".parse().unwrap(),
        month: "2025-10".parse().unwrap(),
        running_since: Some("2025-10-14T08:00:00Z".parse().unwrap()),
        revision: 12,
    }
}

fn table(rules: &[Rule]) -> ServersTable {
    ServersTable::new(client!(aws_sdk_dynamodb, rules), "servers".to_owned())
}

fn update(matches: impl Fn(&UpdateItemInput) -> bool + Send + Sync + 'static, status: u16, body: Value) -> Rule {
    mock!(aws_sdk_dynamodb::Client::update_item)
        .match_requests(matches)
        .then_http_response(move || answer(status, body.to_string()))
}

fn value<'r>(request: &'r UpdateItemInput, name: &str) -> Option<&'r str> {
    let value = request.expression_attribute_values()?.get(name)?;
    value.as_n().or_else(|_| value.as_s()).ok().map(String::as_str)
}

#[tokio::test]
async fn a_write_sets_our_attributes_only_and_never_over_a_later_one() {
    let as_documented = |request: &UpdateItemInput| {
        let set = "SET runningMinutesCache = :minutes, runningMinutesCacheTimestamp = :timestamp, \
                   runningMinutesCacheMonth = :month, runningMinutesUncertainty = :uncertainty, \
                   runningMinutesRevision = :revision, runningSince = :since";
        let knows_less = "NOT attribute_type(runningMinutesCacheTimestamp, :text) OR runningMinutesCacheTimestamp > :broken \
                          OR NOT attribute_type(runningMinutesCacheMonth, :text) OR runningMinutesCacheMonth < :month \
                          OR (runningMinutesCacheMonth = :month AND (NOT attribute_type(runningMinutesRevision, :number) \
                          OR runningMinutesRevision < :revision OR runningMinutesCacheTimestamp < :outdated \
                          OR (runningMinutesRevision = :revision AND runningMinutesCacheTimestamp <= :timestamp)))";
        request.table_name() == Some("servers")
            && request
                .key()
                .is_some_and(|key| key.len() == 1 && key["id"].as_s().is_ok_and(|key| *key == id(1).to_string()))
            && request.update_expression() == Some(set)
            && request.condition_expression() == Some(knows_less)
            && value(request, ":minutes") == Some("1234.56")
            && value(request, ":uncertainty") == Some("0.50")
            && value(request, ":timestamp") == Some("2025-10-15T12:00:00.250Z")
            && value(request, ":month") == Some("2025-10")
            && value(request, ":since") == Some("2025-10-14T08:00:00.000Z")
            && value(request, ":revision") == Some("12")
            && value(request, ":outdated") == Some("2025-10-15T10:00:00.250Z")
            && value(request, ":broken") == Some("2025-10-15T13:00:00.250Z")
    };
    let written = table(&[update(as_documented, 200, json!({}))]).write(&id(1), &entry(), WriteRule::Upsert).await;
    assert_eq!(written.unwrap(), Written::Stored);
}

#[tokio::test]
async fn a_server_that_does_not_run_has_no_start_of_a_run() {
    let removes = |request: &UpdateItemInput| {
        request.update_expression().is_some_and(|update| update.ends_with(" REMOVE runningSince"))
            && value(request, ":since").is_none()
    };
    let stopped = CacheEntry { running_since: None, ..entry() };
    assert_eq!(
        table(&[update(removes, 200, json!({}))]).write(&id(1), &stopped, WriteRule::Upsert).await.unwrap(),
        Written::Stored
    );
}

#[tokio::test]
async fn of_a_server_that_left_an_item_that_is_gone_stays_gone() {
    let existing_only = |request: &UpdateItemInput| {
        request.condition_expression().is_some_and(|condition| condition.starts_with("attribute_exists(id) AND ("))
    };
    let written =
        table(&[update(existing_only, 200, json!({}))]).write(&id(1), &entry(), WriteRule::ExistingOnly).await;
    assert_eq!(written.unwrap(), Written::Stored);
}

#[tokio::test]
async fn a_later_entry_stays_and_that_is_no_error() {
    let later = json!({"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "The conditional request failed"});
    let written = table(&[update(|_| true, 400, later)]).write(&id(1), &entry(), WriteRule::Upsert).await;
    assert_eq!(written.unwrap(), Written::Superseded);
}

#[tokio::test]
async fn a_refusal_keeps_the_services_own_message() {
    let denied = json!({"__type": "com.amazon.coral.service#AccessDeniedException", "Message": "User: x is not authorized to perform: dynamodb:UpdateItem"});
    let error = table(&[update(|_| true, 400, denied)]).write(&id(1), &entry(), WriteRule::Upsert).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "DynamoDB UpdateItem failed: AccessDeniedException: User: x is not authorized to perform: dynamodb:UpdateItem"
    );
}

fn item(n: u32, rest: Value) -> Value {
    let mut item = json!({"id": {"S": id(n)}});
    item.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    item
}

fn cached() -> Value {
    json!({"runningMinutesCache": {"N": "1234.56"}, "runningMinutesCacheTimestamp": {"S": "2025-10-15T12:00:00.250Z"},
        "runningMinutesCacheMonth": {"S": "2025-10"}, "runningMinutesUncertainty": {"N": "0.5"},
        "runningSince": {"S": "2025-10-14T08:00:00.000Z"}, "runningMinutesRevision": {"N": "12"}})
}

#[tokio::test(start_paused = true)]
async fn reads_go_by_the_hundred_and_ask_again_for_what_was_left() {
    let asks_for = |count: usize| {
        move |request: &aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemInput| {
            request.request_items().is_some_and(|items| items["servers"].keys().len() == count)
        }
    };
    let reply =
        |items: Value, left: Value| json!({"Responses": {"servers": items}, "UnprocessedKeys": left}).to_string();
    let left = json!({"servers": {"Keys": [{"id": {"S": id(2)}}]}});
    let bodies = [
        (100, reply(json!([item(1, cached()), item(3, json!({}))]), left)),
        (1, reply(json!([item(2, cached())]), json!({}))),
        (50, reply(json!([item(101, json!({"runningMinutesCache": {"S": "broken"}}))]), json!({}))),
    ];
    let rules = bodies.map(|(count, body)| {
        mock!(aws_sdk_dynamodb::Client::batch_get_item)
            .match_requests(asks_for(count))
            .then_http_response(move || answer(200, body.clone()))
    });
    let ids: Vec<InstanceId> = (1..=150).map(id).collect();
    let read = table(&rules).read(&ids).await.unwrap();
    assert_eq!(read.len(), 2);
    assert_eq!((&read[&id(1)], &read[&id(2)]), (&entry(), &entry()));
}
