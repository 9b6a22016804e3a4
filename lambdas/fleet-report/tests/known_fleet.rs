//! The pages of a known fleet, whole. A browser draws these very files and compares the pictures: `test/browser/`.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use doubles::{InMemoryLedger, elsewhere, home};
use serde_json::{Value, json};
use support::{asked, at, id, ledger, month_of};
use uptime::{Scope, ServerMonth};
use uptime_ledger::ports::Statuses;
use uptime_ledger::{Figures, Scopes, Trouble, TroubleKind};

const NOW: &str = "2025-10-21T14:05:00Z";
const READ: &str = "2025-10-21T14:00:00Z";

/// A server that runs each day from an hour on for some hours; every seventh day it shuts itself down.
fn by_schedule(n: u32, name: &str, days: impl Iterator<Item = u32>, hours: (u32, u32)) -> ServerMonth {
    let mut told = vec!["2025-09-30T23:00:00Z stopped CloudTrail StopInstances 0".to_owned()];
    for day in days {
        let (start, end) = (hours.0, hours.0 + hours.1);
        told.push(format!("2025-10-{day:02}T{start:02}:12:00Z started CloudTrail StartInstances {n}-{day}a"));
        told.push(match day % 7 {
            0 => format!("2025-10-{day:02}T{end:02}:40:00Z seen-stopped EC2"),
            3 => format!("2025-10-{day:02}T{end:02}:40:00Z stopped state-change {n}-{day}b"),
            _ => format!("2025-10-{day:02}T{end:02}:40:00Z stopped CloudTrail StopInstances {n}-{day}b"),
        });
    }
    server(n, name, &told)
}

fn server(n: u32, name: &str, told: &[String]) -> ServerMonth {
    let told: Vec<&str> = told.iter().map(String::as_str).collect();
    let month = month_of(n, "2025-10", &told, READ);
    ServerMonth { name: Some(name.to_owned()), instance_type: Some("t3.small".to_owned()), ..month }
}

/// Servers that always run, run by day, were launched in the month, left, and never ran.
fn servers() -> Vec<ServerMonth> {
    let always = ["2025-09-02T08:00:00Z started CloudTrail StartInstances 1", "2025-10-21T14:00:00Z seen-running EC2"];
    let launched = ["2025-10-14T09:30:00Z created EC2", "2025-10-14T09:30:00Z started CloudTrail RunInstances 2"];
    let texts = |told: &[&str]| told.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let mut left = by_schedule(5, "build-4711", 1..9, (6, 15));
    left.leave(at("2025-10-09T03:00:00Z"));
    left.summarize(at(READ));
    vec![
        server(1, "database", &texts(&always)),
        server(2, "new-this-month", &texts(&launched)),
        by_schedule(3, "minecraft-friends", (1..=20).filter(|day| day % 3 != 2), (16, 6)),
        by_schedule(4, "dev-box of someone with a rather long name", 1..=20, (8, 9)),
        left,
        server(6, "never-ran", &texts(&["2025-09-10T08:00:00Z stopped CloudTrail StopInstances 6"])),
    ]
}

async fn known_fleet() -> InMemoryLedger {
    let table = ledger(&servers()).await;
    let statuses = &table;
    for scope in [home(), elsewhere()] {
        statuses.begun(&scope, at("2025-10-21T09:00:00Z")).await.unwrap();
        statuses.ended(&scope, at("2025-10-21T09:00:00Z"), &Ok(Figures::default())).await.unwrap();
    }
    statuses.begun(&home(), at(READ)).await.unwrap();
    statuses.ended(&home(), at(READ), &Ok(Figures::default())).await.unwrap();
    statuses.begun(&elsewhere(), at(READ)).await.unwrap();
    let message = "cannot list the servers: STS AssumeRole failed: AccessDenied: not authorized".to_owned();
    let trouble = Trouble { kind: TroubleKind::RoleMissing, message };
    statuses.ended(&elsewhere(), at(READ), &Err(trouble)).await.unwrap();
    table
}

async fn page(payload: Value) -> String {
    let table = known_fleet().await;
    let other = table.of(&elsewhere());
    let scopes = Scopes::with(home(), [elsewhere()], "reader");
    let ledgers = |scope: &Scope| if *scope == home() { &table } else { &other };
    let answer = asked(ledgers, scopes, at(NOW), payload).await.unwrap();
    answer.as_str().unwrap().to_owned()
}

fn widget(theme: &str, width: u32) -> Value {
    json!({"theme": theme, "width": width, "height": 600, "forms": {"all": {}}})
}

#[tokio::test]
async fn its_page() {
    insta::assert_snapshot!("fleet", page(json!({"report": "fleet", "format": "html"})).await);
}

#[tokio::test]
async fn its_widget_narrow_and_dark() {
    let payload = json!({"report": "fleet", "widgetContext": widget("dark", 560)});
    insta::assert_snapshot!("widget", page(payload).await);
}

#[tokio::test]
async fn a_servers_page() {
    insta::assert_snapshot!("server", page(json!({"report": "server", "id": id(4), "format": "html"})).await);
}

#[tokio::test]
async fn an_explanation_in_a_popup() {
    let payload = json!({"report": "explain", "id": id(3), "widgetContext": widget("light", 900)});
    insta::assert_snapshot!("explanation", page(payload).await);
}
