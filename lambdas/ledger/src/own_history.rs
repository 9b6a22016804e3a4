//! What CloudTrail tells of one server only.

use chrono::{DateTime, Utc};
use uptime::{Coverage, Evidence, InstanceId};
use uptime_aws::ServiceError;
use uptime_aws::ports::{Limits, Sweep, SweepCost};

/// What was read about one server only.
#[derive(Clone, Debug, Default)]
pub struct OwnHistory {
    /// What was told of it.
    pub evidence: Vec<Evidence>,
    /// Where all of its starts are among the evidence.
    pub covered: Coverage,
    /// What reading it cost.
    pub cost: SweepCost,
}

impl OwnHistory {
    /// Reads on in a sweep of the server's records until all from `instant` on is read, or a limit is reached.
    ///
    /// # Errors
    /// Where CloudTrail cannot be read, other than for being asked too often. What was read before is kept.
    pub async fn read_back_to<S: Sweep>(
        &mut self,
        sweep: &mut S,
        id: &InstanceId,
        instant: DateTime<Utc>,
        limits: Limits,
    ) -> Result<(), ServiceError> {
        let outcome = sweep.read_back_to(instant, limits).await;
        // A record of one server can name others as well.
        let own = sweep.take_evidence().into_iter().filter(|(told, _)| told == id).map(|(_, evidence)| evidence);
        self.evidence.extend(own);
        self.covered.add(sweep.covered());
        self.cost = sweep.cost();
        outcome
    }
}
