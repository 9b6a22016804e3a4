//! One event: read it, respond to it in its scope, answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::time::timeout_at;
use uptime::{Scope, StateChange};
use uptime_ledger::metrics::Metrics;
use uptime_ledger::ports::{Fleet, Ports, Services};
use uptime_ledger::{AppTag, Counts, Handled, Moment, Scopes};

use crate::error::EventError;
use crate::event::read;
use crate::grouped::Grouped;
use crate::outcome::Outcome;
use crate::responder::Responder;

/// The handler's work, over the services of each scope.
pub struct EventResponse<S> {
    /// From a scope to its services.
    services: Box<dyn Fn(&Scope) -> S + Send + Sync>,
    /// Those of the scopes that an event has come from.
    responders: Mutex<HashMap<Scope, Arc<Responder<S>>>>,
    scopes: Scopes,
    tag: AppTag,
    max_age: Option<TimeDelta>,
    metrics: Metrics,
}

impl<F: Fleet, T, L, C> EventResponse<Ports<Grouped<F>, T, L, C>> {
    /// The handler for these scopes, over the ports that `services` has for each. A cached value older than `max_age` is
    /// calculated anew.
    pub fn over(
        services: impl Fn(&Scope) -> Ports<F, T, L, C> + Send + Sync + 'static,
        scopes: Scopes,
        tag: AppTag,
        max_age: Option<TimeDelta>,
        metrics: Metrics,
    ) -> Self {
        let grouped = move |scope: &Scope| {
            let Ports { fleet, trail, ledger, cache } = services(scope);
            Ports { fleet: Grouped::over(fleet), trail, ledger, cache }
        };
        Self { services: Box::new(grouped), responders: Mutex::default(), scopes, tag, max_age, metrics }
    }
}

/// Handles one event: its answer, or why there is none, and what was counted.
///
/// It is an error where the event cannot be taken, or a service fails. What was recorded before stays, and a second try does
/// no harm.
pub async fn handle<S: Services>(
    response: &EventResponse<S>,
    payload: Value,
    moment: Moment,
) -> Handled<Value, EventError> {
    let mut counts = Counts::default();
    let outcome = response.answer(payload, moment, &mut counts).await;
    let metrics = || response.metrics.line(moment.now, &counts.metrics());
    Handled {
        outcome: outcome.inspect_err(|error| tracing::error!("{error}")),
        metrics: (counts != Counts::default()).then(metrics),
    }
}

impl<S: Services> EventResponse<S> {
    /// Opens the connection to DynamoDB during the cold start, for the TLS handshake is most of a first answer's time, by
    /// reading what the home scope's first event needs anyway.
    pub async fn open_connection(&self) {
        #[expect(clippy::disallowed_methods, reason = "wiring: here now becomes an argument")]
        let now: DateTime<Utc> = Utc::now();
        self.responder(self.scopes.home()).read_sweep_state(now).await;
    }

    async fn answer(&self, payload: Value, moment: Moment, counts: &mut Counts) -> Result<Value, EventError> {
        let change = read(payload, moment.now)?;
        let outcome = if self.scopes.contains(&change.scope) {
            self.respond(&change, moment, counts).await?
        } else {
            // To try again would not help: somebody has to add the scope, or to take the rule there away.
            counts.events_out_of_scope += 1;
            Outcome::OutOfScope
        };
        outcome.log(&change, &self.tag);
        Ok(outcome.answer(&change, &self.tag))
    }

    async fn respond(&self, change: &StateChange, moment: Moment, counts: &mut Counts) -> Result<Outcome, EventError> {
        // Another machine's clock may be a little ahead: what it tells has happened.
        let moment = moment.not_before(change.at);
        let responder = self.responder(&change.scope);
        // In a box, for the compiler does not follow a future into any depth.
        let responding = Box::pin(responder.respond(change, moment, counts));
        let outcome = timeout_at(moment.deadlines.all, responding).await;
        Ok(outcome.map_err(|_| EventError::TimeUp(change.id.clone()))??)
    }

    fn responder(&self, scope: &Scope) -> Arc<Responder<S>> {
        // A panic while it was held cannot leave a map in disorder.
        let mut responders = self.responders.lock().unwrap_or_else(PoisonError::into_inner);
        let responder = || Arc::new(Responder::over((self.services)(scope), self.max_age));
        Arc::clone(responders.entry(scope.clone()).or_insert_with(responder))
    }
}
