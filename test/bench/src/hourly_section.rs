//! The hourly calculation in `docs/BENCHMARKS.md`, and the counts that have to hold.

use anyhow::{Result, bail};

use crate::hourly::{Cost, Measured};
use crate::one_by_one::OneByOne;
use crate::report::{self, table};

/// What is counted has to hold; what is timed is only told.
///
/// # Errors
/// Names the count that does not.
pub fn check(measured: &[Measured]) -> Result<()> {
    for Measured { servers, steady, stopped_items_changed, as_unlimited, items_written, changed, .. } in measured {
        if !as_unlimited {
            bail!("{servers} servers: the first runs did not end where an unlimited one does");
        }
        let writes = steady.tables.get("UpdateItem").copied().unwrap_or_default();
        if steady.lookups > 12 || steady.throttled > 0 {
            bail!("{servers} servers: {} lookups in a steady hour, {} throttled", steady.lookups, steady.throttled);
        }
        if *items_written > changed + 10 || *stopped_items_changed > 0 {
            bail!("{servers} servers: {items_written} items written, of which {changed} had something new");
        }
        if others(writes, *items_written) > most_others(*servers) {
            bail!("{servers} servers: {writes} writes, {items_written} of them of items");
        }
    }
    Ok(())
}

/// The writes of an hour that are none of items.
fn others(writes: u64, items_written: usize) -> u64 {
    writes.saturating_sub(items_written as u64)
}

/// Each server's cache entry, the watermark and the status.
fn most_others(servers: usize) -> u64 {
    servers as u64 + servers as u64 / 20 + 3
}

/// The section.
pub fn section(measured: &[Measured], one_by_one: &[OneByOne]) -> String {
    let costs = |cost: fn(&Measured) -> &Cost| {
        let rows: Vec<_> = measured.iter().map(|fleet| row(fleet.servers, cost(fleet))).collect();
        table(&HEADER, &rows)
    };
    let compared: Vec<_> = measured.iter().zip(one_by_one).map(|(sweep, single)| compared(sweep, single)).collect();
    let header = ["servers", "lookups, one by one", "seconds", "", "lookups, first run", "lookups, steady hour"];
    format!(
        "## The hourly calculation\n\n{HOURLY}\n### First run\n\n{}\n### Steady hour\n\n{}\n{}\n\
         ### Month's end\n\n{MONTHS_END}\nThe first hour of the next month, in which every server's item of both months is written:\n\n{}\n\
         A day later, when the month becomes final:\n\n{}\n\
         ### Beside one request per server\n\n{ONE_BY_ONE}\n{}",
        costs(|fleet| &fleet.first),
        costs(|fleet| &fleet.steady),
        targets(measured),
        costs(|fleet| &fleet.new_month),
        costs(|fleet| &fleet.final_month),
        table(&header, &compared),
    )
}

const HEADER: [&str; 11] = [
    "servers",
    "runs",
    "lookups",
    "throttled",
    "EC2",
    "reads",
    "writes",
    "seconds",
    "longest run, s",
    "CPU, s",
    "peak, MiB",
];

fn row(servers: usize, cost: &Cost) -> Vec<String> {
    let of = |operation| cost.tables.get(operation).copied().unwrap_or_default();
    let reads = of("GetItem") + of("BatchGetItem") + of("Query");
    let mut cells: Vec<String> =
        [servers as u64, cost.runs, cost.lookups, cost.throttled, cost.describes, reads, of("UpdateItem")]
            .map(|count| count.to_string())
            .into();
    cells.extend([cost.seconds, cost.longest_run].map(|seconds| format!("{seconds:.1}")));
    cells.push(format!("{:.2}", cost.usage.cpu.as_secs_f64()));
    cells.push(format!("{:.0}", cost.usage.peak_memory_kib as f64 / 1024.0));
    cells
}

fn compared(sweep: &Measured, single: &OneByOne) -> Vec<String> {
    vec![
        sweep.servers.to_string(),
        single.lookups.to_string(),
        format!("{:.0}", single.seconds),
        (if single.measured { "measured" } else { "computed" }).to_owned(),
        sweep.first.lookups.to_string(),
        sweep.steady.lookups.to_string(),
    ]
}

fn targets(measured: &[Measured]) -> String {
    let Some(fleet) = measured.last() else { return String::new() };
    let Measured {
        servers, steady, first, as_unlimited, items_written, changed, index_throttles, cache_writes, ..
    } = fleet;
    let writes = steady.tables.get("UpdateItem").copied().unwrap_or_default();
    let peak = steady.usage.peak_memory_kib as f64 / 1024.0;
    let floor = steady.lookups as f64 / 2.0 + cache_writes;
    let rows = [
        ("lookups, at most 12", steady.lookups.to_string(), steady.lookups <= 12),
        ("throttled, none", steady.throttled.to_string(), steady.throttled == 0),
        ("CPU, under 5 s", format!("{:.2} s", steady.usage.cpu.as_secs_f64()), steady.usage.cpu.as_secs_f64() < 5.0),
        ("peak memory, under 100 MiB", format!("{peak:.0} MiB"), peak < 100.0),
        (
            "items written: at most those of servers to which something happened, and 10",
            format!("{items_written} of {changed}"),
            *items_written <= changed + 10,
        ),
        (
            "all other writes, at most 1.05 per server",
            format!("{:.2}", others(writes, *items_written) as f64 / *servers as f64),
            others(writes, *items_written) <= most_others(*servers),
        ),
        (
            "time, at most 1.3 times that of the lookups and the cache's writes alone",
            format!("{:.2}", steady.seconds / floor),
            steady.seconds <= 1.3 * floor,
        ),
        (
            "writes that the index did not take, in all runs up to the month's end, none",
            index_throttles.to_string(),
            *index_throttles == 0,
        ),
        (
            "first run: no run past its deadline of 290 s",
            format!("{:.1} s", first.longest_run),
            first.longest_run < 290.0,
        ),
        ("first run: the numbers of one unlimited run", format!("after {} runs", first.runs), *as_unlimited),
    ];
    let (lookups, seconds) = (steady.lookups as f64 / 2.0, steady.seconds);
    format!(
        "Targets at {servers} servers:\n\n{}\nThe run took {seconds:.1} s. Its lookups alone take {lookups:.1} s (two a second), and the cache's writes alone {cache_writes:.1} s, \
         by a process that does nothing else; the rest is {items_written} writes of items, with what they need to be read and folded.\n",
        report::targets(rows),
    )
}

const HOURLY: &str = "The handler is a process of its own, wired as the deployed one but for the time: each run is about a
fixed instant, so that the month is 25 days old on any day (`test/bench/src/bin/calculate-at.rs`). EC2 and CloudTrail are the fleet
simulator: 2 lookups a second, 0.5 s a call, 50 records a page. DynamoDB is a stand-in on loopback. A third of the
servers runs twice a day, started and stopped by calls over 10 servers each; a third is always on, a third always off. \"EC2\",
\"reads\" and \"writes\" are requests to EC2 and DynamoDB. Seconds contain the start of the process.
";

const MONTHS_END: &str = "The same fleet on the first and the second of the next month, after days in which no run was made and nothing happened.
";

const ONE_BY_ONE: &str = "The same month read by a `ResourceName` lookup for each server, at the same pace.
";
