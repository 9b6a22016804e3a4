//! A month that is final, as it is handed over.

use std::future::Future;

use uptime::{Month, Scope, Span};

use crate::service_error::ServiceError;

/// A scope's final month, written for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonthReport {
    /// Whose servers.
    pub scope: Scope,
    /// The month.
    pub month: Month,
    /// How many servers there were.
    pub servers: usize,
    /// How long all of them ran.
    pub span: Span,
    /// The rows as CSV.
    pub csv: String,
    /// The rows as JSON.
    pub json: String,
}

/// Where final months are handed over to whoever bills by them.
pub trait MonthReports {
    /// Stores a report, as a new version where there is one already, and announces it.
    ///
    /// # Errors
    /// Where it could not be stored or announced; to try again does no harm.
    fn hand_over(&self, report: &MonthReport) -> impl Future<Output = Result<(), ServiceError>> + Send;
}
