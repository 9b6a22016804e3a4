//! Writers at one time against a real table, or one that behaves like it: whatever their order, nothing is lost.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

use account::{create_table, home, ports};
use chrono::{DateTime, TimeDelta, Utc};
use doubles::{contract, elsewhere};
use uptime::{CacheEntry, Coverage, Evidence, Fact, InstanceId, Month, ServerMonth, Source, Window};
use uptime_aws::clients::Clients;
use uptime_aws::ledger_table::LedgerTable;
use uptime_aws::servers_table::ServersTable;
use uptime_ledger::ports::{Cache, Ledger, LedgerWritten, Recorded, WriteRule};

const SERVERS: u64 = 6;
const WRITERS: u64 = 8;
const RUNS: i64 = 20;

fn month() -> Month {
    "2025-10".parse().unwrap()
}

fn now() -> DateTime<Utc> {
    "2025-10-25T00:00:00Z".parse().unwrap()
}

fn id(n: u64) -> InstanceId {
    format!("i-{n:017x}").parse().unwrap()
}

/// A run a day, each end told twice.
fn evidence(server: u64) -> Vec<Evidence> {
    let told = |at, fact, event: &str| {
        let cloudtrail =
            Source::CloudTrail { event_name: format!("{event}Instances").into(), event_id: format!("{server}-{at}") };
        let event = Source::StateChange { event_id: format!("{event}-{at}") };
        [(at, cloudtrail), (at + TimeDelta::seconds(20), event)].map(|(at, source)| Evidence {
            at,
            fact: Clone::clone(&fact),
            source,
        })
    };
    let day = |day: i64| month().start() + TimeDelta::days(day) + TimeDelta::minutes(server as i64);
    let run = |n| [told(day(n), Fact::Started, "Start"), told(day(n) + TimeDelta::hours(5), Fact::Stopped, "Stop")];
    (0..RUNS).flat_map(run).flatten().collect()
}

fn covered() -> Coverage {
    Coverage::none().with(Window::new(month().start() - TimeDelta::days(7), now()))
}

/// Deals all servers' evidence twice, in an order of its own.
fn shuffled(seed: u64) -> Vec<(InstanceId, Evidence)> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let all = (0..SERVERS).flat_map(|server| evidence(server).into_iter().map(move |told| (id(server), told)));
    let mut dealt: Vec<_> = all.map(|told| (random(), told)).collect();
    dealt.sort_by_key(|(order, _)| *order);
    dealt.into_iter().map(|(_, told)| told).collect()
}

/// Reads an item, adds to it and writes it, anew where somebody else was faster.
async fn fold(history: &LedgerTable, id: &InstanceId, told: &[Evidence], now: DateTime<Utc>) -> CacheEntry {
    let mut stored = history.read(month(), std::slice::from_ref(id)).await.unwrap().remove(id).map(Result::unwrap);
    loop {
        let mut updated = stored.clone().unwrap_or_else(|| ServerMonth::new(id.clone(), month()));
        updated.learn(told.iter().cloned(), &covered());
        let as_of = updated.summary.as_ref().map_or(now, |summary| now.max(summary.as_of));
        let entry = updated.summarize(as_of);
        let entry = CacheEntry { revision: entry.revision + 1, ..entry };
        match history.write(stored.as_ref(), &updated).await.unwrap() {
            LedgerWritten::Stored => return entry,
            LedgerWritten::Conflict(current) => stored = current.map(|current| *current),
        }
    }
}

/// Some of its evidence one by one, as state-change events come, some together, as a sweep brings them.
async fn write_all(clients: Clients, table: String, cache: String, writer: u64) {
    let history = LedgerTable::new(clients.dynamodb.clone(), table, home());
    let cache = ServersTable::new(clients.dynamodb, cache);
    let dealt = shuffled(writer + 1);
    for (n, part) in dealt.chunks(7).enumerate() {
        let instant = now() - TimeDelta::minutes(60) + TimeDelta::seconds(n as i64);
        for (id, told) in part {
            let entry = if n % 2 == 0 {
                match history.record(id, month(), told).await.unwrap() {
                    Recorded::Added(mut item) => item.summarize(instant),
                    other => panic!("{other:?}"),
                }
            } else {
                fold(&history, id, std::slice::from_ref(told), instant).await
            };
            cache.write(id, &entry, WriteRule::Upsert).await.unwrap();
        }
    }
}

#[tokio::test]
#[ignore = "needs a DynamoDB at AWS_ENDPOINT_URL: the end-to-end test starts one"]
async fn writers_at_one_time_leave_what_one_writer_would() {
    assert!(std::env::vars().any(|(name, _)| name == "AWS_ENDPOINT_URL"), "set AWS_ENDPOINT_URL to a local DynamoDB");
    let clients = Clients::from_env().await;
    let suffix = std::process::id();
    let names = ["serial", "concurrent", "cache"].map(|name| format!("concurrent-writers-{name}-{suffix}"));
    let [serial, concurrent, cache] = &names;
    for table in [serial, concurrent] {
        create_table(&clients.dynamodb, table, &["id", "month"]).await.unwrap();
    }
    create_table(&clients.dynamodb, cache, &["id"]).await.unwrap();
    let table = |name: &String| LedgerTable::new(clients.dynamodb.clone(), name.clone(), home());

    let ids: Vec<InstanceId> = (0..SERVERS).map(id).collect();
    for server in 0..SERVERS {
        fold(&table(serial), &id(server), &evidence(server), now()).await;
        // Events are recorded of known servers only.
        fold(&table(concurrent), &id(server), &[], month().start()).await;
    }
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let clients = Clients::from_env().await;
        writers.push(write_all(clients, concurrent.clone(), cache.clone(), writer));
    }
    futures::future::join_all(writers).await;

    let servers = ServersTable::new(clients.dynamodb.clone(), cache.clone());
    let cached = servers.read(&ids).await.unwrap();
    for server in &ids {
        let entry = fold(&table(concurrent), server, &[], now()).await;
        assert_eq!(cached[server].revision, entry.revision - 1, "whoever knew all of {server} stays in the cache");
        assert_eq!(cached[server].span, entry.span);
    }
    let expected = table(serial).read(month(), &ids).await.unwrap();
    let found = table(concurrent).read(month(), &ids).await.unwrap();
    for server in &ids {
        let (expected, found) = (expected[server].as_ref().unwrap(), found[server].as_ref().unwrap());
        assert_eq!(found.evidence.len(), evidence(0).len());
        assert_eq!(found, &ServerMonth { revision: found.revision, ..expected.clone() });
        assert_eq!(found.span().proven, (300 * RUNS).to_string().parse().unwrap());
    }
    for name in &names {
        clients.dynamodb.delete_table().table_name(name).send().await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs a DynamoDB at AWS_ENDPOINT_URL: the end-to-end test starts one"]
async fn the_tables_keep_the_contract_of_their_ports() {
    let clients = Clients::from_env().await;
    let names = ["ledger", "cache"].map(|name| format!("contract-{name}-{}", std::process::id()));
    create_table(&clients.dynamodb, &names[0], &["id", "month"]).await.unwrap();
    create_table(&clients.dynamodb, &names[1], &["id"]).await.unwrap();
    let ports = ports(clients.clone(), &names[1], &names[0]);
    let other = LedgerTable::new(clients.dynamodb.clone(), names[0].clone(), elsewhere());
    contract::ledger(&ports.ledger, &other).await;
    contract::cache(&ports.cache).await;
    for name in &names {
        clients.dynamodb.delete_table().table_name(name).send().await.unwrap();
    }
}
