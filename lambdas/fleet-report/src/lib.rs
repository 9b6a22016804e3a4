//! `fleetReport`: shows the fleet's month, a server's months, and why a number is what it is. It reads the ledger, and can
//! change nothing.
//!
//! [`handler`] takes an invocation: [`request`] says what a payload may ask for, `reading` reads the ledger, `fleet` selects and
//! sorts, and `pages` draws. What a widget of CloudWatch brings along is in [`widget`].

pub mod error;
pub mod explain_text;
mod fleet;
pub mod handler;
mod order;
mod pages;
mod reading;
pub mod request;
pub mod widget;

pub use error::ReportError;
pub use handler::{Call, FleetReport, handle};
