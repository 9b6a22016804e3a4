//! `eventResponse`: records a server's state change, warms its cache, and answers with its running minutes.
//!
//! [`handler`] orchestrates; what an event may be is in [`event`], the settings are in [`config`], errors in [`error`].

pub mod config;
pub mod error;
pub mod event;
pub mod grouped;
pub mod handler;
mod outcome;
mod strangers;

pub use config::Config;
pub use error::EventError;
pub use handler::{EventResponse, handle};
