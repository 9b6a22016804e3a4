//! Whole runs with the real clients over HTTP, against the fleet simulator, which knows the truth by a naive replay.

use std::collections::HashMap;

use account::{Account, clients, options, tag};
use chrono::{DateTime, TimeDelta, Utc};
use doubles::{InMemoryCache, InMemoryLedger};
use fleet_simulator::calls::{Action, Call};
use fleet_simulator::options::Options;
use fleet_simulator::scenario;
use fleet_simulator::server::Server;
use fleet_simulator::service::Action as Operation;
use fleet_simulator::truth::{month_start, running_time};
use fleet_simulator::world::{Happening, World};
use serde_json::{Value, json};
use uptime::CacheEntry;
use uptime_aws::ec2::Ec2Fleet;
use uptime_aws::trail::CloudTrail;
use uptime_ledger::ports::Ports;

use crate::support::{body, handled};

/// Half a minute, in minutes.
const TOLERANCE: f64 = 0.5;

/// A run over a simulated fleet, and the fleet.
struct Run {
    account: Account,
    body: Value,
    entries: HashMap<String, CacheEntry>,
}

impl Run {
    /// Runs the handler at `now` over the fleet that these arguments of the simulator describe.
    async fn over(now: &str, arguments: &[&str]) -> Self {
        let options = at(now, arguments);
        let now: DateTime<Utc> = now.parse().unwrap();
        let world = scenario::build(&options, now).unwrap();
        Self::over_world(now, world, &options).await
    }

    async fn over_world(now: DateTime<Utc>, world: World, options: &Options) -> Self {
        let account = Account::at(now, world, options).await.unwrap();
        let (ledger, cache) = (InMemoryLedger::default(), InMemoryCache::default());
        let clients = clients(&account.endpoint, &account.endpoint);
        // At the pace that AWS allows.
        let (fleet, trail) = (Ec2Fleet::new(clients.ec2, tag()), CloudTrail::new(clients.cloudtrail));
        let services = Ports { fleet, trail, ledger: &ledger, cache: &cache };
        let body = body(handled(services, now, json!({}), 300).await.outcome.unwrap());
        let entries = cache.entries().drain().map(|(id, entry)| (id.to_string(), entry)).collect();
        Self { account, body, entries }
    }

    /// Checks every cached value against the truth; returns how many there were, and how many were vague.
    fn check(&self) -> (usize, usize) {
        let (account, _) = self.account.simulator.account();
        let minutes = |time: TimeDelta| time.num_seconds() as f64 / 60.0;
        let mut vague = 0;
        for server in account.world.servers().iter().filter(|server| self.entries.contains_key(&server.id)) {
            let truth = running_time(server, month_start(self.account.now()), self.account.now());
            let entry = &self.entries[&server.id];
            let (proven, possible) = (entry.span.proven.as_f64(), entry.span.possible.as_f64());
            let told = format!("{} {:?}: {proven} + {possible}, truth {truth:?}", server.id, server.tag("Name"));
            assert!(proven <= minutes(truth.at_most) + TOLERANCE, "more than the truth: {told}");
            assert!(minutes(truth.at_least) <= proven + possible + TOLERANCE, "less than the truth: {told}");
            if possible > TOLERANCE {
                println!("vague: {told}");
                vague += 1;
            }
        }
        (self.entries.len(), vague)
    }

    fn lookups(&self) -> u64 {
        self.account.counts(Operation::LookupEvents).calls
    }
}

#[tokio::test]
async fn random_fleets_come_out_right() {
    let seeds = ["1", "2", "3", "4"];
    let run = async |seed| {
        Run::over("2025-10-12T09:30:00Z", &["--scenario", "random", "--servers", "40", "--seed", seed]).await
    };
    let runs = seeds.map(run);
    for run in futures::future::join_all(runs).await {
        let (servers, _) = run.check();
        assert_eq!((servers, &run.body["errors"]), (run.body["total_servers"].as_u64().unwrap() as usize, &json!(0)));
        assert!(servers > 30, "{servers}");
    }
}

#[tokio::test]
async fn every_case_comes_out_right_on_any_day_of_the_month() {
    let days = [
        "2025-10-01T00:00:00Z",
        "2025-10-01T02:00:00Z",
        "2025-10-02T12:00:00Z",
        "2025-10-06T00:00:00Z",
        "2024-02-29T23:59:59Z",
    ];
    for run in futures::future::join_all(days.map(async |day| Run::over(day, &["--scenario", "showcase"]).await)).await
    {
        let (servers, vague) = run.check();
        assert!(servers > 5 && vague <= 2, "{}: {vague} of {servers} are vague: {}", run.account.now(), run.body);
    }
}

#[tokio::test]
async fn a_quiet_month_takes_ten_lookups_at_most_for_40_servers_as_for_2500() {
    let now: DateTime<Utc> = "2025-10-20T12:00:00Z".parse().unwrap();
    for count in [40, 2500] {
        let options = at("2025-10-20T12:00:00Z", &[]);
        let quiet = Run::over_world(now, quiet_month(now, &options, count), &options).await;
        assert_eq!(quiet.body["processed"], json!(count));
        assert!(quiet.lookups() <= 10, "{} lookups for {count} servers", quiet.lookups());
        assert_eq!(quiet.check(), (count, 0));
    }
}

/// Servers launched months ago, half of them stopped since, of which ten were started and stopped this month.
fn quiet_month(now: DateTime<Utc>, options: &Options, count: usize) -> World {
    let mut world = World::new(options.rules());
    let add = |number: usize| {
        world.add_server(Server::new(format!("i-{number:017x}"), scenario::tags(("App", "demo"), "quiet")))
    };
    let servers: Vec<_> = (0..count).map(add).collect();
    // In parts, for CloudTrail cuts the record of a call over very many servers.
    let mut call = |days_ago: i64, action: Action, servers: &[_]| {
        for part in servers.chunks(50) {
            world.plan(now - TimeDelta::days(days_ago), Happening::Call(Call::new(action, part.to_vec())));
        }
    };
    let (stopped, _) = servers.split_at(count / 2);
    call(150, Action::Run, &servers);
    call(60, Action::STOP, stopped);
    call(12, Action::Start, &stopped[..10]);
    call(9, Action::STOP, &stopped[..10]);
    world.advance(now);
    world
}

fn at(now: &str, arguments: &[&str]) -> Options {
    options(&[&["--now", now], arguments].concat())
}
