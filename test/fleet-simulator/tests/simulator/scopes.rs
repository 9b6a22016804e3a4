//! Several accounts and regions on one port.

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
use std::collections::BTreeSet;
use std::sync::Arc;
use tower::ServiceExt;

use crate::support::{NOW, at};

const ARGS: [&str; 9] = [
    "fleet-simulator",
    "--lookup-rate",
    "1",
    "--lookup-burst",
    "1",
    "--further-scope",
    "222233334444/us-east-1=random:3",
    "--further-scope",
    "000000000000/eu-west-1=random:2",
];

fn scopes() -> Arc<Scopes> {
    let options = Options::parse_from(ARGS);
    let clock = || -> Box<dyn Clock> { Box::new(FrozenClock::new(at(NOW))) };
    let world = scenario::build(&options, at(NOW)).unwrap();
    Scopes::of(Simulator::new(world, options.settings(), clock()), &options, clock).unwrap()
}

async fn send(scopes: &Arc<Scopes>, request: Request<Body>) -> (StatusCode, String) {
    let response = scopes.router().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

fn signed(key: &str, region: &str, body: &str) -> Request<Body> {
    let signature = format!("AWS4-HMAC-SHA256 Credential={key}/20251020/{region}/ec2/aws4_request, SignedHeaders=host");
    Request::post("/").header("authorization", signature).body(Body::from(body.to_owned())).unwrap()
}

/// The ids that `DescribeInstances` shows to whoever has this key.
async fn instances(scopes: &Arc<Scopes>, key: &str, region: &str) -> BTreeSet<String> {
    let (status, body) = send(scopes, signed(key, region, "Action=DescribeInstances&Version=2016-11-15")).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let ids = body.split("<instanceId>").skip(1).filter_map(|rest| rest.split('<').next());
    ids.map(str::to_owned).collect()
}

async fn control(scopes: &Arc<Scopes>, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
    let (status, body) = send(scopes, request).await;
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn the_signature_says_whose_fleet_is_seen_and_no_id_is_in_two() {
    let scopes = scopes();
    let home = instances(&scopes, "test", "us-east-1").await;
    let own_region = instances(&scopes, "test", "eu-west-1").await;
    let other = instances(&scopes, "222233334444", "us-east-1").await;
    assert_eq!((own_region.len(), other.len()), (3, 4), "two servers and three, and a stranger each");
    assert!(
        home.len() > 30 && home.is_disjoint(&own_region) && home.is_disjoint(&other) && other.is_disjoint(&own_region)
    );
    let (status, body) =
        send(&scopes, signed("222233334444", "eu-west-1", "Action=DescribeInstances&Version=2016-11-15")).await;
    assert_eq!((status, body.contains("AuthFailure")), (StatusCode::UNAUTHORIZED, true), "a region it has not enabled");
}

#[tokio::test]
async fn a_role_leads_to_its_account_unless_it_is_missing() {
    let scopes = scopes();
    let assume = "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A222233334444%3Arole%2Freader&RoleSessionName=s";
    let (status, body) = send(&scopes, signed("test", "us-east-1", assume)).await;
    assert_eq!((status, body.contains("<AccessKeyId>222233334444</AccessKeyId>")), (StatusCode::OK, true), "{body}");
    control(&scopes, "DELETE", "/roles/222233334444", "").await;
    let (status, body) = send(&scopes, signed("test", "us-east-1", assume)).await;
    assert_eq!((status, body.contains("AccessDenied")), (StatusCode::FORBIDDEN, true), "{body}");
    control(&scopes, "PUT", "/roles/222233334444", "").await;
    assert_eq!(send(&scopes, signed("test", "us-east-1", assume)).await.0, StatusCode::OK);
}

#[tokio::test]
async fn faults_truths_and_counts_are_the_scopes_own() {
    let scopes = scopes();
    let fault = r#"{"action": "DescribeInstances", "kind": "regionDisabled"}"#;
    let (status, _) = control(&scopes, "POST", "/scopes/222233334444/us-east-1/faults", fault).await;
    assert_eq!(status, StatusCode::OK);
    let (status, _) =
        send(&scopes, signed("222233334444", "us-east-1", "Action=DescribeInstances&Version=2016-11-15")).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(!instances(&scopes, "test", "us-east-1").await.is_empty());
    let (_, truth) = control(&scopes, "GET", "/scopes/222233334444/us-east-1/truth", "").await;
    assert_eq!(truth["servers"].as_array().unwrap().len(), 3);
    let (_, requests) = control(&scopes, "GET", "/requests", "").await;
    assert_eq!(requests["actions"]["DescribeInstances"]["faults"], 0);
}

#[tokio::test]
async fn no_scope_takes_the_requests_of_another() {
    let scopes = scopes();
    let lookup = |key: &str, region: &str| {
        let mut request = signed(key, region, "{}");
        let target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";
        request.headers_mut().insert("x-amz-target", target.parse().unwrap());
        request
    };
    assert_eq!(send(&scopes, lookup("test", "us-east-1")).await.0, StatusCode::OK);
    assert_eq!(send(&scopes, lookup("test", "us-east-1")).await.0, StatusCode::BAD_REQUEST, "one a second");
    assert_eq!(send(&scopes, lookup("222233334444", "us-east-1")).await.0, StatusCode::OK);
}
