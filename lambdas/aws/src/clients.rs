//! The SDK clients, over one HTTP and one TLS stack.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

/// One client per service. Endpoints are overridden the SDK's own way, by `AWS_ENDPOINT_URL` and its like.
#[derive(Clone, Debug)]
pub struct Clients {
    /// CloudTrail. It does not retry by itself: each request waits for its turn, see [`crate::pacer`].
    pub cloudtrail: aws_sdk_cloudtrail::Client,
    /// DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// EC2.
    pub ec2: aws_sdk_ec2::Client,
    /// The region that all of them talk to; empty where none is set.
    pub region: String,
}

impl Clients {
    /// Clients for the credentials and region of the environment.
    pub async fn from_env() -> Self {
        let http =
            aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        // LookupEvents takes up to 4 s, so an answer that takes several times as long does not come.
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(3))
            .operation_attempt_timeout(Duration::from_secs(20))
            .build();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(5))
            .load()
            .await;
        Self::new(&config)
    }

    /// Clients of one configuration.
    pub fn new(config: &SdkConfig) -> Self {
        let cloudtrail =
            aws_sdk_cloudtrail::config::Builder::from(config).retry_config(RetryConfig::disabled()).build();
        Self {
            cloudtrail: aws_sdk_cloudtrail::Client::from_conf(cloudtrail),
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            ec2: aws_sdk_ec2::Client::new(config),
            region: config.region().map(ToString::to_string).unwrap_or_default(),
        }
    }
}
