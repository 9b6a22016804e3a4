//! What one more source tells of one server: CloudTrail asked for its own records, or CloudWatch for its samples.

use crate::ServiceError;
use crate::ports::{Limits, Sweep, SweepCost};
use chrono::{DateTime, Utc};
use uptime::{BlindSpots, Coverage, Evidence, InstanceId, Sampled};

/// What one more source tells of one server.
#[derive(Clone, Debug, Default)]
pub struct Testimony {
    /// Its evidence in CloudTrail.
    pub evidence: Vec<Evidence>,
    /// Where it was read whole: all of its starts are among the evidence, but for what could not be read.
    pub covered: Coverage,
    /// Launches and starts that could not be read.
    pub blind: BlindSpots,
    /// What CloudWatch has of it; none where it was not asked.
    pub sampled: Option<Sampled>,
    /// What reading the trail cost.
    pub cost: SweepCost,
}

impl Testimony {
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
        let own = sweep.take_evidence().into_iter().filter(|(found, _)| found == id).map(|(_, evidence)| evidence);
        self.evidence.extend(own);
        self.blind = std::mem::take(&mut self.blind).and(&sweep.take_blind_spots());
        self.covered.add(sweep.covered());
        self.cost = sweep.cost();
        outcome
    }
}
