//! What CloudWatch has of servers' status checks, by `GetMetricData`.

use std::collections::{BTreeMap, HashMap};

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime as SdkTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StatusCode};
use chrono::{DateTime, Utc};
use uptime::{InstanceId, Samples};
use uptime_ledger::ports::StatusChecks;
use uptime_ledger::{Batch, MostAsked, ServiceError};

use crate::sdk_error::service_error;

const OPERATION: &str = "CloudWatch GetMetricData";
const NAMESPACE: &str = "AWS/EC2";
/// Free, and of every server: one sample a minute while it runs, 1 where a check fails.
const METRIC: &str = "StatusCheckFailed";

/// `GetMetricData` takes 500 metrics, and answers with 100,800 points.
const MOST: MostAsked = MostAsked { servers: 500, periods: 100_800 };

/// CloudWatch of one scope.
#[derive(Clone, Debug)]
pub struct CloudWatch(Client);

impl CloudWatch {
    /// Over a client of this configuration.
    pub fn new(config: &SdkConfig) -> Self {
        Self(Client::new(config))
    }
}

impl StatusChecks for CloudWatch {
    const MOST: MostAsked = MOST;

    async fn ask(&self, batch: &Batch) -> Result<HashMap<InstanceId, Samples>, ServiceError> {
        let request = self.0.get_metric_data();
        let request = request
            .start_time(SdkTime::from_secs(batch.window.from.timestamp()))
            .end_time(SdkTime::from_secs(batch.window.to.timestamp()))
            .scan_by(ScanBy::TimestampAscending)
            .set_metric_data_queries(Some(queries(batch)));
        let mut answers: Vec<Answer> = batch.ids.iter().map(|_| Answer::default()).collect();
        let mut pages = request.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| service_error(OPERATION, error))?;
            for result in page.metric_data_results.unwrap_or_default() {
                let number = result.id().and_then(|id| id.strip_prefix('m')?.parse::<usize>().ok());
                let answer = number.and_then(|number| answers.get_mut(number));
                answer
                    .ok_or_else(|| unexpected(format!("it answers what was not asked: {:?}", result.id())))?
                    .take(&result)?;
            }
        }
        let answered = batch.ids.iter().cloned().zip(answers).filter(|(_, answer)| answer.is_complete);
        let samples = |answer: Answer| Samples { window: batch.window, period: batch.period, counts: answer.counts };
        Ok(answered.map(|(id, answer)| (id, samples(answer))).collect())
    }
}

/// A query for each server, with its place in the batch as id.
fn queries(batch: &Batch) -> Vec<MetricDataQuery> {
    let period = i32::try_from(batch.period.length().num_seconds()).unwrap_or(i32::MAX);
    let query = |(number, id): (usize, &InstanceId)| {
        let dimension = Dimension::builder().name("InstanceId").value(id.as_str()).build();
        let metric = Metric::builder().namespace(NAMESPACE).metric_name(METRIC).dimensions(dimension).build();
        let samples = MetricStat::builder().metric(metric).period(period).stat("SampleCount").build();
        MetricDataQuery::builder().id(format!("m{number}")).metric_stat(samples).return_data(true).build()
    };
    batch.ids.iter().enumerate().map(query).collect()
}

/// What the pages tell of one server.
#[derive(Debug, Default)]
struct Answer {
    counts: BTreeMap<DateTime<Utc>, u32>,
    is_complete: bool,
}

impl Answer {
    fn take(&mut self, result: &MetricDataResult) -> Result<(), ServiceError> {
        let (times, values) = (result.timestamps(), result.values());
        if times.len() != values.len() {
            return Err(unexpected(format!("it has {} times for {} values", times.len(), values.len())));
        }
        for (time, value) in times.iter().zip(values) {
            let at = DateTime::from_timestamp(time.secs(), 0);
            let count = (0.0..=f64::from(u16::MAX)).contains(value).then_some(value.round() as u32);
            let (Some(at), Some(count)) = (at, count) else {
                return Err(unexpected(format!("it counts {value} samples at {time:?}")));
            };
            self.counts.insert(at, count);
        }
        // `PartialData` of all pages but the last one, and where something went wrong.
        self.is_complete = result.status_code() == Some(&StatusCode::Complete);
        Ok(())
    }
}

fn unexpected(what: String) -> ServiceError {
    ServiceError::unexpected(OPERATION, what)
}
