//! The ports over the real services: the one place where a handler's environment becomes clients.

use uptime_ledger::SharedSettings;
use uptime_ledger::ports::Ports;

use crate::clients::Clients;
use crate::ec2::Ec2Fleet;
use crate::ledger_table::LedgerTable;
use crate::servers_table::ServersTable;
use crate::trail::CloudTrail;

/// The ports over AWS.
pub type AwsPorts = Ports<Ec2Fleet, CloudTrail, LedgerTable, ServersTable>;

/// The ports over these clients.
pub fn ports(clients: Clients, settings: &SharedSettings) -> AwsPorts {
    Ports {
        fleet: Ec2Fleet::new(clients.ec2, settings.tag.clone()),
        trail: CloudTrail::new(clients.cloudtrail),
        ledger: LedgerTable::new(clients.dynamodb.clone(), settings.ledger_table_name.clone(), clients.region),
        cache: ServersTable::new(clients.dynamodb, settings.servers_table_name.clone()),
    }
}

/// A variable of the process's environment.
pub fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    std::env::var(name).ok()
}
