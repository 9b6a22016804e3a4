//! Why an event could not be answered.

use lambda_runtime::Diagnostic;
use uptime::InstanceId;
use uptime_ledger::AnswerError;

use crate::event::InvalidEvent;

/// An event that could not be answered: an invocation error, so that it is tried again, and then kept as a dead letter.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// It cannot be taken.
    #[error(transparent)]
    Invalid(#[from] InvalidEvent),
    /// A service failed.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The services did not answer in time.
    #[error("the time was up before the state change of {0} was answered")]
    TimeUp(InstanceId),
}

impl From<EventError> for Diagnostic {
    fn from(error: EventError) -> Self {
        let kind = match &error {
            EventError::Invalid(_) => "InvalidEvent",
            EventError::Answer(AnswerError::Fleet(..)) => "FleetUnavailable",
            EventError::Answer(AnswerError::CloudTrail(..)) => "CloudTrailUnavailable",
            EventError::Answer(AnswerError::LedgerRead(_) | AnswerError::LedgerWrite(_)) => "HistoryTableUnavailable",
            EventError::Answer(AnswerError::CacheRead(_) | AnswerError::CacheWrite(_)) => "ServersTableUnavailable",
            EventError::TimeUp(_) => "TimeUp",
        };
        Diagnostic { error_type: kind.to_owned(), error_message: error.to_string() }
    }
}
