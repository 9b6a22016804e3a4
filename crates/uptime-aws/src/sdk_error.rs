//! From the SDK's errors to the ports' one.

use std::error::Error;
use std::fmt;

use aws_sdk_cloudtrail::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use uptime_ledger::ServiceError;

/// The failure of a call, with the service's own code and message where it answered.
pub(crate) fn service_error<E, R>(operation: &'static str, error: SdkError<E, R>) -> ServiceError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: fmt::Debug + Send + Sync + 'static,
{
    let metadata = error.as_service_error().map(ProvideErrorMetadata::meta);
    let code = metadata.and_then(|meta| meta.code()).map(str::to_owned);
    let message = match metadata.and_then(|meta| meta.message()) {
        Some(message) => message.to_owned(),
        None => DisplayErrorContext(&error).to_string(),
    };
    ServiceError::of(operation, code, message, error)
}
