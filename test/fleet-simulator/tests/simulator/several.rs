//! Three scopes on one port, asked as their callers ask: the home scope, a further region of it, and another account.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use clap::Parser;
use fleet_simulator::clock::{Clock, FrozenClock};
use fleet_simulator::options::Options;
use fleet_simulator::scenario;
use fleet_simulator::scopes::Scopes;
use fleet_simulator::service::Simulator;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::support::{NOW, at};

/// Whose credentials say nothing of an account: home's.
pub(crate) const HOME: &str = "test";
/// Another account.
pub(crate) const OTHER: &str = "222233334444";

const FURTHER: [&str; 2] = ["222233334444/us-east-1=random:3", "000000000000/eu-west-1=random:2"];

/// The three scopes, with these arguments more.
pub(crate) fn scopes(args: &[&str]) -> Arc<Scopes> {
    let further = FURTHER.into_iter().flat_map(|scope| ["--further-scope", scope]);
    let options = Options::parse_from(["fleet-simulator"].into_iter().chain(further).chain(args.iter().copied()));
    let clock = || -> Box<dyn Clock> { Box::new(FrozenClock::new(at(NOW))) };
    let world = scenario::build(&options, at(NOW)).unwrap();
    Scopes::of(Simulator::new(world, options.settings(), clock()), &options, clock).unwrap()
}

pub(crate) async fn send(scopes: &Arc<Scopes>, request: Request<Body>) -> (StatusCode, String) {
    let response = scopes.router().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

/// A request that these credentials have signed for a region.
pub(crate) fn signed(key: &str, region: &str, body: &str) -> Request<Body> {
    let signature = format!("AWS4-HMAC-SHA256 Credential={key}/20251020/{region}/ec2/aws4_request, SignedHeaders=host");
    Request::post("/").header("authorization", signature).body(Body::from(body.to_owned())).unwrap()
}

/// `DescribeInstances`, whatever comes of it.
pub(crate) async fn describe(scopes: &Arc<Scopes>, key: &str, region: &str) -> (StatusCode, String) {
    send(scopes, signed(key, region, "Action=DescribeInstances&Version=2016-11-15")).await
}

/// `LookupEvents`, whatever comes of it.
pub(crate) async fn lookup(scopes: &Arc<Scopes>, key: &str, region: &str) -> (StatusCode, Value) {
    let mut request = signed(key, region, "{}");
    let target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";
    request.headers_mut().insert("x-amz-target", target.parse().unwrap());
    let (status, body) = send(scopes, request).await;
    (status, serde_json::from_str(&body).unwrap())
}

/// The ids that `DescribeInstances` shows to whoever has this key.
pub(crate) async fn instances(scopes: &Arc<Scopes>, key: &str, region: &str) -> BTreeSet<String> {
    let (status, body) = describe(scopes, key, region).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    crate::support::texts(&body, "instanceId").into_iter().collect()
}

pub(crate) async fn control(scopes: &Arc<Scopes>, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
    let (status, body) = send(scopes, request).await;
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}
