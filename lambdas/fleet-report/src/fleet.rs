//! The fleet's month: which servers are asked for, in which order, and what they come to.

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Serialize, Serializer};
use uptime::{Month, Scope, instant_text};
use uptime_ledger::ports::{Ledger, Statuses};
use uptime_ledger::{ScopeStatus, Scopes, ServiceError};
use uptime_report::{Row, Totals};

use crate::order::{Place, Sort, Token};
use crate::reading::{ScopeMonth, Unreadable, scope_month};
use crate::request::{FleetRequest, Selection};

/// Scopes that are read at once.
const CONCURRENT_SCOPES: usize = 8;

/// The fleet's month, as far as it was asked for.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) month: Month,
    /// When it was read.
    pub(crate) now: DateTime<Utc>,
    /// Every server selected, in order.
    pub(crate) rows: Vec<Row>,
    /// What they come to.
    pub(crate) totals: Totals,
    /// How reading their scopes goes.
    pub(crate) scopes: Vec<ScopeHealth>,
    /// Servers whose item cannot be read, so that they are in no total.
    pub(crate) unreadable: Vec<Unreadable>,
}

/// How reading a scope goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScopeHealth {
    pub(crate) scope: Scope,
    pub(crate) status: ScopeStatus,
}

/// A part of the rows.
#[derive(Debug)]
pub(crate) struct Page<'f> {
    /// The rows.
    pub(crate) rows: &'f [Row],
    /// The number of the first one among all rows, from 0.
    pub(crate) first: usize,
    /// What asks for the rest; none where nothing is left.
    pub(crate) next: Option<Token>,
}

impl Fleet {
    /// Reads what is asked for.
    ///
    /// # Errors
    /// Where the table cannot be read.
    pub(crate) async fn read<L: Ledger + Statuses>(
        ledgers: &impl Fn(&Scope) -> L,
        scopes: &Scopes,
        request: &FleetRequest,
        now: DateTime<Utc>,
    ) -> Result<Self, ServiceError> {
        let asked = scopes_of(scopes, &request.selection);
        let statuses = ledgers(scopes.home()).statuses(&asked).await?;
        let months = asked.iter().map(|scope| {
            let read_at = statuses.get(scope).and_then(|status| status.last_success);
            let ledger = ledgers(scope);
            async move { scope_month(&ledger, scope, request.month, read_at, now).await }
        });
        let months: Vec<_> = months.collect();
        let months: Vec<ScopeMonth> = stream::iter(months).buffered(CONCURRENT_SCOPES).try_collect().await?;
        let mut unreadable = Vec::new();
        let mut rows = Vec::new();
        for month in months {
            unreadable.extend(month.unreadable);
            rows.extend(month.rows.into_iter().filter(|row| request.selection.has(row)));
        }
        rows.sort_by_cached_key(|row| request.sort.place(row));
        unreadable.sort_by(|one, other| (&one.scope, &one.id).cmp(&(&other.scope, &other.id)));
        let totals = Totals::of(&rows);
        let health = |scope: &Scope| {
            let status = statuses.get(scope).cloned().unwrap_or_default();
            ScopeHealth { scope: scope.clone(), status }
        };
        let scopes = asked.iter().map(health).collect();
        Ok(Self { month: request.month, now, rows, totals, scopes, unreadable })
    }

    /// At most so many rows after a place.
    pub(crate) fn page(&self, sort: Sort, after: Option<&Place>, most: usize) -> Page<'_> {
        let first = after.map_or(0, |after| self.rows.partition_point(|row| sort.place(row) <= *after));
        let end = first.saturating_add(most).min(self.rows.len());
        let rows = &self.rows[first..end];
        let next = rows.last().filter(|_| end < self.rows.len());
        let next = next.map(|last| Token { sort, after: sort.place(last) });
        Page { rows, first, next }
    }
}

/// The scopes in which the servers asked for are. One that is named whole and not configured may have been once.
fn scopes_of(scopes: &Scopes, selection: &Selection) -> Vec<Scope> {
    let Selection { account, region, .. } = selection;
    let is_asked = |scope: &&Scope| {
        account.as_ref().is_none_or(|account| *account == scope.account)
            && region.as_ref().is_none_or(|region| *region == scope.region)
    };
    let asked: Vec<Scope> = scopes.all().filter(is_asked).cloned().collect();
    match (account, region) {
        (Some(account), Some(region)) if asked.is_empty() => {
            vec![Scope { account: account.clone(), region: region.clone() }]
        }
        _ => asked,
    }
}

impl Selection {
    fn has(&self, row: &Row) -> bool {
        let name = row.name.as_deref().unwrap_or_default().to_lowercase();
        self.name.as_ref().is_none_or(|part| name.contains(&part.to_lowercase()))
            && self.state.is_none_or(|state| state == row.state)
    }
}

impl ScopeHealth {
    /// Why the last run over it failed; none after one that ended well.
    pub(crate) fn trouble(&self) -> Option<String> {
        let trouble = self.status.last_trouble.as_ref();
        trouble.map(|trouble| format!("{}: {}", trouble.kind.as_str(), trouble.message))
    }
}

/// `lastSuccess` is when the last run over it that ended well began; `failing` is true where it could not be read for hours.
impl Serialize for ScopeHealth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Told<'h> {
            #[serde(flatten)]
            scope: &'h Scope,
            last_success: Option<String>,
            failing: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            trouble: Option<String>,
        }
        let last_success = self.status.last_success.map(instant_text);
        let told =
            Told { scope: &self.scope, last_success, failing: self.status.is_failing(), trouble: self.trouble() };
        told.serialize(serializer)
    }
}
