//! What a run counts, as it goes.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use uptime::{CacheEntry, InstanceId, Minutes, Month, Window};
use uptime_aws::metrics::{Metrics, Unit};
use uptime_aws::ports::SweepCost;

use crate::response::{Body, HistoryBody};

/// What was read of CloudTrail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HistoryReport {
    pub(crate) covered: Window,
    pub(crate) complete: bool,
    pub(crate) cost: SweepCost,
}

/// What CloudTrail cost; a run that fails for it tells this much.
pub(crate) fn history_metrics(cost: &SweepCost) -> [(&'static str, Unit, f64); 2] {
    [
        ("CloudTrailLookups", Unit::Count, cost.lookups as f64),
        ("CloudTrailThrottles", Unit::Count, cost.throttles as f64),
    ]
}

/// The counts of one run.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) month: Month,
    pub(crate) total: usize,
    pub(crate) processed: usize,
    pub(crate) errors: usize,
    pub(crate) remaining: usize,
    pub(crate) kept: usize,
    pub(crate) uncertain: usize,
    pub(crate) fleet_minutes: Minutes,
    pub(crate) oldest_cache_age: TimeDelta,
    pub(crate) history: Option<HistoryReport>,
    pub(crate) results: Vec<Value>,
    /// Of the whole fleet, this month: only such a run tells how the fleet is.
    pub(crate) of_fleet: bool,
}

impl Report {
    pub(crate) fn new(month: Month, total: usize, missing: &[InstanceId], of_fleet: bool) -> Self {
        for id in missing {
            tracing::error!(%id, "No server {id}: it is not there or does not carry the app tag");
        }
        Self {
            month,
            total: total + missing.len(),
            processed: 0,
            errors: missing.len(),
            remaining: 0,
            kept: 0,
            uncertain: 0,
            fleet_minutes: Minutes::default(),
            oldest_cache_age: TimeDelta::zero(),
            history: None,
            results: Vec::new(),
            of_fleet,
        }
    }

    fn message(&self) -> &'static str {
        let read_all = self.history.is_none_or(|history| history.complete);
        match self.total {
            0 => "No servers found",
            _ if self.remaining > 0 => "Monthly runtime calculation stopped before the deadline, the next run goes on",
            _ if !read_all => "Monthly runtime calculation completed with a part of CloudTrail",
            _ => "Monthly runtime calculation completed",
        }
    }

    pub(crate) fn body(&self) -> Body {
        let history = self.history.as_ref().map(|history| HistoryBody {
            covered_from: history.covered.from,
            complete: history.complete,
            lookups: history.cost.lookups,
            throttles: history.cost.throttles,
            unreadable_records: history.cost.unreadable,
        });
        Body {
            message: self.message(),
            total_servers: self.total,
            processed: self.processed,
            errors: self.errors,
            month: self.month,
            remaining: self.remaining,
            kept: self.kept,
            uncertain: self.uncertain,
            cloudtrail: history,
            results: self.results.clone(),
        }
    }

    /// Counts what is known of one server this month, after the run.
    pub(crate) fn count(&mut self, known: Option<&CacheEntry>) {
        let Some(entry) = known else { return };
        self.uncertain += usize::from(entry.uncertainty > Minutes::default());
        self.fleet_minutes = self.fleet_minutes + entry.minutes;
    }

    /// Counts how old what is known of a server is; as old as the month where nothing is.
    pub(crate) fn age(&mut self, known: Option<&CacheEntry>, now: DateTime<Utc>) {
        let age = known.map_or(now - self.month.start(), |entry| entry.age(now));
        self.oldest_cache_age = self.oldest_cache_age.max(age);
    }

    /// The log line that CloudWatch makes metrics of.
    pub(crate) fn metrics(&self, metrics: &Metrics, now: DateTime<Utc>) -> Value {
        let cost = self.history.map(|history| history.cost).unwrap_or_default();
        let mut values = vec![
            ("ServersProcessed", Unit::Count, self.processed as f64),
            ("ServerErrors", Unit::Count, self.errors as f64),
        ];
        values.extend(history_metrics(&cost));
        if self.of_fleet {
            values.extend([
                ("ServersTotal", Unit::Count, self.total as f64),
                ("OldestCacheAgeSeconds", Unit::Seconds, self.oldest_cache_age.num_seconds() as f64),
                ("FleetRunningMinutes", Unit::None, self.fleet_minutes.as_f64()),
            ]);
        }
        metrics.line(now, &values)
    }
}
