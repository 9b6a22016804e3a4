//! One run, as its steps: observe, plan, read, settle, commit, ask, report. Each step has a module of its own, in that order.

use std::collections::{BTreeSet, HashMap};
use std::pin::pin;

use uptime::InstanceId;
use uptime_ledger::Moment;
use uptime_ledger::ports::{Services, StatusChecks};

use crate::commit::commit;
use crate::config::Settings;
use crate::due::tasks;
use crate::error::RunError;
use crate::known::Known;
use crate::newest::{alongside, begin, newest};
use crate::observe::observe;
use crate::plan::Plan;
use crate::report::Report;
use crate::request::Request;
use crate::settle::{Means, Settlement, questions, settle, settle_sampled};
use crate::single_lookups::SingleLookups;
use crate::speculate::read_and_speculate;
use crate::sweep_state;
use crate::task::{Reach, Task};
use crate::witness::Witness;

/// Servers of a month that is over of which CloudWatch is asked before they are settled.
const ASKED_AHEAD: usize = 1_000;

/// Calculates what is asked for: the whole fleet of a scope or some servers, in the month that is going on or in one that is
/// over. CloudWatch is asked where `checks` are given.
///
/// # Errors
/// A failure of the whole run. What was read before it is stored.
pub(crate) async fn run<S: Services, W: StatusChecks>(
    services: &S,
    checks: Option<&W>,
    settings: Settings,
    request: &Request,
    moment: Moment,
) -> Result<Report, RunError> {
    let state = sweep_state::read(services.ledger(), moment).await?;
    let begun = pin!(begin(services.trail(), newest(&state, request, settings, moment), moment));
    let (observed, begun) = alongside(observe(services, state, request, moment), begun).await;
    let observed = observed?;
    let plan = Plan::of(request, &observed, settings, moment)?;
    let mut report = Report::new(request, moment, &plan);
    if plan.is_idle() {
        return Ok(report);
    }
    let (mut reading, ahead) = read_and_speculate(services, &plan, &observed, begun, moment).await?;
    let failure = reading.failure.take();
    let known = Known::new(&observed, &plan, reading, moment);
    let ahead = ahead.confirmed_by(&known);
    let lookups = SingleLookups::new(moment.deadlines.reading);
    let means = Means { services, known: &known, ahead: &ahead, lookups: &lookups };
    let mut witness = Witness::of(checks, &request.scope, moment);
    let mut settlements = Vec::new();
    for task in tasks(request, &known, settings) {
        settlements.extend(settle_task(&means, task, &mut witness, &mut report).await?);
    }
    report.finish(&known, lookups.cost());
    if known.plan.moves_the_watermark() {
        commit(services.ledger(), &known, &settlements).await?;
    }
    let mut over = settlements.iter().filter(|settlement| !settlement.fate.is_cached()).peekable();
    report.made_final = over.peek().is_some() && over.all(|settlement| settlement.fate.is_final());
    // The values are there by now: what CloudWatch tells only narrows them.
    for Settlement { month, fate, questions, .. } in settlements {
        witness.ask(questions, async |sampled| settle_sampled(&means, month, fate, &sampled, &mut report).await).await;
    }
    report.cloudwatch = witness.heard();
    failure.map_or(Ok(report), Err)
}

/// Settles a task. Of a month that is over CloudWatch is asked first, for it may be final from then on.
async fn settle_task<S: Services, W: StatusChecks>(
    means: &Means<'_, S>,
    task: Task,
    witness: &mut Witness<'_, W>,
    report: &mut Report,
) -> Result<Vec<Settlement>, RunError> {
    if task.fate.is_cached() || !witness.is_there() || task.ids.is_empty() {
        return Ok(vec![settle(means, &task, &HashMap::new(), report).await?]);
    }
    let mut settlements = Vec::new();
    for ids in task.ids.chunks(ASKED_AHEAD) {
        let part = Task { ids: ids.to_vec(), ..task };
        let questions = questions(means, &part).await;
        let mut waiting: BTreeSet<InstanceId> = questions.iter().map(|question| question.id.clone()).collect();
        let mut known = HashMap::new();
        witness.ask(questions, async |sampled| known.extend(sampled)).await;
        // The month that the hourly run closes is closed with what is known; a month that was asked for can be asked for again.
        waiting.retain(|id| means.known.plan.reach == Reach::Past && !known.contains_key(id));
        let (waiting, done): (Vec<_>, Vec<_>) = part.ids.into_iter().partition(|id| waiting.contains(id));
        for (ids, fate) in [(done, task.fate), (waiting, task.fate.waiting())] {
            if ids.is_empty() {
                continue;
            }
            let mut settlement = settle(means, &Task { ids, fate, ..task }, &known, report).await?;
            // What was not answered now, was asked in vain.
            settlement.questions.clear();
            settlements.push(settlement);
        }
    }
    Ok(settlements)
}
