//! The HTTP face: one port for both AWS protocols and for the control endpoints.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Clock;
use crate::cloudwatch::Sampling;
use crate::dice;
use crate::ec2::{self, Lens, Query};
use crate::faults::{self, Faults, Kind};
use crate::place::Place;
use crate::throttle::TokenBucket;
use crate::world::World;
use crate::{cloudtrail, cloudwatch, control};

/// The AWS operations served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Action {
    /// EC2.
    DescribeInstances,
    /// EC2.
    DescribeSpotInstanceRequests,
    /// CloudTrail.
    LookupEvents,
    /// CloudWatch.
    GetMetricData,
}

/// How the service behaves; how the account behaves is the world's.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Key and value of the tag that makes an instance a server of the fleet.
    pub tag: (String, String),
    /// Requests a second and at once that `LookupEvents` grants; a rate of zero grants all.
    pub lookup_rate: (f64, u32),
    /// How long a `LookupEvents` call takes.
    pub lookup_latency: Duration,
    /// How long a call of EC2 takes.
    pub describe_latency: Duration,
    /// How far EC2's answers lag behind what has happened.
    pub describe_lag: TimeDelta,
    /// How long EC2 shows a terminated instance.
    pub terminated_visible: TimeDelta,
    /// How CloudWatch samples.
    pub sampling: Sampling,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tag: ("App".to_owned(), "demo".to_owned()),
            lookup_rate: (2.0, 2),
            lookup_latency: Duration::ZERO,
            describe_latency: Duration::ZERO,
            describe_lag: TimeDelta::zero(),
            terminated_visible: TimeDelta::hours(1),
            sampling: Sampling::default(),
        }
    }
}

/// How often an operation was called, and how often it was not carried out.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// All calls, the failed ones included.
    pub calls: u64,
    /// Those above the rate, and those throttled on request.
    pub throttled: u64,
    /// Those that failed on request in any other way.
    pub faults: u64,
    /// Those that were wrong in themselves.
    pub rejected: u64,
}

/// An answer of either protocol.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    content_type: &'static str,
    body: Vec<u8>,
}

impl Answer {
    /// An answer of a JSON 1.1 service.
    #[must_use]
    pub fn json_1_1(status: u16, body: &Value) -> Self {
        Self { status, content_type: "application/x-amz-json-1.1", body: body.to_string().into_bytes() }
    }

    /// An answer of a query service.
    #[must_use]
    pub fn xml(status: u16, body: String) -> Self {
        Self { status, content_type: "text/xml;charset=UTF-8", body: body.into_bytes() }
    }

    /// An answer of a service that speaks CBOR.
    #[must_use]
    pub fn cbor(status: u16, body: Vec<u8>) -> Self {
        Self { status, content_type: cloudwatch::CONTENT_TYPE, body }
    }

    pub(crate) fn into_response(self, number: u64) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let id = dice::uuid(0x1D, number);
        let mut response =
            (status, [(header::CONTENT_TYPE.as_str(), self.content_type), ("x-amzn-requestid", &id)], self.body)
                .into_response();
        if self.content_type == cloudwatch::CONTENT_TYPE {
            response.headers_mut().insert(cloudwatch::PROTOCOL.0, HeaderValue::from_static(cloudwatch::PROTOCOL.1));
        }
        response
    }
}

/// Everything that changes while the simulator runs.
pub struct Account {
    /// What has happened.
    pub world: World,
    /// What is to fail.
    pub faults: Faults,
    /// What was asked.
    pub counts: BTreeMap<Action, Counts>,
    bucket: TokenBucket,
}

/// The simulator: an account, seen through AWS's protocols at the time its clock shows.
pub struct Simulator {
    /// How it behaves.
    pub settings: Settings,
    /// Where it is.
    pub place: Place,
    clock: Box<dyn Clock>,
    account: Mutex<Account>,
}

/// A call on its way: how it fails, if it must.
struct Admission {
    number: u64,
    throttled: bool,
    fault: Option<faults::Fault>,
}

impl Simulator {
    /// A simulator over a world.
    #[must_use]
    pub fn new(world: World, settings: Settings, clock: Box<dyn Clock>) -> Arc<Self> {
        let (rate, burst) = settings.lookup_rate;
        let bucket = TokenBucket::new(rate, burst);
        let place = world.place().clone();
        let account = Account { world, faults: Faults::default(), counts: BTreeMap::new(), bucket };
        Arc::new(Self { settings, place, clock, account: Mutex::new(account) })
    }

    /// The account, with everything in it that has happened up to the instant returned with it.
    pub fn account(&self) -> (MutexGuard<'_, Account>, DateTime<Utc>) {
        let now = self.clock.now();
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        account.world.advance(now);
        (account, now)
    }

    /// All routes.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/", post(aws))
            .route(cloudwatch::PATH, post(aws))
            .merge(control::routes())
            .with_state(Arc::clone(self))
    }

    fn admit(&self, action: Action) -> Admission {
        let (mut account, _) = self.account();
        let fault = account.faults.next(action);
        let granted = action != Action::LookupEvents || account.bucket.take(self.clock.elapsed());
        let throttled = !granted || fault.as_ref().is_some_and(|fault| fault.kind == Kind::Throttle);
        let counts = account.counts.entry(action).or_default();
        counts.calls += 1;
        counts.throttled += u64::from(throttled);
        counts.faults += u64::from(!throttled && fault.is_some());
        Admission { number: counts.calls, throttled, fault }
    }

    async fn serve(&self, action: Action, body: &[u8]) -> Response {
        let admission = self.admit(action);
        let kind =
            if admission.throttled { Some(Kind::Throttle) } else { admission.fault.as_ref().map(|fault| fault.kind) };
        if kind == Some(Kind::Timeout) {
            let seconds = admission.fault.map_or(0, |fault| fault.seconds);
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
        if let Some(answer) = kind.and_then(|kind| faults::answer(action, kind, &self.place.account)) {
            return answer.into_response(admission.number);
        }
        if kind == Some(Kind::Unreachable) {
            // Ends the task that serves the connection, and so the connection, without a word on standard error.
            std::panic::resume_unwind(Box::new("unreachable"));
        }
        let latency = match action {
            Action::LookupEvents => self.settings.lookup_latency,
            Action::DescribeInstances | Action::DescribeSpotInstanceRequests => self.settings.describe_latency,
            Action::GetMetricData => self.settings.sampling.latency,
        };
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let answer = self.carry_out(action, body, kind == Some(Kind::MalformedRecord));
        answer.into_response(admission.number)
    }

    fn carry_out(&self, action: Action, body: &[u8], spoil: bool) -> Answer {
        let (mut account, now) = self.account();
        let Settings { describe_lag, terminated_visible, .. } = self.settings;
        let lens = Lens { at: now - describe_lag, terminated_visible };
        let answer = match action {
            Action::LookupEvents => cloudtrail::lookup_events(&account.world, now, body, spoil),
            Action::GetMetricData => cloudwatch::get_metric_data(&account.world, now, self.settings.sampling, body),
            Action::DescribeInstances => ec2::describe_instances(&account.world, lens, &Query::parse(body)),
            Action::DescribeSpotInstanceRequests => {
                ec2::describe_spot_instance_requests(&account.world, lens, &Query::parse(body))
            }
        };
        if answer.status != 200 {
            account.counts.entry(action).or_default().rejected += 1;
        }
        answer
    }
}

async fn aws(Shared(simulator): Shared<Arc<Simulator>>, headers: HeaderMap, body: Bytes) -> Response {
    answer(&simulator, &headers, &body).await
}

/// Both protocols post to `/`; CloudTrail's names its operation in a header, EC2's in the form.
pub(crate) async fn answer(simulator: &Simulator, headers: &HeaderMap, body: &[u8]) -> Response {
    if let Some(target) = headers.get("x-amz-target") {
        let target = target.to_str().unwrap_or_default();
        return match cloudtrail::operation(target) {
            Some("LookupEvents") => simulator.serve(Action::LookupEvents, body).await,
            _ => {
                cloudtrail::error(400, "UnknownOperationException", &format!("{target} is not served")).into_response(0)
            }
        };
    }
    if cloudwatch::speaks(headers) {
        return simulator.serve(Action::GetMetricData, body).await;
    }
    let query = Query::parse(body);
    match query.action() {
        "DescribeInstances" => simulator.serve(Action::DescribeInstances, body).await,
        "DescribeSpotInstanceRequests" => simulator.serve(Action::DescribeSpotInstanceRequests, body).await,
        "" => ec2::error(400, "MissingAction", "The request names no action").into_response(0),
        other => ec2::error(400, "InvalidAction", &format!("The action {other} is not valid for this endpoint."))
            .into_response(0),
    }
}
