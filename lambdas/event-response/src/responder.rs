//! One scope's events: record what one tells, fold the month, warm the cache.

use chrono::{DateTime, TimeDelta, Utc};
use uptime::{Evidence, Folded, InstanceId, Look, Minutes, Month, News, ServerMonth, StateChange, SweptFor, fold};
use uptime_ledger::ports::{Cache, Fleet, Ledger, Recorded, Services, Written};
use uptime_ledger::{
    AnswerError, Counts, KnownMinutes, Moment, OneServer, Origin, Swept, Writing, cache, get_known_running_minutes,
    store,
};

use crate::outcome::Outcome;
use crate::strangers::Strangers;

/// CloudTrail's times and EventBridge's differ by seconds.
const SURE_ENOUGH: TimeDelta = TimeDelta::minutes(1);

/// What responds to the state changes of one scope, and remembers of it what the next event needs too.
#[derive(Debug)]
pub(crate) struct Responder<S> {
    server: OneServer<S>,
    max_age: Option<TimeDelta>,
    strangers: Strangers,
    /// A stop that leaves more open than this is worth a question to EC2.
    sure_enough: Minutes,
}

impl<S: Services> Responder<S> {
    /// Over the services of a scope. A cached value older than `max_age` is calculated anew.
    pub(crate) fn over(services: S, max_age: Option<TimeDelta>) -> Self {
        Self {
            server: OneServer { services, swept: Swept::default() },
            max_age,
            strangers: Strangers::default(),
            sure_enough: Minutes::floor(SURE_ENOUGH),
        }
    }

    /// Reads how far the scope was swept, which the first event needs.
    pub(crate) async fn read_sweep_state(&self, now: DateTime<Utc>) {
        self.server.swept.state(self.ledger(), now).await;
    }

    fn ledger(&self) -> &S::Ledger {
        self.server.services.ledger()
    }

    /// Responds to one change.
    ///
    /// # Errors
    /// Where a service fails. What was recorded before stays, and a second try does no harm.
    pub(crate) async fn respond(
        &self,
        change: &StateChange,
        moment: Moment,
        counts: &mut Counts,
    ) -> Result<Outcome, AnswerError> {
        let Some(evidence) = change.evidence() else { return self.look_up(&change.id, moment, counts).await };
        if Month::of(change.at) < Month::of(moment.now) {
            self.record_in_last_month(&change.id, &evidence, moment, counts).await?;
        }
        let month = Month::of(moment.now);
        let recorded = self.ledger().record(&change.id, month, &evidence).await;
        match recorded.map_err(AnswerError::LedgerWrite)? {
            Recorded::Added(item) => {
                counts.hits += 1;
                self.warm(*item, &evidence, moment).await
            }
            // The month that is going on is never final.
            Recorded::Unknown | Recorded::Final => self.welcome(&change.id, &evidence, moment, counts).await,
        }
    }

    /// A change to `pending` is neither a start nor a stop: there is nothing to record.
    async fn look_up(&self, id: &InstanceId, moment: Moment, counts: &mut Counts) -> Result<Outcome, AnswerError> {
        if self.strangers.knows(id, moment.now) {
            return Ok(Outcome::NotOurs);
        }
        Ok(match get_known_running_minutes(&self.server, id, self.max_age, moment, counts).await? {
            KnownMinutes::Answered(answered) => {
                let timestamp = (answered.origin != Origin::Calculated).then_some(answered.entry.timestamp);
                Outcome::Minutes(answered.entry, timestamp)
            }
            // Not remembered: the tag may come in a moment.
            KnownMinutes::NoServer => Outcome::NotOurs,
            KnownMinutes::Nothing => Outcome::NothingKnown,
        })
    }

    /// A server of which nothing is kept in this month: it is new, the month is, or it is no server at all.
    async fn welcome(
        &self,
        id: &InstanceId,
        evidence: &Evidence,
        moment: Moment,
        counts: &mut Counts,
    ) -> Result<Outcome, AnswerError> {
        if self.strangers.knows(id, moment.now) {
            return Ok(Outcome::NotOurs);
        }
        if let Some(entry) = self.server.carry_on(id, evidence, moment).await? {
            counts.hits += 1;
            let timestamp = Some(entry.timestamp);
            return Ok(Outcome::Minutes(entry, timestamp));
        }
        let calculated = self.server.calculate(id, Some(evidence), moment, counts).await;
        if let Err(AnswerError::Fleet(_, error)) = &calculated
            && error.is_throttle()
        {
            // To try again would ask EC2 still more. The hourly run lists the servers, and reads what they did.
            tracing::warn!(%id, %error, "Could not ask EC2 whether {id} is a server, the next hourly run does: {error}");
            counts.deferred_events += 1;
            return Ok(Outcome::Deferred);
        }
        counts.misses += u64::from(!matches!(calculated, Ok(None)));
        Ok(match calculated? {
            Some(entry) => Outcome::Minutes(entry, None),
            None => {
                self.strangers.remember(id, moment.now);
                Outcome::NotOurs
            }
        })
    }

    /// Folds an item that has just learnt something, and caches what follows. Its totals in the ledger are the hourly run's to
    /// refresh: they follow from the evidence, and writing them would cost each event another round trip.
    async fn warm(&self, item: ServerMonth, event: &Evidence, moment: Moment) -> Result<Outcome, AnswerError> {
        let sweeps = self.server.swept.state(self.ledger(), moment.now).await;
        let swept = sweeps.for_server(&item.id, &[item.month]);
        let mut folded = fold(item.clone(), &News::none(swept.clone()), moment.now);
        if event.fact.is_stop() && folded.entry.span.possible > self.sure_enough {
            folded = self.ask_for_last_start(item, folded, &swept, moment).await?;
        }
        let Folded { month, entry, .. } = folded;
        let cached = self.server.services.cache();
        let written = cache(cached, &month, &entry).await.map_err(AnswerError::CacheWrite)?;
        let entry = match written {
            Written::Stored => entry,
            // Somebody who knew more was faster.
            Written::Superseded => {
                let cached = cached.read_one(&month.id).await.map_err(AnswerError::CacheRead)?;
                cached.filter(|cached| cached.month == entry.month).unwrap_or(entry)
            }
        };
        let timestamp = Some(entry.timestamp);
        Ok(Outcome::Minutes(entry, timestamp))
    }

    /// A run that ends in an hour not swept yet is certain only since its last start, which EC2 tells. That it fails is no
    /// harm: what is open then is uncertainty, until the next hourly run.
    async fn ask_for_last_start(
        &self,
        item: ServerMonth,
        folded: Folded,
        swept: &SweptFor<'_>,
        moment: Moment,
    ) -> Result<Folded, AnswerError> {
        let id = item.id.clone();
        let found = self.server.services.fleet().find(std::slice::from_ref(&id), moment.now).await;
        let observation = match found.map(|mut found| found.remove(&id)) {
            Ok(Some(observation)) => observation,
            Ok(None) => return Ok(folded),
            Err(error) => {
                tracing::warn!(%id, %error, "Could not ask EC2 for the last start of {id}: {error}");
                return Ok(folded);
            }
        };
        let news = News { look: Look::Seen(&observation), ..News::none(swept.clone()) };
        self.store(item, &news, moment).await
    }

    /// Folds what is new into an item, and stores it.
    async fn store(&self, item: ServerMonth, news: &News<'_>, moment: Moment) -> Result<Folded, AnswerError> {
        let (id, month) = (item.id.clone(), item.month);
        let refold = |stored: Option<&ServerMonth>| {
            fold(ServerMonth::begun(&id, month, stored, None, &news.swept), news, moment.now)
        };
        let folded = refold(Some(&item));
        let stored = store(self.ledger(), Some(item), folded, Writing::default(), refold).await;
        stored.map_err(AnswerError::LedgerWrite)
    }

    /// An event that arrives after the end of its month: it belongs to that month too while it is open, and is kept for
    /// explanation once it is final.
    async fn record_in_last_month(
        &self,
        id: &InstanceId,
        evidence: &Evidence,
        moment: Moment,
        counts: &mut Counts,
    ) -> Result<(), AnswerError> {
        let month = Month::of(evidence.at);
        let ledger = self.ledger();
        match ledger.record(id, month, evidence).await.map_err(AnswerError::LedgerWrite)? {
            Recorded::Added(item) => {
                let sweeps = self.server.swept.state(ledger, moment.now).await;
                let news = News::none(sweeps.for_server(id, &[month]));
                self.store(*item, &news, moment).await.map(|_| ())
            }
            Recorded::Final => {
                counts.late_events += 1;
                let at = evidence.at;
                tracing::warn!(%id, %month, %at, "Late event of {id}: {month} is final and stays as it is");
                let kept = ledger.record_late(id, month, &[evidence.clone()].into()).await;
                kept.map_err(AnswerError::LedgerWrite)
            }
            Recorded::Unknown => Ok(()),
        }
    }
}
