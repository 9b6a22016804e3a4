//! The four ports as one, so that a handler has one parameter for them.

use crate::port_traits::{Cache, Fleet, Ledger, Trail};
use crate::scope_status::Statuses;

/// The services that a handler works with, as one.
pub trait Services {
    /// EC2.
    type Fleet: Fleet;
    /// CloudTrail.
    type Trail: Trail;
    /// What is kept of each server and month.
    type Ledger: Ledger + Statuses;
    /// What applications read.
    type Cache: Cache;

    /// The fleet.
    fn fleet(&self) -> &Self::Fleet;
    /// The trail.
    fn trail(&self) -> &Self::Trail;
    /// The ledger.
    fn ledger(&self) -> &Self::Ledger;
    /// The cache.
    fn cache(&self) -> &Self::Cache;
}

/// Four services put together.
#[derive(Clone, Debug)]
pub struct Ports<F, T, L, C> {
    /// EC2.
    pub fleet: F,
    /// CloudTrail.
    pub trail: T,
    /// What is kept of each server and month.
    pub ledger: L,
    /// What applications read.
    pub cache: C,
}

impl<F: Fleet, T: Trail, L: Ledger + Statuses, C: Cache> Services for Ports<F, T, L, C> {
    type Fleet = F;
    type Trail = T;
    type Ledger = L;
    type Cache = C;

    fn fleet(&self) -> &F {
        &self.fleet
    }

    fn trail(&self) -> &T {
        &self.trail
    }

    fn ledger(&self) -> &L {
        &self.ledger
    }

    fn cache(&self) -> &C {
        &self.cache
    }
}
