//! CloudTrail records through parse and fold, in one thread: how many a second, and what scanning their JSON alone takes.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use fleet_simulator::calls::{Action, Call};
use fleet_simulator::records::render::Source;
use fleet_simulator::scenario;
use fleet_simulator::server::Server;
use fleet_simulator::world::{Happening, World};
use serde::de::IgnoredAny;
use uptime::{Coverage, Evidence, InstanceId, Month, ServerMonth, Window, read_record};

use crate::hourly::now;
use crate::report::{table, verdict};

const SERVERS: usize = 500;
const PASSES: u32 = 8;

/// Records a second.
pub struct Throughput {
    /// How many were read.
    pub records: usize,
    /// Their average size.
    pub bytes_per_record: usize,
    /// Parsed, and folded into each server's month.
    pub parse_and_fold: f64,
    /// Parsed only.
    pub parse: f64,
    /// Their JSON scanned by serde_json, and nothing kept: the floor.
    pub scan: f64,
}

/// Measures it over a month of starts and stops, each a call of its own.
///
/// # Errors
/// Where a record cannot be read.
pub fn measure() -> Result<Throughput> {
    let now = now()?;
    let records = records(now);
    let each = |pass: &dyn Fn() -> Result<()>| -> Result<f64> {
        // Warm: caches, branch predictors, the allocator.
        pass()?;
        let begun = Instant::now();
        for _ in 0..PASSES {
            pass()?;
        }
        Ok(records.len() as f64 * f64::from(PASSES) / begun.elapsed().as_secs_f64())
    };
    let bytes: usize = records.iter().map(String::len).sum();
    Ok(Throughput {
        records: records.len(),
        bytes_per_record: bytes / records.len(),
        parse_and_fold: each(&|| parse_and_fold(&records, now))?,
        parse: each(&|| {
            records.iter().try_for_each(|record| read_record(record, &[]).map(|told| drop(black_box(told))))?;
            Ok(())
        })?,
        scan: each(&|| {
            records.iter().try_for_each(|record| {
                serde_json::from_str::<IgnoredAny>(record).map(|it| {
                    black_box(it);
                })
            })?;
            Ok(())
        })?,
    })
}

/// The section of `docs/BENCHMARKS.md`.
pub fn section(told: &Throughput) -> String {
    let rate = |what: &str, rate: f64| vec![what.to_owned(), format!("{:.0}", rate / 1000.0)];
    let rows = [
        rate("parsed and folded into each server's month", told.parse_and_fold),
        rate("parsed only", told.parse),
        rate("JSON scanned by serde_json and dropped: the floor", told.scan),
    ];
    let share = |rate: f64| 100.0 * told.parse_and_fold / rate;
    format!(
        "## Parse and fold\n\n{} records of {} bytes on average, one thread, warm. The target is 200,000 records a second: {}.\n\n{}\n\
         Of the time of parse and fold, scanning the JSON is {:.0} %, all of parsing {:.0} %, and folding the rest.\n",
        told.records,
        told.bytes_per_record,
        verdict(told.parse_and_fold >= 200_000.0),
        table(&["", "thousand records a second"], &rows),
        share(told.scan),
        share(told.parse),
    )
}

fn parse_and_fold(records: &[String], now: DateTime<Utc>) -> Result<()> {
    let mut evidence: HashMap<InstanceId, Vec<Evidence>> = HashMap::new();
    for record in records {
        for (id, told) in read_record(record, &[])? {
            evidence.entry(id).or_default().push(told);
        }
    }
    let month = Month::of(now);
    let covered = Coverage::none().with(Window::new(month.start() - TimeDelta::days(7), now));
    ensure!(evidence.len() == SERVERS, "{} servers", evidence.len());
    for (id, told) in evidence {
        let mut item = ServerMonth::new(id, month);
        item.learn(told, &covered);
        black_box(item.summarize(now));
    }
    Ok(())
}

/// Two runs a day of each server, each start and each stop a record.
fn records(now: DateTime<Utc>) -> Vec<String> {
    let options = account::options(&[]);
    let mut world = World::new(options.rules());
    let tags = || scenario::tags(("App", "demo"), "bench");
    for n in 0..SERVERS {
        let key = world.add_server(Server::new(format!("i-{n:017x}"), tags()));
        let begin = Month::of(now).start() - TimeDelta::days(7) + TimeDelta::seconds(n as i64);
        world.plan(begin, Happening::Call(Call::new(Action::Run, vec![key])));
        for half_day in 0..64 {
            let start = begin + TimeDelta::hours(12 * half_day + 1);
            world.plan(start, Happening::Call(Call::new(Action::STOP, vec![key])));
            world.plan(start + TimeDelta::hours(6), Happening::Call(Call::new(Action::Start, vec![key])));
        }
    }
    world.advance(now);
    let source = Source { servers: world.servers(), place: world.place(), seed: world.rules().seed };
    world.trail().entries().iter().map(|entry| source.record(entry).to_string()).collect()
}
