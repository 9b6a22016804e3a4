//! `GetMetricData` against the fleet simulator.

#![allow(clippy::unwrap_used, reason = "what a test builds wrong should stop it")]

use account::{Account, clients};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uptime::{InstanceId, Period, Samples, Window};
use uptime_aws::cloudwatch::CloudWatch;
use uptime_ledger::Batch;
use uptime_ledger::ports::StatusChecks;

fn cloudwatch(account: &Account) -> CloudWatch {
    CloudWatch::new(&clients(&account.endpoint, &account.tables.endpoint).config)
}

/// The beginning of the month, which is the showcase's.
fn hour(hour: i64) -> DateTime<Utc> {
    "2025-10-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::hours(hour)
}

fn batch(ids: &[InstanceId], period: Period, from: i64, to: i64) -> Batch {
    Batch { window: Window::new(hour(from), hour(to)), period, ids: ids.to_vec() }
}

fn total(samples: &Samples) -> u32 {
    samples.counts.values().sum()
}

#[tokio::test]
async fn samples_are_counted_in_each_period() {
    let account = Account::showcase().await.unwrap();
    let checks = cloudwatch(&account);
    let ids = ["guest-shutdown-untimed", "always-on", "always-off"].map(|name| account.id(name).unwrap());
    for period in [Period::Minute, Period::FiveMinutes, Period::Hour] {
        let answer = checks.ask(&batch(&ids, period, 0, 24)).await.unwrap();
        let totals = ids.each_ref().map(|id| total(&answer[id]));
        assert!((209..=211).contains(&totals[0]), "{period:?}: {totals:?}");
        assert_eq!((totals[1], totals[2]), (1440, 0), "{period:?}");
        let most = answer.values().flat_map(|samples| samples.counts.values()).max().copied();
        assert_eq!(most, Some(u32::try_from(period.minutes()).unwrap()));
    }
}

#[tokio::test]
async fn an_answer_of_more_points_than_one_page_takes_is_read_whole() {
    let account = Account::with(&["--scenario", "random", "--servers", "30"]).await.unwrap();
    let servers = account.ids().unwrap();
    let answer = cloudwatch(&account).ask(&batch(&servers, Period::Minute, 0, 11 * 24)).await.unwrap();
    assert_eq!(answer.len(), servers.len());
    assert!(answer.values().map(total).sum::<u32>() > 100_800);
}

#[tokio::test]
async fn by_the_minute_nothing_is_known_of_what_is_older_than_fifteen_days() {
    let account = Account::showcase().await.unwrap();
    let id = account.id("always-on").unwrap();
    let old = |period| batch(std::slice::from_ref(&id), period, -20 * 24, -19 * 24);
    let checks = cloudwatch(&account);
    assert_eq!(total(&checks.ask(&old(Period::Minute)).await.unwrap()[&id]), 0);
    assert_eq!(total(&checks.ask(&old(Period::FiveMinutes)).await.unwrap()[&id]), 1440);
}

#[tokio::test]
async fn a_refusal_is_an_error_that_says_why() {
    let account = Account::showcase().await.unwrap();
    let ids = [account.id("always-on").unwrap()];
    account.fault(json!({"action": "GetMetricData", "kind": "accessDenied"})).unwrap();
    let error = cloudwatch(&account).ask(&batch(&ids, Period::Hour, 0, 24)).await.unwrap_err();
    assert!(error.to_string().contains("is not authorized to perform: cloudwatch:GetMetricData"), "{error}");
}
