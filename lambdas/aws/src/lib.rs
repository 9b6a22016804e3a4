//! Adapters between the AWS services and the `uptime` domain: SDK types in, domain types out. One file per service.
//!
//! No arithmetic on minutes happens here, and no SDK type leaves the crate but through [`clients::Clients`], which only
//! wiring touches.

pub mod clients;
pub mod cloudtrail;
mod dynamodb;
pub mod ec2;
mod error;
pub mod history_table;
pub mod metrics;
pub mod pacer;
pub mod ports;
pub mod servers_table;
pub mod telemetry;
pub mod variables;

pub use error::ServiceError;
