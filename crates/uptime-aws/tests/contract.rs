//! The adapters keep the contract of the ports that they implement, over the simulator and the table stand-in. The tables
//! keep it over a real DynamoDB's emulator as well: see `concurrent_writers.rs`.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use account::{Account, now};
use chrono::TimeDelta;
use doubles::{contract, elsewhere};
use uptime::Window;

#[tokio::test]
async fn the_ledgers_table() {
    let account = Account::showcase().await.unwrap();
    contract::ledger(&account.ports().ledger, &account.ledger_of(&elsewhere())).await;
}

#[tokio::test]
async fn the_servers_table() {
    contract::cache(&Account::showcase().await.unwrap().ports().cache).await;
}

#[tokio::test]
async fn ec2() {
    contract::fleet(&Account::showcase().await.unwrap().ports().fleet, now()).await;
}

#[tokio::test]
async fn cloudtrail() {
    let account = Account::showcase().await.unwrap();
    let (id, window) = (account.id("stopped-at-hour-10").unwrap(), Window::new(now() - TimeDelta::days(30), now()));
    contract::trail(&account.ports().trail, &id, window).await;
}
