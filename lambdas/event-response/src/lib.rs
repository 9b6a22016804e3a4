//! `eventResponse`: records a server's state change, warms its cache, and answers with its running minutes.
//!
//! [`handler`] takes an event, and the `responder` of its scope responds; what an event may be is in [`event`], the settings are in [`config`], errors in [`error`].

pub mod config;
pub mod error;
pub mod event;
pub mod grouped;
pub mod handler;
mod outcome;
mod responder;
mod strangers;

pub use config::Config;
pub use error::EventError;
pub use handler::{EventResponse, handle};
