//! The SDK clients, over one HTTP and one TLS stack.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

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
            .http_client(OnFirstUse(http))
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

/// An HTTP client that is made ready by the first request, not by each client that is to use it: else the certificates of the
/// world are read four times during a cold start, which is most of the time that it takes.
#[derive(Debug)]
struct OnFirstUse(SharedHttpClient);

impl HttpClient for OnFirstUse {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        self.0.http_connector(settings, components)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }

    // The default of the other methods is to do nothing while a client is made.
}
