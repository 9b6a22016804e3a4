//! How reading a scope goes, from run to run.

use std::collections::HashMap;
use std::future::Future;

use chrono::{DateTime, TimeDelta, Utc};
use uptime::{Scope, Span};

use crate::service_error::ServiceError;

/// After so many failures one after the other, a scope counts as failing.
pub const FAILING_AFTER: u64 = 3;

/// How reading a scope goes. A run that has begun counts as one that failed until it ends well, so that one of which nothing
/// is heard any more counts too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeStatus {
    /// When the last run began.
    pub last_begun: Option<DateTime<Utc>>,
    /// When the last run that ended well began.
    pub last_success: Option<DateTime<Utc>>,
    /// Runs since then.
    pub failures_in_a_row: u64,
    /// Why the last run failed; none after one that ended well.
    pub last_trouble: Option<Trouble>,
    /// What the last run that ended well has found.
    pub figures: Figures,
}

/// What a run over a whole scope has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Servers there are.
    pub servers: u64,
    /// Servers whose cache is as of the run.
    pub processed: u64,
    /// Servers that could not be done.
    pub errors: u64,
    /// Servers that were started over and over in the last day.
    pub restless: u64,
    /// Final months whose report could not be handed over yet.
    pub unreported: u64,
    /// Servers of which CloudWatch told otherwise than the records.
    pub disagreements: u64,
    /// How long all of them ran this month.
    pub span: Span,
    /// Requests to CloudTrail.
    pub lookups: u64,
    /// Those that were throttled.
    pub throttles: u64,
    /// Records that could not be read.
    pub unreadable: u64,
    /// True where all of the trail that was needed was read.
    pub complete: bool,
    /// The age of the oldest cached value when the run ended.
    pub oldest_cache_age: TimeDelta,
}

/// Why a run over a scope failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What kind of trouble it is.
    pub kind: TroubleKind,
    /// In words.
    pub message: String,
}

/// What an operator has to do about a failing scope differs by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// The reader role is not there, or does not trust this function.
    RoleMissing,
    /// A right is missing.
    Denied,
    /// The region is not enabled in the account.
    RegionDisabled,
    /// The service did not answer.
    Unreachable,
    /// The service was asked too often, by whomever.
    Throttled,
    /// The run's own time was up.
    TimeUp,
    /// A table of this environment failed, which is no trouble of the scope.
    Tables,
    /// Anything else; the message says what.
    Other,
}

impl TroubleKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::RoleMissing,
        Self::Denied,
        Self::RegionDisabled,
        Self::Unreachable,
        Self::Throttled,
        Self::TimeUp,
        Self::Tables,
        Self::Other,
    ];

    /// Its name, as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RoleMissing => "RoleMissing",
            Self::Denied => "Denied",
            Self::RegionDisabled => "RegionDisabled",
            Self::Unreachable => "Unreachable",
            Self::Throttled => "Throttled",
            Self::TimeUp => "TimeUp",
            Self::Tables => "Tables",
            Self::Other => "Other",
        }
    }

    /// That of a service that failed in a scope.
    pub fn of(error: &ServiceError) -> Self {
        match error.code.as_deref() {
            _ if error.is_throttle() => Self::Throttled,
            None => Self::Unreachable,
            Some("AccessDenied") if error.operation == ServiceError::ASSUME_ROLE => Self::RoleMissing,
            Some("AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation") => Self::Denied,
            // What a region answers that does not know the account: EC2's codes, and those of the others.
            Some("AuthFailure" | "OptInRequired" | "UnrecognizedClientException" | "InvalidClientTokenId") => {
                Self::RegionDisabled
            }
            Some(_) => Self::Other,
        }
    }
}

impl ScopeStatus {
    /// True for a scope that could not be read for hours.
    pub fn is_failing(&self) -> bool {
        self.failures_in_a_row >= FAILING_AFTER
    }

    /// True where the last run ended well, so that its figures are of this hour.
    pub fn is_read(&self) -> bool {
        self.last_success.is_some() && self.last_success == self.last_begun
    }

    /// The age of the scope's oldest cached value at `now`.
    pub fn oldest_cache_age(&self, now: DateTime<Utc>) -> TimeDelta {
        if self.is_read() { self.figures.oldest_cache_age } else { self.age_unread(now) }
    }

    fn age_unread(&self, now: DateTime<Utc>) -> TimeDelta {
        self.last_success.map_or(TimeDelta::zero(), |at| now - at + self.figures.oldest_cache_age)
    }
}

/// How reading each scope goes.
pub trait Statuses {
    /// Takes note that a run over a scope begins at `now`: it counts as one that failed until [`Self::ended`] says otherwise.
    ///
    /// # Errors
    /// Where it could not be stored.
    fn begun(&self, scope: &Scope, now: DateTime<Utc>) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// Takes note of how the run that began at `now` ended.
    ///
    /// # Errors
    /// Where it could not be stored.
    fn ended(
        &self,
        scope: &Scope,
        now: DateTime<Utc>,
        outcome: &Result<Figures, Trouble>,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// How reading these scopes goes; those of which no run has begun are not in it.
    ///
    /// # Errors
    /// Where the table cannot be read.
    fn statuses(
        &self,
        scopes: &[Scope],
    ) -> impl Future<Output = Result<HashMap<Scope, ScopeStatus>, ServiceError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_told_by_kind() {
        let kind = |operation, code| TroubleKind::of(&ServiceError::with_code(operation, code, "why".to_owned()));
        assert_eq!(kind(ServiceError::ASSUME_ROLE, Some("AccessDenied")), TroubleKind::RoleMissing);
        assert_eq!(kind("EC2 DescribeInstances", Some("UnauthorizedOperation")), TroubleKind::Denied);
        assert_eq!(kind("EC2 DescribeInstances", Some("AuthFailure")), TroubleKind::RegionDisabled);
        assert_eq!(kind("CloudTrail LookupEvents", Some("UnrecognizedClientException")), TroubleKind::RegionDisabled);
        assert_eq!(kind("EC2 DescribeInstances", None), TroubleKind::Unreachable);
        assert_eq!(kind("EC2 DescribeInstances", Some("RequestLimitExceeded")), TroubleKind::Throttled);
        assert_eq!(kind("EC2 DescribeInstances", Some("InternalError")), TroubleKind::Other);
    }
}
