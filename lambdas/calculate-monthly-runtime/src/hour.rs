//! One run, as its steps: observe, plan, read, settle, commit, report. Each step has a module of its own, in that order.

use uptime_ledger::Moment;
use uptime_ledger::ports::Services;

use crate::commit::commit;
use crate::config::Settings;
use crate::due::tasks;
use crate::error::RunError;
use crate::known::Known;
use crate::observe::observe;
use crate::plan::Plan;
use crate::read::read;
use crate::report::Report;
use crate::request::Request;
use crate::settle::{SingleLookups, settle};

/// Calculates what is asked for: the whole fleet of a scope or some servers, in the month that is going on or in one that is
/// over.
///
/// # Errors
/// A failure of the whole run. What was read before it is stored.
pub(crate) async fn run<S: Services>(
    services: &S,
    settings: Settings,
    request: &Request,
    moment: Moment,
) -> Result<Report, RunError> {
    let observed = observe(services, request, moment).await?;
    let plan = Plan::of(request, &observed, settings, moment)?;
    let mut report = Report::new(request, moment, &plan);
    if plan.is_idle() {
        return Ok(report);
    }
    let mut reading = read(services.trail(), &plan, &observed, moment).await?;
    let failure = reading.failure.take();
    let known = Known::new(observed, plan, reading, moment);
    let lookups = SingleLookups::new(moment.deadlines.reading);
    let mut settlements = Vec::new();
    for task in tasks(request, &known, settings) {
        settlements.push(settle(services, &known, task, &lookups, &mut report).await?);
    }
    report.finish(&known, lookups.cost());
    if known.plan.moves_the_watermark() {
        commit(services.ledger(), &known, &settlements).await?;
    }
    report.made_final = settlements.iter().any(|settlement| settlement.fate.is_final());
    failure.map_or(Ok(report), Err)
}
