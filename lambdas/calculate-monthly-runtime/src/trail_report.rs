//! What a run tells of the trail.

use chrono::{DateTime, Utc};
use uptime_ledger::metrics::Unit;
use uptime_ledger::ports::SweepCost;

use crate::known::Known;
use crate::reading::Reading;
use crate::response::TrailBody;

/// What was read of CloudTrail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrailReport {
    /// Everything from here on is known.
    pub(crate) covered_from: DateTime<Utc>,
    pub(crate) complete: bool,
    pub(crate) cost: SweepCost,
}

impl TrailReport {
    /// As a part of the answer.
    pub(crate) fn body(&self) -> TrailBody {
        TrailBody {
            covered_from: self.covered_from,
            complete: self.complete,
            lookups: self.cost.lookups,
            throttles: self.cost.throttles,
            unreadable_records: self.cost.unreadable,
        }
    }

    /// Of a run that has read this, and spent some requests more on single servers.
    pub(crate) fn of(known: &Known<'_>, single_lookups: SweepCost) -> Self {
        let covered_from = known.swept.windows().last().map_or(known.moment.now, |window| window.from);
        let Reading { complete, cost, .. } = &known.reading;
        Self { covered_from, complete: *complete, cost: cost.and(single_lookups) }
    }
}

/// What CloudTrail cost; a run that fails for it, or is about a past month, tells this much.
pub(crate) fn trail_metrics(cost: &SweepCost) -> [(&'static str, Unit, f64); 3] {
    [
        ("CloudTrailLookups", Unit::Count, cost.lookups as f64),
        ("CloudTrailThrottles", Unit::Count, cost.throttles as f64),
        ("UnreadableRecords", Unit::Count, cost.unreadable as f64),
    ]
}
