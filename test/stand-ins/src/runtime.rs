//! Lambda's Runtime API for one handler as a process: one event at a time, its answer, and what it took.

use std::future::IntoFuture;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path as Route, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::sync::{Mutex, mpsc, watch};

/// A handler as a process, waiting for events.
pub struct Handler {
    child: std::process::Child,
    events: mpsc::UnboundedSender<Event>,
    answers: mpsc::UnboundedReceiver<(Kind, Value)>,
    started: Instant,
    asked: watch::Receiver<Option<Instant>>,
}

/// What one invocation answered and took.
#[derive(Clone, Debug)]
pub struct Invoked {
    /// The answer, or the error.
    pub outcome: Result<Value, Value>,
    /// From handing out the event to its answer.
    pub took: Duration,
}

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Processor time, in user and system mode.
    pub cpu: Duration,
    /// The most memory that it had at a time, in KiB.
    pub peak_memory_kib: u64,
}

struct Event {
    payload: Value,
    deadline: SystemTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Answer,
    Error,
}

struct Api {
    events: Mutex<mpsc::UnboundedReceiver<Event>>,
    answers: mpsc::UnboundedSender<(Kind, Value)>,
    /// When work was first asked for.
    asked: watch::Sender<Option<Instant>>,
}

impl Handler {
    /// Starts a handler's binary with these environment variables and no others.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub async fn start(binary: &Path, variables: &[(&str, &str)]) -> Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let (events, handed_out) = mpsc::unbounded_channel();
        let (given, answers) = mpsc::unbounded_channel();
        let (first, asked) = watch::channel(None);
        let api = Arc::new(Api { events: Mutex::new(handed_out), answers: given, asked: first });
        tokio::spawn(axum::serve(listener, router(api)).into_future());
        let started = Instant::now();
        let child = std::process::Command::new(binary)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "handler")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        Ok(Self { child, events, answers, started, asked })
    }

    /// When the process was started.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Waits until the process asks for work: from its start to its first request for an event.
    ///
    /// # Errors
    /// Where it has not asked within `time`.
    pub async fn ready(&mut self, time: Duration) -> Result<Duration> {
        let asked = tokio::time::timeout(time, self.asked.wait_for(Option::is_some)).await;
        let asked = asked.context("the handler did not ask for work")??;
        Ok(asked.unwrap_or(self.started) - self.started)
    }

    /// Hands out an event and waits for its answer.
    ///
    /// # Errors
    /// Where the process ends, or is not done at its deadline, as Lambda would end it.
    pub async fn invoke(&mut self, payload: Value, time: Duration) -> Result<Invoked> {
        let begun = Instant::now();
        #[allow(clippy::disallowed_methods, reason = "Lambda's deadlines are times of the wall clock")]
        let deadline = SystemTime::now() + time;
        self.events.send(Event { payload, deadline }).ok().context("the Runtime API is gone")?;
        let answer = tokio::time::timeout(time, self.answers.recv()).await;
        let Ok(Some((kind, body))) = answer else {
            bail!("the handler was not done at its deadline, {} s after it was invoked", time.as_secs());
        };
        let outcome = if kind == Kind::Answer { Ok(body) } else { Err(body) };
        Ok(Invoked { outcome, took: begun.elapsed() })
    }

    /// What the process has used so far.
    ///
    /// # Errors
    /// Where it has ended, or this is no Linux.
    pub fn usage(&self) -> Result<Usage> {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id()));
        let stat = read("stat")?;
        // After the name in parentheses, which may hold anything: utime and stime are fields 14 and 15, in 1/100 s.
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        let status = read("status")?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        Ok(Usage { cpu: Duration::from_millis(ticks * 10), peak_memory_kib: peak.context("no VmHWM")? })
    }
}

impl Drop for Handler {
    /// Ends the process at once, as a crash would.
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/{outcome}", post(outcome))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        // Lambda's is 6 MB, three times axum's.
        .layer(DefaultBodyLimit::max(6 * 1024 * 1024))
        .with_state(api)
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    api.asked.send_if_modified(|asked| {
        let first = asked.is_none();
        asked.get_or_insert_with(Instant::now);
        first
    });
    let Some(Event { payload, deadline }) = api.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis().to_string();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", deadline),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:handler".to_owned()),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700".to_owned()),
    ];
    (headers.into_iter().map(header).collect::<HeaderMap>(), payload.to_string()).into_response()
}

fn header((name, value): (&'static str, String)) -> (axum::http::HeaderName, axum::http::HeaderValue) {
    let value = value.parse().unwrap_or(axum::http::HeaderValue::from_static(""));
    (axum::http::HeaderName::from_static(name), value)
}

async fn outcome(State(api): State<Arc<Api>>, Route((_, outcome)): Route<(String, String)>, body: Bytes) -> StatusCode {
    let kind = if outcome == "response" { Kind::Answer } else { Kind::Error };
    told(&api, kind, &body)
}

async fn init_error(State(api): State<Arc<Api>>, body: Bytes) -> StatusCode {
    told(&api, Kind::Error, &body)
}

fn told(api: &Api, kind: Kind, body: &Bytes) -> StatusCode {
    // Nobody waits any more where this fails.
    let _ = api.answers.send((kind, serde_json::from_slice(body).unwrap_or(Value::Null)));
    StatusCode::ACCEPTED
}
