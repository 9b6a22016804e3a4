//! STS's query protocol: the one operation by which another account is entered.

use axum::response::Response;
use chrono::{SecondsFormat, TimeDelta, Utc};

use crate::ec2::Query;
use crate::service::Answer;

/// A session of a role, whose access key is its account: so later requests tell whose they are.
#[must_use]
pub(crate) fn assumed(query: &Query, account: &str) -> Response {
    let (arn, session) = (query.get("RoleArn").unwrap_or_default(), query.get("RoleSessionName").unwrap_or_default());
    let role = arn.rsplit('/').next().unwrap_or_default();
    #[expect(clippy::disallowed_methods, reason = "a client compares it with the real clock")]
    let expires = (Utc::now() + TimeDelta::hours(1)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let body = format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser>\
         <AssumedRoleId>AROASIMULATEDROLE0000:{session}</AssumedRoleId>\
         <Arn>arn:aws:sts::{account}:assumed-role/{role}/{session}</Arn></AssumedRoleUser><Credentials>\
         <AccessKeyId>{account}</AccessKeyId><SecretAccessKey>simulated</SecretAccessKey>\
         <SessionToken>simulated</SessionToken><Expiration>{expires}</Expiration></Credentials></AssumeRoleResult>\
         <ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000000</RequestId></ResponseMetadata>\
         </AssumeRoleResponse>"
    );
    Answer::xml(200, body).into_response(0)
}

/// As STS answers where a role is not there, or does not trust who asks.
#[must_use]
pub(crate) fn denied(query: &Query) -> Response {
    let role = query.get("RoleArn").unwrap_or_default();
    let who = "User: arn:aws:sts::000000000000:assumed-role/calculate/function is not authorized to perform:";
    error("AccessDenied", &format!("{who} sts:AssumeRole on resource: {role}"))
}

/// An error of STS.
#[must_use]
pub(crate) fn error(code: &str, message: &str) -> Response {
    let status = if code == "AccessDenied" { 403 } else { 400 };
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>00000000-0000-4000-8000-000000000000</RequestId></ErrorResponse>"
    );
    Answer::xml(status, body).into_response(0)
}
