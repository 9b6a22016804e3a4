//! Reports in `docs/BENCHMARKS.md`.

use std::time::Duration;

use crate::report::{percentile, table, verdict};
use crate::reports::Reports;

/// The most that a report may take beside its requests.
const TIMES: f64 = 1.5;
/// The most memory, in MiB.
const MEMORY: f64 = 128.0;

/// The section.
pub fn section(found: &Reports) -> String {
    let bare = seconds(&found.bare, 0.5);
    let row = |what: String, sample: &[Duration], answers: usize| {
        let median = seconds(sample, 0.5);
        let times = median / (bare * answers as f64);
        vec![
            what,
            (found.requests * answers as u64).to_string(),
            format!("{median:.3} s"),
            format!("{:.3} s", seconds(sample, 0.99)),
            format!("{times:.2}"),
            verdict(times <= TIMES).to_owned(),
        ]
    };
    let rows = [
        row("the page: 100 rows, totals of all".to_owned(), &found.page, 1),
        row(format!("all {} rows as CSV, in {} answers", found.rows, found.csv_answers), &found.csv, found.csv_answers),
        row("the requests alone".to_owned(), &found.bare, 1),
    ];
    let peak = found.usage.peak_memory_kib as f64 / 1024.0;
    let targets =
        [vec![format!("peak memory, under {MEMORY} MiB"), format!("{peak:.0} MiB"), verdict(peak < MEMORY).to_owned()]];
    format!(
        "## Reports\n\n{}{}\nFrom the start of the process to its first request for work: {:.2} ms.\n\n{}",
        INTRODUCTION.replace("{servers}", &found.servers.to_string()),
        table(&["", "requests", "median", "p99", "times the requests alone", ""], &rows),
        found.ready.as_secs_f64() * 1000.0,
        table(&["target", "found", ""], &targets),
    )
}

fn seconds(sample: &[Duration], rank: f64) -> f64 {
    percentile(sample, rank).as_secs_f64()
}

const INTRODUCTION: &str = "The fleet of {servers} servers with 100 pieces of evidence each this month, asked of `fleetReport` as a process, beside a
process that sends the same requests by the SDK's client and drops the answers, in turn. The table is a stand-in on
loopback. The target is 1.5 times the requests, by the medians.

";
