//! CloudTrail: the recorded lifecycle events, swept by event name or looked up for one server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudtrail::operation::lookup_events::{LookupEventsError, LookupEventsOutput};
use aws_sdk_cloudtrail::primitives::DateTime as SmithyDateTime;
use aws_sdk_cloudtrail::types::{Event, LookupAttribute, LookupAttributeKey};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::timeout_at;
use uptime::{BlindSpots, EVICTION, InstanceId, LIFECYCLE_EVENTS, ServerEvidence, Window, read_record};

use crate::pacer::Pacer;
use crate::sdk_error::service_error;
use uptime_ledger::ports::{Limits, Sweep, SweepCost, Trail};
use uptime_ledger::{ServiceError, is_throttle_code};

const OPERATION: &str = "CloudTrail LookupEvents";
/// `LookupEvents` allows two requests a second per account and region, and refuses at exactly that pace now and then.
const PACE: Duration = Duration::from_millis(510);
/// How often a request is tried that fails for a passing reason other than throttling.
const ATTEMPTS: u32 = 3;

/// How long CloudTrail's event history reaches back.
const MEMORY: TimeDelta = TimeDelta::days(90);

/// The trail of one account and region, with the pace that all its readers share.
#[derive(Clone, Debug)]
pub struct CloudTrail {
    client: Client,
    pacer: Arc<Pacer>,
}

impl CloudTrail {
    /// `client` must not retry by itself.
    pub fn new(client: Client) -> Self {
        Self::paced(client, PACE)
    }

    /// At another pace, such as a simulator's.
    pub fn paced(client: Client, pace: Duration) -> Self {
        Self { client, pacer: Arc::new(Pacer::new(pace)) }
    }

    /// The same trail at another pace.
    #[must_use]
    pub fn at_pace(self, pace: Duration) -> Self {
        Self::paced(self.client, pace)
    }
}

impl Trail for CloudTrail {
    type Sweep = CloudTrailSweep;

    fn remembers_since(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - MEMORY
    }

    fn sweep(&self, window: Window) -> CloudTrailSweep {
        let by_name = LIFECYCLE_EVENTS.map(|name| (LookupAttributeKey::EventName, name.to_owned()));
        CloudTrailSweep::new(self.clone(), window, by_name)
    }

    fn lookup(&self, id: &InstanceId, window: Window) -> CloudTrailSweep {
        let attribute = (LookupAttributeKey::ResourceName, id.as_str().to_owned());
        CloudTrailSweep::new(self.clone(), window, [attribute])
    }

    fn lookup_spot(&self, id: &InstanceId, window: Window) -> CloudTrailSweep {
        let attributes = [
            (LookupAttributeKey::ResourceName, id.as_str().to_owned()),
            (LookupAttributeKey::EventName, EVICTION.to_owned()),
        ];
        CloudTrailSweep::new(self.clone(), window, attributes)
    }
}

/// A sweep under way: one cursor per lookup attribute, each reading newest first.
#[derive(Debug)]
pub struct CloudTrailSweep {
    trail: CloudTrail,
    window: Window,
    cursors: Vec<Cursor>,
    evidence: Vec<ServerEvidence>,
    blind: BlindSpots,
}

/// How far one lookup attribute has been read.
#[derive(Debug)]
struct Cursor {
    attribute: LookupAttribute,
    next_token: Option<String>,
    /// Everything after it, up to the window's end, has been read.
    reached: DateTime<Utc>,
    evidence: Vec<ServerEvidence>,
    blind: BlindSpots,
    cost: SweepCost,
}

impl CloudTrailSweep {
    fn new(
        trail: CloudTrail,
        window: Window,
        attributes: impl IntoIterator<Item = (LookupAttributeKey, String)>,
    ) -> Self {
        let cursor = |(key, value): (LookupAttributeKey, String)| Cursor {
            attribute: attribute(key, value),
            next_token: None,
            reached: window.to,
            evidence: Vec::new(),
            blind: BlindSpots::none(),
            cost: SweepCost::default(),
        };
        let cursors = attributes.into_iter().map(cursor).collect();
        Self { trail, window, cursors, evidence: Vec::new(), blind: BlindSpots::none() }
    }
}

impl Sweep for CloudTrailSweep {
    async fn read_back_to(&mut self, instant: DateTime<Utc>, limits: Limits) -> Result<(), ServiceError> {
        let instant = instant.max(self.window.from);
        let spent = AtomicU64::new(self.cost().lookups);
        let reads = self.cursors.iter_mut().map(|cursor| {
            let reader = Reader { trail: &self.trail, window: self.window, limits, spent: &spent };
            async move { reader.read(cursor, instant).await }
        });
        let outcomes = futures::future::join_all(reads).await;
        for cursor in &mut self.cursors {
            self.evidence.append(&mut cursor.evidence);
            self.blind = std::mem::take(&mut self.blind).and(&std::mem::take(&mut cursor.blind));
        }
        outcomes.into_iter().collect()
    }

    fn covered(&self) -> Window {
        let reached = self.cursors.iter().map(|cursor| cursor.reached).max();
        Window::new(reached.unwrap_or(self.window.to), self.window.to)
    }

    fn take_evidence(&mut self) -> Vec<ServerEvidence> {
        std::mem::take(&mut self.evidence)
    }

    fn take_blind_spots(&mut self) -> BlindSpots {
        std::mem::take(&mut self.blind)
    }

    fn cost(&self) -> SweepCost {
        self.cursors.iter().fold(SweepCost::default(), |all, cursor| SweepCost {
            lookups: all.lookups + cursor.cost.lookups,
            throttles: all.throttles + cursor.cost.throttles,
            unreadable: all.unreadable + cursor.cost.unreadable,
        })
    }
}

/// Reads pages for cursors, within limits that all cursors share.
struct Reader<'s> {
    trail: &'s CloudTrail,
    window: Window,
    limits: Limits,
    spent: &'s AtomicU64,
}

impl Reader<'_> {
    async fn read(&self, cursor: &mut Cursor, instant: DateTime<Utc>) -> Result<(), ServiceError> {
        while cursor.reached > instant {
            let Some(page) = self.page(cursor).await? else { return Ok(()) };
            cursor.take(page, self.window);
        }
        Ok(())
    }

    /// The next page; none where a limit is reached first.
    async fn page(&self, cursor: &mut Cursor) -> Result<Option<LookupEventsOutput>, ServiceError> {
        let mut failures = 0;
        loop {
            // Taken before the wait for a turn, or all that wait would take the last one.
            if self.spent.fetch_add(1, Ordering::Relaxed) >= self.limits.lookups {
                return Ok(None);
            }
            let Some(turn) = self.trail.pacer.turn(self.limits.deadline).await else { return Ok(None) };
            cursor.cost.lookups += 1;
            let Ok(answer) = timeout_at(self.limits.deadline, self.request(cursor)).await else { return Ok(None) };
            match answer {
                Ok(page) => {
                    self.trail.pacer.answered();
                    return Ok(Some(page));
                }
                Err(error) if is_throttle(&error) => {
                    self.trail.pacer.throttled(turn);
                    cursor.cost.throttles += 1;
                }
                Err(error) => {
                    failures += 1;
                    if failures == ATTEMPTS || !is_passing(&error) {
                        return Err(service_error(OPERATION, error));
                    }
                    tracing::warn!(failures, "LookupEvents failed for a passing reason, trying again");
                }
            }
        }
    }

    async fn request(&self, cursor: &Cursor) -> Result<LookupEventsOutput, SdkError<LookupEventsError>> {
        let request = self.trail.client.lookup_events().lookup_attributes(cursor.attribute.clone());
        let window = request.start_time(smithy(self.window.from)).end_time(smithy(self.window.to));
        window.set_next_token(cursor.next_token.clone()).send().await
    }
}

impl Cursor {
    fn take(&mut self, page: LookupEventsOutput, window: Window) {
        for event in page.events() {
            self.read(event);
        }
        let oldest = page.events().iter().filter_map(|event| event.event_time()).map(SmithyDateTime::secs).min();
        self.next_token = page.next_token;
        match (&self.next_token, oldest.and_then(|seconds| DateTime::from_timestamp(seconds, 0))) {
            (None, _) => self.reached = window.from,
            // The next page may go on with the same second, so of this one nothing is claimed but what comes after it.
            (Some(_), Some(oldest)) => self.reached = self.reached.min(oldest),
            (Some(_), None) => {}
        }
    }

    /// An error in one record is not an error of the sweep.
    fn read(&mut self, event: &Event) {
        let resources = event.resources().iter().filter_map(|resource| resource.resource_name()?.parse().ok());
        let resources: Vec<InstanceId> = resources.collect();
        match read_record(event.cloud_trail_event().unwrap_or_default(), &resources) {
            Ok(evidence) => self.evidence.extend(evidence),
            Err(error) => {
                self.cost.unreadable += 1;
                let at = event.event_time().and_then(|time| DateTime::from_timestamp(time.secs(), 0));
                if let (Some(name), Some(at)) = (event.event_name(), at) {
                    self.blind.add(name, at);
                }
                let event_id = event.event_id().unwrap_or("unknown");
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                tracing::warn!(event_id, %error, cause, "Skipped CloudTrail event {event_id}: {error}");
            }
        }
    }
}

fn attribute(key: LookupAttributeKey, value: String) -> LookupAttribute {
    #[expect(clippy::expect_used, reason = "building fails only where key or value are not set")]
    LookupAttribute::builder().attribute_key(key).attribute_value(value).build().expect("key and value are set")
}

fn smithy(instant: DateTime<Utc>) -> SmithyDateTime {
    SmithyDateTime::from_secs(instant.timestamp())
}

fn is_throttle(error: &SdkError<LookupEventsError>) -> bool {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    code.is_some_and(is_throttle_code)
}

/// No answer, a broken one, or one that blames the server.
fn is_passing(error: &SdkError<LookupEventsError>) -> bool {
    match error {
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
        other => other.raw_response().is_some_and(|response| response.status().is_server_error()),
    }
}
