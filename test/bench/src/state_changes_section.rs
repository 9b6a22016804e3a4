//! State changes in `docs/BENCHMARKS.md`.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::cold_start::{ColdStart, Starts};
use crate::report::{percentile, table, verdict};
use crate::warm_answers::{Answers, ByState};

/// The section.
///
/// # Errors
/// Where nothing was measured.
pub fn section(warm: &ByState, cold: &ColdStart) -> Result<String> {
    let calls = warm.values().next().context("no answers")?.handled.len();
    let rows = [
        answers(warm, "pending", "nothing to record: what is cached is answered, one `GetItem`")?,
        answers(
            warm,
            "running",
            "recorded, folded, cached: an `UpdateItem` for each table, the second needs what the first returns",
        )?,
    ];
    let header = ["event", "round trips", "median", "p99", "median, bare", "p99, bare", "times the bare", ""];
    Ok(format!(
        "## State changes\n\n### Warm answers\n\n{}{}\n### Cold start\n\n{COLD}\n{}\n{}\n### Size\n\n{}",
        WARM.replace("{calls}", &calls.to_string()),
        table(&header, &rows),
        starts(cold),
        cold_targets(cold),
        size(cold),
    ))
}

fn answers(warm: &ByState, state: &str, what: &str) -> Result<Vec<String>> {
    let Answers { round_trips, handled, bare } = warm.get(state).with_context(|| format!("no answers to {state}"))?;
    let times = |sample: &[u64]| [0.5, 0.99].map(|rank| percentile(sample, rank) as f64 / 1000.0);
    let (handled, bare) = (times(handled), times(bare));
    let ratio = handled[0] / bare[0];
    let mut row = vec![format!("`{state}`: {what}"), round_trips.to_string()];
    row.extend(handled.iter().chain(&bare).map(|time| format!("{time:.0} µs")));
    row.extend([format!("{ratio:.2}"), verdict(ratio <= 1.3).to_owned()]);
    Ok(row)
}

fn milliseconds(sample: &[Duration], rank: f64) -> f64 {
    percentile(sample, rank).as_secs_f64() * 1000.0
}

fn starts(cold: &ColdStart) -> String {
    let row = |what: &str, starts: &Starts| {
        let mut row = vec![what.to_owned()];
        for sample in [&starts.ready, &starts.first_answer, &starts.in_all] {
            row.extend([0.5, 0.99].map(|rank| format!("{:.2}", milliseconds(sample, rank))));
        }
        row
    };
    let rows = [
        row("a handler that does nothing, without SDK", &cold.idle),
        row("`event-response`, connection not opened", &cold.unopened),
        row("`event-response` as deployed: opened during the cold start", &cold.opened),
    ];
    let header = [
        "ms",
        "start to first request for work",
        "p99",
        "event to first answer",
        "p99",
        "start to first answer",
        "p99",
    ];
    table(&header, &rows)
}

fn cold_targets(cold: &ColdStart) -> String {
    let median = |sample: &[Duration]| milliseconds(sample, 0.5);
    let ratio = median(&cold.unopened.ready) / median(&cold.idle.ready);
    format!(
        "Before the connection is opened, the cold start takes {ratio:.2} times that of the handler that does nothing; the target \
         is 2.5: {}. The connection is opened {:.2} ms after the start, and that takes {:.2} ms off the first answer.\n",
        verdict(ratio <= 2.5),
        median(&cold.opened.connected),
        median(&cold.unopened.first_answer) - median(&cold.opened.first_answer),
    )
}

fn size(cold: &ColdStart) -> String {
    let peak = cold.usage.peak_memory_kib as f64 / 1024.0;
    let what = format!("peak memory after {} answers, under 40 MiB", cold.calls);
    let row = vec![what, format!("{peak:.2} MiB"), verdict(peak < 40.0).to_owned()];
    table(&["target", "found", ""], &[row])
        + "\nThe deployed binary is another one, whose size `npm run test:aws` checks: [ADR 0016](adr/0016-a-small-binary-that-starts-fast.md).\n"
}

const WARM: &str = "The time of the handler's function, over {calls} calls each on servers with 100 pieces of evidence this month, beside the
same requests sent again by the SDK's client alone to a copy of the tables. The tables are a stand-in on loopback, in a thread of
its own; the handler logs as deployed. The round trips are the least that the contract allows: one write for each table.
A `stopping` in an hour not swept yet costs two more, a `DescribeInstances` for the last start and a write of what it told
([ADR 0015](adr/0015-events-answer-as-of-what-was-told.md)). The target is 1.3 times the bare requests, by the medians.

";

const COLD: &str = "From the start of the process, on loopback, over TLS with the system's certificates and one more; medians and p99, the
programs in turn. The handler without SDK answers without a table.
";
