//! What a handler needs of the services around it: the ports, and what they speak of. The adapters of `uptime-aws` implement
//! them; tests put fakes in their place.

pub use crate::month_report::MonthReports;
pub use crate::port_traits::{
    Cache, Fleet, IndexedServer, KeptMonth, KeptMonths, Ledger, LedgerWritten, Limits, MOST_FOUND, Recorded,
    StoredMonths, Sweep, SweepCost, Trail, WriteRule, Written,
};
pub use crate::scope_status::Statuses;
pub use crate::services::{Ports, Services};
pub use crate::status_checks::StatusChecks;
pub use crate::sweep_state::{Hole, SweepState};
