//! Whole sequences: the runs of every server of an account.
//!
//! Each file holds one account's lifecycle records in time order. We take it that nothing happened between its records
//! but what they tell: the coverage reaches from the first record to the last one, and the last one's time is now. What a
//! server did before the first record stays open, and so does whether one that was started was shut down from inside.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value;
use uptime::{Coverage, Evidence, InstanceId, Month, Timeline, Window, read_record};

use crate::{assert_records, folder, render};

pub(crate) const GROUPS: &[&str] = &["sequences/"];

/// An account's records: all evidence by server, and the time they span.
struct Account {
    servers: BTreeMap<InstanceId, BTreeSet<Evidence>>,
    span: Window,
}

impl Account {
    fn read(records: &[Value]) -> Self {
        let times =
            records.iter().map(|record| record["eventTime"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap());
        let span = Window::new(times.clone().min().unwrap(), times.max().unwrap());
        let mut servers: BTreeMap<InstanceId, BTreeSet<Evidence>> = BTreeMap::new();
        for (id, told) in records.iter().flat_map(|record| read_record(&record.to_string(), &[]).unwrap()) {
            servers.entry(id).or_default().insert(told);
        }
        Self { servers, span }
    }

    fn timeline(&self, evidence: &BTreeSet<Evidence>) -> Timeline {
        Timeline::of(evidence, &Coverage::none().with(self.span), self.span.to)
    }

    /// The runs of each server, and its minutes in every month of the span in which it ran or may have run.
    fn runs(&self) -> String {
        let mut text = format!("{} – {}\n", render::time(self.span.from), render::time(self.span.to));
        for (id, evidence) in &self.servers {
            let timeline = self.timeline(evidence);
            text += &format!("{id}\n{}", render::runs(&timeline));
            for month in self.months() {
                let span = timeline.span(month);
                if timeline.segments_in(month).next().is_some() {
                    text += &format!("  {month}: {} minutes, up to {} more\n", span.proven, span.possible);
                }
            }
        }
        text
    }

    fn months(&self) -> impl Iterator<Item = Month> {
        let (first, last) = (Month::of(self.span.from), Month::of(self.span.to));
        std::iter::successors(Some(first), |month| Some(month.next())).take_while(move |month| *month <= last)
    }
}

/// The runs in one file; None where the records are not here.
fn runs(file: &str) -> Option<String> {
    let files = folder::read(&format!("sequences/{file}"))?;
    assert_eq!(files.len(), 1, "{file}");
    Some(Account::read(&files[0].1).runs())
}

/// Two servers launched after refused attempts, and terminated; attributes changed in between.
#[test]
fn invictus() {
    assert_records!(runs("invictus-"), @r"
    2023-07-10T11:55:16Z – 2023-07-10T12:09:31Z
    i-05c30218156bcc246
      2023-07-10T12:03:24Z – 2023-07-10T12:08:05Z ran
      2023-07: 4.68 minutes, up to 0.00 more
    i-0dbc91f429e48eeed
      2023-07-10T11:55:21Z – 2023-07-10T12:08:06Z ran
      2023-07: 12.75 minutes, up to 0.00 more
    ");
}

/// Five servers over three months: calls over several of them at once, answered in another order; reboots; launches.
#[test]
fn permiso() {
    assert_records!(runs("permiso-"), @r"
    2023-08-12T17:43:46Z – 2023-11-27T04:00:19Z
    i-db0c0ffee27e69e8c
      2023-08-17T02:49:08Z – 2023-08-17T02:58:20Z ran
      2023-08: 9.20 minutes, up to 0.00 more
    i-db0c0ffee445fa741
      ever – 2023-08-17T02:40:46Z may have run
      2023-08-17T02:40:46Z – 2023-08-17T02:42:24Z ran
      2023-08-17T02:44:20Z – 2023-08-17T02:46:00Z ran
      2023-08: 3.30 minutes, up to 23200.76 more
    i-db0c0ffee47e5ac71
      2023-11-27T03:56:24Z – 2023-11-27T04:00:19Z may have run
      running since 2023-11-27T03:56:24Z
      2023-11: 0.00 minutes, up to 3.91 more
    i-db0c0ffee506cb16e
      2023-08-12T17:52:52Z – 2023-08-12T18:06:11Z ran
      2023-08: 13.31 minutes, up to 0.00 more
    i-db0c0ffee6e5e585f
      ever – 2023-08-17T02:44:20Z may have run
      2023-08-17T02:44:20Z – 2023-08-17T02:46:00Z ran
      2023-08: 1.66 minutes, up to 23204.34 more
    i-db0c0ffee8c20e5fc
      ever – 2023-08-12T17:46:12Z may have run
      2023-08-12T17:46:12Z – 2023-08-12T17:49:53Z ran
      2023-08-17T02:44:20Z – 2023-08-17T02:46:00Z ran
      2023-08: 5.35 minutes, up to 16906.20 more
    i-db0c0ffee98361ad0
      ever – 2023-08-12T17:43:46Z may have run
      2023-08-12T17:43:46Z – 2023-08-12T17:49:53Z ran
      2023-08-17T02:44:20Z – 2023-08-17T02:46:00Z ran
      2023-08: 7.78 minutes, up to 16903.77 more
    i-db0c0ffeeb678d1db
      2023-08-17T02:49:08Z – 2023-08-17T02:55:19Z ran
      2023-08: 6.18 minutes, up to 0.00 more
    i-db0c0ffeebb3275e2
      2023-11-25T15:17:01Z – 2023-11-27T04:00:19Z ran
      2023-11: 2203.30 minutes, up to 0.00 more
    i-db0c0ffeede6d749f
      2023-08-17T02:49:08Z – 2023-08-17T02:58:20Z ran
      2023-08: 9.20 minutes, up to 0.00 more
    i-db0c0ffeeffd53ad4
      ever – 2023-08-12T17:46:12Z may have run
      2023-08-12T17:46:12Z – 2023-08-12T17:49:53Z ran
      2023-08-17T02:44:20Z – 2023-08-17T02:46:00Z ran
      2023-08: 5.35 minutes, up to 16906.20 more
    ");
}

/// Terminated while it was stopping: the stop is the end of the run.
#[test]
fn plaso() {
    assert_records!(runs("plaso-"), @r"
    2022-02-07T22:19:05Z – 2022-02-07T22:23:18Z
    i-01234567890123456
      2022-02-07T22:19:05Z – 2022-02-07T22:23:03Z ran
      2022-02: 3.96 minutes, up to 0.00 more
    ");
}

/// It ran before the first record, was stopped, changed and started again.
#[test]
fn stratus() {
    assert_records!(runs("stratus-"), @r"
    2024-08-01T11:30:23Z – 2024-08-01T12:04:19Z
    i-DDd6c7B0e18F0E35f
      ever – 2024-08-01T11:30:23Z may have run
      2024-08-01T11:30:23Z – 2024-08-01T12:03:30Z ran
      running since 2024-08-01T12:04:19Z
      2024-08: 33.11 minutes, up to 690.39 more
    ");
}

#[test]
fn zmallen() {
    assert_records!(runs("zmallen-"), @r"
    2022-07-20T21:00:00Z – 2022-07-20T21:00:39Z
    i-0b09e9dad625e2b5b
      ever – 2022-07-20T21:00:00Z may have run
      running since 2022-07-20T21:00:39Z
      2022-07: 0.00 minutes, up to 28620.00 more
    ");
}

/// Late, doubled and shuffled delivery of the same records gives the same runs.
#[test]
fn the_order_of_delivery_does_not_matter() {
    for (name, mut records) in folder::read("sequences/").unwrap_or_default() {
        let in_order = Account::read(&records).runs();
        records.reverse();
        let half = records[..records.len() / 2].to_vec();
        records.extend(half);
        assert_eq!(Account::read(&records).runs(), in_order, "{name}");
    }
}
