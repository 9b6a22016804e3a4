//! What a payload may ask for.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uptime::{AccountId, InstanceId, Month, Region};
use uptime_report::ServerState;

use crate::order::{Sort, Token};
use crate::widget::{InvalidWidget, Widget};

/// The most rows of one answer.
const MOST_ROWS: usize = 20_000;
/// Rows of a page, unless asked otherwise: it is to be looked at.
const ROWS_OF_A_PAGE: usize = 100;
/// Months of a server, unless asked otherwise: the one that goes on, and a year.
const MONTHS: usize = 13;
/// The most months of a server.
const MOST_MONTHS: usize = 120;

/// What an invocation is asked for, and by whom.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What for.
    pub(crate) request: Request,
    /// The widget that asks; none: a plain invocation.
    pub(crate) widget: Option<Widget>,
}

/// What an invocation is asked for.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// What a widget shows of how to use it.
    Describe,
    /// The fleet's month.
    Fleet(FleetRequest),
    /// A server's months.
    Server { id: InstanceId, months: usize, format: RowFormat },
    /// Why a number is what it is.
    Explain { id: InstanceId, month: Month, format: ExplainFormat },
}

/// The fleet's month, or some of it.
#[derive(Clone, Debug)]
pub(crate) struct FleetRequest {
    pub(crate) month: Month,
    pub(crate) format: RowFormat,
    pub(crate) selection: Selection,
    pub(crate) sort: Sort,
    pub(crate) limit: usize,
    pub(crate) next: Option<Token>,
}

/// Which servers; what is none selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) account: Option<AccountId>,
    pub(crate) region: Option<Region>,
    /// A part of the name, in upper or lower case.
    pub(crate) name: Option<String>,
    pub(crate) state: Option<ServerState>,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RowFormat {
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
    /// For people.
    Html,
}

/// How an explanation is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ExplainFormat {
    /// For programs.
    Json,
    /// For a terminal.
    Text,
    /// For a browser.
    Html,
}

/// A payload that asks for something that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRequest {
    /// Not even an object.
    #[error("invalid request: expected an object such as `{{\"report\": \"fleet\"}}`, got `{0}`")]
    NoObject(Value),
    /// `report` is missing or unknown.
    #[error("invalid request: report: expected `fleet`, `server` or `explain`, got `{0}`")]
    Report(Value),
    /// A field that is missing or not known, or whose value cannot be read.
    #[error("invalid request: {0}")]
    Field(#[from] serde_path_to_error::Error<serde_json::Error>),
    /// `month` has not begun.
    #[error("invalid request: month {0} is in the future")]
    Future(Month),
    /// `limit` is out of range.
    #[error("invalid request: limit: expected 1 to {MOST_ROWS}, got {0}")]
    Limit(usize),
    /// `months` is out of range.
    #[error("invalid request: months: expected 1 to {MOST_MONTHS}, got {0}")]
    Months(usize),
    /// `next` is none that an answer gave.
    #[error("invalid request: next: expected what the page before gave, got `{0}`")]
    Next(String),
    /// `next` is of another order.
    #[error("invalid request: next: it is of rows sorted by {given}, and asked for are rows sorted by {asked}")]
    NextOfOtherOrder {
        /// That of the page before.
        given: &'static str,
        /// That of this one.
        asked: &'static str,
    },
    /// What a widget brings along cannot be read.
    #[error(transparent)]
    Widget(#[from] InvalidWidget),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FleetFields {
    month: Option<Month>,
    format: Option<RowFormat>,
    account: Option<AccountId>,
    region: Option<Region>,
    name: Option<String>,
    state: Option<ServerState>,
    sort: Option<Sort>,
    limit: Option<usize>,
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerFields {
    id: InstanceId,
    months: Option<usize>,
    format: Option<RowFormat>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExplainFields {
    id: InstanceId,
    month: Option<Month>,
    format: Option<ExplainFormat>,
}

impl Asked {
    /// Reads a payload: an object with `report` and what that report takes; or what a widget of CloudWatch sends, which is the
    /// same with a context, or `{"describe": true}`.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn read(payload: Value, now: DateTime<Utc>) -> Result<Self, InvalidRequest> {
        let Value::Object(mut fields) = payload else { return Err(InvalidRequest::NoObject(payload)) };
        if fields.get("describe") == Some(&Value::Bool(true)) {
            return Ok(Self { request: Request::Describe, widget: None });
        }
        fields.remove("describe");
        let widget = Widget::take(&mut fields)?;
        let report = fields.remove("report").unwrap_or(if widget.is_some() { "fleet".into() } else { Value::Null });
        let fields = Value::Object(fields);
        let request = match report.as_str() {
            Some("fleet") => Request::fleet(deserialize(fields)?, widget.is_some(), now)?,
            Some("server") => Request::server(deserialize(fields)?, widget.is_some())?,
            Some("explain") => Request::explain(deserialize(fields)?, widget.is_some(), now)?,
            _ => return Err(InvalidRequest::Report(report)),
        };
        Ok(Self { request, widget })
    }
}

fn deserialize<T: DeserializeOwned>(fields: Value) -> Result<T, InvalidRequest> {
    Ok(serde_path_to_error::deserialize(fields)?)
}

impl Request {
    fn fleet(fields: FleetFields, is_widget: bool, now: DateTime<Utc>) -> Result<Self, InvalidRequest> {
        let FleetFields { month, format, account, region, name, state, sort, limit, next } = fields;
        let format = format.unwrap_or(if is_widget { RowFormat::Html } else { RowFormat::Json });
        let next = next.map(|text| text.parse::<Token>().map_err(|()| InvalidRequest::Next(text))).transpose()?;
        let usual = if format == RowFormat::Html { Sort::Minutes } else { Sort::Id };
        let sort = sort.unwrap_or(next.as_ref().map_or(usual, |next| next.sort));
        if let Some(next) = next.as_ref().filter(|next| next.sort != sort) {
            return Err(InvalidRequest::NextOfOtherOrder { given: next.sort.as_str(), asked: sort.as_str() });
        }
        let limit = limit.unwrap_or(if format == RowFormat::Html { ROWS_OF_A_PAGE } else { MOST_ROWS });
        if !(1..=MOST_ROWS).contains(&limit) {
            return Err(InvalidRequest::Limit(limit));
        }
        let name = name.filter(|part| !part.is_empty());
        let selection = Selection { account, region, name, state };
        Ok(Self::Fleet(FleetRequest { month: not_future(month, now)?, format, selection, sort, limit, next }))
    }

    fn server(fields: ServerFields, is_widget: bool) -> Result<Self, InvalidRequest> {
        let ServerFields { id, months, format } = fields;
        let months = months.unwrap_or(MONTHS);
        if !(1..=MOST_MONTHS).contains(&months) {
            return Err(InvalidRequest::Months(months));
        }
        let format = format.unwrap_or(if is_widget { RowFormat::Html } else { RowFormat::Json });
        Ok(Self::Server { id, months, format })
    }

    fn explain(fields: ExplainFields, is_widget: bool, now: DateTime<Utc>) -> Result<Self, InvalidRequest> {
        let ExplainFields { id, month, format } = fields;
        let format = format.unwrap_or(if is_widget { ExplainFormat::Html } else { ExplainFormat::Json });
        Ok(Self::Explain { id, month: not_future(month, now)?, format })
    }
}

fn not_future(month: Option<Month>, now: DateTime<Utc>) -> Result<Month, InvalidRequest> {
    match month {
        Some(month) if month > Month::of(now) => Err(InvalidRequest::Future(month)),
        month => Ok(month.unwrap_or(Month::of(now))),
    }
}
