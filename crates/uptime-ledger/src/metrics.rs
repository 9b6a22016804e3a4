//! CloudWatch: metrics in the embedded metric format, which are log lines that CloudWatch makes metrics of.
//!
//! Format: Amazon CloudWatch User Guide, "Specification: Embedded metric format".

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

/// The unit of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A time in seconds.
    Seconds,
    /// Whatever has no unit of CloudWatch's, such as minutes.
    None,
}

/// Metrics that are told only where they are more than zero, for CloudWatch charges for each hour in which a metric is there. An
/// alarm on one of them reads missing data as zero.
const ONLY_WHERE_ANY: [&str; 4] = ["RestlessServers", "UnreadableRecords", "ReportsOverdue", "WitnessDisagreements"];

/// Where metrics go: one namespace, one dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    namespace: String,
    environment: String,
}

impl Metrics {
    /// Namespace `<app>/MonthlyRuntime`, dimension `Environment`.
    pub fn new(app: &str, environment: &str) -> Self {
        Self { namespace: format!("{app}/MonthlyRuntime"), environment: environment.to_owned() }
    }

    /// One log line with these values as they were at `now`.
    pub fn line(&self, now: DateTime<Utc>, values: &[(&str, Unit, f64)]) -> Value {
        let is_told = |(name, _, value): &&(&str, Unit, f64)| *value > 0.0 || !ONLY_WHERE_ANY.contains(name);
        let values: Vec<_> = values.iter().filter(is_told).collect();
        let definition = |(name, unit, _): &&(&str, Unit, f64)| json!({"Name": name, "Unit": format!("{unit:?}")});
        let mut line = Map::new();
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": now.timestamp_millis(),
                "CloudWatchMetrics": [{
                    "Namespace": self.namespace,
                    "Dimensions": [["Environment"]],
                    "Metrics": values.iter().map(definition).collect::<Vec<_>>(),
                }],
            }),
        );
        line.insert("Environment".to_owned(), json!(self.environment));
        line.extend(values.iter().map(|(name, _, value)| ((*name).to_owned(), json!(value))));
        Value::Object(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rare_is_told_only_where_there_is_any() {
        let now = DateTime::from_timestamp(1_760_000_000, 0).unwrap();
        let told = |restless| {
            let values = [("ServerErrors", Unit::Count, 0.0), ("RestlessServers", Unit::Count, restless)];
            let line = Metrics::new("runtime-cache", "dev").line(now, &values);
            let defined = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap().len();
            (defined, line.get("ServerErrors").is_some(), line.get("RestlessServers").is_some())
        };
        assert_eq!((told(0.0), told(1.0)), ((1, true, false), (2, true, true)));
    }

    #[test]
    fn a_line_names_each_metric_and_has_its_value() {
        let now = DateTime::from_timestamp(1_760_000_000, 0).unwrap();
        let values = [("ServersTotal", Unit::Count, 3.0), ("OldestCacheAgeSeconds", Unit::Seconds, 0.5)];
        let line = Metrics::new("runtime-cache", "dev").line(now, &values);
        assert_eq!(
            line,
            json!({
                "_aws": {
                    "Timestamp": 1_760_000_000_000_i64,
                    "CloudWatchMetrics": [{
                        "Namespace": "runtime-cache/MonthlyRuntime",
                        "Dimensions": [["Environment"]],
                        "Metrics": [
                            {"Name": "ServersTotal", "Unit": "Count"},
                            {"Name": "OldestCacheAgeSeconds", "Unit": "Seconds"},
                        ],
                    }],
                },
                "Environment": "dev",
                "ServersTotal": 3.0,
                "OldestCacheAgeSeconds": 0.5,
            })
        );
    }
}
