//! A step of its own: CloudWatch is asked about the time that all else leaves open.

use std::collections::HashMap;

use futures::{StreamExt, stream};
use tokio::time::timeout_at;
use uptime::{Delivery, InstanceId, Month, Sampled, Samples, Scope, Window};
use uptime_ledger::ports::StatusChecks;
use uptime_ledger::{Batch, Moment, Question, ServiceError};

use crate::response::Heard;

/// Servers that a run asks about at most: a metric of each is asked for, and ten thousand cost ten cents.
const MOST: usize = 10_000;
/// Requests under way at once. Each answer has up to 100,800 points.
const CONCURRENT: usize = 3;

/// CloudWatch, as one run asks it.
#[derive(Debug)]
pub(crate) struct Witness<'w, W> {
    /// None where it is turned off.
    checks: Option<&'w W>,
    scope: &'w Scope,
    moment: Moment,
    heard: Heard,
}

impl<'w, W: StatusChecks> Witness<'w, W> {
    /// For a run over a scope; `None` turns it off.
    pub(crate) fn of(checks: Option<&'w W>, scope: &'w Scope, moment: Moment) -> Self {
        Self { checks, scope, moment, heard: Heard::default() }
    }

    /// True where it can be asked.
    pub(crate) fn is_there(&self) -> bool {
        self.checks.is_some()
    }

    /// What asking came to; none where nothing was asked.
    pub(crate) fn heard(&self) -> Option<Heard> {
        (self.heard != Heard::default()).then_some(self.heard)
    }

    /// Asks what is open, the newest first, and hands over what each request tells.
    pub(crate) async fn ask(
        &mut self,
        questions: Vec<Question>,
        mut take: impl AsyncFnMut(HashMap<InstanceId, Sampled>),
    ) {
        let batches = Batch::all_of(questions, W::MOST, self.moment.now);
        self.ask_all(batches, async |samples| take(sampled(samples)).await).await;
    }

    /// Asks about whole months of servers, and hands over the samples of each request.
    pub(crate) async fn ask_whole(
        &mut self,
        month: Month,
        ids: Vec<InstanceId>,
        take: impl AsyncFnMut(HashMap<InstanceId, Samples>),
    ) {
        self.ask_all(Batch::of_month(month, ids, W::MOST), take).await;
    }

    /// That CloudWatch fails, or that the time is up, is no failure of the run: the values are there, and the next run asks
    /// again.
    async fn ask_all(&mut self, batches: Vec<Batch>, mut take: impl AsyncFnMut(HashMap<InstanceId, Samples>)) {
        let Some(checks) = self.checks else { return };
        let (scope, deadline) = (self.scope, self.moment.deadlines.all);
        let mut left = MOST - self.heard.asked.min(MOST);
        let all: usize = batches.iter().map(|batch| batch.ids.len()).sum();
        let batches = batches.into_iter().take_while(|batch| {
            let fits = batch.ids.len() <= left;
            left = left.saturating_sub(batch.ids.len());
            fits
        });
        let answers = stream::iter(batches).map(|batch| async move {
            let answer = timeout_at(deadline, checks.ask(&batch)).await;
            (batch.ids.len(), answer.unwrap_or_else(|_| Err(time_is_up())))
        });
        let mut answers = std::pin::pin!(answers.buffered(CONCURRENT));
        let mut answered = 0;
        while let Some((asked, answer)) = answers.next().await {
            self.heard.requests += 1;
            self.heard.asked += asked;
            match answer {
                Ok(samples) => {
                    answered += samples.len();
                    take(samples).await;
                }
                Err(error) => {
                    tracing::warn!(%scope, %error, "Could not ask CloudWatch: {error}");
                    break;
                }
            }
        }
        self.heard.unanswered += all - answered;
    }
}

/// Logs where CloudWatch's samples contradict the records of a server.
pub(crate) fn log_disagreements(id: &InstanceId, month: Month, windows: &[Window]) {
    let windows: Vec<String> = windows.iter().map(ToString::to_string).collect();
    let all = windows.join(", ");
    tracing::error!(%id, %month, ?windows, "CloudWatch contradicts the records of {id} in {month}: {all}");
}

fn time_is_up() -> ServiceError {
    ServiceError::unexpected("CloudWatch GetMetricData", "the time was up before it answered".to_owned())
}

/// The evidence in samples. How many of them get lost, all of one request tell together.
fn sampled(samples: HashMap<InstanceId, Samples>) -> HashMap<InstanceId, Sampled> {
    let delivery = samples.values().map(Samples::delivery).fold(Delivery::default(), Delivery::and);
    let sampled = |samples: Samples| {
        let asked = std::iter::once(samples.window).collect();
        Sampled { evidence: samples.evidence(delivery), asked }
    };
    samples.into_iter().map(|(id, samples)| (id, sampled(samples))).collect()
}
