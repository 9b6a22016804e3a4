//! The failure of a service that a port stands for.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// A call to an AWS service that failed; displays the service's own code and message, and keeps the SDK's error as its
/// source. A clone tells those who asked together.
#[derive(Clone, Debug)]
pub struct ServiceError {
    /// Service and operation, such as `CloudTrail LookupEvents`.
    pub operation: &'static str,
    /// The service's error code; none where the service was not reached.
    pub code: Option<String>,
    /// True where one item is at fault, and not the service: it cannot be read, or is refused as it is.
    pub is_of_one_item: bool,
    message: String,
    source: Arc<dyn Error + Send + Sync>,
}

impl ServiceError {
    /// The operation by which a role of another account is taken on.
    pub const ASSUME_ROLE: &str = "STS AssumeRole";

    /// A failure for which an SDK's error is to blame. `code` is the service's own, where it answered.
    pub fn of(
        operation: &'static str,
        code: Option<String>,
        message: String,
        source: impl Error + Send + Sync + 'static,
    ) -> Self {
        // DynamoDB's code for an item that is too large, or has what an item may not have.
        let is_of_one_item = code.as_deref() == Some("ValidationException");
        Self { operation, code, is_of_one_item, message, source: Arc::new(source) }
    }

    /// The same, with what the call was about.
    #[must_use]
    pub fn about(mut self, subject: impl fmt::Display) -> Self {
        self.message = format!("{} ({subject})", self.message);
        self
    }

    /// An answer of the service that does not have what its contract promises.
    pub fn unexpected(operation: &'static str, message: String) -> Self {
        Self::with_code(operation, None, message)
    }

    /// A failure that no SDK error stands behind, such as a fake's.
    pub fn with_code(operation: &'static str, code: Option<&str>, message: String) -> Self {
        let source: Box<dyn Error + Send + Sync> = message.clone().into();
        let code = code.map(str::to_owned);
        Self { operation, code, is_of_one_item: false, message, source: source.into() }
    }

    /// The same, of which one item is to blame.
    #[must_use]
    pub fn of_one_item(self) -> Self {
        Self { is_of_one_item: true, ..self }
    }

    /// True where the service was asked too often.
    pub fn is_throttle(&self) -> bool {
        self.code.as_deref().is_some_and(is_throttle_code)
    }
}

/// True for the codes with which services tell that they were asked too often.
pub fn is_throttle_code(code: &str) -> bool {
    code.starts_with("Throttling")
        || matches!(code, "TooManyRequestsException" | "RequestLimitExceeded" | "EC2ThrottledException")
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{} failed: {code}: {}", self.operation, self.message),
            None => write!(f, "{} failed: {}", self.operation, self.message),
        }
    }
}

impl Error for ServiceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}
