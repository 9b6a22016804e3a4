//! `eventResponse`: records a server's state change, warms its cache, and answers with its running minutes.
//!
//! [`handler`] orchestrates; what an event may be is in [`event`], the settings are in [`config`].

pub mod config;
pub mod event;
pub mod handler;
mod strangers;

pub use config::Config;
pub use handler::{EventResponse, handle};
