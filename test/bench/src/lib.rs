//! For development only: what the handlers cost in requests, time and memory. `npm run bench` measures all of it in one
//! run and writes `docs/BENCHMARKS.md`.

pub mod cold_start;
pub mod fleet;
pub mod folding;
pub mod hourly;
pub mod hourly_section;
pub mod one_by_one;
pub mod process;
pub mod report;
pub mod reports;
pub mod reports_section;
pub mod seed;
pub mod state_changes_section;
pub mod warm_answers;
pub mod witness;
pub mod witness_section;

use std::path::PathBuf;

use anyhow::{Context, Result};

/// A program of this workspace, built beside this one.
///
/// # Errors
/// Where it is not there.
pub fn program(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    path.exists().then_some(path).with_context(|| format!("{name} is not built: cargo build --release --workspace"))
}
