//! The hourly calculation in `docs/BENCHMARKS.md`, and the counts that have to hold.

use anyhow::{Result, bail};

use crate::hourly::{Cost, Measured, SteadyHour};
use crate::one_by_one::OneByOne;
use crate::report::{self, table};

/// What is counted has to hold; what is timed is only told.
///
/// # Errors
/// Names the count that does not.
pub fn check(measured: &[Measured]) -> Result<()> {
    for Measured { servers, steady, as_unlimited, .. } in measured {
        if !as_unlimited {
            bail!("{servers} servers: the first runs did not end where an unlimited one does");
        }
        for hour in steady {
            check_hour(*servers, hour)?;
        }
    }
    Ok(())
}

fn check_hour(servers: usize, hour: &SteadyHour) -> Result<()> {
    let SteadyHour { cost: Cost { lookups, throttled, .. }, items_written, changed, .. } = hour;
    if *lookups > 12 || *throttled > 0 {
        bail!("{servers} servers: {lookups} lookups in a steady hour, {throttled} throttled");
    }
    if *items_written > changed + 10 || hour.stopped_items_changed > 0 {
        bail!("{servers} servers: {items_written} items written, of which {changed} had something new");
    }
    if others(hour) > most_others(servers) {
        bail!("{servers} servers: {} writes, {items_written} of them of items", hour.writes());
    }
    Ok(())
}

/// The writes of an hour that are none of items.
fn others(hour: &SteadyHour) -> u64 {
    hour.writes().saturating_sub(hour.items_written as u64)
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
        costs(|fleet| &fleet.typical_hour().cost),
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
        sweep.typical_hour().cost.lookups.to_string(),
    ]
}

fn targets(measured: &[Measured]) -> String {
    let Some(fleet) = measured.last() else { return String::new() };
    let Measured { servers, first, as_unlimited, index_throttles, .. } = fleet;
    let hour = fleet.typical_hour();
    let SteadyHour { cost: steady, cache_writes, items_written, changed, .. } = hour;
    let peak = steady.usage.peak_memory_kib as f64 / 1024.0;
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
            format!("{:.2}", others(hour) as f64 / *servers as f64),
            others(hour) <= most_others(*servers),
        ),
        (
            "time, at most 1.3 times that of the lookups and the cache's writes alone",
            format!("{:.2}", hour.times_the_floor()),
            hour.times_the_floor() <= 1.3,
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
    let (lookups, seconds) = (hour.lookups(), steady.seconds);
    let times: Vec<_> = fleet.steady.iter().map(|hour| format!("{:.2}", hour.times_the_floor())).collect();
    format!(
        "Targets at {servers} servers:\n\n{}\nThe run took {seconds:.1} s. Its lookups alone take {lookups:.1} s (two a second), and the cache's writes alone {cache_writes:.1} s, \
         by a process that does nothing else, measured right before and after it; the rest is {items_written} writes of items, with what they need to be folded. \
         All {} hours: {} times.\n",
        report::targets(rows),
        times.len(),
        times.join(", "),
    )
}

const HOURLY: &str = "The handler is a process of its own, wired as the deployed one but for the time: each run is about a
fixed instant, so that the month is 25 days old on any day (`test/bench/src/bin/calculate-at.rs`). EC2 and CloudTrail are the fleet
simulator: 2 lookups a second, 0.5 s a call, 50 records a page. DynamoDB is a stand-in on loopback. A third of the
servers runs twice a day, started and stopped by calls over 10 servers each; a third is always on, a third always off. \"EC2\",
\"reads\" and \"writes\" are requests to EC2 and DynamoDB. Seconds contain the start of the process. Of several steady hours,
one after another, the one in the middle is shown.
";

const MONTHS_END: &str = "The same fleet on the first and the second of the next month, after days in which no run was made and nothing happened.
";

const ONE_BY_ONE: &str = "The same month read by a `ResourceName` lookup for each server, at the same pace.
";
