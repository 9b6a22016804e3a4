//! Several simulated scopes on loopback, with one pair of tables, and the product's ports for them.

use std::future::IntoFuture;
use std::sync::Arc;

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use fleet_simulator::clock::Clock;
use fleet_simulator::scenario;
use fleet_simulator::scopes::{Place, Scopes as SimulatedScopes};
use fleet_simulator::service::Simulator;
use serde_json::Value;
use stand_ins::TableStandIn;
use uptime::Scope;
use uptime_aws::wiring::{self, AwsPorts};
use uptime_ledger::{Scopes, SharedSettings};

use crate::{AccountClock, LEDGER, SERVERS, clients, home, now, options, tag, unpaced};

/// The home scope with the showcase's servers, and further ones with a random fleet each.
pub struct SeveralScopes {
    /// EC2, CloudTrail and STS of all of them.
    pub simulated: Arc<SimulatedScopes>,
    /// Both tables.
    pub tables: TableStandIn,
    /// What the functions are told of them.
    pub settings: SharedSettings,
    endpoint: String,
    clock: Arc<AccountClock>,
}

impl SeveralScopes {
    /// Further scopes of so many servers each.
    ///
    /// # Errors
    /// Where nothing can listen, or a text is no scope.
    pub async fn start(further: &[&str], servers: usize) -> Result<Self> {
        let Scope { account, region } = home();
        let mut arguments = vec![format!("--home-account={account}"), format!("--home-region={region}")];
        arguments.extend(further.iter().map(|place| format!("--further-scope={place}=random:{servers}")));
        let options = options(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let clock = Arc::new(AccountClock::at(now()));
        let shared = || -> Box<dyn Clock> { Box::new(Arc::clone(&clock)) };
        let world = scenario::build(&options, now())?;
        let simulated = SimulatedScopes::of(Simulator::new(world, options.settings(), shared()), &options, shared)?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        tokio::spawn(axum::serve(listener, simulated.router()).into_future());
        let further = further.iter().map(|place| place.parse()).collect::<Result<Vec<Scope>, _>>()?;
        let settings = SharedSettings {
            servers_table_name: SERVERS.to_owned(),
            ledger_table_name: LEDGER.to_owned(),
            tag: tag(),
            scopes: Scopes::with(home(), further, "runtime-cache-test-reader"),
            app: "runtime-cache".to_owned(),
            environment: "test".to_owned(),
        };
        Ok(Self { simulated, tables: TableStandIn::start().await?, settings, endpoint, clock })
    }

    /// What time it is in all of them.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Lets time pass in all of them.
    pub fn wait(&self, time: TimeDelta) {
        self.clock.date.advance(time);
    }

    /// The product's ports for each scope, wired as they are deployed, but that each trail is asked as fast as it answers.
    pub fn ports(&self) -> impl Fn(&Scope) -> AwsPorts + Send + Sync + use<> {
        let paced = wiring::ports(clients(&self.endpoint, &self.tables.endpoint), &self.settings);
        move |scope| unpaced(paced(scope))
    }

    /// The simulator of a further scope.
    ///
    /// # Errors
    /// Where there is none.
    pub fn simulator(&self, place: &str) -> Result<&Simulator> {
        let place: Place = place.parse().map_err(anyhow::Error::msg)?;
        self.simulated.further(&place).map(AsRef::as_ref).with_context(|| format!("no scope {place}"))
    }

    /// Makes EC2 or CloudTrail of a further scope fail.
    ///
    /// # Errors
    /// Where it is no fault, or no scope.
    pub fn fault(&self, place: &str, fault: Value) -> Result<()> {
        let fault = serde_json::from_value(fault)?;
        self.simulator(place)?.account().0.faults.add(fault).map_err(anyhow::Error::msg)
    }
}
