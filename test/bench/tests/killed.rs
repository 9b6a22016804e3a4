//! The hourly run as a process that is killed: the next one leaves what an undisturbed one would have.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

use std::path::Path;
use std::time::Duration;

use account::{Account, contents, options};
use bench::hourly::now;
use bench::process::{body, start};
use fleet_simulator::scenario;
use fleet_simulator::service::Action;
use serde_json::{Value, json};
use stand_ins::Faults;
use stand_ins::runtime::Handler;

const TIME: Duration = Duration::from_secs(60);

/// Where a run is killed.
#[derive(Clone, Copy, Debug)]
enum When {
    /// CloudTrail was asked so often.
    Reading(u64),
    /// So many updates were carried out.
    Writing(u64),
}

async fn showcase() -> Account {
    let options = options(&[]);
    let world = scenario::build(&options, now().unwrap()).unwrap();
    Account::at(now().unwrap(), world, &options).await.unwrap()
}

async fn begin(account: &Account) -> Handler {
    let program = Path::new(env!("CARGO_BIN_EXE_calculate-at"));
    start(account, program, &[("BENCH_UNPACED", "1")]).await.unwrap()
}

async fn whole_run(account: &Account) -> Value {
    let answer = begin(account).await.invoke(json!({}), TIME).await.unwrap();
    body(answer).unwrap()
}

/// All that both tables hold, but for the number of writes.
fn everything(account: &Account) -> Value {
    contents(&account.tables, &["revision"])
}

async fn run_and_kill(account: &Account, when: When) {
    let (tables, mut handler) = (&account.tables, begin(account).await);
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
    let undisturbed = showcase().await;
    whole_run(&undisturbed).await;
    let updates = undisturbed.tables.attempts();
    let expected = everything(&undisturbed);
    let reading = [1, 4].map(When::Reading);
    let writing = [0, 1, updates / 3, updates / 2, updates - 2, updates - 1].map(When::Writing);
    for when in reading.into_iter().chain(writing) {
        let account = showcase().await;
        run_and_kill(&account, when).await;
        whole_run(&account).await;
        assert_eq!(everything(&account), expected, "{when:?}");
    }
}
