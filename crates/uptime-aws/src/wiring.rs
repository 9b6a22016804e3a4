//! The ports over the real services: the one place where a handler's environment becomes clients.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use uptime::Scope;
use uptime_ledger::SharedSettings;
use uptime_ledger::ports::Ports;

use crate::clients::{Clients, Readers};
use crate::cloudwatch::CloudWatch;
use crate::ec2::Ec2Fleet;
use crate::ledger_table::LedgerTable;
use crate::month_reports::ReportsBucket;
use crate::servers_table::ServersTable;
use crate::trail::CloudTrail;

/// The ports over AWS.
pub type AwsPorts = Ports<Ec2Fleet, CloudTrail, LedgerTable, ServersTable>;

/// The ports of each scope over these clients. They are made once, so that a scope's pace and credentials are kept from one
/// invocation to the next; both tables are the home scope's.
pub fn ports(clients: Clients, settings: &SharedSettings) -> impl Fn(&Scope) -> AwsPorts + Send + Sync + use<> {
    let settings = settings.clone();
    once_per_scope(move |scope| in_scope(&clients, scope, &settings))
}

/// Makes for each scope what is asked for, the first time that it is, and keeps it.
fn once_per_scope<T: Clone + Send>(make: impl Fn(&Scope) -> T + Send + Sync) -> impl Fn(&Scope) -> T + Send + Sync {
    let made = Mutex::new(HashMap::<Scope, T>::new());
    move |scope| {
        // A panic while it was held cannot leave a map in disorder.
        let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry(scope.clone()).or_insert_with(|| make(scope)).clone()
    }
}

fn in_scope(clients: &Clients, scope: &Scope, settings: &SharedSettings) -> AwsPorts {
    let readers = if scope == settings.scopes.home() {
        Readers { cloudtrail: clients.cloudtrail.clone(), ec2: clients.ec2.clone() }
    } else {
        clients.in_scope(scope, settings.scopes.role_arn(scope))
    };
    let dynamodb = &clients.dynamodb;
    Ports {
        fleet: Ec2Fleet::new(readers.ec2, settings.tag.clone()),
        trail: CloudTrail::new(readers.cloudtrail),
        ledger: LedgerTable::new(dynamodb.clone(), settings.ledger_table_name.clone(), scope.clone()),
        cache: ServersTable::new(dynamodb.clone(), settings.servers_table_name.clone()),
    }
}

/// The ledger of each scope over these clients.
pub fn ledgers(clients: Clients, settings: &SharedSettings) -> impl Fn(&Scope) -> LedgerTable + Send + Sync + use<> {
    let (client, table) = (clients.dynamodb, settings.ledger_table_name.clone());
    move |scope| LedgerTable::new(client.clone(), table.clone(), scope.clone())
}

/// Where final months are handed over.
pub fn month_reports(clients: &Clients, settings: &SharedSettings, bucket: String) -> ReportsBucket {
    let (s3, events) = (aws_sdk_s3::Client::new(&clients.config), aws_sdk_eventbridge::Client::new(&clients.config));
    ReportsBucket::new(s3, events, bucket, settings.environment.clone())
}

/// CloudWatch of each scope over these clients' configuration.
pub fn status_checks(
    clients: &Clients,
    settings: &SharedSettings,
) -> impl Fn(&Scope) -> CloudWatch + Send + Sync + use<> {
    let (clients, scopes) = (clients.clone(), settings.scopes.clone());
    once_per_scope(move |scope| {
        if scope == scopes.home() {
            CloudWatch::new(&clients.config)
        } else {
            CloudWatch::new(&clients.config_in(scope, scopes.role_arn(scope)))
        }
    })
}

/// A variable of the process's environment.
pub fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    std::env::var(name).ok()
}
