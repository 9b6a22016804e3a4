//! Reading the sweep state before a run and once it is done, and changing it while other runs may.

use uptime_ledger::Moment;
use uptime_ledger::ports::{Ledger, SweepState};

use crate::error::{RunError, in_time, noted_in_time};

/// How often it is stored anew because another run has stored one in between.
pub(crate) const ATTEMPTS: u32 = 5;

/// How far earlier runs have read. It is asked first, so that tables that cannot be reached fail the run before it costs
/// requests to CloudTrail.
///
/// # Errors
/// Where it cannot be read.
pub(crate) async fn read<L: Ledger>(ledger: &L, moment: Moment) -> Result<SweepState, RunError> {
    in_time(moment, "reading the ledger", ledger.sweep_state()).await?.map_err(RunError::LedgerRead)
}

/// How far the scope has been swept, also where the time for the run's work is up: what is left to do is noted there.
///
/// # Errors
/// Where it cannot be read.
pub(crate) async fn read_late<L: Ledger>(ledger: &L, moment: Moment) -> Result<SweepState, RunError> {
    let read = noted_in_time(moment, "reading the watermark", ledger.sweep_state()).await?;
    read.map_err(RunError::LedgerRead)
}

/// Stores what `next` makes of the sweep state as it was `read`, and anew of what another run has stored in between. False where
/// others were faster each time.
///
/// # Errors
/// Where it cannot be read or stored.
pub(crate) async fn change<L: Ledger>(
    ledger: &L,
    mut read: SweepState,
    moment: Moment,
    next: impl Fn(&SweepState) -> SweepState,
) -> Result<bool, RunError> {
    for _ in 0..ATTEMPTS {
        let updated = next(&read);
        if updated == read {
            return Ok(true);
        }
        let stored = noted_in_time(moment, "storing the watermark", ledger.store_sweep_state(&read, &updated)).await?;
        if stored.map_err(RunError::LedgerWrite)? {
            return Ok(true);
        }
        read = read_late(ledger, moment).await?;
    }
    Ok(false)
}
