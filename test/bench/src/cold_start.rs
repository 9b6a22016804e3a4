//! Cold starts of `eventResponse`: from the start of its process to its first request for work, and to its first answer over
//! TLS; with the connection opened during the cold start and without; beside a handler that does nothing.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use account::clients;
use anyhow::{Result, anyhow};
use chrono::{DateTime, TimeDelta, Utc};
use stand_ins::TableStandIn;
use stand_ins::runtime::{Handler, Usage};
use stand_ins::tls::Tls;

use crate::program;
use crate::seed::{VARIABLES, seed, state_change};

const TIME: Duration = Duration::from_secs(10);
/// Where Linux distributions keep the certificates of the world, which a client reads as well.
const BUNDLES: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// Times of one program, in order of their being measured.
#[derive(Default)]
pub struct Starts {
    /// From the start of the process to its first request for work.
    pub ready: Vec<Duration>,
    /// From the start of the process to its connection to DynamoDB.
    pub connected: Vec<Duration>,
    /// From the first event's being handed out to its answer.
    pub first_answer: Vec<Duration>,
    /// From the start of the process to the first answer.
    pub in_all: Vec<Duration>,
}

/// What was found.
pub struct ColdStart {
    /// The handler that does nothing.
    pub idle: Starts,
    /// The deployed handler, which opens its connection during the cold start.
    pub opened: Starts,
    /// The same, but that it does not.
    pub unopened: Starts,
    /// The deployed handler after many calls.
    pub usage: Usage,
    /// How many.
    pub calls: usize,
}

/// Measures so many starts of each, in turn, and then the memory after so many calls.
///
/// # Errors
/// Where a program fails.
pub async fn measure(repetitions: usize, calls: usize) -> Result<ColdStart> {
    let now = now();
    let tables = TableStandIn::start().await?;
    seed(&clients(&tables.endpoint, &tables.endpoint), repetitions.max(calls), now).await?;
    let [idle, opened, unopened] = ["idle", "event-response", "unopened-event-response"].map(program);
    let (idle, opened, unopened) = (idle?, opened?, unopened?);
    let mut found = ColdStart {
        idle: Starts::default(),
        opened: Starts::default(),
        unopened: Starts::default(),
        usage: Usage::default(),
        calls,
    };
    for n in 0..repetitions {
        for (program, starts) in
            [(&idle, &mut found.idle), (&opened, &mut found.opened), (&unopened, &mut found.unopened)]
        {
            start(program, &tables, n, now, starts).await?;
        }
    }
    found.usage = many(&opened, &tables, calls, now).await?;
    Ok(found)
}

#[allow(clippy::disallowed_methods, reason = "the handlers measured take the time from the wall as well")]
fn now() -> DateTime<Utc> {
    Utc::now() - TimeDelta::seconds(1)
}

/// One start and one event.
async fn start(program: &Path, tables: &TableStandIn, n: usize, now: DateTime<Utc>, starts: &mut Starts) -> Result<()> {
    let (mut handler, tls, _trusted) = over_tls(program, tables).await?;
    starts.ready.push(handler.ready(TIME).await?);
    let answered = handler.invoke(state_change(n, "running", now)?, TIME).await?;
    starts.in_all.push(Instant::now() - handler.started());
    answered.outcome.map_err(|error| anyhow!("the first event failed: {error}"))?;
    starts.first_answer.push(answered.took);
    starts.connected.extend(tls.first_connection().map(|at| at - handler.started()));
    Ok(())
}

/// The certificates of the world and one more, in a file that is gone afterwards.
struct Trusted(PathBuf);

impl Trusted {
    fn with(certificate: &str) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("bench-{}.pem", std::process::id()));
        let world = BUNDLES.iter().find_map(|bundle| std::fs::read_to_string(bundle).ok()).unwrap_or_default();
        std::fs::write(&path, world + "\n" + certificate)?;
        Ok(Self(path))
    }
}

impl Drop for Trusted {
    fn drop(&mut self) {
        // It is of no use to anybody; left behind, it does no harm either.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Starts a handler that finds the tables behind TLS. The certificates have to be there as long as it may connect.
async fn over_tls(program: &Path, tables: &TableStandIn) -> Result<(Handler, Tls, Trusted)> {
    let tls = Tls::in_front_of(&tables.endpoint).await?;
    let trusted = Trusted::with(&tls.certificate)?;
    let certificates = trusted.0.display().to_string();
    let mut variables = VARIABLES.to_vec();
    variables.extend([("AWS_ENDPOINT_URL_DYNAMODB", tls.endpoint.as_str()), ("SSL_CERT_FILE", &certificates)]);
    Ok((Handler::start(program, &variables).await?, tls, trusted))
}

async fn many(program: &Path, tables: &TableStandIn, calls: usize, now: DateTime<Utc>) -> Result<Usage> {
    let (mut handler, _tls, _trusted) = over_tls(program, tables).await?;
    for n in 0..calls {
        let answered = handler.invoke(state_change(n, "running", now)?, TIME).await?;
        answered.outcome.map_err(|error| anyhow!("event {n} failed: {error}"))?;
    }
    handler.usage()
}
