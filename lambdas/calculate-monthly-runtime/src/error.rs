//! Why a whole run fails: each is an invocation error, so that the errors alarm sees it.

use std::future::Future;

use lambda_runtime::Diagnostic;
use tokio::time::timeout_at;
use uptime_ledger::Moment;
use uptime_ledger::ports::SweepCost;
use uptime_ledger::{ServiceError, Trouble, TroubleKind};

use crate::request::InvalidRequest;

/// A run that failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The payload asks for something that cannot be.
    #[error(transparent)]
    Request(#[from] InvalidRequest),
    /// The fleet could not be listed.
    #[error("cannot list the servers: {0}")]
    Fleet(#[source] ServiceError),
    /// CloudTrail could not be read.
    #[error("cannot read CloudTrail: {0}")]
    Trail(#[source] ServiceError),
    /// CloudTrail answered nothing, or nothing but throttling, until the deadline.
    #[error("cannot read CloudTrail: the time was up after {} requests, {} of them throttled", .0.lookups, .0.throttles)]
    Throttled(SweepCost),
    /// The deadline passed in a step that all others wait for.
    #[error("the time was up while {0}")]
    TimeUp(&'static str),
    /// The ledger could not be read.
    #[error("cannot read the ledger: {0}")]
    LedgerRead(#[source] ServiceError),
    /// No server's month could be stored, or not how far CloudTrail was read.
    #[error("cannot write the ledger: {0}")]
    LedgerWrite(#[source] ServiceError),
    /// No server's minutes could be written.
    #[error("cannot write the servers table: {0}")]
    CacheWrite(#[source] ServiceError),
    /// A final month could not be handed over. Its minutes are stored.
    #[error("cannot hand over the month, which is stored: {0}")]
    Reports(#[source] ServiceError),
    /// No write was answered.
    #[error("cannot write the tables: no write was answered before the time was up")]
    TablesSilent,
}

/// Does a step of a run unless the time is up.
pub(crate) async fn in_time<T>(
    moment: Moment,
    what: &'static str,
    step: impl Future<Output = T>,
) -> Result<T, RunError> {
    timeout_at(moment.deadlines.all, step).await.map_err(|_| RunError::TimeUp(what))
}

/// Takes a note of how far a run got, for which there is time when all else has stopped.
pub(crate) async fn noted_in_time<T>(
    moment: Moment,
    what: &'static str,
    step: impl Future<Output = T>,
) -> Result<T, RunError> {
    timeout_at(moment.deadlines.noting, step).await.map_err(|_| RunError::TimeUp(what))
}

impl RunError {
    /// Why the scope could not be read, for its status.
    pub(crate) fn trouble(&self) -> Trouble {
        let kind = match self {
            Self::Fleet(error) | Self::Trail(error) => TroubleKind::of(error),
            Self::Throttled(_) => TroubleKind::Throttled,
            Self::LedgerRead(_) | Self::LedgerWrite(_) | Self::CacheWrite(_) | Self::TablesSilent => {
                TroubleKind::Tables
            }
            Self::TimeUp(_) => TroubleKind::TimeUp,
            Self::Request(_) | Self::Reports(_) => TroubleKind::Other,
        };
        Trouble { kind, message: self.to_string() }
    }

    /// The name under which Lambda reports it.
    fn kind(&self) -> &'static str {
        match self {
            Self::Request(_) => "InvalidRequest",
            Self::Fleet(_) => "FleetUnavailable",
            Self::Trail(_) | Self::Throttled(_) => "CloudTrailUnavailable",
            Self::LedgerRead(_) | Self::LedgerWrite(_) => "HistoryTableUnavailable",
            Self::CacheWrite(_) | Self::TablesSilent => "ServersTableUnavailable",
            Self::Reports(_) => "ReportsUnavailable",
            Self::TimeUp(_) => "TimeUp",
        }
    }
}

impl From<RunError> for Diagnostic {
    fn from(error: RunError) -> Self {
        Diagnostic { error_type: error.kind().to_owned(), error_message: error.to_string() }
    }
}
