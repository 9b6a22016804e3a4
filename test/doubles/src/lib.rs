//! For development only: the ports of `uptime-ledger` in memory, one wrapper that makes any of them fail, and the contract
//! that every implementation of a port keeps, those of `uptime-aws` as well.

pub mod contract;
mod failing;
mod in_memory_cache;
mod in_memory_checks;
mod in_memory_fleet;
mod in_memory_ledger;
mod in_memory_reports;
mod in_memory_trail;

pub use failing::{Call, Failing, Failure, Fault, Faults};
pub use in_memory_cache::InMemoryCache;
pub use in_memory_checks::InMemoryChecks;
pub use in_memory_fleet::InMemoryFleet;
pub use in_memory_ledger::InMemoryLedger;
pub use in_memory_reports::InMemoryReports;
pub use in_memory_trail::InMemoryTrail;

use std::sync::{Mutex, MutexGuard, PoisonError};

use uptime::Scope;

/// The home scope of tests.
///
/// # Panics
/// Never.
#[must_use]
#[allow(clippy::unwrap_used, reason = "the text is a scope")]
pub fn home() -> Scope {
    "123456789012/eu-west-1".parse().unwrap()
}

/// Another scope.
///
/// # Panics
/// Never.
#[must_use]
#[allow(clippy::unwrap_used, reason = "the text is a scope")]
pub fn elsewhere() -> Scope {
    "444455556666/us-east-1".parse().unwrap()
}

/// Locks what a test shares; a panic while it was held ends the test anyway.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
