//! Rows of random months: what they sum to, what the forecast may say, and that CSV and JSON say the same.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::collection::vec;
use proptest::prelude::*;
use uptime::{Coverage, Evidence, Folded, Minutes, Month, Scope, ServerMonth, SweptFor, Window};
use uptime_report::{COLUMNS, Row, Totals, to_csv};

fn month() -> Month {
    "2026-02".parse().unwrap()
}

fn scope() -> Scope {
    "111122223333/eu-west-1".parse().unwrap()
}

/// A server that is started after so many minutes, and stopped or found stopped so many later, again and again.
fn known(runs: &[(i64, i64, bool)], name: Option<String>, left: bool, now: DateTime<Utc>) -> Folded {
    let mut at = month().start() - TimeDelta::days(1);
    let mut item = ServerMonth::new("i-0123456789abcdef0".parse().unwrap(), month());
    item.name = name;
    for (n, (pause, run, told)) in runs.iter().enumerate() {
        at += TimeDelta::minutes(*pause);
        let start = format!("{} started CloudTrail StartInstances {n}", at.to_rfc3339());
        at += TimeDelta::minutes(*run);
        let stop = if *told { format!("stopped CloudTrail StopInstances {n}") } else { "seen-stopped EC2".to_owned() };
        let stop = format!("{} {stop}", at.to_rfc3339());
        let evidence = [start, stop].map(|text| text.parse::<Evidence>().unwrap());
        let covered = Coverage::none().with(Window::new(month().start() - TimeDelta::days(7), now));
        item.learn(evidence.into_iter().filter(|piece| piece.at <= now), &covered);
    }
    if left {
        item.leave(now);
    }
    item.summarize(now);
    item.as_known(&SweptFor::all_of(&Coverage::none()), now)
}

fn months() -> impl Strategy<Value = Folded> {
    let runs = vec((1..4_000_i64, 1..4_000_i64, any::<bool>()), 0..12);
    let name = proptest::option::of("[=+@,\"'\\-\r\n\ta-zäß ]{0,8}");
    (runs, name, any::<bool>(), 1..60_000_i64)
        .prop_map(|(runs, name, left, minutes)| known(&runs, name, left, month().start() + TimeDelta::minutes(minutes)))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn days_sum_to_the_month_and_the_forecast_is_in_order(known in months()) {
        let row = Row::of(&scope(), &known);
        prop_assert_eq!(row.days.iter().copied().sum::<Minutes>(), row.minutes);
        prop_assert_eq!(row.days.len(), row.days_uncertainty.len());
        let possible: Minutes = row.days_uncertainty.iter().copied().sum();
        // Each day is rounded down on its own.
        prop_assert!((possible.as_f64() - row.uncertainty.as_f64()).abs() <= 0.01 * row.days.len() as f64 + 1e-6);
        let whole_day: Minutes = "1440".parse().unwrap();
        prop_assert!(row.days.iter().all(|day| *day <= whole_day));
        prop_assert!(row.forecast.least == row.minutes && row.forecast.least <= row.forecast.expected);
        prop_assert!(row.forecast.expected <= row.forecast.most);
        prop_assert!(row.forecast.most <= Minutes::floor(month().end() - month().start()));
    }

    #[test]
    fn csv_says_what_json_says_whatever_the_names_are(known in vec(months(), 1..5)) {
        let rows: Vec<Row> = known.iter().map(|known| Row::of(&scope(), known)).collect();
        let text = to_csv(&rows);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        prop_assert_eq!(&header, &*COLUMNS);
        let read: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
        prop_assert_eq!(read.len(), rows.len());
        for (read, row) in read.iter().zip(&rows) {
            let json = serde_json::to_value(row).unwrap();
            prop_assert_eq!(read["minutes"].parse::<f64>().unwrap(), json["minutes"].as_f64().unwrap());
            prop_assert_eq!(&read["asOf"], json["asOf"].as_str().unwrap());
            prop_assert_eq!(&read["state"], json["state"].as_str().unwrap());
            prop_assert_eq!(read["final"].parse::<bool>().unwrap(), json["final"].as_bool().unwrap());
            let name = json["name"].as_str().unwrap_or_default();
            let is_formula = name.starts_with(['=', '+', '-', '@', '\t', '\r']);
            prop_assert_eq!(&read["name"], &if is_formula { format!("'{name}") } else { name.to_owned() });
        }
        let totals = Totals::of(&rows);
        prop_assert_eq!(totals.minutes, rows.iter().map(|row| row.minutes).sum::<Minutes>());
        prop_assert_eq!(totals.servers, rows.len());
    }
}
