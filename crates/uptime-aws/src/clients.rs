//! The SDK clients, over one HTTP and one TLS stack.

use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tokio::sync::OnceCell;
use uptime::Scope;

/// How the sessions of the reader roles are called, in the records of their accounts.
const SESSION: &str = "runtime-cache";

/// One client per service. Endpoints are overridden the SDK's own way, by `AWS_ENDPOINT_URL` and its like.
#[derive(Clone, Debug)]
pub struct Clients {
    /// CloudTrail. It does not retry by itself: each request waits for its turn, see [`crate::pacer`].
    pub cloudtrail: aws_sdk_cloudtrail::Client,
    /// DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// EC2.
    pub ec2: aws_sdk_ec2::Client,
    /// What they are made of, and those of further scopes.
    pub config: SdkConfig,
}

/// The clients by which a scope is read.
#[derive(Clone, Debug)]
pub struct Readers {
    /// CloudTrail. It does not retry by itself.
    pub cloudtrail: aws_sdk_cloudtrail::Client,
    /// EC2.
    pub ec2: aws_sdk_ec2::Client,
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
        let Readers { cloudtrail, ec2 } = Readers::new(config);
        Self { cloudtrail, ec2, dynamodb: aws_sdk_dynamodb::Client::new(config), config: config.clone() }
    }

    /// The clients by which a further scope is read: in its region, and in another account by the role with this ARN.
    pub fn in_scope(&self, scope: &Scope, role_arn: Option<String>) -> Readers {
        Readers::new(&self.config_in(scope, role_arn))
    }

    /// What these and other clients of a further scope are made of. A region that cannot be reached costs seconds.
    pub(crate) fn config_in(&self, scope: &Scope, role_arn: Option<String>) -> SdkConfig {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_attempt_timeout(Duration::from_secs(20))
            .build();
        let config = self.config.to_builder().timeout_config(timeouts).retry_config(RetryConfig::standard());
        let config = config.region(Region::new(scope.region.as_str().to_owned()));
        match role_arn {
            Some(arn) => config
                .credentials_provider(SharedCredentialsProvider::new(ReaderRole::new(arn, self.config.clone())))
                // The cache is of one identity: the role's is another than the function's own.
                .identity_cache(IdentityCache::lazy().build()),
            None => config,
        }
        .build()
    }
}

impl Readers {
    fn new(config: &SdkConfig) -> Self {
        let cloudtrail =
            aws_sdk_cloudtrail::config::Builder::from(config).retry_config(RetryConfig::disabled()).build();
        Self { cloudtrail: aws_sdk_cloudtrail::Client::from_conf(cloudtrail), ec2: aws_sdk_ec2::Client::new(config) }
    }
}

/// The reader role of another account. It is taken on by the first request, at the STS of the home region.
#[derive(Debug)]
struct ReaderRole {
    arn: String,
    config: SdkConfig,
    provider: OnceCell<AssumeRoleProvider>,
}

impl ReaderRole {
    fn new(arn: String, config: SdkConfig) -> Self {
        Self { arn, config, provider: OnceCell::new() }
    }

    async fn credentials(&self) -> provider::Result {
        let role = || AssumeRoleProvider::builder(&self.arn).session_name(SESSION).configure(&self.config).build();
        self.provider.get_or_init(role).await.provide_credentials().await
    }
}

impl ProvideCredentials for ReaderRole {
    fn provide_credentials<'a>(&'a self) -> provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        provider::future::ProvideCredentials::new(self.credentials())
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
