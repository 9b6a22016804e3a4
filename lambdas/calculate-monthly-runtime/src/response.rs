//! What a run answers.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use uptime::{InstanceId, Month, Scope, Span};
use uptime_report::Totals;

/// The answer: `body` is a JSON text of [`Body`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Response {
    /// Always 200: a run that fails is an invocation error.
    #[serde(rename = "statusCode")]
    pub status_code: u16,
    /// See [`Body`].
    pub body: String,
}

/// How a run went. The first four fields are a contract.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Body {
    /// In words.
    pub message: &'static str,
    /// Servers to calculate.
    pub total_servers: usize,
    /// Servers whose cache is as of this run, or of a later one.
    pub processed: usize,
    /// Servers that could not be done, each with a log line that says why.
    pub errors: usize,
    /// The month calculated.
    pub month: Month,
    /// Servers not reached before the deadline; the next run begins with them.
    pub remaining: usize,
    /// Servers whose cached value stays, for it is more certain than what this run could read.
    pub kept: usize,
    /// Servers that left in the month, terminated or without the tag: they are not among `total_servers`.
    pub left: usize,
    /// Servers whose minutes are not certain.
    pub uncertain: usize,
    /// Servers that were started over and over in the last day.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub restless: Vec<InstanceId>,
    /// What was read of CloudTrail; none where nothing had to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloudtrail: Option<TrailBody>,
    /// What asking CloudWatch came to; none where nothing was open that it could tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloudwatch: Option<Heard>,
    /// The servers' minutes, where they are not in the cache: a past month is not cached.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<Value>,
}

/// What asking CloudWatch came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Heard {
    /// Requests.
    pub requests: usize,
    /// Servers that were asked about: CloudWatch bills so many metrics.
    pub asked: usize,
    /// Servers of which it had no answer, or for which time or budget were used up: a later run asks again.
    pub unanswered: usize,
}

impl Heard {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            asked: self.asked + other.asked,
            unanswered: self.unanswered + other.unanswered,
        }
    }
}

/// What was handed over. The first four fields are those of [`Body`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HandedOver<'s> {
    message: &'static str,
    total_servers: usize,
    processed: usize,
    errors: usize,
    scope: &'s Scope,
    month: Month,
    totals: Totals,
}

impl<'s> HandedOver<'s> {
    /// A scope's month with these totals.
    pub fn of(scope: &'s Scope, month: Month, totals: Totals) -> Self {
        let servers = totals.servers;
        let message = "The month is handed over";
        Self { message, total_servers: servers, processed: servers, errors: 0, scope, month, totals }
    }
}

/// Which months were filled. The first four fields are those of [`Body`], summed up over them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Filled<'s> {
    message: &'static str,
    total_servers: usize,
    processed: usize,
    errors: usize,
    scope: &'s Scope,
    since: Month,
    /// The months that were calculated, the newest first; those that were final already are not among them.
    pub months: Vec<Month>,
    /// The months for which the time was up: the same payload goes on with them.
    pub remaining: Vec<Month>,
}

impl<'s> Filled<'s> {
    /// Nothing yet of a scope's months from `since` on.
    pub fn of(scope: &'s Scope, since: Month) -> Self {
        let message = "The months are filled as far as they are remembered";
        let (months, remaining) = (Vec::new(), Vec::new());
        Self { message, total_servers: 0, processed: 0, errors: 0, scope, since, months, remaining }
    }

    /// Takes how a month's run went.
    pub fn take(&mut self, body: &Body) {
        self.total_servers += body.total_servers;
        self.processed += body.processed;
        self.errors += body.errors;
        self.months.push(body.month);
        if body.remaining > 0 || body.cloudwatch.is_some_and(|heard| heard.unanswered > 0) {
            self.remaining.push(body.month);
        }
    }
}

/// What was read of CloudTrail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrailBody {
    /// Everything from here on was read.
    pub covered_from: DateTime<Utc>,
    /// False where time was up before everything that is needed was read; the minutes' uncertainty says so too.
    pub complete: bool,
    /// Requests made.
    pub lookups: u64,
    /// Requests throttled.
    pub throttles: u64,
    /// Records skipped because they could not be read.
    pub unreadable_records: u64,
}

impl Response {
    /// The answer with this body.
    pub(crate) fn of(body: &impl Serialize) -> Self {
        #[expect(clippy::expect_used, reason = "numbers, texts and times have no way to fail")]
        let body = serde_json::to_string(body).expect("a body is plain data");
        Self { status_code: 200, body }
    }
}

/// One server's minutes.
pub(crate) fn result(id: &InstanceId, span: Span) -> Value {
    json!({"id": id, "minutes": span.proven.as_f64(), "uncertainty": span.possible.as_f64()})
}
