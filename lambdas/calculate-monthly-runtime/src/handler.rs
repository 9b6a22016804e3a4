//! One invocation: a run over a scope with its answer and metrics, or the sum of all scopes.

use serde_json::Value;
use tokio::time::Instant;
use uptime::{Month, Scope};
use uptime_ledger::metrics::Metrics;
use uptime_ledger::ports::{MonthReports, Services, StatusChecks, Statuses};
use uptime_ledger::{Handled, Moment, Scopes};

use crate::audit::{audit, audit_due};
use crate::config::Settings;
use crate::error::{RunError, in_time, noted_in_time};
use crate::hand_over::{hand_over, hand_over_again, hand_over_due};
use crate::hour::run;
use crate::report::Report;
use crate::request::{InvalidRequest, Payload, Purpose, Request};
use crate::response::{Filled, HandedOver, Response};
use crate::summary::Summary;
use crate::sweep_state::read_late;
use crate::trail_report::trail_metrics;
use crate::witness::Witness;

/// The handler's work, over the services of each scope.
#[derive(Debug)]
pub struct Calculation<P, C, R> {
    /// From a scope to its services.
    services: P,
    /// From a scope to its CloudWatch.
    checks: C,
    /// Where final months are handed over.
    reports: R,
    scopes: Scopes,
    settings: Settings,
    metrics: Metrics,
}

impl<P, C, R> Calculation<P, C, R> {
    /// The calculation for these scopes, over the services that `services` and the CloudWatch that `checks` has for each;
    /// final months go to `reports`.
    pub fn over(services: P, checks: C, reports: R, scopes: Scopes, settings: Settings, metrics: Metrics) -> Self {
        Self { services, checks, reports, scopes, settings, metrics }
    }
}

/// Handles one invocation. A failure of the whole run is its error; a failure of one server is counted in the answer.
pub async fn handle<S: Services, W: StatusChecks, R: MonthReports>(
    calculation: &Calculation<impl Fn(&Scope) -> S, impl Fn(&Scope) -> W, R>,
    payload: Value,
    moment: Moment,
) -> Handled<Response, RunError> {
    let handled = match Payload::read(payload, &calculation.scopes, moment.now) {
        // In boxes, for the compiler does not follow a future into any depth.
        Ok(Payload::Run(request)) => Box::pin(calculation.run(&request, moment)).await,
        Ok(Payload::Fill(scope, since)) => Box::pin(calculation.fill(&scope, since, moment)).await,
        Ok(Payload::SumUp) => Box::pin(calculation.sum_up(moment)).await,
        Ok(Payload::HandOver(scope, month)) => Box::pin(calculation.hand_over(&scope, month, moment)).await,
        Err(error) => Handled { outcome: Err(error.into()), metrics: None },
    };
    if let Err(error) = &handled.outcome {
        tracing::error!("{error}");
    }
    handled
}

impl<S, W, R, P, C> Calculation<P, C, R>
where
    S: Services,
    W: StatusChecks,
    R: MonthReports,
    P: Fn(&Scope) -> S,
    C: Fn(&Scope) -> W,
{
    /// Runs over one scope. Of an hourly run its status tells how it went, whatever becomes of it.
    async fn run(&self, request: &Request, moment: Moment) -> Handled<Response, RunError> {
        let services = (self.services)(&request.scope);
        let running = Box::pin(self.run_and_hand_over(&services, request, moment));
        let outcome = match request.is_hourly(moment) {
            true => noted(services.ledger(), request, moment, running).await,
            false => running.await,
        };
        let metrics = self.metrics_of(&outcome, request, moment);
        let outcome = outcome.map(|report| {
            let body = report.body();
            let (total, processed, errors) = (body.total_servers, body.processed, body.errors);
            tracing::info!(scope = %request.scope, total, processed, errors, "{}", body.message);
            Response::of(&body)
        });
        Handled { outcome, metrics }
    }

    /// A run, and the reports of the months that are final after it.
    async fn run_and_hand_over(&self, services: &S, request: &Request, moment: Moment) -> Result<Report, RunError> {
        let checks = self.settings.asks_cloudwatch.then(|| (self.checks)(&request.scope));
        let mut report = Box::pin(run(services, checks.as_ref(), self.settings, request, moment)).await?;
        let (ledger, reports, scope) = (services.ledger(), &self.reports, &request.scope);
        let mut witness = Witness::of(checks.as_ref(), scope, moment);
        if request.is_of_all_now(moment) {
            let mut state = read_late(ledger, moment).await?;
            if witness.is_there() && !state.unaudited.is_empty() {
                report.disagreements += audit_due(ledger, state, &mut witness, moment).await?;
                state = read_late(ledger, moment).await?;
            }
            report.unreported = hand_over_due(ledger, state, reports, scope, moment).await?;
        } else if report.made_final {
            if witness.is_there() {
                report.disagreements += audit(ledger, request.month, &mut witness, moment).await?;
            }
            hand_over(ledger, reports, scope, request.month, moment).await?;
        }
        report.take_audit(witness.heard());
        Ok(report)
    }

    /// Calculates the months from `since` on that are over, the newest first, as far as the time allows. Of those that are final
    /// already nothing is done, so that a second invocation goes on where this one stopped.
    async fn fill(&self, scope: &Scope, since: Month, moment: Moment) -> Handled<Response, RunError> {
        let services = (self.services)(scope);
        let mut filled = Filled::of(scope, since);
        let mut month = moment.month().previous();
        while month >= since {
            if Instant::now() >= moment.deadlines.reading {
                filled.remaining.push(month);
            } else {
                let request = Request { scope: scope.clone(), month, servers: None, purpose: Purpose::Calculate };
                match Box::pin(self.run_and_hand_over(&services, &request, moment)).await {
                    Ok(report) => filled.take(&report.body()),
                    Err(RunError::Request(InvalidRequest::Final(_))) => {}
                    Err(error) => return Handled { outcome: Err(error), metrics: None },
                }
            }
            month = month.previous();
        }
        Handled { outcome: Ok(Response::of(&filled)), metrics: None }
    }

    /// Hands a month over once more.
    async fn hand_over(&self, scope: &Scope, month: Month, moment: Moment) -> Handled<Response, RunError> {
        let services = (self.services)(scope);
        let handed_over = hand_over_again(services.ledger(), &self.reports, scope, month, moment).await;
        let outcome = handed_over.map(|totals| Response::of(&HandedOver::of(scope, month, totals)));
        Handled { outcome, metrics: None }
    }

    /// Where there are more scopes than one, it is their sum that tells how the fleet is, see [`Self::sum_up`].
    fn metrics_of(&self, outcome: &Result<Report, RunError>, request: &Request, moment: Moment) -> Option<Value> {
        match outcome {
            _ if request.is_hourly(moment) && !self.scopes.is_home_alone() => None,
            Ok(report) => Some(report.metrics(&self.metrics, moment.now)),
            Err(RunError::Throttled(cost)) => Some(self.metrics.line(moment.now, &trail_metrics(cost))),
            Err(_) => None,
        }
    }

    /// How all scopes are, by their statuses.
    async fn sum_up(&self, moment: Moment) -> Handled<Response, RunError> {
        let home = (self.services)(self.scopes.home());
        let scopes: Vec<Scope> = self.scopes.all().cloned().collect();
        let statuses = in_time(moment, "reading the statuses", home.ledger().statuses(&scopes)).await;
        match statuses.and_then(|statuses| statuses.map_err(RunError::LedgerRead)) {
            Ok(statuses) => {
                let summary = Summary::of(&scopes, &statuses, moment.now);
                let metrics = Some(self.metrics.line(moment.now, &summary.metrics()));
                Handled { outcome: Ok(Response::of(&summary.body())), metrics }
            }
            Err(error) => Handled { outcome: Err(error), metrics: None },
        }
    }
}

/// A run of whose begin and end the scope's status takes note. Where the end cannot be noted the run counts as one that
/// failed, which is not worth to lose its answer for.
async fn noted(
    statuses: &impl Statuses,
    request: &Request,
    moment: Moment,
    run: impl Future<Output = Result<Report, RunError>>,
) -> Result<Report, RunError> {
    let (scope, now) = (&request.scope, moment.now);
    in_time(moment, "writing the status", statuses.begun(scope, now)).await?.map_err(RunError::LedgerWrite)?;
    let outcome = run.await;
    let end = outcome.as_ref().map(Report::figures).map_err(RunError::trouble);
    let ended = noted_in_time(moment, "writing the status", statuses.ended(scope, now, &end)).await;
    if let Err(error) = ended.and_then(|ended| ended.map_err(RunError::LedgerWrite)) {
        tracing::warn!(%scope, %error, "Could not store how the run over {scope} ended: {error}");
    }
    outcome
}
