//! Reports of a large fleet, beside the bare requests that they consist of: two processes that answer in turn.

use std::time::Duration;

use account::clients;
use anyhow::{Result, anyhow, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use stand_ins::TableStandIn;
use stand_ins::runtime::{Handler, Usage};
use uptime::Month;

use crate::program;
use crate::seed::{VARIABLES, seed};

const TIME: Duration = Duration::from_secs(60);

/// What was found.
pub struct Reports {
    /// Servers of the fleet.
    pub servers: usize,
    /// Requests to DynamoDB for each answer.
    pub requests: u64,
    /// The page of the first 100 rows, with totals of all.
    pub page: Vec<Duration>,
    /// All rows as CSV, by as many answers as they need.
    pub csv: Vec<Duration>,
    /// Answers that all rows need as CSV.
    pub csv_answers: usize,
    /// The same requests without the report.
    pub bare: Vec<Duration>,
    /// Rows of the CSV.
    pub rows: usize,
    /// From the start of the process to its first request for work.
    pub ready: Duration,
    /// The report's process after all of it.
    pub usage: Usage,
}

/// Measures so many answers of each kind about a fleet of this size.
///
/// # Errors
/// Where a program fails, or the CSV lacks a row.
pub async fn measure(servers: usize, repetitions: usize) -> Result<Reports> {
    let now = now();
    let month = Month::of(now);
    let tables = TableStandIn::start().await?;
    seed(&clients(&tables.endpoint, &tables.endpoint), servers, now).await?;
    let mut variables = VARIABLES.to_vec();
    variables.push(("AWS_ENDPOINT_URL_DYNAMODB", &tables.endpoint));
    let mut report = Handler::start(&program("fleet-report")?, &variables).await?;
    let mut bare = Handler::start(&program("fleet-requests")?, &variables).await?;
    let mut found = Reports {
        servers,
        requests: 0,
        page: Vec::new(),
        csv: Vec::new(),
        csv_answers: 0,
        bare: Vec::new(),
        rows: 0,
        ready: report.ready(TIME).await?,
        usage: Usage::default(),
    };
    let page = json!({"report": "fleet", "month": month, "format": "html"});
    // The first answer of each opens its connection.
    for round in 0..=repetitions {
        let (_, drawn) = answer(&mut report, page.clone()).await?;
        let (sent, bare) = answer(&mut bare, json!({"month": month})).await?;
        let (rows, answers, written) = whole_csv(&mut report, month).await?;
        ensure!(rows == servers, "the CSV has {rows} of {servers} rows");
        (found.rows, found.csv_answers) = (rows, answers);
        found.requests = sent.as_u64().unwrap_or_default();
        if round > 0 {
            found.page.push(drawn);
            found.bare.push(bare);
            found.csv.push(written);
        }
    }
    found.usage = report.usage()?;
    Ok(found)
}

#[allow(clippy::disallowed_methods, reason = "the handlers measured take the time from the wall as well")]
fn now() -> DateTime<Utc> {
    Utc::now() - TimeDelta::seconds(1)
}

async fn answer(handler: &mut Handler, payload: Value) -> Result<(Value, Duration)> {
    let invoked = handler.invoke(payload, TIME).await?;
    Ok((invoked.outcome.map_err(|error| anyhow!("a report failed: {error}"))?, invoked.took))
}

/// All rows, page by page: how many there are, in how many answers, and how long those took.
async fn whole_csv(handler: &mut Handler, month: Month) -> Result<(usize, usize, Duration)> {
    let (mut rows, mut answers, mut took) = (0, 0, Duration::ZERO);
    let mut next = Value::Null;
    loop {
        let payload = json!({"report": "fleet", "month": month, "format": "csv", "next": next});
        let (told, time) = answer(handler, payload).await?;
        rows += told["csv"].as_str().unwrap_or_default().lines().count() - 1;
        answers += 1;
        took += time;
        next = told["next"].clone();
        if next.is_null() {
            return Ok((rows, answers, took));
        }
    }
}
