//! The answer to "how long did this server run this month?".

use crate::ports::{Cache, Services};
use chrono::{DateTime, TimeDelta, Utc};
use uptime::{CacheEntry, InstanceId, Month};

use crate::counts::Counts;
use crate::moment::Moment;
use crate::one_server::{AnswerError, OneServer};

/// No clock of AWS is this wrong: what is from later is broken, not fresh.
const FUTURE: TimeDelta = TimeDelta::hours(1);

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The cache.
    Cached,
    /// Calculated on the spot, and cached now.
    Calculated,
    /// The cache, though it is older than wanted or of another month: the calculation failed.
    Outdated,
}

/// A server's running minutes, and where they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Minutes, uncertainty, month, timestamp, start of the open run; [`CacheEntry::live_at`] tells the live value.
    pub entry: CacheEntry,
    /// Where they come from.
    pub origin: Origin,
}

/// What is known of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownMinutes {
    /// Its running minutes.
    Answered(Answered),
    /// That it is no server any more.
    NoServer,
    /// Nothing.
    Nothing,
}

/// The running minutes of one server: what is cached, whatever its age or at most `max_age` old; where nothing usable is
/// cached, calculated for this one server. None where the instance is no server.
///
/// A cache that cannot be reached falls back to the calculation too. If that fails as well, an older cached value is better
/// than none: its timestamp and month tell.
///
/// # Errors
/// Where it cannot be calculated and nothing is cached.
pub async fn get_cached_running_minutes<S: Services>(
    server: &OneServer<S>,
    id: &InstanceId,
    max_age: Option<TimeDelta>,
    moment: Moment,
    counts: &mut Counts,
) -> Result<Option<Answered>, AnswerError> {
    let cached = read_cached(server, id).await;
    answer_from(cached, server, id, max_age, moment, counts).await
}

/// As [`get_cached_running_minutes`], of servers that are known only: of an instance of which nothing is kept, EC2 is not
/// asked.
///
/// # Errors
/// Where it cannot be calculated and nothing is cached, or the ledger cannot be read.
pub async fn get_known_running_minutes<S: Services>(
    server: &OneServer<S>,
    id: &InstanceId,
    max_age: Option<TimeDelta>,
    moment: Moment,
    counts: &mut Counts,
) -> Result<KnownMinutes, AnswerError> {
    let cached = read_cached(server, id).await;
    if cached.is_none() && !server.knows(id, moment).await? {
        return Ok(KnownMinutes::Nothing);
    }
    let answered = answer_from(cached, server, id, max_age, moment, counts).await?;
    Ok(answered.map_or(KnownMinutes::NoServer, KnownMinutes::Answered))
}

async fn read_cached<S: Services>(server: &OneServer<S>, id: &InstanceId) -> Option<CacheEntry> {
    server.services.cache().read_one(id).await.unwrap_or_else(|error| {
        tracing::warn!(%id, %error, "Could not read the cache of {id}, falling back to calculation: {error}");
        None
    })
}

async fn answer_from<S: Services>(
    cached: Option<CacheEntry>,
    server: &OneServer<S>,
    id: &InstanceId,
    max_age: Option<TimeDelta>,
    moment: Moment,
    counts: &mut Counts,
) -> Result<Option<Answered>, AnswerError> {
    let now = moment.now;
    match cached.as_ref().map(|entry| (entry, Usable::of(entry, max_age, now))) {
        Some((entry, Usable::Yes)) => {
            log_hit(id, entry, now);
            counts.hits += 1;
            return Ok(Some(Answered { entry: entry.clone(), origin: Origin::Cached }));
        }
        Some((entry, Usable::TooOld)) => {
            let age_hours = hours(entry.age(now));
            tracing::info!(
                %id, age_hours, "Cache is stale for {id} (age: {age_hours:.1} hours), falling back to calculation"
            );
        }
        Some((_, Usable::No)) | None => {
            tracing::info!(%id, "No cache found for {id}, falling back to calculation");
        }
    }
    counts.misses += 1;
    match (server.calculate(id, None, moment, counts).await, cached) {
        (Ok(entry), _) => Ok(entry.map(|entry| Answered { entry, origin: Origin::Calculated })),
        (Err(error), Some(entry)) => {
            tracing::warn!(%id, %error, as_of = %entry.timestamp, "Answering an older value for {id}: {error}");
            Ok(Some(Answered { entry, origin: Origin::Outdated }))
        }
        (Err(error), None) => Err(error),
    }
}

/// Whether a cached value can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Usable {
    Yes,
    TooOld,
    /// It is of another month, or from the future.
    No,
}

impl Usable {
    fn of(entry: &CacheEntry, max_age: Option<TimeDelta>, now: DateTime<Utc>) -> Self {
        match max_age {
            _ if entry.month != Month::of(now) || entry.timestamp > now + FUTURE => Self::No,
            Some(max_age) if entry.age(now) > max_age => Self::TooOld,
            _ => Self::Yes,
        }
    }
}

fn log_hit(id: &InstanceId, entry: &CacheEntry, now: DateTime<Utc>) {
    let (minutes, age_hours) = (entry.span.proven.as_f64(), hours(entry.age(now)));
    tracing::info!(
        %id, minutes, age_hours, "Using cached value for {id}: {} minutes (age: {age_hours:.1} hours)", entry.span.proven
    );
}

/// An entry from a moment ago can be from another clock, and a little in the future.
fn hours(age: TimeDelta) -> f64 {
    age.num_milliseconds().max(0) as f64 / 3_600_000.0
}
