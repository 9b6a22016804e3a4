//! The product's SDK clients, talking to stand-ins on loopback: without TLS, and without the environment.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use uptime_aws::clients::Clients;

/// The region of the clients.
pub const REGION: &str = "eu-west-1";

/// Clients of EC2 and CloudTrail at one endpoint, and of DynamoDB at another.
#[must_use]
pub fn clients(simulator: &str, tables: &str) -> Clients {
    let at = |endpoint: &str| {
        // The operator's of the local AWS, which may do everything there; the stand-ins do not look.
        let credentials = Credentials::new("test", "test", None, None, "loopback");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(endpoint)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Clients::new(&config)
    };
    Clients { dynamodb: at(tables).dynamodb, ..at(simulator) }
}
