//! What became of one server.

use uptime::{Span, Window};
use uptime_ledger::{Question, ServiceError};

/// What became of one server.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The cache is as of this run, or of a later one.
    Done(Span),
    /// A closed month, which is not cached.
    Closed(Span),
    /// What was known is more certain and stays.
    Kept,
    /// The time was up before its turn came.
    NotBegun,
    /// The time was up before the tables answered.
    Unanswered,
    /// Its item could not be read or written.
    LedgerFailed(ServiceError),
    /// Its item is stored, the cache is not.
    CacheFailed(ServiceError),
}

/// What became of one server, and what that means for the next run.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) outcome: Outcome,
    /// Whether its state at the month's start is still open.
    pub(crate) lacks_past: bool,
    /// Whether what earlier runs could not store is in its item now.
    pub(crate) healed: bool,
    /// How often it was started in its last day.
    pub(crate) starts: usize,
    /// What CloudWatch may be able to tell of it.
    pub(crate) question: Option<Question>,
    /// Stretches of which CloudWatch, as it was asked now, tells otherwise than all else.
    pub(crate) disagreements: Vec<Window>,
}

impl From<Outcome> for Settled {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, lacks_past: false, healed: false, starts: 0, question: None, disagreements: Vec::new() }
    }
}
