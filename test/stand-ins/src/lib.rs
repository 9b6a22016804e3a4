//! For development only: a DynamoDB and a Lambda Runtime API on loopback, for tests and benchmarks that need many runs
//! within seconds, a table that fails on demand, or a handler as a process.
//!
//! The DynamoDB speaks as much as the handlers do: four calls, and the expressions in [`expression`]. That it answers as
//! the real one is held by running the same adapter against MiniStack (`crates/uptime-aws/tests/concurrent_writers.rs`). There
//! is a complete emulator to embed, the crate `dynoxide-rs`; it shares dependencies with the AWS SDK under other features,
//! so that the SDK would be compiled twice.

pub mod expression;
pub mod runtime;
pub mod table;
pub mod tls;

pub use table::{Faults, LoggedRequest, TableStandIn};
