//! What a run counts, as it goes.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::time::timeout_at;
use uptime::{InstanceId, Month, Span, Window};
use uptime_ledger::Moment;
use uptime_ledger::metrics::{Metrics, Unit};
use uptime_ledger::ports::{Cache, IndexedServer, SweepCost};
use uptime_ledger::{Figures, ServiceError};

use crate::error::RunError;
use crate::known::Known;
use crate::outcome::{Outcome, Settled};
use crate::plan::Plan;
use crate::request::{Purpose, Request};
use crate::response::{Body, Heard, result};
use crate::task::Task;
use crate::trail_report::{TrailReport, trail_metrics};
use crate::witness::log_disagreements;

/// More starts in a day are no life of a server: something starts it over and over.
const RESTLESS: usize = 100;

/// What a run is about, and so which metrics it may tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// The whole fleet in the month that is going on: only such a run tells how the fleet is.
    Fleet,
    /// Some servers in the month that is going on.
    SomeServers,
    /// A month that is over: it tells nothing of the present.
    PastMonth,
    /// A scope that is not counted any more: it is none of the fleet.
    Closing,
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
    /// How long all of the fleet ran.
    pub(crate) fleet: Span,
    pub(crate) oldest_cache_age: TimeDelta,
    pub(crate) trail: Option<TrailReport>,
    /// What asking CloudWatch came to.
    pub(crate) cloudwatch: Option<Heard>,
    pub(crate) results: Vec<Value>,
    /// Servers that were started over and over in the last day.
    pub(crate) restless: Vec<InstanceId>,
    /// Final months whose report could not be handed over yet.
    pub(crate) unreported: usize,
    /// Servers of which CloudWatch told otherwise than the records.
    pub(crate) disagreements: usize,
    /// True where nothing changes a month any more that the run was about.
    pub(crate) made_final: bool,
    about: About,
    /// Servers that left in the month; their minutes are among the fleet's.
    left: BTreeSet<InstanceId>,
    /// Servers whose cache is not as of this run.
    unwritten: Vec<InstanceId>,
    /// Why the first server failed, and whether in the ledger or the cache.
    first_error: Option<RunError>,
    unanswered: bool,
}

impl Report {
    /// A run that has not begun yet.
    pub(crate) fn new(request: &Request, moment: Moment, plan: &Plan) -> Self {
        let missing = &plan.missing;
        for id in missing {
            tracing::error!(%id, "No server {id}: it is not there or does not carry the app tag");
        }
        Self {
            month: request.month,
            total: plan.ids.len() + missing.len(),
            processed: 0,
            errors: missing.len(),
            remaining: 0,
            kept: 0,
            uncertain: 0,
            fleet: Span::default(),
            oldest_cache_age: TimeDelta::zero(),
            trail: None,
            cloudwatch: None,
            results: Vec::new(),
            restless: Vec::new(),
            unreported: 0,
            disagreements: 0,
            made_final: false,
            about: match &request.servers {
                _ if request.purpose == Purpose::Close => About::Closing,
                _ if request.is_past(moment) => About::PastMonth,
                Some(_) => About::SomeServers,
                None => About::Fleet,
            },
            left: BTreeSet::new(),
            unwritten: Vec::new(),
            first_error: None,
            unanswered: false,
        }
    }

    fn message(&self) -> &'static str {
        let read_all = self.trail.is_none_or(|trail| trail.complete);
        match self.total {
            _ if self.about == About::Closing && self.remaining == 0 => "The scope is closed",
            0 => "No servers found",
            _ if self.remaining > 0 => "Monthly runtime calculation stopped before the deadline, the next run goes on",
            _ if !read_all => "Monthly runtime calculation completed with a part of CloudTrail",
            _ => "Monthly runtime calculation completed",
        }
    }

    pub(crate) fn body(&self) -> Body {
        let trail = self.trail.as_ref().map(TrailReport::body);
        Body {
            message: self.message(),
            total_servers: self.total,
            processed: self.processed,
            errors: self.errors,
            month: self.month,
            remaining: self.remaining,
            kept: self.kept,
            left: self.left.len(),
            uncertain: self.uncertain,
            restless: self.restless.clone(),
            cloudtrail: trail,
            cloudwatch: self.cloudwatch,
            results: self.results.clone(),
        }
    }

    /// Takes what became of one server's month.
    pub(crate) fn take(&mut self, known: &Known<'_>, task: &Task, id: &InstanceId, settled: Settled) {
        if task.month != self.month {
            self.take_of_last_month(task.month, id, settled.outcome);
            return;
        }
        if task.fate.is_cached() {
            self.note_starts(id, settled.starts);
            if !known.observed.servers.contains_key(id) {
                self.left.insert(id.clone());
            }
        }
        self.tally(id, settled.outcome);
    }

    /// Of the month before only what failed is counted.
    fn take_of_last_month(&mut self, month: Month, id: &InstanceId, outcome: Outcome) {
        if let Outcome::LedgerFailed(error) = outcome {
            tracing::error!(%id, %month, %error, "Could not close {month} of {id}: {error}");
            self.errors += 1;
        }
    }

    /// One that left is none of the fleet's, but its minutes are.
    fn tally(&mut self, id: &InstanceId, outcome: Outcome) {
        match outcome {
            Outcome::Done(span) => {
                self.processed += usize::from(!self.left.contains(id));
                self.count(span);
                return;
            }
            Outcome::Closed(span) => {
                self.processed += 1;
                self.count(span);
                self.results.push(result(id, span));
                return;
            }
            Outcome::Kept => self.kept += 1,
            Outcome::NotBegun => self.remaining += 1,
            Outcome::Unanswered => {
                self.remaining += 1;
                self.unanswered = true;
            }
            Outcome::LedgerFailed(error) => self.fail(id, "store", error, RunError::LedgerWrite),
            Outcome::CacheFailed(error) => self.fail(id, "cache", error, RunError::CacheWrite),
        }
        self.unwritten.push(id.clone());
    }

    fn fail(&mut self, id: &InstanceId, what: &str, error: ServiceError, kind: fn(ServiceError) -> RunError) {
        self.errors += 1;
        tracing::error!(%id, %error, "Could not {what} the runtime of {id}: {error}");
        // An item that is at fault itself says nothing of the table.
        if !error.is_of_one_item {
            self.first_error.get_or_insert(kind(error));
        }
    }

    fn count(&mut self, span: Span) {
        self.uncertain += usize::from(!span.is_exact());
        self.fleet = self.fleet + span;
    }

    /// Looks up what is cached of the servers that this run could not do.
    pub(crate) async fn age_of_unwritten(&mut self, cache: &impl Cache, moment: Moment) {
        let ids = std::mem::take(&mut self.unwritten);
        if ids.is_empty() {
            return;
        }
        // What cannot be read is as old as the month: the metric must not look better for it.
        let cached = timeout_at(moment.deadlines.all, cache.read(&ids)).await;
        let cached = cached.ok().and_then(Result::ok).unwrap_or_default();
        for id in &ids {
            let known = cached.get(id);
            let age = known.map_or(moment.now - self.month.start(), |entry| entry.age(moment.now));
            self.oldest_cache_age = self.oldest_cache_age.max(age);
            if let Some(entry) = known.filter(|known| known.month == self.month) {
                self.count(entry.span);
            }
        }
    }

    /// Adds what comparing final months came to. Who was not answered is none of the run's: later ones go on with it.
    pub(crate) fn take_audit(&mut self, heard: Option<Heard>) {
        if let Some(heard) = heard {
            let heard = Heard { unanswered: 0, ..heard };
            self.cloudwatch = Some(self.cloudwatch.unwrap_or_default().and(heard));
        }
    }

    /// An error where nothing could be done for any server.
    pub(crate) fn verdict(&mut self) -> Result<(), RunError> {
        match self.first_error.take() {
            _ if self.processed + self.kept > 0 => Ok(()),
            Some(error) => Err(error),
            None if self.unanswered => Err(RunError::TablesSilent),
            None => Ok(()),
        }
    }

    /// Adds what was read, and the servers that left earlier in the month: they are in its totals.
    pub(crate) fn finish(&mut self, known: &Known<'_>, single_lookups: SweepCost) {
        self.trail = Some(TrailReport::of(known, single_lookups));
        self.restless.sort();
        if self.about == About::PastMonth {
            return;
        }
        let observed = known.observed;
        let gone = |server: &&IndexedServer| server.left && !observed.servers.contains_key(&server.id);
        for server in observed.index.iter().filter(gone) {
            if self.left.insert(server.id.clone()) {
                self.fleet = self.fleet + server.span;
            }
        }
    }

    /// Takes note of a server of which CloudWatch tells otherwise than all else.
    pub(crate) fn note_disagreements(&mut self, id: &InstanceId, month: Month, windows: &[Window]) {
        if !windows.is_empty() {
            log_disagreements(id, month, windows);
            self.disagreements += 1;
        }
    }

    /// Takes note of how often a server was started in the last day.
    fn note_starts(&mut self, id: &InstanceId, starts: usize) {
        if starts > RESTLESS {
            tracing::warn!(%id, starts, "Restless server {id}: started {starts} times in the last day");
            self.restless.push(id.clone());
        }
    }

    /// What the run has found, for the status of its scope.
    pub(crate) fn figures(&self) -> Figures {
        let trail = self.trail.as_ref();
        let cost = trail.map(|trail| trail.cost).unwrap_or_default();
        Figures {
            servers: self.total as u64,
            processed: self.processed as u64,
            errors: self.errors as u64,
            restless: self.restless.len() as u64,
            unreported: self.unreported as u64,
            disagreements: self.disagreements as u64,
            span: self.fleet,
            lookups: cost.lookups,
            throttles: cost.throttles,
            unreadable: cost.unreadable,
            complete: trail.is_none_or(|trail| trail.complete) && self.remaining == 0,
            oldest_cache_age: self.oldest_cache_age,
        }
    }

    /// The log line that CloudWatch makes metrics of.
    pub(crate) fn metrics(&self, metrics: &Metrics, now: DateTime<Utc>) -> Value {
        let cost = self.trail.map(|trail| trail.cost).unwrap_or_default();
        let mut values = trail_metrics(&cost).to_vec();
        values.push(("WitnessDisagreements", Unit::Count, self.disagreements as f64));
        if matches!(self.about, About::Fleet | About::SomeServers) {
            values.extend([
                ("ServersProcessed", Unit::Count, self.processed as f64),
                ("ServerErrors", Unit::Count, self.errors as f64),
            ]);
        }
        if self.about == About::Fleet {
            values.extend([
                ("ReportsOverdue", Unit::Count, self.unreported as f64),
                ("RestlessServers", Unit::Count, self.restless.len() as f64),
                ("ServersTotal", Unit::Count, self.total as f64),
                ("OldestCacheAgeSeconds", Unit::Seconds, self.oldest_cache_age.num_seconds() as f64),
                ("FleetRunningMinutes", Unit::None, self.fleet.proven.as_f64()),
            ]);
        }
        metrics.line(now, &values)
    }
}
