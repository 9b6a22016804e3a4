//! What asking CloudWatch takes, in `docs/BENCHMARKS.md`.

use crate::report;
use crate::witness::{AT_ONCE, Witnessed};

/// The section.
pub fn section(found: &Witnessed) -> String {
    let Witnessed { servers, without, with, runs, requests, least_requests, open, usage, .. } = found;
    let (floor, took) = (found.floor(), with - without);
    let peak = usage.peak_memory_kib as f64 / 1024.0;
    let rows = [
        (
            "requests to CloudWatch, at most 1.1 times the least",
            format!("{requests} of {least_requests}"),
            *requests as f64 <= 1.1 * *least_requests as f64,
        ),
        ("peak memory, under 150 MiB", format!("{peak:.0} MiB"), peak < 150.0),
    ];
    format!(
        "## Asking CloudWatch\n\nA first run over {servers} servers, each of which shuts itself down on each of 25 nights, so that each night is open. CloudTrail \
         is read as fast as it answers; a request to CloudWatch takes 0.2 s, {AT_ONCE} are under way at once.\n\n{}\n\
         Without CloudWatch the run took {without:.1} s, and {:.0} minutes stayed possible. Every value is there by then: CloudWatch is asked afterwards. \
         With it, {runs} run(s) took {with:.1} s, {took:.1} s more, and {:.0} minutes stayed possible. The least requests alone take {floor:.1} s; the rest is \
         the simulator, which counts {:.0} million points on the same cores, and every server's item and value being written once more.\n",
        report::targets(rows),
        open.0,
        open.1,
        found.points as f64 / 1e6,
    )
}
