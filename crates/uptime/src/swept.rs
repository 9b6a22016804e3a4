//! How far the fleet has been swept and when it was last seen, as one server may rely on it.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use crate::blind::BlindSpots;
use crate::window::Coverage;

/// Where the trail has been read whole for the fleet, and where that tells nothing of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweptFor<'s> {
    /// Where it has been read whole, and all evidence of the servers known at the time is stored.
    pub coverage: &'s Coverage,
    /// Where this server's evidence could not be stored.
    pub hole: Option<&'s Coverage>,
    /// Where records of launches or starts could not be read.
    pub blind: Cow<'s, BlindSpots>,
    /// When it was last seen as its item says, where that is kept once for all servers.
    pub seen_at: Option<DateTime<Utc>>,
}

impl<'s> SweptFor<'s> {
    /// Of a server that can rely on all of a coverage.
    pub fn all_of(coverage: &'s Coverage) -> Self {
        Self { coverage, hole: None, blind: Cow::Owned(BlindSpots::none()), seen_at: None }
    }

    /// With more blind spots.
    #[must_use]
    pub fn with_blind_spots(mut self, more: &BlindSpots) -> Self {
        if !more.is_empty() {
            self.blind = Cow::Owned(self.blind.into_owned().and(more));
        }
        self
    }
}
