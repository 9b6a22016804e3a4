//! The bucket that final months are handed over in, and the event that says so.

use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_s3::primitives::ByteStream;
use serde_json::json;
use uptime_ledger::ports::MonthReports;
use uptime_ledger::{MonthReport, ServiceError};

use crate::sdk_error::service_error;

const PUT: &str = "S3 PutObject";
const ANNOUNCE: &str = "EventBridge PutEvents";

/// The event's source.
pub const SOURCE: &str = "runtime-cache";
/// The event's kind.
pub const DETAIL_TYPE: &str = "Monthly Runtime Final";

/// Final months in a bucket, `reports/<month>/<account>/<region>.csv` and `.json`, each announced on the default bus.
#[derive(Clone, Debug)]
pub struct ReportsBucket {
    s3: aws_sdk_s3::Client,
    events: aws_sdk_eventbridge::Client,
    bucket: String,
    environment: String,
}

impl ReportsBucket {
    /// The bucket called `bucket`, of an environment.
    pub fn new(
        s3: aws_sdk_s3::Client,
        events: aws_sdk_eventbridge::Client,
        bucket: String,
        environment: String,
    ) -> Self {
        Self { s3, events, bucket, environment }
    }

    async fn put(&self, key: &str, content_type: &str, content: &str) -> Result<Option<String>, ServiceError> {
        let body = ByteStream::from(content.as_bytes().to_vec());
        let request = self.s3.put_object().bucket(&self.bucket).key(key).content_type(content_type).body(body);
        let answer = request.send().await.map_err(|error| service_error(PUT, error).about(key))?;
        Ok(answer.version_id)
    }
}

impl MonthReports for ReportsBucket {
    async fn hand_over(&self, report: &MonthReport) -> Result<(), ServiceError> {
        let MonthReport { scope, month, .. } = report;
        let key = |ending: &str| format!("reports/{month}/{}/{}.{ending}", scope.account, scope.region);
        let (csv, json) = (key("csv"), key("json"));
        let csv_version = self.put(&csv, "text/csv; charset=utf-8", &report.csv).await?;
        let json_version = self.put(&json, "application/json", &report.json).await?;
        let detail = json!({
            "environment": self.environment,
            "month": month,
            "account": scope.account,
            "region": scope.region,
            "bucket": self.bucket,
            "csv": {"key": csv, "versionId": csv_version},
            "json": {"key": json, "versionId": json_version},
            "totals": {
                "servers": report.servers,
                "minutes": report.span.proven,
                "uncertainty": report.span.possible,
            },
        });
        let entry = PutEventsRequestEntry::builder().source(SOURCE).detail_type(DETAIL_TYPE);
        let entry = entry.detail(detail.to_string()).build();
        let answer = self.events.put_events().entries(entry).send().await;
        let answer = answer.map_err(|error| service_error(ANNOUNCE, error))?;
        match answer.entries().first().filter(|_| answer.failed_entry_count > 0) {
            None => Ok(()),
            Some(refused) => {
                let why = refused.error_message().unwrap_or("the event was refused").to_owned();
                Err(ServiceError::with_code(ANNOUNCE, refused.error_code(), why))
            }
        }
    }
}
