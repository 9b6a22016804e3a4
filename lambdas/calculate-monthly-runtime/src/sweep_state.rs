//! Changing the sweep state, while other runs may.

use uptime_ledger::Moment;
use uptime_ledger::ports::{Ledger, SweepState};

use crate::error::{RunError, noted_in_time};

/// How often it is stored anew because another run has stored one in between.
pub(crate) const ATTEMPTS: u32 = 5;

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
        let current = noted_in_time(moment, "reading the watermark", ledger.sweep_state()).await?;
        read = current.map_err(RunError::LedgerRead)?;
    }
    Ok(false)
}
