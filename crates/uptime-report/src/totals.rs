//! What many servers come to.

use serde::Serialize;
use uptime::Minutes;

use crate::forecast::Forecast;
use crate::row::{Row, ServerState};

/// What many servers' months come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// How many servers there are.
    pub servers: usize,
    /// Those of them that ran as of their rows.
    pub running: usize,
    /// Those that left.
    pub left: usize,
    /// Those whose month is final.
    #[serde(rename = "final")]
    pub settled: usize,
    /// Those of which CloudWatch tells otherwise than the records.
    pub disputed: usize,
    /// The proven minutes.
    pub minutes: Minutes,
    /// How many more are possible.
    pub uncertainty: Minutes,
    /// What the month comes to.
    pub forecast: Forecast,
}

impl Totals {
    /// Those of these rows.
    pub fn of<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Self {
        let mut totals = Self::default();
        for row in rows {
            totals.servers += 1;
            totals.running += usize::from(row.state == ServerState::Running);
            totals.left += usize::from(row.state == ServerState::Left);
            totals.settled += usize::from(row.is_final);
            totals.disputed += usize::from(row.is_disputed());
            totals.minutes = totals.minutes + row.minutes;
            totals.uncertainty = totals.uncertainty + row.uncertainty;
            totals.forecast = totals.forecast + row.forecast;
        }
        totals
    }

    /// True where every month of them is final.
    pub fn is_final(&self) -> bool {
        self.servers == self.settled
    }
}
