//! Events twice, in any order and at one time end in the table that one clean sequence ends in.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::collections::BTreeMap;

use account::{LEDGER, SERVERS, clients, contents, create_table, ports};
use chrono::{DateTime, TimeDelta, Utc};
use fleet_simulator::dice::Dice;
use serde_json::Value;
use stand_ins::TableStandIn;
use support::{Handler, answer, event, now};
use uptime::{CacheEntry, Coverage, InstanceId, Month, ServerMonth, Window};
use uptime_aws::clients::Clients;
use uptime_ledger::ports::{Cache, Ledger};

const AT_ONE_TIME: usize = 8;

fn ids(count: usize) -> Vec<InstanceId> {
    (0..count).map(|n| format!("i-{n:017x}").parse().unwrap()).collect()
}

/// Starts and stops in turn, of servers drawn by chance, at growing times of this month.
fn changes(servers: usize, count: usize, now: DateTime<Utc>) -> Vec<Value> {
    let (mut dice, ids) = (Dice::new(7), ids(servers));
    let mut runs = vec![false; servers];
    let window = Month::of(now).until(now);
    let step = window.length() / (count as i32 + 1);
    let mut change = |n: usize| {
        let server = dice.between(0, servers as i64 - 1) as usize;
        runs[server] = !runs[server];
        let state = if runs[server] { "running" } else { "stopping" };
        event(ids[server].as_str(), state, window.from + step * n as i32)
    };
    (1..=count).map(&mut change).collect()
}

/// The servers as the hourly run has met them at the month's start: stopped, and swept until now.
async fn welcome(clients: &Clients, (servers, history): (&str, &str), count: usize, now: DateTime<Utc>) {
    let ledger = ports(clients.clone(), servers, history).ledger;
    let month = Month::of(now);
    for id in ids(count) {
        let mut item = ServerMonth::new(id, month);
        let stopped = format!("{} seen-stopped EC2", month.start().format("%FT%TZ")).parse().unwrap();
        item.learn([stopped], &Coverage::none().with(Window::new(month.start() - TimeDelta::days(7), now)));
        ledger.write(None, &item).await.unwrap();
    }
}

fn handler(clients: &Clients, (servers, history): (&str, &str)) -> Handler {
    support::handler(ports(clients.clone(), servers, history))
}

async fn deliver(handler: &Handler, events: Vec<Value>, now: DateTime<Utc>) {
    for event in events {
        answer(handler, event, now).await.unwrap();
    }
}

/// All of them twice, in an order of their own, dealt to several handlers.
async fn deliver_in_disorder(clients: &Clients, tables: (&str, &str), events: &[Value], now: DateTime<Utc>) {
    let mut dice = Dice::new(11);
    let twice = events.iter().chain(events).cloned();
    let mut dealt: Vec<(u64, Value)> = twice.map(|event| (dice.roll(), event)).collect();
    dealt.sort_by_key(|(order, _)| *order);
    let mut hands = vec![Vec::new(); AT_ONE_TIME];
    for (n, (_, event)) in dealt.into_iter().enumerate() {
        hands[n % AT_ONE_TIME].push(event);
    }
    let invocations = hands.into_iter().map(|hand| async move {
        deliver(&handler(clients, tables), hand, now).await;
    });
    futures::future::join_all(invocations).await;
}

#[tokio::test]
async fn events_in_disorder_end_in_the_same_tables() {
    let [serial, concurrent] = [TableStandIn::start().await.unwrap(), TableStandIn::start().await.unwrap()];
    let (servers, count) = (25, 500);
    let tables = (SERVERS, LEDGER);
    let events = changes(servers, count, now());
    for table in [&serial, &concurrent] {
        welcome(&clients("http://127.0.0.1:1", &table.endpoint), tables, servers, now()).await;
    }
    let at = |table: &TableStandIn| clients("http://127.0.0.1:1", &table.endpoint);
    deliver(&handler(&at(&serial), tables), events.clone(), now()).await;
    deliver_in_disorder(&at(&concurrent), tables, &events, now()).await;
    assert_eq!(serial.items(SERVERS).len(), servers);
    // But for how often items were written.
    let all = |tables: &TableStandIn| contents(tables, &["revision", "runningMinutesRevision"]);
    assert_eq!(all(&serial), all(&concurrent));
}

#[tokio::test]
#[ignore = "needs a DynamoDB at AWS_ENDPOINT_URL: the end-to-end test starts one"]
async fn ten_thousand_events_of_500_servers_lose_nothing() {
    let variable = |wanted: &str| std::env::vars().find(|(name, _)| name == wanted).map(|(_, value)| value);
    let endpoint = variable("AWS_ENDPOINT_URL").unwrap();
    let (servers, count) = (500, 10_000);
    let events = changes(servers, count, now());
    let (suffix, clean) = (std::process::id(), TableStandIn::start().await.unwrap());
    let names = ["servers", "history"].map(|name| format!("any-order-{name}-{suffix}"));
    let tables = (names[0].as_str(), names[1].as_str());
    let [serial, disorder] = [&clean.endpoint, &endpoint].map(|tables| clients("http://127.0.0.1:1", tables));
    create_table(&disorder.dynamodb, &names[0], &["id"]).await.unwrap();
    create_table(&disorder.dynamodb, &names[1], &["id", "month"]).await.unwrap();
    for clients in [&serial, &disorder] {
        welcome(clients, tables, servers, now()).await;
    }
    deliver(&handler(&serial, tables), events.clone(), now()).await;
    deliver_in_disorder(&disorder, tables, &events, now()).await;
    let kept = async |clients: &Clients| {
        let server = ports(clients.clone(), tables.0, tables.1);
        let ids = ids(servers);
        let months = server.ledger.read(Month::of(now()), &ids).await.unwrap();
        // But for how often they were written.
        let written = |(id, month): (_, Result<ServerMonth, _>)| (id, ServerMonth { revision: 0, ..month.unwrap() });
        let cached = server.cache.read(&ids).await.unwrap().into_iter();
        let cached = cached.map(|(id, entry)| (id, CacheEntry { revision: 0, ..entry }));
        (months.into_iter().map(written).collect::<BTreeMap<_, _>>(), cached.collect::<BTreeMap<_, _>>())
    };
    let (expected, found) = (kept(&serial).await, kept(&disorder).await);
    assert_eq!(expected.0.values().map(|month| month.evidence.len()).sum::<usize>(), count + servers);
    assert_eq!(found, expected);
    for name in &names {
        disorder.dynamodb.delete_table().table_name(name).send().await.unwrap();
    }
}
