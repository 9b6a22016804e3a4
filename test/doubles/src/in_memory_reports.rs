//! Where final months are handed over, in memory.

use std::sync::{Arc, Mutex};

use uptime_ledger::ports::MonthReports;
use uptime_ledger::{MonthReport, ServiceError};

use crate::lock;

/// The reports handed over, in this order; it can refuse them.
#[derive(Clone, Debug, Default)]
pub struct InMemoryReports(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    reports: Vec<MonthReport>,
    refuses: bool,
}

impl InMemoryReports {
    /// The reports handed over since this was last asked.
    pub fn taken(&self) -> Vec<MonthReport> {
        std::mem::take(&mut lock(&self.0).reports)
    }

    /// Refuses every report from now on, or takes them again.
    pub fn refuse(&self, refuses: bool) {
        lock(&self.0).refuses = refuses;
    }
}

impl MonthReports for InMemoryReports {
    async fn hand_over(&self, report: &MonthReport) -> Result<(), ServiceError> {
        let mut kept = lock(&self.0);
        if kept.refuses {
            let why = "User: x is not authorized".to_owned();
            return Err(ServiceError::with_code("S3 PutObject", Some("AccessDenied"), why));
        }
        kept.reports.push(report.clone());
        Ok(())
    }
}
