//! What every implementation of a port keeps to, as `uptime_ledger::ports` says it. Each function panics where it does not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a contract fails")]

use std::collections::{BTreeMap, BTreeSet};

use crate::{elsewhere, home};
use chrono::{DateTime, TimeDelta, Utc};
use uptime::{
    Audit, BlindSpots, CacheEntry, Coverage, Evidence, InstanceId, Minutes, Month, ServerEvidence, ServerMonth, Span,
    Window,
};
use uptime_ledger::ports::{
    Cache, Fleet, Hole, KeptMonths, Ledger, LedgerWritten, Limits, Recorded, Statuses, Sweep, SweepState, Trail,
    WriteRule, Written,
};
use uptime_ledger::{Figures, Part, ScopeStatus, ServiceError, SharedLook, Trouble, TroubleKind};

fn at(hour: i64) -> DateTime<Utc> {
    month().start() + TimeDelta::hours(hour)
}

fn month() -> Month {
    "2025-10".parse().unwrap()
}

fn id(n: u32) -> InstanceId {
    format!("i-{n:08x}").parse().unwrap()
}

fn piece(hour: i64) -> Evidence {
    let event = if hour % 2 == 0 { "started CloudTrail StartInstances" } else { "stopped CloudTrail StopInstances" };
    format!("{} {event} event-{hour}", at(hour).to_rfc3339()).parse().unwrap()
}

fn covered() -> Coverage {
    Coverage::none().with(Window::new(at(-24), at(100)))
}

/// An item with some evidence, as of the hundredth hour.
fn item(n: u32, hours: &[i64]) -> ServerMonth {
    let mut item = ServerMonth::new(id(n), month());
    item.learn(hours.iter().map(|hour| piece(*hour)), &covered());
    item.summarize(at(100));
    item
}

async fn read_one(ledger: &impl Ledger, n: u32) -> Option<ServerMonth> {
    ledger.read(month(), &[id(n)]).await.unwrap().remove(&id(n)).map(Result::unwrap)
}

async fn store(ledger: &impl Ledger, item: &ServerMonth) -> ServerMonth {
    assert_eq!(ledger.write(None, item).await.unwrap(), LedgerWritten::Stored);
    read_one(ledger, u32::from_str_radix(&item.id.to_string()[2..], 16).unwrap()).await.unwrap()
}

/// A ledger, at first empty, and the same table as the ledger of another scope.
pub async fn ledger<L: Ledger + Statuses + KeptMonths>(ledger: &L, elsewhere: &L) {
    what_is_written_is_read_as_the_next_revision(ledger).await;
    of_two_writers_the_later_one_is_told_what_is_there(ledger).await;
    an_event_is_recorded_once(ledger).await;
    nothing_is_recorded_of_who_is_unknown_or_left(ledger).await;
    what_is_final_keeps_its_numbers(ledger).await;
    the_index_lists_a_month(ledger).await;
    the_sweep_state_is_never_overwritten(ledger).await;
    a_server_belongs_to_one_scope(ledger, elsewhere).await;
    a_run_counts_as_failed_until_it_ends_well(ledger).await;
    a_servers_months_are_found_by_its_id(ledger, elsewhere).await;
}

async fn what_is_written_is_read_as_the_next_revision(ledger: &impl Ledger) {
    assert_eq!(read_one(ledger, 1).await, None);
    let names = ("web-1".to_owned(), "t3.small".to_owned());
    let whole = ServerMonth { name: Some(names.0), instance_type: Some(names.1), ..item(1, &[0, 3]) };
    let first = store(ledger, &whole).await;
    assert_eq!(first, ServerMonth { revision: 1, ..whole });
    let mut more = first.clone();
    more.learn([piece(6)], &Coverage::none());
    more.leave(at(50));
    more.summarize(at(100));
    assert_eq!(ledger.write(Some(&first), &more).await.unwrap(), LedgerWritten::Stored);
    assert_eq!(read_one(ledger, 1).await, Some(ServerMonth { revision: 2, ..more.clone() }));
    // What is condensed takes evidence away, and coming back an attribute.
    let read = read_one(ledger, 1).await.unwrap();
    let fewer = ServerMonth { evidence: BTreeSet::from([piece(0)]), left_at: None, ..read.clone() };
    assert_eq!(ledger.write(Some(&read), &fewer).await.unwrap(), LedgerWritten::Stored);
    assert_eq!(read_one(ledger, 1).await, Some(ServerMonth { revision: 3, ..fewer }));
}

async fn of_two_writers_the_later_one_is_told_what_is_there(ledger: &impl Ledger) {
    let first = store(ledger, &item(2, &[0])).await;
    let conflict = LedgerWritten::Conflict(Some(Box::new(first.clone())));
    assert_eq!(ledger.write(None, &item(2, &[4])).await.unwrap(), conflict, "it was not there when it was read");
    assert_eq!(ledger.write(Some(&first), &item(2, &[0, 5])).await.unwrap(), LedgerWritten::Stored);
    let second = read_one(ledger, 2).await.unwrap();
    let conflict = LedgerWritten::Conflict(Some(Box::new(second.clone())));
    assert_eq!(ledger.write(Some(&first), &item(2, &[0, 7])).await.unwrap(), conflict, "another has written");
    assert_eq!(read_one(ledger, 2).await, Some(second));
}

async fn an_event_is_recorded_once(ledger: &impl Ledger) {
    let stored = store(ledger, &item(3, &[0])).await;
    let mut expected = ServerMonth { revision: stored.revision + 1, ..stored.clone() };
    expected.evidence.insert(piece(5));
    let added = Recorded::Added(Box::new(expected.clone()));
    assert_eq!(ledger.record(&id(3), month(), &piece(5)).await.unwrap(), added);
    assert_eq!(ledger.record(&id(3), month(), &piece(5)).await.unwrap(), added, "the same once more changes nothing");
    let conflict = LedgerWritten::Conflict(Some(Box::new(expected)));
    assert_eq!(ledger.write(Some(&stored), &item(3, &[0])).await.unwrap(), conflict, "an event counts as a write");
}

async fn nothing_is_recorded_of_who_is_unknown_or_left(ledger: &impl Ledger) {
    assert_eq!(ledger.record(&id(4), month(), &piece(5)).await.unwrap(), Recorded::Unknown);
    assert_eq!(read_one(ledger, 4).await, None);
    let mut left = item(4, &[0]);
    left.leave(at(10));
    let left = store(ledger, &left).await;
    assert_eq!(ledger.record(&id(4), month(), &piece(5)).await.unwrap(), Recorded::Unknown);
    assert_eq!(read_one(ledger, 4).await, Some(left));
}

async fn what_is_final_keeps_its_numbers(ledger: &impl Ledger) {
    let closed = store(ledger, &ServerMonth { is_final: true, ..item(5, &[0]) }).await;
    assert_eq!(ledger.record(&id(5), month(), &piece(5)).await.unwrap(), Recorded::Final);
    let late = BTreeSet::from([piece(5)]);
    ledger.record_late(&id(5), month(), &late).await.unwrap();
    let expected = ServerMonth { late_evidence: late.clone(), revision: closed.revision + 1, ..closed.clone() };
    assert_eq!(read_one(ledger, 5).await, Some(expected.clone()));
    assert_eq!(ledger.write(Some(&expected), &closed).await.unwrap(), LedgerWritten::Stored);
    assert_eq!(read_one(ledger, 5).await.unwrap().late_evidence, late, "no write takes it away");
    for audit in [Audit::Agrees, Audit::Disagrees(covered())] {
        let read = read_one(ledger, 5).await.unwrap();
        let audited = ServerMonth { audit: Some(audit.clone()), ..read.clone() };
        assert_eq!(ledger.write(Some(&read), &audited).await.unwrap(), LedgerWritten::Stored);
        assert_eq!(read_one(ledger, 5).await.unwrap().audit, Some(audit));
    }
    ledger.record_late(&id(6), month(), &late).await.unwrap();
    assert_eq!(read_one(ledger, 6).await, None, "without an item there is nothing to explain");
}

async fn the_index_lists_a_month(ledger: &impl Ledger) {
    let other = ServerMonth { month: month().next(), ..item(7, &[0]) };
    assert_eq!(ledger.write(None, &other).await.unwrap(), LedgerWritten::Stored);
    let mut listed = ledger.servers(month()).await.unwrap();
    listed.sort_by(|one, other| one.id.cmp(&other.id));
    let items = ledger.read(month(), &(1..10).map(id).collect::<Vec<_>>()).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|server| server.id.clone()).collect();
    assert_eq!(ids, (1..=5).map(id).collect::<Vec<_>>());
    for server in listed {
        let item = items[&server.id].as_ref().unwrap();
        let as_of = item.summary.as_ref().map(|summary| summary.as_of);
        assert_eq!((server.span, server.as_of), (item.span(), as_of), "{}", server.id);
        assert_eq!((server.left, server.is_final), (item.left_at.is_some(), item.is_final), "{}", server.id);
    }
}

async fn the_sweep_state_is_never_overwritten(ledger: &impl Ledger) {
    let first = ledger.sweep_state().await.unwrap();
    assert_eq!(first, SweepState::default());
    let full = SweepState {
        coverage: covered(),
        deep_sweep_at: Some(at(100)),
        lacks_past: true,
        final_month: Some(month().previous()),
        resume_after: Some(id(3)),
        blind: BlindSpots { starts: covered(), launches: Coverage::none() },
        holes: BTreeMap::from([(
            id(4),
            Hole { windows: covered(), months: BTreeSet::from([month()]), seen_at: Some(at(98)) },
        )]),
        looks: vec![
            SharedLook { at: at(101), part: Some(Part { after: None, up_to: id(2) }), except: BTreeSet::new() },
            SharedLook { at: at(100), part: Some(Part { after: Some(id(5)), up_to: id(2) }), except: [id(6)].into() },
            SharedLook { at: at(99), part: None, except: [id(7), id(8)].into() },
        ],
        unreported: BTreeSet::from([month().previous().previous(), month().previous()]),
        unaudited: BTreeSet::from([month().previous()]),
        revision: 0,
    };
    assert!(ledger.store_sweep_state(&first, &full).await.unwrap());
    let read = ledger.sweep_state().await.unwrap();
    assert_eq!(read, SweepState { revision: 1, ..full });
    let nothing = SweepState::default();
    assert!(!ledger.store_sweep_state(&first, &nothing).await.unwrap(), "it was read before the other's");
    assert!(ledger.store_sweep_state(&read, &nothing).await.unwrap());
    assert_eq!(ledger.sweep_state().await.unwrap(), SweepState { revision: 2, ..nothing });
}

async fn a_server_belongs_to_one_scope<L: Ledger>(ledger: &L, elsewhere: &L) {
    assert_eq!(elsewhere.servers(month()).await.unwrap(), [], "a scope's index has its own servers only");
    assert_eq!(elsewhere.sweep_state().await.unwrap(), SweepState::default(), "and so has each its own watermark");
    let own = read_one(ledger, 3).await.unwrap();
    let is_clash = |error: &ServiceError| error.is_of_one_item && error.to_string().contains("belongs to");
    let read = elsewhere.read(month(), &[id(3)]).await.unwrap().remove(&id(3)).unwrap();
    assert!(is_clash(&read.unwrap_err()));
    assert!(is_clash(&elsewhere.write(None, &item(3, &[4])).await.unwrap_err()));
    assert!(is_clash(&elsewhere.record(&id(3), month(), &piece(6)).await.unwrap_err()));
    assert_eq!(read_one(ledger, 3).await, Some(own), "nothing of it is merged");
}

async fn a_servers_months_are_found_by_its_id(ledger: &(impl Ledger + KeptMonths), elsewhere: &impl KeptMonths) {
    let of = |month: Month| ServerMonth::new(id(30), month);
    let months = [month().previous().previous(), month().previous(), month()];
    for month in months {
        assert_eq!(ledger.write(None, &of(month)).await.unwrap(), LedgerWritten::Stored);
    }
    for asked in [ledger.months_of(&id(30), months[1]).await, elsewhere.months_of(&id(30), months[1]).await] {
        let kept = asked.unwrap().into_iter().map(|kept| (kept.month, kept.scope, kept.item.unwrap().month));
        let expected = months[1..].iter().map(|month| (*month, home(), *month));
        assert_eq!(kept.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "whichever scope asks");
    }
    assert!(ledger.months_of(&id(31), months[0]).await.unwrap().is_empty());
}

async fn a_run_counts_as_failed_until_it_ends_well(ledger: &impl Statuses) {
    let scopes = [home(), elsewhere()];
    let status = async || ledger.statuses(&scopes).await.unwrap().remove(&home());
    assert_eq!(status().await, None);
    ledger.begun(&home(), at(1)).await.unwrap();
    let mut expected = ScopeStatus { last_begun: Some(at(1)), failures_in_a_row: 1, ..ScopeStatus::default() };
    assert_eq!(status().await, Some(expected.clone()), "one that is killed says no more");
    let trouble = Trouble { kind: TroubleKind::RoleMissing, message: "no role".to_owned() };
    ledger.begun(&home(), at(2)).await.unwrap();
    ledger.ended(&home(), at(2), &Err(trouble.clone())).await.unwrap();
    expected = ScopeStatus {
        last_begun: Some(at(2)),
        failures_in_a_row: 2,
        last_trouble: Some(trouble),
        ..ScopeStatus::default()
    };
    assert_eq!(status().await, Some(expected));
    let figures = Figures {
        servers: 7,
        processed: 5,
        errors: 2,
        restless: 1,
        unreported: 2,
        disagreements: 3,
        span: Span { proven: "1234.56".parse().unwrap(), possible: "0.5".parse().unwrap() },
        lookups: 12,
        throttles: 3,
        unreadable: 1,
        complete: true,
        oldest_cache_age: TimeDelta::hours(2),
    };
    ledger.begun(&home(), at(3)).await.unwrap();
    ledger.ended(&home(), at(3), &Ok(figures)).await.unwrap();
    let last = Some(at(3));
    let expected = ScopeStatus { last_begun: last, last_success: last, figures, ..ScopeStatus::default() };
    assert_eq!(status().await, Some(expected));
    assert_eq!(ledger.statuses(&scopes).await.unwrap().len(), 1, "each scope has its own");
}

fn entry(revision: u64, hour: i64) -> CacheEntry {
    let span = Span { proven: "1234.56".parse().unwrap(), possible: Minutes::default() };
    CacheEntry { span, timestamp: at(hour), month: month(), running_since: Some(at(-50)), revision }
}

/// A cache, at first empty.
pub async fn cache(cache: &impl Cache) {
    let id = &id(1);
    let write = async |entry: &CacheEntry| cache.write(id, entry, WriteRule::Upsert).await.unwrap();
    assert_eq!(cache.read_one(id).await.unwrap(), None);
    assert_eq!(cache.write(id, &entry(1, 10), WriteRule::ExistingOnly).await.unwrap(), Written::Superseded);
    assert_eq!(cache.read_one(id).await.unwrap(), None, "an item that is gone is not made anew");

    assert_eq!(write(&entry(5, 10)).await, Written::Stored);
    assert_eq!(write(&entry(5, 10)).await, Written::Stored, "the same, tried again");
    let earlier = [entry(4, 10), entry(4, 11), entry(5, 9), CacheEntry { month: month().previous(), ..entry(9, 10) }];
    for earlier in earlier {
        assert_eq!(write(&earlier).await, Written::Superseded, "{earlier:?}");
    }
    assert_eq!(cache.read_one(id).await.unwrap(), Some(entry(5, 10)));
    let stopped = CacheEntry { running_since: None, ..entry(6, 9) };
    assert_eq!(write(&stopped).await, Written::Stored, "a later revision, though of an earlier instant");
    assert_eq!(cache.read_one(id).await.unwrap(), Some(stopped));
    assert_eq!(write(&entry(1, 12)).await, Written::Stored, "after a loss of the ledger revisions begin anew");
    let next = CacheEntry { month: month().next(), ..entry(1, 745) };
    assert_eq!(cache.write(id, &next, WriteRule::ExistingOnly).await.unwrap(), Written::Stored);
    let read = cache.read(&[id.clone(), self::id(2)]).await.unwrap();
    assert_eq!(read.into_iter().collect::<Vec<_>>(), [(id.clone(), next)]);
}

/// A fleet of at least one server.
pub async fn fleet(fleet: &impl Fleet, now: DateTime<Utc>) {
    let listed = fleet.list(now).await.unwrap();
    let first = listed.first().unwrap();
    let stranger: InstanceId = "i-0ffffffffffffffff".parse().unwrap();
    let found = fleet.find(&[first.id.clone(), stranger], now).await.unwrap();
    assert_eq!(found.into_values().collect::<Vec<_>>(), listed[..1], "as it is listed, and no other");
}

/// A trail that has evidence of a server within a window.
pub async fn trail(trail: &impl Trail, id: &InstanceId, window: Window) {
    assert!(trail.remembers_since(window.to) < window.from);
    let all = read_in_parts(trail.sweep(window), window).await;
    let own: Vec<&ServerEvidence> = all.iter().filter(|(server, _)| server == id).collect();
    assert!(!own.is_empty(), "no evidence of {id} in {window}");
    let looked_up = read_in_parts(trail.lookup(id, window), window).await;
    assert!(own.iter().all(|piece| looked_up.contains(piece)), "a lookup of one server reads what a sweep does");
}

/// Reads half of a window, and then the rest.
async fn read_in_parts(mut sweep: impl Sweep, window: Window) -> Vec<ServerEvidence> {
    let limits = Limits { deadline: tokio::time::Instant::now() + std::time::Duration::from_secs(60), lookups: 1_000 };
    let half = window.from + window.length() / 2;
    assert!(sweep.covered().is_empty(), "nothing is read before it is asked for");
    sweep.read_back_to(half, Limits { lookups: 0, ..limits }).await.unwrap();
    assert_eq!((sweep.cost().lookups, sweep.covered().is_empty()), (0, true), "no request more than the limit");
    sweep.read_back_to(half, limits).await.unwrap();
    let covered = sweep.covered();
    assert!(covered.from <= half && covered.to == window.to, "{covered} is read back to {half}");
    let mut all = sweep.take_evidence();
    assert!(all.iter().all(|(_, piece)| window.from <= piece.at && piece.at <= window.to));
    sweep.read_back_to(window.from, limits).await.unwrap();
    assert_eq!(sweep.covered(), window);
    let rest = sweep.take_evidence();
    assert!(rest.iter().all(|(_, piece)| piece.at <= covered.from), "what was taken is not handed over again");
    assert_eq!(sweep.take_evidence(), []);
    all.extend(rest);
    sweep.take_blind_spots();
    assert!(sweep.take_blind_spots().is_empty(), "and so is each blind spot");
    all
}
