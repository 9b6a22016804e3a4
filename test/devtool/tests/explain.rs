//! The command as a user runs it, over a table on loopback.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::process::{Command, Output};

use account::{REGION, clients, home};
use chrono::{DateTime, Utc};
use stand_ins::TableStandIn;
use uptime::{Coverage, Evidence, ServerMonth, Window};
use uptime_aws::ledger_table::LedgerTable;
use uptime_ledger::ports::{Ledger, LedgerWritten};

const TABLE: &str = "history";
const ID: &str = "i-0123456789abcdef0";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A table with one server that ran for two hours on the 4th of October 2025, and was shut down from inside on the 6th.
async fn table() -> TableStandIn {
    let table = TableStandIn::start().await.unwrap();
    let history = LedgerTable::new(clients(&table.endpoint, &table.endpoint).dynamodb, TABLE.to_owned(), home());
    let mut month = ServerMonth::new(ID.parse().unwrap(), "2025-10".parse().unwrap());
    let told = [
        "2025-09-30T10:00:00Z stopped CloudTrail StopInstances 11111111",
        "2025-10-04T10:00:00Z started CloudTrail StartInstances 22222222",
        "2025-10-04T10:00:20Z started state-change 33333333",
        "2025-10-04T12:00:20Z stopped CloudTrail StopInstances 44444444",
        "2025-10-06T10:00:00Z started CloudTrail StartInstances 55555555",
        "2025-10-06T11:00:00Z seen-stopped EC2",
    ];
    let told = told.map(|text| text.parse::<Evidence>().unwrap());
    let swept = Window::new(at("2025-09-24T00:00:00Z"), at("2025-10-07T00:00:00Z"));
    month.learn(told, &Coverage::none().with(swept));
    month.summarize(at("2025-10-07T00:00:00Z"));
    assert_eq!(history.write(None, &month).await.unwrap(), LedgerWritten::Stored);
    table
}

async fn devtool(endpoint: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_devtool"));
    command.env_clear().args(arguments);
    let region = [("AWS_REGION", REGION), ("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    command.env("AWS_ENDPOINT_URL", endpoint).envs(region);
    // The table is served by this very process.
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[tokio::test]
async fn each_run_is_shown_with_the_source_of_its_ends() {
    let table = table().await;
    let output = devtool(&table.endpoint, &["explain", ID, "2025-10", "--table", TABLE]).await;
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}{}", String::from_utf8_lossy(&output.stderr));
    insta::assert_snapshot!(shown);
}

#[tokio::test]
async fn the_same_is_there_as_json() {
    let table = table().await;
    let output = devtool(&table.endpoint, &["explain", ID, "2025-10", "--table", TABLE, "--json"]).await;
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["minutes"], &told["uncertainty"]), (&120.0.into(), &60.0.into()));
    assert_eq!(told["segments"].as_array().unwrap().len(), 2);
    assert_eq!(told["segments"][0]["to"]["evidence"][0]["eventId"], "44444444");
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let table = table().await;
    let cases: [(&[&str], &str); 5] = [
        (&["explain", ID, "2025-10"], "no table named: pass --table NAME, or set RUNTIME_HISTORY_TABLE_NAME"),
        (&["explain", ID, "2025-09", "--table", TABLE], "has no item of i-0123456789abcdef0 for 2025-09"),
        (&["explain", "server-1", "--table", TABLE], "`server-1` is not an EC2 instance id"),
        (&["explain", ID, "2025-1", "--table", TABLE], "`2025-1` is not a month"),
        (&["explain", ID, "--json", "--tabel", TABLE], "unexpected argument '--tabel'"),
    ];
    for (arguments, expected) in cases {
        let output = devtool(&table.endpoint, arguments).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(expected), "{arguments:?}: {said}");
    }
    let output = devtool("http://127.0.0.1:1", &["explain", ID, "2025-10", "--table", TABLE]).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("cannot read the table history"), "{said}");
}
