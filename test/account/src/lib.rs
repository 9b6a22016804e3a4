//! For development only: a simulated account at an instant and its tables, on loopback, and the product's clients and ports
//! for them.

mod clients;
mod several;

pub use clients::{REGION, clients, create_table, home, ports, scopes, tag, unpaced};
pub use several::SeveralScopes;

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use fleet_simulator::clock::{Clock, ManualClock};
use fleet_simulator::options::Options;
use fleet_simulator::scenario;
use fleet_simulator::service::{Action, Counts, Simulator};
use fleet_simulator::world::World;
use serde_json::{Map, Value, json};
use stand_ins::{Faults, TableStandIn};
use uptime::{InstanceId, Scope};
use uptime_aws::ledger_table::LedgerTable;
use uptime_aws::wiring::AwsPorts;

/// The name of the ServersTable.
pub const SERVERS: &str = "servers";
/// The name of the ledger's table.
pub const LEDGER: &str = "history";

/// The instant at which accounts are looked at where nothing else is asked for.
///
/// # Panics
/// Never.
#[must_use]
pub fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_760_261_400)
}

/// Options of a simulator that answers as often as it is asked, with these arguments more.
#[must_use]
pub fn options(arguments: &[&str]) -> Options {
    Options::parse_from(["fleet-simulator", "--lookup-rate", "0"].iter().chain(arguments))
}

/// EC2, CloudTrail and DynamoDB of one account.
pub struct Account {
    /// EC2 and CloudTrail, and what they are asked.
    pub simulator: Arc<Simulator>,
    /// Where those are served.
    pub endpoint: String,
    /// Both tables.
    pub tables: TableStandIn,
    clock: Arc<AccountClock>,
}

impl Account {
    /// The simulator's showcase, now, with empty tables.
    ///
    /// # Errors
    /// Where nothing can listen.
    pub async fn showcase() -> Result<Self> {
        Self::with(&[]).await
    }

    /// The simulator's fleet for these arguments, now, with empty tables.
    ///
    /// # Errors
    /// Where nothing can listen.
    pub async fn with(arguments: &[&str]) -> Result<Self> {
        let options = options(arguments);
        Self::at(now(), scenario::build(&options, now())?, &options).await
    }

    /// A world at an instant, with empty tables.
    ///
    /// # Errors
    /// Where nothing can listen.
    pub async fn at(now: DateTime<Utc>, world: World, options: &Options) -> Result<Self> {
        Self::with_tables(now, world, options, TableStandIn::start().await?).await
    }

    /// A world at an instant, with tables that are there already.
    ///
    /// # Errors
    /// Where nothing can listen.
    pub async fn with_tables(
        now: DateTime<Utc>,
        world: World,
        options: &Options,
        tables: TableStandIn,
    ) -> Result<Self> {
        let clock = Arc::new(AccountClock::at(now));
        let simulator = Simulator::new(world, options.settings(), Box::new(Arc::clone(&clock)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        tokio::spawn(axum::serve(listener, simulator.router()).into_future());
        Ok(Self { simulator, endpoint, tables, clock })
    }

    /// What time it is there.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Lets time pass.
    pub fn wait(&self, time: TimeDelta) {
        self.clock.date.advance(time);
    }

    /// The product's ports over it.
    #[must_use]
    pub fn ports(&self) -> AwsPorts {
        ports(clients(&self.endpoint, &self.tables.endpoint), SERVERS, LEDGER)
    }

    /// The ledger of another scope in the same table.
    #[must_use]
    pub fn ledger_of(&self, scope: &Scope) -> LedgerTable {
        let client = clients(&self.endpoint, &self.tables.endpoint).dynamodb;
        LedgerTable::new(client, LEDGER.to_owned(), scope.clone())
    }

    /// The id of a server by its name.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn id(&self, name: &str) -> Result<InstanceId> {
        let (account, _) = self.simulator.account();
        let server = account.world.servers().iter().find(|server| server.tag("Name") == Some(name));
        Ok(server.with_context(|| format!("no server is called {name}"))?.id.parse()?)
    }

    /// The ids of all servers.
    ///
    /// # Errors
    /// Never.
    pub fn ids(&self) -> Result<Vec<InstanceId>> {
        let (account, _) = self.simulator.account();
        account.world.servers().iter().map(|server| Ok(server.id.parse()?)).collect()
    }

    /// How often an action was asked for.
    #[must_use]
    pub fn counts(&self, action: Action) -> Counts {
        self.simulator.account().0.counts.get(&action).copied().unwrap_or_default()
    }

    /// Makes EC2 or CloudTrail fail, as the simulator's control page takes it.
    ///
    /// # Errors
    /// Where it is no fault.
    pub fn fault(&self, fault: Value) -> Result<()> {
        let fault = serde_json::from_value(fault)?;
        self.simulator.account().0.faults.add(fault).map_err(|error| anyhow::anyhow!("{error}"))
    }

    /// Ends all faults, those of the tables as well.
    pub fn no_faults(&self) {
        self.simulator.account().0.faults.clear();
        self.tables.fail(Faults::default());
    }

    /// What is cached of a server: minutes, and how many more it could be; none where nothing is.
    #[must_use]
    pub fn cached(&self, id: &str) -> Option<(f64, f64)> {
        let items = self.tables.items(SERVERS);
        let item = items.iter().find(|item| item["id"]["S"] == id)?;
        let number = |name: &str| item[name]["N"].as_str()?.parse().ok();
        Some((number("runningMinutesCache")?, number("runningMinutesUncertainty")?))
    }

    /// How far the fleet has been swept, as its item says.
    #[must_use]
    pub fn watermark(&self) -> Option<Value> {
        self.tables.items(LEDGER).into_iter().find(is_watermark).map(Value::Object)
    }
}

/// The date moves only when a test lets time pass; request rates are measured in real time.
struct AccountClock {
    date: ManualClock,
    started: Instant,
}

impl AccountClock {
    fn at(now: DateTime<Utc>) -> Self {
        Self { date: ManualClock::new(now), started: Instant::now() }
    }
}

impl Clock for AccountClock {
    fn now(&self) -> DateTime<Utc> {
        self.date.now()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

fn is_watermark(item: &Map<String, Value>) -> bool {
    item["id"]["S"].as_str().is_some_and(|id| id.starts_with("sweep#"))
}

fn is_status(item: &Map<String, Value>) -> bool {
    item["id"]["S"].as_str().is_some_and(|id| id.starts_with("status#"))
}

/// All that both tables hold of servers and sweeps, but for these attributes.
#[must_use]
pub fn contents(tables: &TableStandIn, without: &[&str]) -> Value {
    contents_where(tables, without, |_| true)
}

/// All that a reader of both tables sees: everything but what was kept on the way to it.
#[must_use]
pub fn results(tables: &TableStandIn) -> Value {
    let kept = ["runningMinutesRevision", "revision", "evidence", "coverage", "sighting", "asked"];
    contents_where(tables, &kept, |item| !is_watermark(item))
}

fn contents_where(tables: &TableStandIn, without: &[&str], counts: impl Fn(&Map<String, Value>) -> bool) -> Value {
    let items = [SERVERS, LEDGER].map(|table| {
        // How a scope's runs went is no result of theirs.
        let items = tables.items(table).into_iter().filter(|item| !is_status(item) && counts(item)).map(|mut item| {
            item.retain(|attribute, _| !without.contains(&attribute.as_str()));
            Value::Object(item)
        });
        items.collect::<Vec<_>>()
    });
    json!(items)
}
