//! A look is kept once for all servers, and tells all that it would in each server's item.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use doubles::{Failure, InMemoryTrail};
use fleet_simulator::dice::Dice;
use serde_json::json;
use uptime::InstanceState::{Running, Terminated};
use uptime::{CacheEntry, InstanceId, Month, Observation, Span};
use uptime_ledger::ports::SweepState;

use crate::support::lives::{HOURS, Life, begin};
use crate::support::{Call, Tables, at, every_other_runs, id, seen, trail};

const SERVERS: u32 = 6;

/// What one of both ways has kept.
struct Way {
    tables: Tables,
    /// Every look is written into every item, as if none were shared.
    looks_in_items: bool,
}

impl Way {
    async fn run(&self, now: DateTime<Utc>, fleet: &[Observation], trail: &InMemoryTrail, seconds: u64) {
        let _ = self.tables.handled(now, fleet, trail, json!({}), seconds).await;
        if !self.looks_in_items {
            return;
        }
        let state = self.tables.ledger.state();
        for item in self.tables.ledger.items().values_mut() {
            let mut seen = item.clone();
            seen.assume_swept(&state.for_server(&item.id, &[item.month]));
            let seen_at = seen.sighting.as_ref().map(|sighting| sighting.at).filter(|at| *at < item.month.end());
            let before = item.summary.as_ref().map(|summary| summary.as_of);
            item.sighting.clone_from(&seen.sighting);
            if let Some(seen_at) = seen_at.filter(|at| !item.is_final && item.left_at.is_none() && Some(*at) > before) {
                seen.summarize(seen_at);
                item.summary = seen.summary;
            }
        }
        self.tables.ledger.set_state(SweepState { looks: Vec::new(), ..state });
    }

    fn cached(&self) -> BTreeMap<InstanceId, CacheEntry> {
        let entries = self.tables.cache.entries();
        entries.iter().map(|(id, entry)| (id.clone(), CacheEntry { revision: 0, ..entry.clone() })).collect()
    }

    fn spans(&self, month: Month) -> BTreeMap<InstanceId, Span> {
        let items = self.tables.ledger.items();
        items.values().filter(|item| item.month == month).map(|item| (item.id.clone(), item.span())).collect()
    }
}

/// The same hours kept in both ways: some are missed, some runs are cut short, some items cannot be written.
async fn both_ways_agree(seed: u64) {
    let mut dice = Dice::new(seed);
    let lives: Vec<Life> = (0..SERVERS).map(|_| Life::random(&mut dice)).collect();
    let ways = [false, true].map(|looks_in_items| Way { tables: Tables::default(), looks_in_items });
    let evidence = lives.iter().zip(1..).flat_map(|(life, n)| life.evidence(n)).collect();
    let all = InMemoryTrail { evidence, lookups_per_read: 6, ..InMemoryTrail::default() };
    for hour in 0..HOURS {
        let now = begin() + TimeDelta::hours(hour) + TimeDelta::seconds(dice.between(0, 60));
        if dice.chance(15) {
            continue;
        }
        let fleet: Vec<Observation> = lives.iter().zip(1..).filter_map(|(life, n)| life.observed(n, now)).collect();
        let delivered = all.evidence.iter().filter(|(_, piece)| piece.at <= now).cloned().collect();
        let trail = InMemoryTrail { evidence: delivered, ..all.clone() };
        let (sick, cut_short) = (dice.chance(10), dice.chance(10));
        let who = u32::try_from(dice.between(1, SERVERS.into())).unwrap();
        for way in &ways {
            way.tables.faults.clear();
            if sick {
                way.tables.fail_for(who, Call::WriteItem, Failure::ItemAtFault);
            }
            if cut_short {
                way.tables.fail_for(who, Call::WriteCache, Failure::Slow(Duration::from_secs(100)));
            }
            way.run(now, &fleet, &trail, 60).await;
        }
        assert_eq!(ways[0].cached(), ways[1].cached(), "seed {seed}, {now}, {}", sick || cut_short);
    }
    for month in ["2025-10", "2025-11"] {
        let month = month.parse().unwrap();
        assert_eq!(ways[0].spans(month).len(), ways[1].spans(month).len());
    }
    let october: Month = "2025-10".parse().unwrap();
    assert_eq!(ways[0].spans(october), ways[1].spans(october), "seed {seed}: the month that is over");
}

#[tokio::test(start_paused = true)]
async fn a_shared_look_tells_what_one_in_each_item_would() {
    for seed in 1..=150 {
        both_ways_agree(seed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_hour_in_which_nothing_happens_writes_no_item_and_every_cache_entry() {
    let tables = Tables::default();
    for first in ["2025-10-11T09:00:00Z", "2025-10-11T10:00:00Z"] {
        tables.run(first, &every_other_runs(first), &trail(&[])).await;
    }
    tables.ledger.take_writes();
    tables.cache.written().clear();
    tables.run("2025-10-11T11:00:00Z", &every_other_runs("2025-10-11T11:00:00Z"), &trail(&[])).await;
    assert_eq!((tables.ledger.take_writes(), tables.cache.written().len()), (0, 40));
    let mut changed = every_other_runs("2025-10-11T12:00:00Z");
    changed[1].state = Terminated;
    tables.run("2025-10-11T12:00:00Z", &changed, &trail(&[])).await;
    assert_eq!(tables.ledger.take_writes(), 1, "who was seen otherwise");
    let span = tables.cache.entries()[&id(2)].span;
    assert_eq!(span.possible.as_f64(), 60.0, "since the look of the hour before, which no item has");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_its_deadline_stops_still_notes_how_far_it_got() {
    let tables = Tables::default();
    let servers: Vec<Observation> = (1..=40).map(|n| seen(n, Running, "2025-10-05T00:00:00Z", NOON)).collect();
    (30..=40).for_each(|n| tables.fail_for(n, Call::WriteCache, Failure::Slow(Duration::from_secs(100))));
    tables.fail(Call::WriteSweepState, Failure::Slow(Duration::from_secs(1)));
    tables.fail(Call::ReadSweepState, Failure::Slow(Duration::from_millis(100)));
    let body = tables.run_within(60, at(NOON), &servers, &trail(&[])).await.unwrap();
    assert!(body["remaining"].as_u64().unwrap() > 0, "{body}");
    let looks = tables.ledger.state().looks;
    assert_eq!((looks.len(), looks[0].shows(&id(1)), looks[0].shows(&id(35))), (1, true, false));
}

const NOON: &str = "2025-10-11T12:00:00Z";
