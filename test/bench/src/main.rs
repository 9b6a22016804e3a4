//! `npm run bench`: what the handlers cost, printed and written to `docs/BENCHMARKS.md`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use bench::one_by_one::OneByOne;
use bench::{
    cold_start, folding, hourly, hourly_section, one_by_one, program, reports, reports_section, state_changes_section,
    warm_answers, witness, witness_section,
};
use clap::Parser;

/// Measures the handlers.
#[derive(Parser)]
struct Arguments {
    /// Only small fleets and few repetitions, and nothing is written.
    #[arg(long)]
    quick: bool,
    /// Where the tables are written.
    #[arg(long, default_value = "docs/BENCHMARKS.md")]
    output: PathBuf,
}

/// The largest fleet that is read one by one: each server takes half a second.
const MOST_ONE_BY_ONE: usize = 100;

const INTRODUCTION: &str = "# Benchmarks

Written by `npm run bench`, which measures all of it in one run. Requests are counted, and a count that is above its
target makes the command fail; times depend on the machine, and are only told.
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let (sizes, repetitions): (&[usize], _) =
        if arguments.quick { (&[10, 100], 10) } else { (&[10, 100, 1_000, 10_000], 50) };
    let calls = if arguments.quick { 100 } else { 2_000 };
    eprintln!("warm answers …");
    let warm = warm_answers::measure(calls).await?;
    eprintln!("cold starts …");
    let cold = cold_start::measure(repetitions, calls).await?;
    eprintln!("reports …");
    let reports =
        reports::measure(if arguments.quick { 100 } else { 10_000 }, if arguments.quick { 3 } else { 20 }).await?;
    eprintln!("parse and fold …");
    let throughput = folding::measure()?;
    let binary = program("calculate-at")?;
    let (mut measured, mut one_by_one) = (Vec::new(), Vec::<OneByOne>::new());
    for &servers in sizes {
        eprintln!("{servers} servers …");
        measured.push(hourly::measure(&binary, servers).await?);
        one_by_one.push(match one_by_one.last() {
            Some(last) if servers > MOST_ONE_BY_ONE => last.scaled_to(servers),
            _ => one_by_one::measure(servers).await?,
        });
    }
    eprintln!("CloudWatch …");
    let witnessed = witness::measure(&binary, if arguments.quick { 100 } else { 10_000 }).await?;
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let text = format!(
        "{INTRODUCTION}\nMeasured on a machine with {cores} cores.\n\n{}\n{}\n{}\n{}\n{}",
        hourly_section::section(&measured, &one_by_one),
        witness_section::section(&witnessed),
        folding::section(&throughput),
        state_changes_section::section(&warm, &cold)?,
        reports_section::section(&reports),
    );
    println!("{text}");
    if !arguments.quick {
        std::fs::write(&arguments.output, &text)
            .with_context(|| format!("cannot write {}", arguments.output.display()))?;
    }
    hourly_section::check(&measured)
}
