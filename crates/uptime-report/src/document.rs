//! A final month as one JSON document.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uptime::{AccountId, InstanceId, Month, Region, Scope};

use crate::instant::serialize;
use crate::row::Row;
use crate::totals::Totals;

/// A scope's final month, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MonthDocument<'r> {
    /// The month.
    pub month: Month,
    /// The account.
    pub account: &'r AccountId,
    /// The region.
    pub region: &'r Region,
    /// When it was written.
    #[serde(serialize_with = "serialize")]
    pub generated_at: DateTime<Utc>,
    /// What the servers come to.
    pub totals: Totals,
    /// Servers whose item cannot be read, so that they are among neither the servers nor the totals.
    pub unreadable: Vec<InstanceId>,
    /// One row a server, sorted by id.
    pub servers: &'r [Row],
}

impl<'r> MonthDocument<'r> {
    /// That of these rows, which are all of one scope and month.
    pub fn of(
        scope: &'r Scope,
        month: Month,
        rows: &'r [Row],
        unreadable: Vec<InstanceId>,
        now: DateTime<Utc>,
    ) -> Self {
        let Scope { account, region } = scope;
        Self { month, account, region, generated_at: now, totals: Totals::of(rows), unreadable, servers: rows }
    }
}
