//! A scope's faults are its own.

use std::future::IntoFuture;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use axum::http::StatusCode;
use fleet_simulator::scopes::Scopes;
use serde_json::{Value, json};

use crate::several::{HOME, OTHER, control, describe, lookup, scopes};
use crate::support::texts;

const UNLIMITED: [&str; 2] = ["--lookup-rate", "0"];
const FAULTS: &str = "/scopes/222233334444/us-east-1/faults";

async fn fail(scopes: &Arc<Scopes>, fault: Value) {
    let (status, body) = control(scopes, "POST", FAULTS, &fault.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
}

/// What EC2 and CloudTrail answer to a caller: an error's status and code, or that all is well.
async fn answers(scopes: &Arc<Scopes>, key: &str, region: &str) -> [(u16, String); 2] {
    let (ec2, body) = describe(scopes, key, region).await;
    let code = texts(&body, "Code").pop().unwrap_or_default();
    let (cloudtrail, body) = lookup(scopes, key, region).await;
    let kind = body["__type"].as_str().unwrap_or_default().to_owned();
    [(ec2.as_u16(), code), (cloudtrail.as_u16(), kind)]
}

fn well() -> [(u16, String); 2] {
    [(200, String::new()), (200, String::new())]
}

#[tokio::test]
async fn each_kind_fails_as_each_service_fails_and_in_its_scope_only() {
    let scopes = scopes(&UNLIMITED);
    for (kind, ec2, cloudtrail) in [
        ("throttle", (503, "RequestLimitExceeded"), (400, "ThrottlingException")),
        ("accessDenied", (403, "UnauthorizedOperation"), (400, "AccessDeniedException")),
        ("regionDisabled", (401, "AuthFailure"), (400, "UnrecognizedClientException")),
        ("error500", (500, "InternalError"), (500, "InternalFailure")),
    ] {
        fail(&scopes, json!({ "kind": kind })).await;
        let expected = [ec2, cloudtrail].map(|(status, code)| (status, code.to_owned()));
        assert_eq!(answers(&scopes, OTHER, "us-east-1").await, expected);
        assert_eq!(answers(&scopes, HOME, "us-east-1").await, well());
        assert_eq!(answers(&scopes, HOME, "eu-west-1").await, well());
        control(&scopes, "DELETE", FAULTS, "").await;
        assert_eq!(answers(&scopes, OTHER, "us-east-1").await, well());
    }
    let (_, requests) = control(&scopes, "GET", "/requests", "").await;
    assert_eq!(
        requests["actions"]["DescribeInstances"],
        json!({"calls": 4, "throttled": 0, "faults": 0, "rejected": 0})
    );
}

#[tokio::test]
async fn a_denied_caller_is_told_by_the_account_it_has_entered() {
    let scopes = scopes(&UNLIMITED);
    fail(&scopes, json!({ "kind": "accessDenied", "action": "LookupEvents" })).await;
    let (_, denied) = lookup(&scopes, OTHER, "us-east-1").await;
    assert!(denied["message"].as_str().unwrap().contains("arn:aws:sts::222233334444:assumed-role/"), "{denied}");
    assert_eq!(describe(&scopes, OTHER, "us-east-1").await.0, StatusCode::OK, "another action");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scope_that_cannot_be_reached_ends_the_connection_and_the_next_is_served() {
    let scopes = scopes(&UNLIMITED);
    fail(&scopes, json!({ "kind": "unreachable" })).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, scopes.router()).into_future());
    let ask = move |key: &'static str| {
        let body = "Action=DescribeInstances&Version=2016-11-15";
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: simulator\r\nConnection: close\r\nContent-Length: {}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential={key}/20251020/us-east-1/ec2/aws4_request\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    };
    let asked = tokio::task::spawn_blocking(move || [ask(OTHER), ask(HOME)]).await.unwrap();
    let [unreachable, home] = asked.map(Result::unwrap_or_default);
    assert_eq!(unreachable, "");
    assert!(home.starts_with("HTTP/1.1 200 OK"), "{home}");
}
