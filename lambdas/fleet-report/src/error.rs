//! Why a report could not be given: each is an invocation error.

use lambda_runtime::Diagnostic;
use uptime::{InstanceId, Month};
use uptime_ledger::ServiceError;

use crate::request::InvalidRequest;

/// A report that could not be given.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The payload asks for something that cannot be.
    #[error(transparent)]
    Request(#[from] InvalidRequest),
    /// The ledger could not be read.
    #[error("cannot read the ledger: {0}")]
    Ledger(#[from] ServiceError),
    /// Nothing is kept of the server in any of the months asked for.
    #[error("nothing is kept of {id} since {since}: no server of this environment, or not counted yet")]
    NoServer {
        /// The server asked for.
        id: InstanceId,
        /// The first month asked for.
        since: Month,
    },
    /// Nothing is kept of the server in the month.
    #[error("nothing is kept of {id} in {month}: no server of this environment, or not counted yet")]
    NoMonth {
        /// The server asked for.
        id: InstanceId,
        /// The month asked for.
        month: Month,
    },
    /// The services did not answer in time.
    #[error("the time was up before the ledger was read")]
    TimeUp,
    /// Even one row is more than Lambda answers.
    #[error("the answer is larger than the 6 MB that Lambda answers with")]
    TooLarge,
}

impl From<ReportError> for Diagnostic {
    fn from(error: ReportError) -> Self {
        let kind = match &error {
            ReportError::Request(_) => "InvalidRequest",
            ReportError::Ledger(_) => "HistoryTableUnavailable",
            ReportError::NoServer { .. } | ReportError::NoMonth { .. } => "NothingKept",
            ReportError::TimeUp => "TimeUp",
            ReportError::TooLarge => "TooLarge",
        };
        Diagnostic { error_type: kind.to_owned(), error_message: error.to_string() }
    }
}
