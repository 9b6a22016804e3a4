//! How far the fleet has been swept, as one server may rely on it.

use crate::blind::BlindSpots;
use crate::window::Coverage;

/// Where CloudTrail has been read whole for the fleet, and where that tells nothing of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SweptFor {
    /// Where it has been read whole, and all evidence of the servers known at the time is stored.
    pub coverage: Coverage,
    /// Where this server's evidence could not be stored.
    pub hole: Coverage,
    /// Where records of launches or starts could not be read.
    pub blind: BlindSpots,
}

impl From<Coverage> for SweptFor {
    /// Of a server that can rely on all of it.
    fn from(coverage: Coverage) -> Self {
        Self { coverage, ..Self::default() }
    }
}
