//! For development and operation by hand: `explain` tells why a server's minutes of a month are what they are.
//!
//! It reads the ledger with the credentials and endpoint of the environment, and changes nothing.

mod render;

use anyhow::{Context, Result, anyhow};
use chrono::{DateTime, Utc};
use clap::{Parser, Subcommand};
use uptime::{InstanceId, Month};
use uptime_aws::clients::Clients;
use uptime_aws::ledger_table::LedgerTable;
use uptime_ledger::ports::Ledger;

/// Where the table's name is looked for when it is not given.
const TABLE_VARIABLE: &str = "RUNTIME_HISTORY_TABLE_NAME";

/// Looks into the tables of the monthly runtime cache.
#[derive(Debug, Parser)]
#[command(name = "devtool")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tells why a server's minutes of a month are what they are: its runs, and the source of each end.
    Explain {
        /// Instance id, such as i-0123456789abcdef0.
        id: InstanceId,
        /// Month in UTC, such as 2025-10 [default: the one that is going on].
        month: Option<Month>,
        /// Name of the LedgerTable [default: the variable RUNTIME_HISTORY_TABLE_NAME].
        #[arg(long)]
        table: Option<String>,
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
}

/// Does what the arguments ask for; returns what is to be printed.
///
/// # Errors
/// Where the table is not named, cannot be read, or has no such item.
pub async fn run(
    arguments: Arguments,
    clients: Clients,
    variable: &dyn Fn(&str) -> Option<String>,
    now: DateTime<Utc>,
) -> Result<String> {
    let Command::Explain { id, month, table, json } = arguments.command;
    let month = month.unwrap_or_else(|| Month::of(now));
    let table = table.or_else(|| variable(TABLE_VARIABLE)).filter(|name| !name.is_empty());
    let table = table.with_context(|| format!("no table named: pass --table NAME, or set {TABLE_VARIABLE}"))?;
    let unread = || format!("cannot read the table {table}");
    let scope = LedgerTable::scope_of(&clients.dynamodb, &table, &id, month).await.with_context(unread)?;
    let scope = scope.ok_or_else(|| anyhow!("the table {table} has no item of {id} for {month}"))?;
    let ledger = LedgerTable::new(clients.dynamodb, table.clone(), scope);
    let found = ledger.read(month, std::slice::from_ref(&id)).await.with_context(unread)?.remove(&id);
    let found = found.ok_or_else(|| anyhow!("the table {table} has no item of {id} for {month}"))?;
    let mut item = found.with_context(unread)?;
    // As the handlers do: an hour in which nothing happened is kept once for the whole fleet.
    item.assume_swept(&ledger.sweep_state().await.with_context(unread)?.for_server(&id, &[month]));
    let explanation = item.explain(item.told_as_of(now));
    if json { Ok(serde_json::to_string_pretty(&explanation)?) } else { Ok(render::text(&explanation)) }
}
