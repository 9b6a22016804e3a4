//! One server's month.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uptime::{AccountId, Audit, Folded, InstanceId, Minutes, Month, Region, Scope, Span};

use crate::forecast::Forecast;
use crate::instant::{serialize, serialize_option};

/// One server's month. The fields, in their order, are a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The account that it belongs to.
    pub account: AccountId,
    /// Its region.
    pub region: Region,
    /// The server.
    pub id: InstanceId,
    /// The value of its tag `Name`, as last seen; none where it has none.
    pub name: Option<String>,
    /// Its instance type, as last seen; none where EC2 never showed it.
    pub instance_type: Option<String>,
    /// Its state as of `asOf`.
    pub state: ServerState,
    /// The month.
    pub month: Month,
    /// The proven minutes of the month up to `asOf`.
    pub minutes: Minutes,
    /// How many more are possible.
    pub uncertainty: Minutes,
    /// Start of the run that goes on; none where it does not run.
    #[serde(serialize_with = "serialize_option")]
    pub running_since: Option<DateTime<Utc>>,
    /// Up to when the row holds: when the server was last seen or heard of; of a month that is over, its end.
    #[serde(serialize_with = "serialize")]
    pub as_of: DateTime<Utc>,
    /// True once nothing changes any more.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// When it was first missed among the servers; none while it is one.
    #[serde(serialize_with = "serialize_option")]
    pub left_at: Option<DateTime<Utc>>,
    /// What tells how long it ran.
    pub rests_on: Basis,
    /// Whether CloudWatch's samples of a final month tell the same, `agrees` or `disagrees`; none where they were not compared.
    pub audit: Option<&'static str>,
    /// The proven minutes of each UTC day, first day first, up to the day of `asOf`. They sum to `minutes`.
    pub days: Vec<Minutes>,
    /// How many more are possible on each of these days.
    pub days_uncertainty: Vec<Minutes>,
    /// What the month comes to at its end.
    pub forecast: Forecast,
}

/// What tells how long a server ran in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// CloudTrail's records, state changes and looks; CloudWatch's samples only where these leave something open.
    Records,
    /// CloudWatch's samples alone.
    Samples,
}

impl Basis {
    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Samples => "samples",
        }
    }
}

/// A server's state as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerState {
    /// It runs.
    Running,
    /// It does not.
    Stopped,
    /// It is no server any more: terminated, or without the tag.
    Left,
    /// Nothing tells.
    Unknown,
}

impl ServerState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Running, Self::Stopped, Self::Left, Self::Unknown];

    /// Its name in reports and requests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Left => "left",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for ServerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Row {
    /// The row of a server of `scope`, from its month as it is known.
    pub fn of(scope: &Scope, known: &Folded) -> Self {
        let (month, entry) = (&known.month, &known.entry);
        let as_of = month.summary.as_ref().map_or(entry.timestamp, |summary| summary.as_of);
        let span = month.summary.as_ref().map_or(entry.span, |summary| summary.span);
        let (days, days_uncertainty) = days(known, as_of, span);
        let is_over = month.left_at.is_some() || month.is_final || as_of >= month.month.end();
        let there_since = month.created().unwrap_or(month.month.start());
        Self {
            account: scope.account.clone(),
            region: scope.region.clone(),
            id: month.id.clone(),
            name: month.name.clone(),
            instance_type: month.instance_type.clone(),
            state: state(known),
            month: month.month,
            minutes: span.proven,
            uncertainty: span.possible,
            running_since: entry.running_since,
            as_of,
            is_final: month.is_final,
            left_at: month.left_at,
            rests_on: if month.rests_on_samples() { Basis::Samples } else { Basis::Records },
            audit: month.audit.as_ref().map(Audit::verdict),
            days,
            days_uncertainty,
            forecast: match is_over {
                true => Forecast::settled(span),
                false => Forecast::of(span, month.month, there_since, as_of),
            },
        }
    }

    /// The account and region that it belongs to.
    pub fn scope(&self) -> Scope {
        Scope { account: self.account.clone(), region: self.region.clone() }
    }

    /// True where CloudWatch tells otherwise.
    pub fn is_disputed(&self) -> bool {
        self.audit.is_some_and(|verdict| verdict == Audit::DISAGREES)
    }

    /// How long it ran.
    pub fn span(&self) -> Span {
        Span { proven: self.minutes, possible: self.uncertainty }
    }
}

fn state(known: &Folded) -> ServerState {
    let month = &known.month;
    match known.entry.running_since {
        _ if month.left_at.is_some() => ServerState::Left,
        Some(_) => ServerState::Running,
        None if month.sighting.is_none() && month.evidence.is_empty() => ServerState::Unknown,
        None => ServerState::Stopped,
    }
}

/// The minutes of each day, proven and possible.
fn days(known: &Folded, as_of: DateTime<Utc>, span: Span) -> (Vec<Minutes>, Vec<Minutes>) {
    let month = &known.month;
    let stored = month.summary.as_ref().map(|summary| summary.days.clone()).unwrap_or_default();
    if span.is_exact() {
        let none = vec![Minutes::default(); stored.len()];
        return (stored, none);
    }
    // Of a month that is over, later evidence tells how it ended.
    let spans = month.timeline(known.entry.timestamp).day_spans(month.month, as_of);
    let possible = spans.into_iter().map(|day| day.possible).chain(std::iter::repeat(Minutes::default()));
    let possible = possible.take(stored.len()).collect();
    (stored, possible)
}
