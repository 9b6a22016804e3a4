//! What is counted while servers are answered for.

use crate::metrics::Unit;
use crate::ports::SweepCost;

/// Counts of one invocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Answers from what was kept.
    pub hits: u64,
    /// Answers that had to be calculated, or could not be given.
    pub misses: u64,
    /// Events of a month that was final.
    pub late_events: u64,
    /// Events of instances of which nothing is kept, left to the hourly run because EC2 was too busy to tell what they are.
    pub deferred_events: u64,
    /// Events of a scope that is none of the environment's.
    pub events_out_of_scope: u64,
    /// What CloudTrail was asked.
    pub cloudtrail: SweepCost,
}

impl Counts {
    /// As metrics. What did not occur at all is left out, but for hits and misses, whose ratio is of interest.
    pub fn metrics(&self) -> Vec<(&'static str, Unit, f64)> {
        let always = [("CacheHits", self.hits), ("CacheMisses", self.misses)];
        let rare = [
            ("LateEvents", self.late_events),
            ("EventsDeferred", self.deferred_events),
            ("EventsOutOfScope", self.events_out_of_scope),
            ("CloudTrailLookups", self.cloudtrail.lookups),
            ("CloudTrailThrottles", self.cloudtrail.throttles),
        ];
        let occurred = always.into_iter().chain(rare.into_iter().filter(|(_, count)| *count > 0));
        occurred.map(|(name, count)| (name, Unit::Count, count as f64)).collect()
    }
}
