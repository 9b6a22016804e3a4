//! Tables as the hourly runs have filled them: servers with a month of evidence, for `eventResponse` to answer from.

use account::{LEDGER, REGION, SERVERS, home};
use anyhow::{Result, ensure};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use uptime::{CacheEntry, Coverage, Evidence, InstanceId, Month, ServerMonth, Window};
use uptime_aws::clients::Clients;
use uptime_aws::ledger_table::LedgerTable;
use uptime_aws::servers_table::ServersTable;
use uptime_ledger::cache;
use uptime_ledger::ports::{Ledger, LedgerWritten, SweepState, Written};

/// What each handler is told by its environment: the tables, the fleet, the region and somebody's credentials.
pub const VARIABLES: [(&str, &str); 8] = [
    ("HOME_ACCOUNT", "123456789012"),
    ("AWS_REGION", REGION),
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("SERVERS_TABLE_NAME", SERVERS),
    ("RUNTIME_HISTORY_TABLE_NAME", LEDGER),
    ("REPORTS_BUCKET_NAME", "reports"),
    ("TAG_APP_VALUE", "demo"),
];

/// What happens to a server within a day: two runs.
const DAY: [(i64, &str); 4] = [
    (8, "started CloudTrail StartInstances"),
    (12, "stopped CloudTrail StopInstances"),
    (14, "started CloudTrail StartInstances"),
    (18, "stopped CloudTrail StopInstances"),
];
/// Days with such runs.
const DAYS: i64 = 25;

/// The id of the nth server.
///
/// # Errors
/// Never.
pub fn id(n: usize) -> Result<InstanceId> {
    Ok(format!("i-{n:017x}").parse()?)
}

/// Fills the tables with servers that have run twice a day until `now` and are stopped.
///
/// # Errors
/// Where a table cannot be written.
pub async fn seed(clients: &Clients, servers: usize, now: DateTime<Utc>) -> Result<()> {
    let history = LedgerTable::new(clients.dynamodb.clone(), LEDGER.to_owned(), home());
    let servers_table = ServersTable::new(clients.dynamodb.clone(), SERVERS.to_owned());
    let month = Month::of(now);
    let covered = Coverage::none().with(Window::new(month.start() - TimeDelta::days(7), now));
    let state = SweepState { coverage: covered.clone(), ..SweepState::default() };
    ensure!(history.store_sweep_state(&SweepState::default(), &state).await?, "the watermark was not stored");
    for n in 0..servers {
        let id = id(n)?;
        let evidence = evidence(n, now)?;
        let mut item = ServerMonth::new(id.clone(), month);
        item.learn(evidence, &covered);
        let entry = CacheEntry { revision: 1, ..item.summarize(now) };
        ensure!(history.write(None, &item).await? == LedgerWritten::Stored, "{id} was not stored");
        ensure!(cache(&servers_table, &item, &entry).await? == Written::Stored, "{id} was not cached");
    }
    Ok(())
}

fn evidence(n: usize, now: DateTime<Utc>) -> Result<Vec<Evidence>> {
    let today = now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    let mut evidence = Vec::new();
    for day in 1..=DAYS {
        for (hour, what) in DAY {
            let at = today - TimeDelta::days(day) + TimeDelta::hours(hour);
            let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
            evidence.push(format!("{at} {what} {n:08x}-1428-4cd3-{day:04}-{hour:012}").parse()?);
        }
    }
    Ok(evidence)
}

/// A change of the nth server's state at `at`, as EventBridge tells it.
///
/// # Errors
/// Never.
pub fn state_change(n: usize, state: &str, at: DateTime<Utc>) -> Result<Value> {
    Ok(json!({
        "version": "0",
        "id": format!("{n:08x}-e9f4-11e8-9739-2dfe598c3fcd"),
        "detail-type": "EC2 Instance State-change Notification",
        "source": "aws.ec2",
        "account": "123456789012",
        "time": at.to_rfc3339_opts(SecondsFormat::Secs, true),
        "region": REGION,
        "resources": [format!("arn:aws:ec2:{REGION}:123456789012:instance/{}", id(n)?)],
        "detail": {"instance-id": id(n)?, "state": state},
    }))
}
