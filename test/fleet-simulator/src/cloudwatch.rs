//! CloudWatch `GetMetricData`, for the one metric of EC2 that tells when a server ran: each status check is a sample of
//! `StatusCheckFailed`, one a minute while the server runs.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::HeaderMap;
use chrono::{DateTime, TimeDelta, Utc};
use ciborium::Value;

use crate::dice;
use crate::server::{Server, State};
use crate::service::Answer;
use crate::world::World;

/// Where requests are sent to: CloudWatch's clients speak CBOR, with the operation in the path.
pub const PATH: &str = "/service/GraniteServiceVersion20100801/operation/GetMetricData";
/// What such an answer is.
pub const CONTENT_TYPE: &str = "application/cbor";
/// The header by which both sides say so.
pub const PROTOCOL: (&str, &str) = ("smithy-protocol", "rpc-v2-cbor");

/// The most metrics of one request.
const MOST_METRICS: usize = 500;
/// The most points of one answer.
const MOST_POINTS: usize = 100_800;
/// For how long counts are kept, by the length of their periods in seconds.
const KEPT: [(i64, i64); 3] = [(60, 15), (300, 63), (3600, 455)];

/// How the samples reach CloudWatch.
#[derive(Debug, Clone, Copy)]
pub struct Sampling {
    /// How long after a check its sample is there.
    pub delay: TimeDelta,
    /// One of so many is lost; none where 0.
    pub lost_one_of: u32,
    /// How long a call takes.
    pub latency: Duration,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { delay: TimeDelta::minutes(2), lost_one_of: 0, latency: Duration::ZERO }
    }
}

/// True for a request to CloudWatch.
#[must_use]
pub fn speaks(headers: &HeaderMap) -> bool {
    headers.get(PROTOCOL.0).is_some_and(|value| value == PROTOCOL.1)
}

/// An answer that says what went wrong.
#[must_use]
pub fn error(status: u16, kind: &str, message: &str) -> Answer {
    let body = map([("__type", Value::from(format!("com.amazonaws.cloudwatch#{kind}"))), ("message", message.into())]);
    Answer::cbor(status, encoded(&body))
}

/// Answers `GetMetricData`.
#[must_use]
pub fn get_metric_data(world: &World, now: DateTime<Utc>, sampling: Sampling, body: &[u8]) -> Answer {
    let request =
        ciborium::from_reader::<Value, _>(body).map_err(|cause| ("SerializationException", cause.to_string()));
    let answer =
        request.and_then(|request| Request::read(&request)).map(|request| request.answer(world, now, sampling));
    match answer {
        Ok(body) => Answer::cbor(200, encoded(&body)),
        Err((kind, message)) => error(400, kind, &message),
    }
}

type Refused = (&'static str, String);

struct Request {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    queries: Vec<Query>,
    /// How many points were answered before this page.
    answered: usize,
    most_points: usize,
}

struct Query {
    id: String,
    server: String,
    period: i64,
    /// Whether it is the metric that is simulated: others have no points.
    is_known: bool,
}

impl Request {
    fn read(body: &Value) -> Result<Self, Refused> {
        let queries = field(body, "MetricDataQueries").and_then(Value::as_array).cloned().unwrap_or_default();
        if queries.is_empty() || queries.len() > MOST_METRICS {
            return Err(invalid(format!(
                "MetricDataQueries has {} members, must have 1 to {MOST_METRICS}",
                queries.len()
            )));
        }
        let time = |name| field(body, name).and_then(instant).ok_or_else(|| invalid(format!("{name} is missing")));
        let (from, to) = (time("StartTime")?, time("EndTime")?);
        if from >= to {
            return Err(invalid("The parameter StartTime must be less than the parameter EndTime.".to_owned()));
        }
        let queries = queries.iter().map(Query::read).collect::<Result<Vec<_>, _>>()?;
        let answered = match text(body, "NextToken") {
            None => 0,
            Some(token) => token.parse().map_err(|_| ("InvalidNextToken", "The next token is invalid.".to_owned()))?,
        };
        let most = field(body, "MaxDatapoints").and_then(Value::as_integer).and_then(|most| usize::try_from(most).ok());
        Ok(Self { from, to, queries, answered, most_points: most.unwrap_or(MOST_POINTS).min(MOST_POINTS) })
    }

    fn answer(&self, world: &World, now: DateTime<Utc>, sampling: Sampling) -> Value {
        let (mut before, mut left) = (self.answered, self.most_points);
        let mut results = Vec::new();
        let mut more = false;
        for query in &self.queries {
            let points = self.points(query, world, now, sampling);
            let rest = points.get(before.min(points.len())..).unwrap_or_default();
            let done = before >= points.len() && !points.is_empty();
            before = before.saturating_sub(points.len());
            if done {
                continue;
            }
            if left == 0 {
                more = true;
                break;
            }
            let page = &rest[..rest.len().min(left)];
            left -= page.len();
            let is_cut = page.len() < rest.len();
            more |= is_cut;
            results.push(map([
                ("Id", Value::from(query.id.clone())),
                ("Label", Value::from(query.server.clone())),
                ("Timestamps", Value::Array(page.iter().map(|(at, _)| tagged(*at)).collect())),
                ("Values", Value::Array(page.iter().map(|(_, count)| Value::from(f64::from(*count))).collect())),
                ("StatusCode", Value::from(if is_cut { "PartialData" } else { "Complete" })),
            ]));
            if is_cut {
                break;
            }
        }
        let mut body = vec![("MetricDataResults", Value::Array(results)), ("Messages", Value::Array(Vec::new()))];
        if more {
            let answered = self.answered + self.most_points - left;
            body.push(("NextToken", Value::from(answered.to_string())));
        }
        map(body)
    }

    /// The periods that have samples, each with how many.
    fn points(
        &self,
        query: &Query,
        world: &World,
        now: DateTime<Utc>,
        sampling: Sampling,
    ) -> Vec<(DateTime<Utc>, u32)> {
        let Some(server) = world.find(&query.server).filter(|_| query.is_known).map(|key| &world.servers()[key]) else {
            return Vec::new();
        };
        let period = query.period;
        let kept = KEPT.iter().filter(|(length, _)| period % length == 0).map(|(_, days)| *days).max();
        let remembered = now - TimeDelta::days(kept.unwrap_or_default());
        let begin = |at: DateTime<Utc>| at.timestamp().div_euclid(period) * period;
        let (from, to) = (begin(self.from.max(remembered)), self.to.timestamp());
        let mut counts: BTreeMap<i64, u32> = BTreeMap::new();
        let second = Sampler::of(server, sampling);
        for minute in (from..to).step_by(60) {
            let check = DateTime::from_timestamp(minute + second.second, 0).unwrap_or(now);
            if check + sampling.delay <= now && second.has_sample(check) {
                *counts.entry(minute.div_euclid(period) * period).or_default() += 1;
            }
        }
        let point = |(at, count)| Some((DateTime::from_timestamp(at, 0)?, count));
        counts.into_iter().filter_map(point).collect()
    }
}

/// Who checks a server, always at the same second of a minute.
struct Sampler<'s> {
    server: &'s Server,
    second: i64,
    seed: u64,
    lost_one_of: u64,
}

impl<'s> Sampler<'s> {
    fn of(server: &'s Server, sampling: Sampling) -> Self {
        let seed = server.id.bytes().fold(0, |seed, byte| dice::mix(seed, u64::from(byte)));
        let second = i64::try_from(seed % 60).unwrap_or_default();
        Self { server, second, seed, lost_one_of: sampling.lost_one_of.into() }
    }

    fn has_sample(&self, check: DateTime<Utc>) -> bool {
        let is_lost = || {
            self.lost_one_of > 0
                && dice::mix(self.seed, check.timestamp().unsigned_abs()).is_multiple_of(self.lost_one_of)
        };
        self.server.state_at(check) == Some(State::Running) && !is_lost()
    }
}

impl Query {
    fn read(query: &Value) -> Result<Self, Refused> {
        let id = text(query, "Id").ok_or_else(|| invalid("MetricDataQueries has a member without Id".to_owned()))?;
        let stat = field(query, "MetricStat").ok_or_else(|| invalid(format!("{id} has no MetricStat")))?;
        let metric = field(stat, "Metric").ok_or_else(|| invalid(format!("{id} has no Metric")))?;
        let period = field(stat, "Period").and_then(Value::as_integer).and_then(|period| i64::try_from(period).ok());
        let period = period.filter(|period| *period > 0 && period % 60 == 0);
        let period = period.ok_or_else(|| invalid(format!("{id} has a Period that is no multiple of 60")))?;
        let dimensions = field(metric, "Dimensions").and_then(Value::as_array).cloned().unwrap_or_default();
        let server = match dimensions.as_slice() {
            [one] if text(one, "Name") == Some("InstanceId") => text(one, "Value").unwrap_or_default(),
            _ => "",
        };
        let is_known = text(metric, "Namespace") == Some("AWS/EC2")
            && text(metric, "MetricName") == Some("StatusCheckFailed")
            && text(stat, "Stat") == Some("SampleCount");
        Ok(Self { id: id.to_owned(), server: server.to_owned(), period, is_known })
    }
}

fn invalid(message: String) -> Refused {
    ("InvalidParameterValueException", message)
}

fn field<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.as_map()?.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    field(value, name)?.as_text()
}

/// Tag 1: seconds since 1970.
fn instant(value: &Value) -> Option<DateTime<Utc>> {
    let seconds = match value {
        Value::Tag(1, seconds) => seconds.as_ref(),
        other => other,
    };
    let whole = seconds.as_integer().and_then(|seconds| i64::try_from(seconds).ok());
    DateTime::from_timestamp(whole.or_else(|| seconds.as_float().map(|seconds| seconds as i64))?, 0)
}

fn tagged(at: DateTime<Utc>) -> Value {
    Value::Tag(1, Box::new(Value::from(at.timestamp() as f64)))
}

fn map<'k>(fields: impl IntoIterator<Item = (&'k str, Value)>) -> Value {
    Value::Map(fields.into_iter().map(|(name, value)| (Value::from(name), value)).collect())
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _written = ciborium::into_writer(value, &mut bytes);
    bytes
}
