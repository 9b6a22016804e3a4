//! Tests of whole runs, as one program: each file by itself would compile the handler over every kind of ports once more, and
//! link the AWS SDK.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a panic is how a test fails")]

mod support;

mod audit;
mod between_runs;
mod far_scopes;
mod faults;
mod field_reports;
mod handed_over;
mod handler;
mod hour_by_hour;
mod newest;
mod own_trouble;
mod parts;
mod rollover;
mod scopes;
mod shared_looks;
mod simulated_fleets;
mod speculation;
mod witness;
mod witnessed_fleets;
