//! Asks the simulator's router directly: no port, no waiting.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use fleet_simulator::clock::ManualClock;
use fleet_simulator::options::Options;
use fleet_simulator::scenario;
use fleet_simulator::service::Simulator;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

/// Late enough in its month for every case of the showcase.
pub(crate) const NOW: &str = "2025-10-20T12:00:00Z";

pub(crate) struct Fleet {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) simulator: Arc<Simulator>,
}

pub(crate) fn at(written: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(written).unwrap().to_utc()
}

/// A fleet as the command line makes it, without a rate limit unless the arguments set one.
pub(crate) fn fleet(now: &str, args: &[&str]) -> Fleet {
    let unlimited = if args.contains(&"--lookup-rate") { &[][..] } else { &["--lookup-rate", "0"][..] };
    let options = Options::parse_from([&["fleet-simulator"], unlimited, args].concat());
    let clock = Arc::new(ManualClock::new(at(now)));
    let world = scenario::build(&options, at(now)).unwrap();
    let simulator = Simulator::new(world, options.settings(), Box::new(Arc::clone(&clock)));
    Fleet { clock, simulator }
}

impl Fleet {
    pub(crate) async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let response = self.simulator.router().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    pub(crate) async fn control(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
        let (status, body) = self.send(request).await;
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.control("GET", path, "").await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    /// `LookupEvents`, whatever comes of it.
    pub(crate) async fn lookup(&self, request: &Value) -> (StatusCode, Value) {
        let target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";
        let http = Request::post("/").header("x-amz-target", target).body(Body::from(request.to_string())).unwrap();
        let (status, body) = self.send(http).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    /// All events of a request, page by page.
    pub(crate) async fn lookup_all(&self, request: Value) -> Vec<Value> {
        let (mut request, mut events) = (request, Vec::new());
        loop {
            let (status, page) = self.lookup(&request).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            events.extend(page["Events"].as_array().unwrap().iter().cloned());
            match page.get("NextToken") {
                Some(token) => request["NextToken"] = token.clone(),
                None => return events,
            }
        }
    }

    /// `DescribeInstances`, whatever comes of it.
    pub(crate) async fn describe(&self, form: &str) -> (StatusCode, String) {
        self.ec2("DescribeInstances", form).await
    }

    /// An operation of EC2, whatever comes of it.
    pub(crate) async fn ec2(&self, action: &str, form: &str) -> (StatusCode, String) {
        let body = format!("Action={action}&Version=2016-11-15&{form}");
        self.send(Request::post("/").body(Body::from(body)).unwrap()).await
    }

    /// The id of the server with a `Name` tag.
    pub(crate) async fn id(&self, name: &str) -> String {
        self.server(name).await["id"].as_str().unwrap().to_owned()
    }

    /// What is true of the server with a `Name` tag.
    pub(crate) async fn server(&self, name: &str) -> Value {
        let truth = self.get("/truth").await;
        let found = truth["servers"].as_array().unwrap().iter().find(|server| server["name"] == name).cloned();
        found.unwrap_or_else(|| panic!("there is no server {name}"))
    }

    /// Tells a server to change.
    pub(crate) async fn change(&self, name: &str, change: &str) -> (StatusCode, Value) {
        let id = self.id(name).await;
        self.control("POST", &format!("/servers/{id}/{change}"), "").await
    }

    /// The one instance with a `Name` tag, as `DescribeInstances` shows it: the texts of an element in it.
    pub(crate) async fn shown(&self, name: &str, element: &str) -> Vec<String> {
        let (status, body) = self.describe(&format!("InstanceId.1={}", self.id(name).await)).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        texts(&body, element)
    }

    /// The events that name a server as their resource, oldest first.
    pub(crate) async fn events_of(&self, name: &str) -> Vec<Value> {
        let id = self.id(name).await;
        let request = json!({ "LookupAttributes": [{ "AttributeKey": "ResourceName", "AttributeValue": id }] });
        let mut events = self.lookup_all(request).await;
        events.reverse();
        events
    }

    pub(crate) fn pass(&self, span: TimeDelta) {
        self.clock.advance(span);
    }
}

/// A request for the events of one name.
pub(crate) fn by_name(name: &str) -> Value {
    json!({ "LookupAttributes": [{ "AttributeKey": "EventName", "AttributeValue": name }] })
}

/// The record inside an event.
pub(crate) fn record(event: &Value) -> Value {
    serde_json::from_str(event["CloudTrailEvent"].as_str().unwrap()).unwrap()
}

/// The texts of all elements called `name`, in order.
pub(crate) fn texts(document: &str, name: &str) -> Vec<String> {
    let parsed = roxmltree::Document::parse(document).unwrap();
    let found = parsed.descendants().filter(|node| node.tag_name().name() == name);
    found.map(|node| node.text().unwrap_or_default().to_owned()).collect()
}
