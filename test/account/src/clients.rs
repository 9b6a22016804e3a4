//! The product's SDK clients, talking to stand-ins on loopback: without TLS, and without the environment.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use std::time::Duration;

use anyhow::Result;
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType,
};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use uptime::Scope;
use uptime_aws::clients::Clients;
use uptime_aws::ec2::Ec2Fleet;
use uptime_aws::ledger_table::LedgerTable;
use uptime_aws::servers_table::ServersTable;
use uptime_aws::trail::CloudTrail;
use uptime_aws::wiring::AwsPorts;
use uptime_ledger::ports::Ports;
use uptime_ledger::{AppTag, Scopes};

/// The region of the clients.
pub const REGION: &str = "eu-west-1";

/// The time between two requests where nobody limits them.
const UNPACED: Duration = Duration::from_micros(1);

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
            .time_source(SystemTimeSource::new())
            .sleep_impl(TokioSleep::new())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Clients::new(&config)
    };
    Clients { dynamodb: at(tables).dynamodb, ..at(simulator) }
}

/// The scope of the simulated account.
///
/// # Panics
/// Never.
#[must_use]
pub fn home() -> Scope {
    #[expect(clippy::unwrap_used, reason = "the text is a scope")]
    format!("123456789012/{REGION}").parse().unwrap()
}

/// The tag of the simulator's servers.
#[must_use]
pub fn tag() -> AppTag {
    AppTag { key: "App".to_owned(), value: "demo".to_owned() }
}

/// The home scope alone.
#[must_use]
pub fn scopes() -> Scopes {
    Scopes::only(home())
}

/// The product's ports over these clients and tables; the trail is asked as fast as it answers.
#[must_use]
pub fn ports(clients: Clients, servers: &str, ledger: &str) -> AwsPorts {
    Ports {
        fleet: Ec2Fleet::new(clients.ec2, tag()),
        trail: CloudTrail::paced(clients.cloudtrail, UNPACED),
        ledger: LedgerTable::new(clients.dynamodb.clone(), ledger.to_owned(), home()),
        cache: ServersTable::new(clients.dynamodb, servers.to_owned()),
    }
}

/// These ports, with a trail that is asked as fast as it answers.
#[must_use]
pub fn unpaced(ports: AwsPorts) -> AwsPorts {
    Ports { trail: ports.trail.at_pace(UNPACED), ..ports }
}

/// Creates a table with these keys, and for a ledger its index, where a real DynamoDB or an emulator is used.
///
/// # Errors
/// Where it cannot be created.
pub async fn create_table(client: &aws_sdk_dynamodb::Client, name: &str, keys: &[&str]) -> Result<()> {
    let mut request = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for (key, kind) in keys.iter().zip([KeyType::Hash, KeyType::Range]) {
        let definition = AttributeDefinition::builder().attribute_name(*key).attribute_type(ScalarAttributeType::S);
        request = request.attribute_definitions(definition.build()?).key_schema(element(key, kind)?);
    }
    if let [id, _month] = keys {
        let scope_month = "scopeMonth";
        let definition =
            AttributeDefinition::builder().attribute_name(scope_month).attribute_type(ScalarAttributeType::S);
        let projection = Projection::builder().projection_type(ProjectionType::All).build();
        let index = GlobalSecondaryIndex::builder().index_name(scope_month).projection(projection);
        let index = index.key_schema(element(scope_month, KeyType::Hash)?).key_schema(element(id, KeyType::Range)?);
        request = request.attribute_definitions(definition.build()?).global_secondary_indexes(index.build()?);
    }
    request.send().await?;
    Ok(())
}

fn element(key: &str, kind: KeyType) -> Result<KeySchemaElement> {
    Ok(KeySchemaElement::builder().attribute_name(key).key_type(kind).build()?)
}
