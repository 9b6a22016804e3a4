//! The simulator as its clients see it. Its router is asked directly, with no port and no waiting, but for the tests of
//! the program itself.
#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy's allowance for tests leaves out their helpers")]

mod control;
mod describe_instances;
mod field;
mod lookup_events;
mod process;
mod random;
mod recorded;
mod records;
mod scope_faults;
mod scopes;
mod several;
mod showcase;
mod spot_requests;
mod support;
