//! `calculateMonthlyRuntime`: computes the running minutes of every server of the fleet and caches them.
//!
//! [`handler`] takes an invocation: a run over one scope, or the `summary` of all. A run is the steps of `hour`, each in a
//! module of its own that knows only those before it: `observe` (and meanwhile `newest`), `plan`, `read` (and meanwhile
//! `speculate`), `due` (what follows), `settle`, `commit`. What a payload may say is in [`request`], what is answered in
//! [`response`], the settings are in [`config`].

mod audit;
mod commit;
pub mod config;
mod due;
pub mod error;
mod hand_over;
pub mod handler;
mod holes;
mod hour;
mod invalid_request;
mod known;
mod newest;
mod observe;
mod outcome;
mod plan;
mod read;
mod reading;
mod report;
pub mod request;
pub mod response;
mod settle;
mod single_lookups;
mod speculate;
mod summary;
mod sweep_state;
mod task;
mod trail_report;
mod witness;

pub use config::Config;
pub use handler::{Calculation, handle};
pub use uptime_ledger::Moment;
