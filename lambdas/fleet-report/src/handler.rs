//! One invocation: what is asked for, read, and written as asked.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use tokio::time::timeout_at;
use uptime::{InstanceId, Month, Scope, instant_text};
use uptime_ledger::ports::{KeptMonths, Ledger, Statuses};
use uptime_ledger::{Moment, Scopes};
use uptime_report::{Row, Totals, to_csv};

use crate::error::ReportError;
use crate::explain_text::text;
use crate::fleet::{Fleet, Page, ScopeHealth};
use crate::pages::{self, Frame};
use crate::reading::{OneMonth, Unreadable, server_months};
use crate::request::{Asked, ExplainFormat, FleetRequest, Request, RowFormat};
use crate::widget::DESCRIPTION;

/// Lambda answers with 6 MB at most.
const MOST_BYTES: usize = 5_900_000;

/// The handler's work, over the ledger of each scope.
#[derive(Debug)]
pub struct FleetReport<P> {
    /// From a scope to its ledger.
    ledgers: P,
    scopes: Scopes,
}

/// What an invocation brings along beside its payload.
#[derive(Clone, Debug)]
pub struct Call {
    /// When it happens.
    pub moment: Moment,
    /// The function that was invoked, for what a widget calls next.
    pub function_arn: String,
}

impl<P> FleetReport<P> {
    /// The reports of these scopes, over the ledger that `ledgers` has for each.
    pub fn over(ledgers: P, scopes: Scopes) -> Self {
        Self { ledgers, scopes }
    }
}

/// Handles one invocation. The answer is JSON: an object, or for pages and texts a string.
///
/// # Errors
/// Where the payload asks for something that cannot be, or the ledger cannot be read.
pub async fn handle<L, P>(report: &FleetReport<P>, payload: Value, call: Call) -> Result<Box<RawValue>, ReportError>
where
    L: Ledger + Statuses + KeptMonths,
    P: Fn(&Scope) -> L,
{
    let now = call.moment.now;
    let answered = async {
        let asked = Asked::read(payload, now)?;
        let frame = Frame { widget: asked.widget, function_arn: call.function_arn };
        match asked.request {
            Request::Describe => json(&DESCRIPTION),
            Request::Fleet(request) => report.fleet(&request, &frame, now).await,
            Request::Server { id, months, format } => report.server(&id, months, format, &frame, now).await,
            Request::Explain { id, month, format } => report.explain(&id, month, format, &frame, now).await,
        }
    };
    // In a box, for the compiler does not follow a future into any depth.
    let answered = timeout_at(call.moment.deadlines.all, Box::pin(answered)).await.unwrap_or(Err(ReportError::TimeUp));
    answered.inspect_err(|error| tracing::error!("{error}"))
}

/// The fleet's month for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FleetBody<'f> {
    month: Month,
    generated_at: String,
    totals: Totals,
    scopes: &'f [ScopeHealth],
    unreadable: &'f [Unreadable],
    servers: &'f [Row],
    next: Option<String>,
}

/// Rows as CSV, in JSON.
#[derive(Serialize)]
struct CsvBody {
    csv: String,
    next: Option<String>,
}

/// A server's months for programs.
#[derive(Serialize)]
struct ServerBody<'s> {
    id: &'s InstanceId,
    months: &'s [Row],
}

impl<L: Ledger + Statuses + KeptMonths, P: Fn(&Scope) -> L> FleetReport<P> {
    async fn fleet(
        &self,
        request: &FleetRequest,
        frame: &Frame,
        now: DateTime<Utc>,
    ) -> Result<Box<RawValue>, ReportError> {
        let fleet = Fleet::read(&self.ledgers, &self.scopes, request, now).await?;
        let after = request.next.as_ref().map(|next| &next.after);
        let mut most = request.limit;
        loop {
            let page = fleet.page(request.sort, after, most);
            let answer = written(&fleet, &page, request, frame)?;
            let size = answer.get().len();
            if size <= MOST_BYTES {
                return Ok(answer);
            }
            // What is left over goes by the next page.
            most = page.rows.len() * MOST_BYTES / size * 9 / 10;
            if most == 0 {
                return Err(ReportError::TooLarge);
            }
        }
    }

    async fn server(
        &self,
        id: &InstanceId,
        months: usize,
        format: RowFormat,
        frame: &Frame,
        now: DateTime<Utc>,
    ) -> Result<Box<RawValue>, ReportError> {
        let since = (1..months).fold(Month::of(now), |month, _| month.previous());
        let kept = self.months(id, since, now).await?;
        let rows: Vec<Row> = kept.iter().map(|month| Row::of(&month.scope, &month.known)).collect();
        match (format, kept.last()) {
            (_, None) => Err(ReportError::NoServer { id: id.clone(), since }),
            (RowFormat::Json, _) => json(&ServerBody { id, months: &rows }),
            (RowFormat::Csv, _) => json(&CsvBody { csv: to_csv(&rows), next: None }),
            (RowFormat::Html, Some(last)) => json(&pages::server(&rows, &last.known, frame, now)),
        }
    }

    async fn explain(
        &self,
        id: &InstanceId,
        month: Month,
        format: ExplainFormat,
        frame: &Frame,
        now: DateTime<Utc>,
    ) -> Result<Box<RawValue>, ReportError> {
        let kept = self.months(id, month, now).await?;
        let found = kept.into_iter().find(|kept| kept.known.month.month == month);
        let found = found.ok_or_else(|| ReportError::NoMonth { id: id.clone(), month })?;
        let told = found.known.month.explain(found.known.month.told_as_of(now));
        match format {
            ExplainFormat::Json => json(&told),
            ExplainFormat::Text => json(&text(&told)),
            ExplainFormat::Html => json(&pages::explained(&Row::of(&found.scope, &found.known), &told, frame, now)),
        }
    }

    async fn months(&self, id: &InstanceId, since: Month, now: DateTime<Utc>) -> Result<Vec<OneMonth>, ReportError> {
        Ok(server_months(&self.ledgers, self.scopes.home(), id, since, now).await?)
    }
}

/// A page of the fleet as it is asked for.
fn written(
    fleet: &Fleet,
    page: &Page<'_>,
    request: &FleetRequest,
    frame: &Frame,
) -> Result<Box<RawValue>, ReportError> {
    let next = page.next.as_ref().map(ToString::to_string);
    match request.format {
        RowFormat::Json => json(&FleetBody {
            month: fleet.month,
            generated_at: instant_text(fleet.now),
            totals: fleet.totals,
            scopes: &fleet.scopes,
            unreadable: &fleet.unreadable,
            servers: page.rows,
            next,
        }),
        RowFormat::Csv => json(&CsvBody { csv: to_csv(page.rows), next }),
        RowFormat::Html => json(&pages::fleet(fleet, page, request, frame)),
    }
}

fn json(answer: &impl Serialize) -> Result<Box<RawValue>, ReportError> {
    // All of these are numbers, texts and lists, which JSON has.
    to_raw_value(answer).map_err(|_| ReportError::TooLarge)
}
