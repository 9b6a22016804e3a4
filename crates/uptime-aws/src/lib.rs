//! Adapters between the AWS services and the `uptime` domain: SDK types in, domain types out. One file per service.
//!
//! No arithmetic on minutes happens here, and no SDK type leaves the crate but through [`clients::Clients`], which only
//! wiring touches.

pub mod clients;
pub mod cloudwatch;
mod dynamodb;
pub mod ec2;
pub mod ledger_table;
pub mod month_reports;
pub mod pacer;
mod sdk_error;
pub mod servers_table;
pub mod telemetry;
pub mod trail;
pub mod wiring;
