//! The reports for programs: the fleet's month, a server's months, an explanation.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use doubles::{Failing, Failure, Faults, InMemoryLedger};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use support::{asked, at, calculated, explained, id, ledger, month_of, report, reported};
use uptime::Scope;
use uptime_ledger::Scopes;
use uptime_report::COLUMNS;

fn servers(answer: &Value) -> &[Value] {
    answer["servers"].as_array().unwrap()
}

fn ids(answer: &Value) -> Vec<String> {
    servers(answer).iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// The rows of a CSV, as another library reads them.
fn csv_rows(answer: &Value) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(answer["csv"].as_str().unwrap().as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
}

#[tokio::test]
async fn every_row_says_what_applications_read_in_the_cache() {
    let account = calculated().await;
    let fleet = report(&account, json!({"report": "fleet"})).await.unwrap();
    let cached = servers(&fleet).iter().filter(|row| row["state"] != "left");
    let mut compared = 0;
    for row in cached {
        let (minutes, uncertainty) = account.cached(row["id"].as_str().unwrap()).unwrap();
        assert_eq!((&row["minutes"], &row["uncertainty"]), (&json!(minutes), &json!(uncertainty)), "{row}");
        let days: f64 = row["days"].as_array().unwrap().iter().map(|day| day.as_f64().unwrap()).sum();
        assert!((days - minutes).abs() < 0.005, "{row}");
        compared += 1;
    }
    assert!(compared >= 30, "{compared} servers");
    let sum: f64 = servers(&fleet).iter().map(|row| row["minutes"].as_f64().unwrap()).sum();
    assert!((fleet["totals"]["minutes"].as_f64().unwrap() - sum).abs() < 0.005);
    assert_eq!(fleet["totals"]["servers"], json!(servers(&fleet).len()));
    assert_eq!((&fleet["next"], &fleet["unreadable"]), (&Value::Null, &json!([])));
    assert_eq!(fleet["scopes"][0]["failing"], json!(false));
}

#[tokio::test]
async fn the_csv_says_the_same_in_columns_that_are_named() {
    let account = calculated().await;
    let fleet = report(&account, json!({"report": "fleet"})).await.unwrap();
    let answer = report(&account, json!({"report": "fleet", "format": "csv"})).await.unwrap();
    assert!(answer["csv"].as_str().unwrap().starts_with(&format!("{}\r\n", COLUMNS.join(","))));
    let rows = csv_rows(&answer);
    assert_eq!(rows.len(), servers(&fleet).len());
    for (row, told) in rows.iter().zip(servers(&fleet)) {
        for column in ["account", "region", "id", "state", "month", "asOf"] {
            assert_eq!(row[column], told[column].as_str().unwrap());
        }
        for column in ["name", "instanceType", "runningSince", "leftAt"] {
            assert_eq!(row[column], told[column].as_str().unwrap_or_default());
        }
        for column in ["minutes", "uncertainty"] {
            assert_eq!(row[column].parse::<f64>().unwrap(), told[column].as_f64().unwrap());
        }
        let days: Vec<f64> = (1..=31).filter_map(|day| row[&format!("day{day:02}")].parse().ok()).collect();
        assert_eq!(json!(days), told["days"]);
    }
}

#[tokio::test]
async fn names_that_a_spreadsheet_would_take_for_formulas_are_harmless() {
    let mut item = explained();
    item.name = Some("=HYPERLINK(\"http://x\",\"a,b\")\n".to_owned());
    let ledger = ledger(&[item]).await;
    let asked_for = json!({"report": "fleet", "month": "2025-10", "format": "csv"});
    let answer = reported(&ledger, "2025-10-07T01:00:00Z", asked_for).await.unwrap();
    assert_eq!(csv_rows(&answer)[0]["name"], "'=HYPERLINK(\"http://x\",\"a,b\")\n");
}

#[tokio::test]
async fn servers_are_selected_sorted_and_told_page_by_page() {
    let account = calculated().await;
    let ask = async |more: Value| {
        let mut payload = json!({"report": "fleet"});
        payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        report(&account, payload).await.unwrap()
    };
    let all = ids(&ask(json!({})).await);
    for sort in ["minutes", "uncertainty", "forecast", "name", "id"] {
        let whole = ids(&ask(json!({"sort": sort})).await);
        let (mut paged, mut next) = (Vec::new(), Value::Null);
        loop {
            let page = ask(json!({"sort": sort, "limit": 7, "next": next})).await;
            assert_eq!(page["totals"]["servers"], json!(all.len()), "totals are of all");
            paged.extend(ids(&page));
            next = page["next"].clone();
            if next.is_null() {
                break;
            }
        }
        assert_eq!(paged, whole, "{sort}");
    }
    let most_first = ask(json!({"sort": "minutes"})).await;
    let minutes: Vec<f64> = servers(&most_first).iter().map(|row| row["minutes"].as_f64().unwrap()).collect();
    assert!(minutes.is_sorted_by(|one, next| one >= next));
    let running = ask(json!({"state": "running"})).await;
    assert!(!servers(&running).is_empty() && servers(&running).iter().all(|row| !row["runningSince"].is_null()));
    let named = ask(json!({"name": "GUEST"})).await;
    assert!(!servers(&named).is_empty() && ids(&named).len() < all.len());
    assert!(servers(&named).iter().all(|row| row["name"].as_str().unwrap().contains("guest")));
    assert_eq!(servers(&ask(json!({"region": "us-east-1"})).await).len(), 0);
    assert_eq!(ids(&ask(json!({"account": "123456789012", "region": "eu-west-1"})).await), all);
}

#[tokio::test]
async fn an_item_that_cannot_be_read_is_named_and_spoils_nothing() {
    let (table, faults) =
        (ledger(&[explained(), month_of(2, "2025-10", &[], "2025-10-07T00:00:00Z")]).await, Faults::default());
    faults.add(doubles::Call::ReadItems, Some(id(2)), Failure::ItemAtFault);
    let ledgers = |_: &Scope| Failing::new(&table, &faults);
    let payload = json!({"report": "fleet", "month": "2025-10"});
    let answer = asked(ledgers, Scopes::only(doubles::home()), at("2025-10-07T00:00:00Z"), payload).await.unwrap();
    assert_eq!(ids(&answer), ["i-00000001"]);
    assert_eq!(answer["unreadable"][0]["id"], "i-00000002");
    assert!(answer["unreadable"][0]["error"].as_str().unwrap().contains("ValidationException"), "{answer}");
}

#[tokio::test]
async fn a_month_that_has_just_begun_shows_the_servers_of_the_last() {
    let running = ["2025-10-04T10:00:00Z started CloudTrail StartInstances 22222222"];
    let mut left = month_of(3, "2025-10", &running, "2025-10-31T23:00:00Z");
    left.leave(at("2025-10-20T00:00:00Z"));
    let ledger = ledger(&[month_of(1, "2025-10", &running, "2025-10-31T23:00:00Z"), left]).await;
    let answer = reported(&ledger, "2025-11-01T00:05:00Z", json!({"report": "fleet"})).await.unwrap();
    let [row] = servers(&answer) else { panic!("{answer}") };
    assert_eq!((&row["id"], &row["month"], &row["minutes"]), (&json!("i-00000001"), &json!("2025-11"), &json!(0.0)));
    assert_eq!((&row["state"], &row["forecast"]["most"]), (&json!("running"), &json!(43200.0)));
    assert!(row["asOf"].as_str().unwrap() < "2025-11", "nothing is known of the new month yet: {row}");
}

#[tokio::test]
async fn a_servers_months_are_told_in_time_order_and_a_final_one_as_it_is_stored() {
    let mut last =
        month_of(1, "2025-09", &["2025-09-30T10:00:00Z stopped CloudTrail StopInstances 1"], "2025-10-01T00:00:00Z");
    last.is_final = true;
    last.summary.as_mut().unwrap().span.proven = "777".parse().unwrap();
    let ledger = ledger(&[last, explained()]).await;
    let payload = json!({"report": "server", "id": "i-00000001"});
    let answer = reported(&ledger, "2025-10-08T00:00:00Z", payload.clone()).await.unwrap();
    let months: Vec<_> = answer["months"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["month"].clone(), row["minutes"].clone(), row["final"].clone()))
        .collect();
    assert_eq!(json!(months), json!([["2025-09", 777.0, true], ["2025-10", 120.0, false]]));
    let mut one = payload;
    one["months"] = json!(1);
    let answer = reported(&ledger, "2025-10-08T00:00:00Z", one).await.unwrap();
    assert_eq!(answer["months"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn each_run_is_shown_with_the_source_of_its_ends() {
    let ledger = ledger(&[explained()]).await;
    let payload = json!({"report": "explain", "id": "i-00000001", "month": "2025-10", "format": "text"});
    let text = reported(&ledger, "2025-10-07T00:00:00Z", payload.clone()).await.unwrap();
    insta::assert_snapshot!(text.as_str().unwrap());
    let mut payload = payload;
    payload["format"] = json!("json");
    let told = reported(&ledger, "2025-10-07T00:00:00Z", payload).await.unwrap();
    assert_eq!((&told["minutes"], &told["uncertainty"]), (&120.0.into(), &60.0.into()));
    assert_eq!(told["segments"][0]["to"]["evidence"][0]["eventId"], "44444444");
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_by_name() {
    let ledger = ledger(&[explained()]).await;
    let cases = [
        (json!([]), "expected an object such as"),
        (json!({}), "report: expected `fleet`, `server` or `explain`, got `null`"),
        (json!({"report": "flee"}), "report: expected `fleet`, `server` or `explain`, got `\"flee\"`"),
        (json!({"report": "fleet", "moth": "2025-10"}), "unknown field `moth`"),
        (json!({"report": "fleet", "month": "2025-1"}), "month: `2025-1` is not a month"),
        (json!({"report": "fleet", "month": "2025-11"}), "month 2025-11 is in the future"),
        (
            json!({"report": "fleet", "format": "text"}),
            "format: unknown variant `text`, expected one of `json`, `csv`, `html`",
        ),
        (json!({"report": "fleet", "state": "up"}), "state: unknown variant `up`"),
        (json!({"report": "fleet", "sort": "size"}), "sort: unknown variant `size`"),
        (json!({"report": "fleet", "account": "12"}), "account: `12` is not an account id"),
        (json!({"report": "fleet", "limit": 0}), "limit: expected 1 to 20000, got 0"),
        (json!({"report": "fleet", "next": "7"}), "next: expected what the page before gave, got `7`"),
        (
            json!({"report": "fleet", "sort": "id", "next": "minutes/1.00/123456789012/eu-west-1/i-00000001"}),
            "next: it is of rows sorted by minutes, and asked for are rows sorted by id",
        ),
        (json!({"report": "server"}), "missing field `id`"),
        (json!({"report": "server", "id": "web-1"}), "id: `web-1` is not an EC2 instance id"),
        (json!({"report": "server", "id": "i-00000001", "months": 0}), "months: expected 1 to 120, got 0"),
        (json!({"report": "server", "id": "i-00000002"}), "nothing is kept of i-00000002 since 2024-10"),
        (
            json!({"report": "explain", "id": "i-00000001", "month": "2025-09"}),
            "nothing is kept of i-00000001 in 2025-09",
        ),
        (json!({"report": "explain", "id": "i-00000001", "format": "csv"}), "format: unknown variant `csv`"),
        (json!({"widgetContext": {"width": "wide"}}), "widgetContext.width: invalid type"),
    ];
    for (payload, expected) in cases {
        let error = reported(&ledger, "2025-10-07T00:00:00Z", payload.clone()).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{payload}: {error}");
    }
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_is_an_error_and_no_empty_fleet() {
    let (table, faults) = (InMemoryLedger::default(), Faults::default());
    faults.add(doubles::Call::ReadSweepState, None, Failure::Denied);
    let ledgers = |_: &Scope| Failing::new(&table, &faults);
    let now = at("2025-10-07T00:00:00Z");
    let error = asked(ledgers, Scopes::only(doubles::home()), now, json!({"report": "fleet"})).await.unwrap_err();
    assert!(
        error.to_string().starts_with("cannot read the ledger: DynamoDB GetItem failed: AccessDeniedException"),
        "{error}"
    );
}
