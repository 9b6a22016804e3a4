//! Real clients whose HTTP answers are recorded ones.
//!
//! The clients are built by hand, for `mock_client!` needs the SDK crates' `test-util` feature, and a second feature
//! combination would compile aws-sdk-ec2 a second time.

#![allow(dead_code, reason = "each test file uses its part")]

use aws_smithy_mocks::{MockResponseInterceptor, Rule, RuleMode, create_mock_http_client};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;

pub(crate) fn interceptor(rules: &[Rule]) -> MockResponseInterceptor {
    let mock = MockResponseInterceptor::new().rule_mode(RuleMode::Sequential);
    rules.iter().fold(mock, |mock, rule| mock.with_rule(rule))
}

pub(crate) fn answer(status: u16, body: impl Into<String>) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.into()))
}

macro_rules! client {
    ($sdk:ident, $rules:expr) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version($sdk::config::BehaviorVersion::latest())
                .region($sdk::config::Region::new("eu-west-1"))
                .credentials_provider($sdk::config::Credentials::new("key", "secret", None, None, "test"))
                .retry_config($sdk::config::retry::RetryConfig::disabled())
                .http_client($crate::support::http())
                .interceptor($crate::support::interceptor($rules))
                .build(),
        )
    };
}
pub(crate) use client;

pub(crate) fn http() -> aws_smithy_runtime_api::client::http::SharedHttpClient {
    create_mock_http_client()
}
