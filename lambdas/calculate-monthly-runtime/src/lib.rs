//! `calculateMonthlyRuntime`: computes the running minutes of every server of the fleet and caches them.
//!
//! [`handler`] orchestrates; what a payload may say is in [`request`], what is answered in [`response`], the settings in
//! [`config`].

pub mod config;
pub mod error;
pub mod handler;
mod invocation;
mod report;
pub mod request;
pub mod response;
mod servers;

pub use config::Config;
pub use handler::{Calculation, handle};
pub use invocation::Invocation;
