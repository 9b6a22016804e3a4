//! `npm run bench`: what the handlers cost, printed and written to `docs/BENCHMARKS.md`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use bench::one_by_one::OneByOne;
use bench::{
    cold_start, folding, hourly, hourly_section, one_by_one, program, reports, reports_section, state_changes_section,
    warm_answers, witness, witness_section,
};
use clap::{Parser, ValueEnum};

/// Measures the handlers.
#[derive(Parser)]
struct Arguments {
    /// Only small fleets and few repetitions, and nothing is written.
    #[arg(long)]
    quick: bool,
    /// Only this section, and nothing is written.
    #[arg(long)]
    only: Option<Section>,
    /// Where the tables are written.
    #[arg(long, default_value = "docs/BENCHMARKS.md")]
    output: PathBuf,
}

/// A section of the document, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Section {
    Hourly,
    CloudWatch,
    Folding,
    StateChanges,
    Reports,
}

/// The largest fleet that is read one by one: each server takes half a second.
const MOST_ONE_BY_ONE: usize = 100;

const INTRODUCTION: &str = "# Benchmarks

Written by `npm run bench`; `npm run bench -- --only reports` measures one section alone. Requests are counted, and a count that is above its
target makes the command fail; times depend on the machine, and are only told.
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut text = format!("{INTRODUCTION}\nMeasured on a machine with {} cores.\n", cores());
    let mut held = Ok(());
    for section in Section::value_variants() {
        if arguments.only.is_none_or(|only| only == *section) {
            eprintln!("{section:?} …");
            let (section, counts) = section.measured(arguments.quick).await?;
            text.push_str(&format!("\n{section}"));
            held = held.and(counts);
        }
    }
    println!("{text}");
    if !arguments.quick && arguments.only.is_none() {
        std::fs::write(&arguments.output, &text)
            .with_context(|| format!("cannot write {}", arguments.output.display()))?;
    }
    held
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(0, usize::from)
}

impl Section {
    /// The section, and whether the counts in it hold.
    async fn measured(self, quick: bool) -> Result<(String, Result<()>)> {
        let large = if quick { 100 } else { 10_000 };
        let text = match self {
            Self::Hourly => return hourly(quick).await,
            Self::CloudWatch => witness_section::section(&witness::measure(&program("calculate-at")?, large).await?),
            Self::Folding => folding::section(&folding::measure()?),
            Self::StateChanges => {
                let (calls, starts) = if quick { (100, 10) } else { (2_000, 50) };
                let warm = warm_answers::measure(calls).await?;
                state_changes_section::section(&warm, &cold_start::measure(starts, calls).await?)?
            }
            Self::Reports => reports_section::section(&reports::measure(large, if quick { 3 } else { 20 }).await?),
        };
        Ok((text, Ok(())))
    }
}

async fn hourly(quick: bool) -> Result<(String, Result<()>)> {
    let sizes: &[usize] = if quick { &[10, 100] } else { &[10, 100, 1_000, 10_000] };
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
    Ok((hourly_section::section(&measured, &one_by_one), hourly_section::check(&measured)))
}
