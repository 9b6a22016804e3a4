//! For development only: a DynamoDB and a Lambda Runtime API on loopback, for tests and benchmarks that need many runs
//! within seconds, a table that fails on demand, or a handler as a process.
//!
//! The DynamoDB speaks as much as the handlers do: four calls, and the expressions in [`expression`]. Why it is not an emulator
//! that others keep is in ADR 0022. That it answers as the real one is held by the contract of the ports (`test/doubles`),
//! which the adapters keep over it and over MiniStack's.

pub mod expression;
mod index_partition;
pub mod runtime;
pub mod table;
pub mod tls;

pub use table::{Faults, LoggedRequest, TableStandIn};
