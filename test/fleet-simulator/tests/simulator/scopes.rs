//! Several accounts and regions on one port.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::several::{HOME, OTHER, control, describe, instances, lookup, scopes, send, signed};
use crate::support::{record, texts};

const ASSUME: &str =
    "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A222233334444%3Arole%2Freader&RoleSessionName=s&Version=2011-06-15";

#[tokio::test]
async fn the_signature_says_whose_fleet_is_seen_and_no_id_is_in_two() {
    let scopes = scopes(&[]);
    let home = instances(&scopes, HOME, "us-east-1").await;
    let own_region = instances(&scopes, HOME, "eu-west-1").await;
    let other = instances(&scopes, OTHER, "us-east-1").await;
    assert_eq!((own_region.len(), other.len()), (3, 4), "two servers and three, and a stranger each");
    assert!(
        home.len() > 30 && home.is_disjoint(&own_region) && home.is_disjoint(&other) && other.is_disjoint(&own_region)
    );
    let fallback = instances(&scopes, HOME, "ap-south-1").await;
    assert_eq!(fallback, home, "what is no further scope is home");
}

#[tokio::test]
async fn a_region_that_another_account_has_not_enabled_is_refused_as_each_service_does() {
    let scopes = scopes(&[]);
    let (status, body) = describe(&scopes, OTHER, "eu-west-1").await;
    assert_eq!((status, texts(&body, "Code")), (StatusCode::UNAUTHORIZED, vec!["AuthFailure".to_owned()]));
    let (status, body) = lookup(&scopes, OTHER, "eu-west-1").await;
    assert_eq!((status, &body["__type"]), (StatusCode::BAD_REQUEST, &json!("UnrecognizedClientException")));
}

#[tokio::test]
async fn a_role_leads_to_its_account_unless_it_is_missing() {
    let scopes = scopes(&[]);
    let (status, body) = send(&scopes, signed(HOME, "us-east-1", ASSUME)).await;
    assert_eq!((status, texts(&body, "AccessKeyId")), (StatusCode::OK, vec![OTHER.to_owned()]), "{body}");
    control(&scopes, "DELETE", "/roles/222233334444", "").await;
    let (status, body) = send(&scopes, signed(HOME, "us-east-1", ASSUME)).await;
    assert_eq!((status, texts(&body, "Code")), (StatusCode::FORBIDDEN, vec!["AccessDenied".to_owned()]));
    let message = texts(&body, "Message").remove(0);
    let resource = "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::222233334444:role/reader";
    assert!(message.starts_with("User: arn:aws:sts::000000000000:") && message.ends_with(resource), "{message}");
    control(&scopes, "PUT", "/roles/222233334444", "").await;
    assert_eq!(send(&scopes, signed(HOME, "us-east-1", ASSUME)).await.0, StatusCode::OK);
}

#[tokio::test]
async fn everything_told_of_a_server_names_its_account_and_region() {
    let scopes = scopes(&["--delivery-delay", "0"]);
    for (key, region, prefix, account) in
        [(HOME, "us-east-1", "", "000000000000"), (HOME, "eu-west-1", "/scopes/000000000000/eu-west-1", "000000000000")]
            .into_iter()
            .chain([(OTHER, "us-east-1", "/scopes/222233334444/us-east-1", OTHER)])
    {
        let is_here = |told: &Value| (&told["account"], &told["region"]) == (&json!(account), &json!(region));
        let (_, truth) = control(&scopes, "GET", &format!("{prefix}/truth"), "").await;
        let servers = truth["servers"].as_array().unwrap();
        assert!(!servers.is_empty() && servers.iter().all(is_here), "{truth}");
        let running = servers.iter().find(|server| server["state"] == "running").unwrap();
        let path = format!("{prefix}/servers/{}/stop", running["id"].as_str().unwrap());
        assert!(is_here(&control(&scopes, "POST", &path, "").await.1));
        let (_, page) = lookup(&scopes, key, region).await;
        let newest = record(&page["Events"][0]);
        assert_eq!((&newest["recipientAccountId"], &newest["awsRegion"]), (&json!(account), &json!(region)));
        assert_eq!(newest["userIdentity"]["accountId"], account);
        let (_, shown) = describe(&scopes, key, region).await;
        assert_eq!(texts(&shown, "ownerId")[0], account);
        assert_eq!(texts(&shown, "availabilityZone")[0], format!("{region}a"));
    }
}

#[tokio::test]
async fn two_scopes_have_one_id_only_where_that_is_asked_for() {
    let scopes = scopes(&["--further-scope", "333344445555/us-east-1=random:3:clash"]);
    let home = instances(&scopes, HOME, "us-east-1").await;
    let clashing = instances(&scopes, "333344445555", "us-east-1").await;
    let both: BTreeSet<_> = home.intersection(&clashing).collect();
    assert_eq!((both.len(), clashing.len()), (1, 4));
    let (_, truth) = control(&scopes, "GET", "/scopes/333344445555/us-east-1/truth", "").await;
    let clash = truth["servers"].as_array().unwrap().iter().find(|server| server["id"] == json!(both.first()));
    assert!(clash.is_some(), "it is a server of the fleet there");
}

#[tokio::test]
async fn no_scope_takes_the_requests_of_another() {
    let scopes = scopes(&["--lookup-rate", "1", "--lookup-burst", "1"]);
    assert_eq!(lookup(&scopes, HOME, "us-east-1").await.0, StatusCode::OK);
    assert_eq!(lookup(&scopes, HOME, "us-east-1").await.0, StatusCode::BAD_REQUEST, "one a second");
    assert_eq!(lookup(&scopes, HOME, "eu-west-1").await.0, StatusCode::OK);
    assert_eq!(lookup(&scopes, OTHER, "us-east-1").await.0, StatusCode::OK);
}

#[tokio::test]
async fn the_scopes_are_listed() {
    let scopes = scopes(&[]);
    control(&scopes, "DELETE", "/roles/222233334444", "").await;
    let (_, listed) = control(&scopes, "GET", "/scopes", "").await;
    let expected = json!({
        "home": "000000000000/us-east-1",
        "further": ["000000000000/eu-west-1", "222233334444/us-east-1"],
        "withoutRole": ["222233334444"],
    });
    assert_eq!(listed, expected);
}
