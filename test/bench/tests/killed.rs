//! The hourly run as a process that is killed: the next one leaves what an undisturbed one would have.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

use std::path::Path;
use std::time::Duration;

use bench::account::{Account, body, unlimited};
use bench::hourly::now;
use bench::seed::{HISTORY, SERVERS};
use fleet_simulator::scenario;
use fleet_simulator::service::Action;
use serde_json::{Value, json};
use stand_ins::runtime::Handler;
use stand_ins::{Faults, TableStandIn};

const TIME: Duration = Duration::from_secs(60);

/// Where a run is killed.
#[derive(Clone, Copy, Debug)]
enum When {
    /// CloudTrail was asked so often.
    Reading(u64),
    /// So many updates were carried out.
    Writing(u64),
}

async fn account() -> Account {
    let options = unlimited();
    Account::serve(scenario::build(&options, now().unwrap()).unwrap(), &options, now().unwrap()).await.unwrap()
}

async fn start(account: &Account, tables: &TableStandIn) -> Handler {
    let program = Path::new(env!("CARGO_BIN_EXE_calculate-at"));
    account.handler(program, tables, &[("BENCH_UNPACED", "1")]).await.unwrap()
}

async fn whole_run(account: &Account, tables: &TableStandIn) -> Value {
    let answer = start(account, tables).await.invoke(json!({}), TIME).await.unwrap();
    body(answer).unwrap()
}

/// All that both tables hold, but for the number of writes of the watermark.
fn everything(tables: &TableStandIn) -> Value {
    let mut history = tables.items(HISTORY);
    history.iter_mut().for_each(|item| {
        item.remove("revision");
    });
    json!([tables.items(SERVERS), history])
}

async fn run_and_kill(account: &Account, tables: &TableStandIn, when: When) {
    let mut handler = start(account, tables).await;
    if let When::Writing(updates) = when {
        tables.fail(Faults { silent_after: Some(updates), ..Faults::default() });
    }
    let there = async {
        loop {
            let reached = match when {
                When::Reading(lookups) => account.counts(Action::LookupEvents).calls >= lookups,
                When::Writing(updates) => tables.attempts() > updates,
            };
            if reached {
                break;
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    };
    tokio::select! {
        answer = handler.invoke(json!({}), TIME) => panic!("{when:?}: it was done before it was killed: {answer:?}"),
        () = there => drop(handler),
    }
    tables.fail(Faults::default());
}

#[tokio::test]
async fn a_process_that_is_killed_anywhere_is_made_good_by_the_next() {
    let undisturbed = TableStandIn::start().await.unwrap();
    whole_run(&account().await, &undisturbed).await;
    let updates = undisturbed.attempts();
    let expected = everything(&undisturbed);
    let reading = [1, 4].map(When::Reading);
    let writing = [0, 1, updates / 3, updates / 2, updates - 2, updates - 1].map(When::Writing);
    for when in reading.into_iter().chain(writing) {
        let (account, tables) = (account().await, TableStandIn::start().await.unwrap());
        run_and_kill(&account, &tables, when).await;
        whole_run(&account, &tables).await;
        assert_eq!(everything(&tables), expected, "{when:?}");
    }
}
