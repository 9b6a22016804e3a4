//! All scopes together, by their statuses.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use uptime::{Scope, Span};
use uptime_ledger::ScopeStatus;
use uptime_ledger::metrics::Unit;

/// A scope of which no run has begun for so long is not read any more, whatever its last run said.
const UNHEARD: TimeDelta = TimeDelta::hours(3);

/// How the scopes of an environment are, together.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    scopes: usize,
    failing: Vec<FailingScope>,
    servers: u64,
    processed: u64,
    errors: u64,
    restless: u64,
    unreported: u64,
    disagreements: u64,
    fleet: Span,
    lookups: u64,
    throttles: u64,
    unreadable: u64,
    oldest_cache_age: TimeDelta,
}

/// A scope that could not be read for hours, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FailingScope {
    #[serde(flatten)]
    scope: Scope,
    failures_in_a_row: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_success: Option<DateTime<Utc>>,
    /// What kind of trouble it is, where a run has said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// The answer to the question how the scopes are.
#[derive(Debug, Serialize)]
pub(crate) struct SummaryBody {
    message: &'static str,
    total_servers: u64,
    processed: u64,
    errors: u64,
    scopes: usize,
    failing: Vec<FailingScope>,
}

impl Summary {
    /// That of these scopes. Of one whose last run failed, the servers and minutes are those of its last good run; what that
    /// one did is no part of this hour.
    pub(crate) fn of(scopes: &[Scope], statuses: &HashMap<Scope, ScopeStatus>, now: DateTime<Utc>) -> Self {
        let mut summary = Self { scopes: scopes.len(), ..Self::default() };
        for scope in scopes {
            let status = statuses.get(scope).cloned().unwrap_or_default();
            summary.add(&status, now);
            if status.is_failing() || status.last_begun.is_none_or(|begun| now - begun >= UNHEARD) {
                summary.note_failing(scope, status);
            }
        }
        summary
    }

    fn add(&mut self, status: &ScopeStatus, now: DateTime<Utc>) {
        let figures = &status.figures;
        self.servers += figures.servers;
        self.fleet = self.fleet + figures.span;
        self.oldest_cache_age = self.oldest_cache_age.max(status.oldest_cache_age(now));
        if status.is_read() {
            self.processed += figures.processed;
            self.errors += figures.errors;
            self.restless += figures.restless;
            self.unreported += figures.unreported;
            self.disagreements += figures.disagreements;
            self.lookups += figures.lookups;
            self.throttles += figures.throttles;
            self.unreadable += figures.unreadable;
        }
    }

    fn note_failing(&mut self, scope: &Scope, status: ScopeStatus) {
        let ScopeStatus { failures_in_a_row, last_success, last_trouble, .. } = status;
        let (kind, message) = last_trouble.map(|trouble| (trouble.kind.as_str(), trouble.message)).unzip();
        let why = message.as_deref().unwrap_or("its runs begin and do not end, or do not begin");
        tracing::error!(%scope, failures_in_a_row, kind, "Scope {scope} is failing: {why}");
        self.failing.push(FailingScope { scope: scope.clone(), failures_in_a_row, last_success, kind, message });
    }

    pub(crate) fn body(&self) -> SummaryBody {
        SummaryBody {
            message: "Scopes summed up",
            total_servers: self.servers,
            processed: self.processed,
            errors: self.errors,
            scopes: self.scopes,
            failing: self.failing.clone(),
        }
    }

    /// The metrics of the whole fleet: those of a run over one scope, and how many scopes there are and fail.
    pub(crate) fn metrics(&self) -> [(&'static str, Unit, f64); 13] {
        let count = |name, count: u64| (name, Unit::Count, count as f64);
        [
            count("ServersTotal", self.servers),
            count("ServersProcessed", self.processed),
            count("ServerErrors", self.errors),
            count("RestlessServers", self.restless),
            count("CloudTrailLookups", self.lookups),
            count("CloudTrailThrottles", self.throttles),
            count("UnreadableRecords", self.unreadable),
            ("OldestCacheAgeSeconds", Unit::Seconds, self.oldest_cache_age.num_seconds() as f64),
            ("FleetRunningMinutes", Unit::None, self.fleet.proven.as_f64()),
            count("ScopesTotal", self.scopes as u64),
            count("ScopesFailing", self.failing.len() as u64),
            count("ReportsOverdue", self.unreported),
            count("WitnessDisagreements", self.disagreements),
        ]
    }
}
