//! From the SDK's errors to the ports' one.

use std::error::Error;
use std::fmt;

use aws_sdk_cloudtrail::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_types::error::ErrorMetadata;
use uptime_ledger::ServiceError;

/// The failure of a call, with the service's own code and message where it answered.
pub(crate) fn service_error<E, R>(operation: &'static str, error: SdkError<E, R>) -> ServiceError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: fmt::Debug + Send + Sync + 'static,
{
    if let Some(refusal) = refused_role(&error) {
        let message = refusal.message().unwrap_or("the role cannot be taken on").to_owned();
        let code = refusal.code().map(str::to_owned);
        return ServiceError::of(ServiceError::ASSUME_ROLE, code, message, error);
    }
    let metadata = error.as_service_error().map(ProvideErrorMetadata::meta);
    let code = metadata.and_then(|meta| meta.code()).map(str::to_owned);
    let message = match metadata.and_then(|meta| meta.message()) {
        Some(message) => message.to_owned(),
        None => DisplayErrorContext(&error).to_string(),
    };
    ServiceError::of(operation, code, message, error)
}

/// The answer of STS to a request that came before the call, where the role of another account had to be taken on for it.
fn refused_role(error: &(dyn Error + 'static)) -> Option<ErrorMetadata> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref::<AssumeRoleError>() {
            return Some(refusal.meta().clone());
        }
        cause = error.source();
    }
    None
}
