//! What a run has read of the trail.

use std::collections::HashMap;

use uptime::{BlindSpots, Coverage, Evidence, InstanceId};
use uptime_ledger::ports::SweepCost;

use crate::error::RunError;

/// What a run has read.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) evidence: HashMap<InstanceId, Vec<Evidence>>,
    /// Where everything was read, but for the blind spots.
    pub(crate) covered: Coverage,
    /// Launches and starts that could not be read.
    pub(crate) blind: BlindSpots,
    /// True where all that was planned was read.
    pub(crate) complete: bool,
    pub(crate) cost: SweepCost,
    /// Why not all was read, where it was not for the time: what was read is stored, and then the run fails.
    pub(crate) failure: Option<RunError>,
}

impl Reading {
    /// What was read about one server.
    pub(crate) fn about(&self, id: &InstanceId) -> &[Evidence] {
        self.evidence.get(id).map(Vec::as_slice).unwrap_or_default()
    }
}
