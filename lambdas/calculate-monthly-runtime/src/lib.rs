//! `calculateMonthlyRuntime`: computes the running minutes of every server of the fleet and caches them.
//!
//! [`handler`] orchestrates; what a payload may say is in [`request`], what is answered in [`response`], the settings in
//! [`config`].

pub mod config;
mod current_month;
pub mod error;
mod folding;
pub mod handler;
mod holes;
mod passes;
mod past_month;
mod reading;
mod report;
pub mod request;
pub mod response;
mod rollover;
mod roster;
mod storing;

pub use config::Config;
pub use handler::{Calculation, handle};
pub use uptime_ledger::Invocation;
