//! While the trail is waited for, items are read and folded as if it told nothing. What follows is the same as without.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use doubles::{Failure, InMemoryTrail};
use fleet_simulator::dice::Dice;
use serde_json::json;
use uptime::InstanceState::{Running, Stopped};
use uptime::{Evidence, Fact, InstanceId, Observation};
use uptime_ledger::ports::Ledger;

use crate::support::lives::{HOURS, Life, begin};
use crate::support::{Call, Tables, at, call, every_other_runs, id, seen, trail};

const SERVERS: u32 = 6;

/// Longer than most records of CloudTrail take, and shorter than what is read once more.
const LATEST: TimeDelta = TimeDelta::minutes(50);

/// Items come so late that the trail, which is in memory, is read before the first of them is there.
const LATER_THAN_THE_TRAIL: Failure = Failure::Slow(Duration::from_millis(1));

/// Hours of the same fleet, in one of which items are there before the trail is and in the other after it. In some of them
/// CloudTrail is not read whole, or further back than planned, or has records that cannot be read; some items cannot be read or
/// written.
async fn speculating_changes_nothing(seed: u64) -> usize {
    let mut dice = Dice::new(seed);
    let lives: Vec<Life> = (0..SERVERS).map(|_| Life::random(&mut dice)).collect();
    let (early, late) = (Tables::default(), Tables::default());
    let evidence = lives.iter().zip(1..).flat_map(|(life, n)| life.evidence(n)).collect();
    let all = InMemoryTrail { evidence, lookups_per_read: 6, ..InMemoryTrail::default() };
    let mut spared = 0;
    for hour in 0..HOURS {
        let now = begin() + TimeDelta::hours(hour) + TimeDelta::seconds(dice.between(0, 60));
        if dice.chance(15) {
            continue;
        }
        let fleet: Vec<Observation> = lives.iter().zip(1..).filter_map(|(life, n)| life.observed(n, now)).collect();
        let trail = known_at(now, &all, &mut dice);
        let sick = dice.chance(10).then(|| if dice.chance(50) { Call::ReadItems } else { Call::WriteItem });
        let who = u32::try_from(dice.between(1, SERVERS.into())).unwrap();
        for tables in [&early, &late] {
            tables.faults.clear();
            if let Some(call) = sick {
                tables.fail_for(who, call, Failure::ItemAtFault);
            }
        }
        late.fail(Call::ReadItems, LATER_THAN_THE_TRAIL);
        if dice.chance(50) {
            late.fail(Call::ListServers, LATER_THAN_THE_TRAIL);
        }
        let outcomes = [&early, &late].map(|tables| tables.handled(now, &fleet, &trail, json!({}), 300));
        let [early_outcome, late_outcome] = outcomes;
        let bodies =
            [early_outcome.await, late_outcome.await].map(|handled| handled.outcome.map(crate::support::body).ok());
        assert_eq!(bodies[0], bodies[1], "seed {seed}, {now}");
        assert_eq!(*early.cache.entries(), *late.cache.entries(), "seed {seed}, {now}");
        assert_eq!(*early.ledger.items(), *late.ledger.items(), "seed {seed}, {now}");
        assert_eq!(early.ledger.state(), late.ledger.state(), "seed {seed}, {now}");
        let [early_reads, late_reads] = [&early, &late].map(|tables| tables.ledger.take_reads().len());
        spared += (2 * late_reads).saturating_sub(early_reads);
    }
    spared
}

/// What the trail has by an instant, with its trouble.
fn known_at(now: DateTime<Utc>, all: &InMemoryTrail, dice: &mut Dice) -> InMemoryTrail {
    let delivered_at = |piece: &Evidence| piece.at + TimeDelta::seconds(piece.at.timestamp() % LATEST.num_seconds());
    let evidence = all.evidence.iter().filter(|(_, piece)| delivered_at(piece) <= now).cloned().collect();
    let ends_at = dice.chance(10).then(|| now - TimeDelta::minutes(dice.between(1, 90)));
    let unreadable = dice.chance(10).then(|| ("StartInstances", now - TimeDelta::minutes(dice.between(1, 90))));
    let reads_further = TimeDelta::minutes(if dice.chance(30) { dice.between(0, 1_000) } else { 0 });
    InMemoryTrail { evidence, ends_at, unreadable: unreadable.into_iter().collect(), reads_further, ..all.clone() }
}

#[tokio::test(start_paused = true)]
async fn what_is_read_while_the_trail_is_waited_for_counts_as_what_is_read_after_it() {
    let mut spared = 0;
    for seed in 1..=80 {
        spared += speculating_changes_nothing(seed).await;
    }
    assert!(spared > 5_000, "speculation held for {spared} items only");
}

/// Whose items are read in the last of three hours, each time anew; all of them are cached.
async fn read_in_the_third_hour(trail: &InMemoryTrail, fleet: impl Fn(&str) -> Vec<Observation>) -> Vec<InstanceId> {
    let tables = Tables::default();
    for now in ["2025-10-11T09:00:00Z", "2025-10-11T10:00:00Z", "2025-10-11T11:00:00Z"] {
        tables.ledger.take_reads();
        tables.run(now, &fleet(now), trail).await;
        assert!(tables.cache.entries().values().all(|entry| entry.timestamp == at(now)));
    }
    let mut read = tables.ledger.take_reads();
    read.sort();
    read
}

/// The whole fleet, and some servers once more.
fn each_and(more: impl IntoIterator<Item = u32>) -> Vec<InstanceId> {
    let mut ids: Vec<_> = (1..=40).chain(more).map(id).collect();
    ids.sort();
    ids
}

#[tokio::test(start_paused = true)]
async fn only_items_of_which_the_trail_tells_something_new_are_read_again() {
    let trail = trail(&[(7, "2025-10-11T10:30:00Z stopped CloudTrail StopInstances 1")]);
    assert_eq!(read_in_the_third_hour(&trail, every_other_runs).await, each_and([7]));
}

/// What happened in the hour before is read once more, for what may have come late.
#[tokio::test(start_paused = true)]
async fn what_an_item_has_been_told_already_is_nothing_new() {
    let trail = trail(&[(7, "2025-10-11T09:30:00Z stopped CloudTrail StopInstances 1")]);
    assert_eq!(read_in_the_third_hour(&trail, every_other_runs).await, each_and([]));
}

/// Server 8 was stopped at half past ten.
fn one_stops(now: &str) -> Vec<Observation> {
    let mut fleet = every_other_runs(now);
    if now >= "2025-10-11T10:30:00Z" {
        fleet[7].state = Stopped;
    }
    fleet
}

#[tokio::test(start_paused = true)]
async fn an_item_that_has_to_be_written_anyway_is_kept_until_then() {
    let stop = (8, "2025-10-11T10:30:00Z stopped CloudTrail StopInstances 1");
    for trail in [trail(&[]), trail(&[stop])] {
        assert_eq!(read_in_the_third_hour(&trail, one_stops).await, each_and([]));
    }
}

#[tokio::test(start_paused = true)]
async fn of_many_large_items_that_have_to_be_written_not_all_are_in_memory() {
    const MANY: u32 = 2_000;
    let tables = Tables::default();
    let fleet = |state, now| (1..=MANY).map(|n| seen(n, state, "2025-10-01T00:00:00Z", now)).collect::<Vec<_>>();
    let runs = |n| (0..50).flat_map(move |run| [call(n, Fact::Started, 2 * run), call(n, Fact::Stopped, 2 * run + 1)]);
    let evidence = (1..=MANY).flat_map(runs).collect();
    let trail = InMemoryTrail { evidence, lookups_per_read: 6, ..InMemoryTrail::default() };
    for (state, now) in
        [(Running, "2025-10-11T09:00:00Z"), (Running, "2025-10-11T10:00:00Z"), (Stopped, "2025-10-11T11:00:00Z")]
    {
        tables.ledger.take_reads();
        tables.run(now, &fleet(state, now), &trail).await;
    }
    let read = tables.ledger.take_reads().len();
    assert!((2_200..3_800).contains(&read), "{read} items were read");
    assert!((1..=MANY).all(|n| tables.item(n, "2025-10").sighting.unwrap().at == at("2025-10-11T11:00:00Z")));
}

/// Server 8 is seen stopped, and an event tells the second of it while the trail is waited for.
#[tokio::test(start_paused = true)]
async fn what_is_written_while_an_item_is_kept_stays() {
    let (tables, trail) = (Tables::default(), trail(&[]));
    for now in ["2025-10-11T09:00:00Z", "2025-10-11T10:00:00Z"] {
        tables.run(now, &one_stops(now), &trail).await;
    }
    tables.fail(Call::Sweep, Failure::Slow(Duration::from_secs(2)));
    let event = "2025-10-11T10:30:00Z stopped state-change 1".parse().unwrap();
    let ledger = &tables.ledger;
    let told = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        ledger.record(&id(8), "2025-10".parse().unwrap(), &event).await.unwrap();
    };
    let now = "2025-10-11T11:00:00Z";
    let fleet = one_stops(now);
    futures::join!(tables.run(now, &fleet, &trail), told);
    assert!(tables.item(8, "2025-10").evidence.contains(&event));
    let entry = &tables.cache.entries()[&id(8)];
    let ran = at("2025-10-11T10:30:00Z") - at("2025-10-05T00:00:00Z");
    assert_eq!((entry.span.proven.as_f64(), entry.span.possible.as_f64()), (ran.num_minutes() as f64, 0.0));
}

/// It was none of the servers for a while, so that the sweeps of that time were not its own.
#[tokio::test(start_paused = true)]
async fn what_is_read_further_back_than_planned_tells_of_a_server_that_came_back() {
    let possible = async |late: bool| {
        let tables = Tables::default();
        if late {
            tables.fail(Call::ReadItems, LATER_THAN_THE_TRAIL);
        }
        let other = |now: &str| seen(2, Running, "2025-10-05T00:00:00Z", now);
        let stopped = |now: &str| Observation {
            transition_reason: Some("User initiated (2025-10-06 00:00:00 GMT)".to_owned()),
            ..seen(1, Stopped, "2025-10-05T00:00:00Z", now)
        };
        let started = |now: &str| Observation {
            created_at: Some(at("2025-10-05T00:00:00Z")),
            ..seen(1, Running, "2025-10-11T12:30:00Z", now)
        };
        for hour in ["08", "09", "10", "11", "12", "13", "14"] {
            let now = &format!("2025-10-11T{hour}:00:00Z");
            let fleet = match hour {
                "08" | "09" => vec![stopped(now), other(now)],
                "10" | "11" | "12" => vec![other(now)],
                _ => vec![started(now), other(now)],
            };
            let reads_further = TimeDelta::hours(if hour == "14" { 6 } else { 0 });
            tables.run(now, &fleet, &InMemoryTrail { reads_further, ..trail(&[]) }).await;
        }
        tables.cache.entries()[&id(1)].span.possible.as_f64()
    };
    let (early, late) = (possible(false).await, possible(true).await);
    assert_eq!((early, late), (0.0, 0.0));
}
