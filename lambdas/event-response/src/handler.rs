//! One event: record what it tells, fold the month, warm the cache, answer.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use lambda_runtime::Diagnostic;
use serde_json::{Value, json};
use tokio::time::timeout_at;
use uptime::{CacheEntry, Evidence, InstanceId, Minutes, Month, ServerMonth, StateChange, SweptFor};
use uptime_aws::clients::Clients;
use uptime_aws::cloudtrail::CloudTrailHistory;
use uptime_aws::ec2::{AppTag, Ec2Fleet};
use uptime_aws::history_table::RuntimeHistoryTable;
use uptime_aws::metrics::Metrics;
use uptime_aws::ports::{EventHistory, Fleet, Recorded, RuntimeCache, RuntimeHistory, Written};
use uptime_aws::servers_table::ServersTable;
use uptime_ledger::{
    AnswerError, Counts, Folded, Invocation, OneServer, Origin, Writing, cache, get_cached_running_minutes, log_cached,
    store,
};

use crate::config::Config;
use crate::event::{InvalidEvent, read};
use crate::strangers::Strangers;

/// An event that could not be answered: an invocation error, so that it is tried again, and then kept as a dead letter.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// It cannot be taken.
    #[error(transparent)]
    Invalid(#[from] InvalidEvent),
    /// A service failed.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The services did not answer in time.
    #[error("the time was up before the state change of {0} was answered")]
    TimeUp(InstanceId),
}

impl From<EventError> for Diagnostic {
    fn from(error: EventError) -> Self {
        let kind = match &error {
            EventError::Invalid(_) => "InvalidEvent",
            EventError::Answer(AnswerError::Fleet(..)) => "FleetUnavailable",
            EventError::Answer(AnswerError::CloudTrail(..)) => "CloudTrailUnavailable",
            EventError::Answer(AnswerError::HistoryRead(_) | AnswerError::HistoryWrite(_)) => "HistoryTableUnavailable",
            EventError::Answer(AnswerError::CacheRead(_) | AnswerError::CacheWrite(_)) => "ServersTableUnavailable",
            EventError::TimeUp(_) => "TimeUp",
        };
        Diagnostic { error_type: kind.to_owned(), error_message: error.to_string() }
    }
}

/// The handler's work, over the ports that it needs.
#[derive(Debug)]
pub struct EventResponse<F, H, L, C> {
    server: OneServer<F, H, L, C>,
    tag: AppTag,
    max_age: Option<TimeDelta>,
    metrics: Metrics,
    strangers: Strangers,
    /// A stop that leaves more open than this is worth a question to EC2.
    sure_enough: Minutes,
}

/// CloudTrail's times and EventBridge's differ by seconds.
const SURE_ENOUGH: TimeDelta = TimeDelta::minutes(1);

impl EventResponse<Ec2Fleet, CloudTrailHistory, RuntimeHistoryTable, ServersTable> {
    /// The handler over the AWS clients.
    pub fn new(config: Config, clients: Clients) -> Self {
        let metrics = Metrics::new(&config.app, &config.environment);
        let cache = ServersTable::new(clients.dynamodb.clone(), config.servers_table_name);
        let ledger = RuntimeHistoryTable::new(clients.dynamodb, config.history_table_name, clients.region);
        let fleet = Ec2Fleet::new(clients.ec2, config.tag.clone());
        let server = OneServer::over(fleet, CloudTrailHistory::new(clients.cloudtrail), ledger, cache);
        Self::over(server, config.tag, config.cache_max_age, metrics)
    }

    /// Opens the connection to DynamoDB during the cold start, for the TLS handshake is most of a first answer's time, by
    /// reading what the first event needs anyway.
    pub async fn open_connection(&self) {
        #[expect(clippy::disallowed_methods, reason = "wiring: here now becomes an argument")]
        let now = Utc::now();
        self.server.swept.state(&self.server.ledger, now).await;
    }
}

/// What one event led to.
enum Outcome {
    /// The server's minutes; the timestamp is none where they were calculated on the spot.
    Minutes(CacheEntry, Option<DateTime<Utc>>),
    /// The instance is no server.
    NotOurs,
}

/// Handles one event.
///
/// # Errors
/// Where the event cannot be taken, or a service fails. What was recorded before stays, and a second try does no harm.
pub async fn handle<F: Fleet, H: EventHistory, L: RuntimeHistory, C: RuntimeCache>(
    response: &EventResponse<F, H, L, C>,
    payload: Value,
    invocation: Invocation,
) -> Result<Value, EventError> {
    let mut counts = Counts::default();
    let answer = response.answer(payload, invocation, &mut counts).await;
    if counts != Counts::default() {
        // Not through the logger: CloudWatch wants the line as it is.
        println!("{}", response.metrics.line(invocation.now, &counts.metrics()));
    }
    answer.inspect_err(|error| tracing::error!("{error}"))
}

impl<F: Fleet, H: EventHistory, L: RuntimeHistory, C: RuntimeCache> EventResponse<F, H, L, C> {
    /// The handler over any ports. A cached value older than `max_age` is calculated anew.
    pub fn over(server: OneServer<F, H, L, C>, tag: AppTag, max_age: Option<TimeDelta>, metrics: Metrics) -> Self {
        let sure_enough = Minutes::floor(SURE_ENOUGH);
        Self { server, tag, max_age, metrics, strangers: Strangers::default(), sure_enough }
    }

    async fn answer(&self, payload: Value, invocation: Invocation, counts: &mut Counts) -> Result<Value, EventError> {
        let change = read(payload, invocation.now)?;
        // Another machine's clock may be a little ahead: what it tells has happened.
        let invocation = Invocation { now: invocation.now.max(change.at), ..invocation };
        let outcome = timeout_at(invocation.deadline, self.respond(&change, invocation, counts)).await;
        let id = &change.id;
        match outcome.map_err(|_| EventError::TimeUp(id.clone()))?? {
            Outcome::Minutes(entry, timestamp) => Ok(json!({
                "id": id,
                "state": change.state.as_str(),
                "runningMinutes": entry.minutes.as_f64(),
                "runningMinutesCacheTimestamp": timestamp.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true)),
            })),
            Outcome::NotOurs => {
                let tag = &self.tag;
                tracing::info!(%id, "{id} is no server: not tagged {}={}", tag.key, tag.value);
                Ok(json!({"id": id, "ignored": format!("not tagged {}={}", tag.key, tag.value)}))
            }
        }
    }

    async fn respond(
        &self,
        change: &StateChange,
        invocation: Invocation,
        counts: &mut Counts,
    ) -> Result<Outcome, AnswerError> {
        let Some(evidence) = change.evidence() else { return self.look_up(&change.id, invocation, counts).await };
        if Month::of(change.at) < Month::of(invocation.now) {
            self.record_in_last_month(&change.id, &evidence, invocation, counts).await?;
        }
        let month = Month::of(invocation.now);
        let recorded = self.server.ledger.record(&change.id, month, &evidence).await;
        match recorded.map_err(AnswerError::HistoryWrite)? {
            Recorded::Added(item) => {
                counts.hits += 1;
                self.warm(*item, &evidence, invocation).await
            }
            // The month that is going on is never final.
            Recorded::Unknown | Recorded::Final => self.welcome(&change.id, &evidence, invocation, counts).await,
        }
    }

    /// A change to `pending` is neither a start nor a stop: there is nothing to record.
    async fn look_up(
        &self,
        id: &InstanceId,
        invocation: Invocation,
        counts: &mut Counts,
    ) -> Result<Outcome, AnswerError> {
        if self.strangers.knows(id) {
            return Ok(Outcome::NotOurs);
        }
        let answered = get_cached_running_minutes(&self.server, id, self.max_age, invocation, counts).await?;
        Ok(self.or_not_ours(
            id,
            answered.map(|answered| {
                let timestamp = (answered.origin != Origin::Calculated).then_some(answered.entry.timestamp);
                (answered.entry, timestamp)
            }),
        ))
    }

    /// A server of which nothing is kept in this month: it is new, the month is, or it is no server at all.
    async fn welcome(
        &self,
        id: &InstanceId,
        evidence: &Evidence,
        invocation: Invocation,
        counts: &mut Counts,
    ) -> Result<Outcome, AnswerError> {
        if self.strangers.knows(id) {
            return Ok(Outcome::NotOurs);
        }
        if let Some(entry) = self.server.carry_on(id, evidence, invocation).await? {
            counts.hits += 1;
            let timestamp = Some(entry.timestamp);
            return Ok(Outcome::Minutes(entry, timestamp));
        }
        let calculated = self.server.calculate(id, Some(evidence), invocation, counts).await;
        counts.misses += u64::from(!matches!(calculated, Ok(None)));
        Ok(self.or_not_ours(id, calculated?.map(|entry| (entry, None))))
    }

    fn or_not_ours(&self, id: &InstanceId, minutes: Option<(CacheEntry, Option<DateTime<Utc>>)>) -> Outcome {
        match minutes {
            Some((entry, timestamp)) => Outcome::Minutes(entry, timestamp),
            None => {
                self.strangers.remember(id);
                Outcome::NotOurs
            }
        }
    }

    /// Folds an item that has just learnt something, and caches what follows. Its totals in the history are the hourly run's
    /// to refresh: they follow from the evidence, and writing them would cost each event another round trip.
    async fn warm(&self, item: ServerMonth, told: &Evidence, invocation: Invocation) -> Result<Outcome, AnswerError> {
        let swept = self.server.swept.for_server(&self.server.ledger, &item.id, invocation.now).await;
        let mut folded = fold_as_told(&item, &swept, invocation.now);
        if told.fact.is_stop() && folded.entry.uncertainty > self.sure_enough {
            folded = self.ask_for_last_start(item, folded, &swept, invocation).await?;
        }
        let id = &folded.month.id;
        let written = cache(&self.server.cache, &folded).await.map_err(AnswerError::CacheWrite)?;
        log_cached(id, &folded.entry, written);
        let entry = match written {
            Written::Stored => folded.entry,
            // Somebody who knew more was faster.
            Written::Superseded => {
                let cached = self.server.cache.read_one(id).await.map_err(AnswerError::CacheRead)?;
                cached.filter(|cached| cached.month == folded.entry.month).unwrap_or(folded.entry)
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
        swept: &SweptFor,
        invocation: Invocation,
    ) -> Result<Folded, AnswerError> {
        let observation = match self.server.fleet.find(&item.id, invocation.now).await {
            Ok(Some(observation)) => observation,
            Ok(None) => return Ok(folded),
            Err(error) => {
                let id = &item.id;
                tracing::warn!(%id, %error, "Could not ask EC2 for the last start of {id}: {error}");
                return Ok(folded);
            }
        };
        let fold = |stored: Option<&ServerMonth>| {
            let mut month = ServerMonth::going_on(&item.id, item.month, stored, None, swept);
            month.see(&observation);
            Folded::of(month, invocation.now)
        };
        let stored = store(&self.server.ledger, Some(item.clone()), Writing::default(), fold).await;
        stored.map_err(AnswerError::HistoryWrite)
    }

    /// An event that arrives after the end of its month: it belongs to that month too while it is open, and is kept for
    /// explanation once it is final.
    async fn record_in_last_month(
        &self,
        id: &InstanceId,
        evidence: &Evidence,
        invocation: Invocation,
        counts: &mut Counts,
    ) -> Result<(), AnswerError> {
        let month = Month::of(evidence.at);
        let ledger = &self.server.ledger;
        match ledger.record(id, month, evidence).await.map_err(AnswerError::HistoryWrite)? {
            Recorded::Added(item) => {
                let swept = self.server.swept.for_server(ledger, id, invocation.now).await;
                let fold = |stored: Option<&ServerMonth>| {
                    Folded::of(ServerMonth::going_on(id, month, stored, None, &swept), invocation.now)
                };
                let stored = store(ledger, Some(*item), Writing::default(), fold).await;
                stored.map(|_| ()).map_err(AnswerError::HistoryWrite)
            }
            Recorded::Final => {
                counts.late_events += 1;
                let at = evidence.at;
                tracing::warn!(%id, %month, %at, "Late event of {id}: {month} is final and stays as it is");
                let kept = ledger.record_late(id, month, &[evidence.clone()].into()).await;
                kept.map_err(AnswerError::HistoryWrite)
            }
            Recorded::Unknown => Ok(()),
        }
    }
}

/// As of the last that was told: what has been since is not proven, and a reader shows it as the live value of a run.
fn fold_as_told(item: &ServerMonth, swept: &SweptFor, now: DateTime<Utc>) -> Folded {
    let month = ServerMonth { summary: None, ..ServerMonth::going_on(&item.id, item.month, Some(item), None, swept) };
    let as_of = month.last_told(now);
    Folded::of(month, as_of)
}
