//! Why a whole run fails: each is an invocation error, so that the errors alarm sees it.

use lambda_runtime::Diagnostic;
use uptime_aws::ServiceError;

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
    History(#[source] ServiceError),
    /// CloudTrail answered nothing but throttling until the deadline.
    #[error("cannot read CloudTrail: {throttles} of {lookups} requests were throttled and the time was up")]
    Throttled {
        /// Throttled requests.
        throttles: u64,
        /// Requests made.
        lookups: u64,
    },
    /// The cache could not be read.
    #[error("cannot read the servers table: {0}")]
    CacheRead(#[source] ServiceError),
    /// No server's minutes could be written.
    #[error("cannot write the servers table: {0}")]
    CacheWrite(#[source] ServiceError),
}

impl RunError {
    /// The name under which Lambda reports it.
    fn kind(&self) -> &'static str {
        match self {
            Self::Request(_) => "InvalidRequest",
            Self::Fleet(_) => "FleetUnavailable",
            Self::History(_) | Self::Throttled { .. } => "CloudTrailUnavailable",
            Self::CacheRead(_) | Self::CacheWrite(_) => "ServersTableUnavailable",
        }
    }
}

impl From<RunError> for Diagnostic {
    fn from(error: RunError) -> Self {
        Diagnostic { error_type: error.kind().to_owned(), error_message: error.to_string() }
    }
}
