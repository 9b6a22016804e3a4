//! What single CloudTrail records are evidence of, and what is none.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use uptime::{Fact, LIFECYCLE_EVENTS, RecordError, read_record};

fn record(event_name: &str, rest: &str) -> String {
    format!(
        r#"{{"eventTime":"2025-10-04T14:13:33Z","eventSource":"ec2.amazonaws.com","eventName":"{event_name}","eventID":"e1",{rest}}}"#
    )
}

fn facts(json: &str) -> Vec<(String, Fact)> {
    read_record(json, &[]).unwrap().into_iter().map(|(id, evidence)| (id.to_string(), evidence.fact)).collect()
}

fn call(event_name: &str, previous: &str) -> Vec<(String, Fact)> {
    let items = format!(r#"[{{"instanceId":"i-abcd1111","previousState":{{"name":"{previous}"}}}}]"#);
    facts(&record(event_name, &format!(r#""responseElements":{{"instancesSet":{{"items":{items}}}}}"#)))
}

#[test]
fn what_a_call_means_depends_on_the_state_before_it() {
    let one = |fact| vec![("i-abcd1111".to_owned(), fact)];
    assert_eq!(call("StartInstances", "stopped"), one(Fact::Started));
    assert_eq!(call("StartInstances", "running"), one(Fact::SeenRunning { last_start: None }));
    assert_eq!(call("StartInstances", "pending"), []);
    let stopped = (Fact::Stopped, Fact::SeenStopped { last_start: None });
    let terminated = (Fact::Terminated, Fact::SeenTerminated { last_start: None });
    for (stop, (ended, seen)) in [("StopInstances", stopped), ("TerminateInstances", terminated)] {
        assert_eq!(call(stop, "running"), one(ended.clone()));
        assert_eq!(call(stop, "pending"), one(ended));
        for still in ["stopping", "shutting-down", "stopped", "terminated"] {
            assert_eq!(call(stop, still), one(seen.clone()), "{stop} {still}");
        }
    }
}

#[test]
fn failed_calls_are_no_evidence_though_they_name_instances() {
    let request = r#""requestParameters":{"instancesSet":{"items":[{"instanceId":"i-abcd1111"}]}}"#;
    let refused = r#""errorCode":"Server.InsufficientInstanceCapacity","responseElements":null"#;
    for name in LIFECYCLE_EVENTS {
        assert_eq!(facts(&record(name, &format!("{request},{refused}"))), []);
    }
    let null_code = r#""errorCode":null,"responseElements":{"requestId":"r","_return":true}"#;
    assert_eq!(facts(&record("RebootInstances", &format!("{request},{null_code}"))).len(), 1);
}

#[test]
fn look_alikes_of_other_services_are_no_evidence() {
    let json =
        r#"{"eventTime":"2025-10-04T14:13:33Z","eventSource":"opsworks.amazonaws.com","eventName":"StopInstances"}"#;
    assert_eq!(facts(json), []);
}

#[test]
fn every_server_of_one_eviction_was_interrupted() {
    let evicted = r#""serviceEventDetails":{"instanceIdSet":["i-abcd1111","i-abcd2222"]},"responseElements":null"#;
    let interrupted = |id: &str| (id.to_owned(), Fact::Interrupted);
    assert_eq!(facts(&record("BidEvictedEvent", evicted)), [interrupted("i-abcd1111"), interrupted("i-abcd2222")]);
}

#[test]
fn a_launch_sent_again_with_its_client_token_is_no_launch() {
    let sent = |state: &str| {
        let item = format!(r#"{{"instanceId":"i-abcd1111","instanceState":{{"name":"{state}"}}}}"#);
        let response = format!(r#""responseElements":{{"instancesSet":{{"items":[{item}]}}}}"#);
        facts(&record("RunInstances", &response)).into_iter().map(|(_, fact)| fact).collect::<Vec<_>>()
    };
    assert_eq!(sent("pending"), [Fact::Created, Fact::Started]);
    assert_eq!(sent("running"), [Fact::SeenRunning { last_start: None }]);
    assert_eq!(sent("stopped"), [Fact::SeenStopped { last_start: None }]);
    assert_eq!(sent("terminated"), [Fact::SeenTerminated { last_start: None }]);
}

#[test]
fn a_launch_whose_instances_were_cut_falls_back_on_the_resources() {
    let cut = record("RunInstances", r#""responseElements":{"omitted":true,"originalSize":111163}"#);
    let resources = ["i-abcd1111".parse().unwrap(), "i-abcd2222".parse().unwrap()];
    assert_eq!(read_record(&cut, &resources).unwrap().len(), 4);
    assert!(matches!(read_record(&cut, &[]), Err(RecordError::Incomplete { .. })));
}

#[test]
fn calls_whose_instances_were_cut_tell_what_they_can() {
    let cut = r#""requestParameters":{"omitted":true},"responseElements":{"omitted":true}"#;
    let named = r#""requestParameters":{"instancesSet":{"items":[{"instanceId":"i-abcd1111"}]}},"responseElements":{"omitted":true}"#;
    let resources = ["i-abcd1111".parse().unwrap()];
    for (name, fact) in
        [("StartInstances", Fact::RunningAfter), ("StopInstances", Fact::SeenStopped { last_start: None })]
    {
        let found = read_record(&record(name, cut), &resources).unwrap();
        assert_eq!((found.len(), &found[0].1.fact), (1, &fact));
        assert_eq!(facts(&record(name, named)), [("i-abcd1111".to_owned(), fact)]);
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    let why = |json: &str| read_record(json, &[]).unwrap_err().to_string();
    assert_eq!(why("{"), "not a CloudTrail record");
    assert_eq!(
        why(&record("StopInstances", r#""responseElements":{}"#)),
        "StopInstances does not say which instances it changed"
    );
    let bad_id = r#""responseElements":{"instancesSet":{"items":[{"instanceId":"server-1","previousState":{"name":"running"}}]}}"#;
    assert_eq!(why(&record("StopInstances", bad_id)), "a server of the record");
    let bad_time = record("BidEvictedEvent", r#""serviceEventDetails":{"instanceIdSet":["i-abcd1111"]}"#)
        .replace("2025-10-04T", "yesterday ");
    assert_eq!(why(&bad_time), "eventTime `yesterday 14:13:33Z` is not a time");
}

#[test]
fn both_forms_of_time_are_read() {
    let json = record("BidEvictedEvent", r#""serviceEventDetails":{"instanceIdSet":["i-abcd1111"]}"#);
    let time = |json: &str| read_record(json, &[]).unwrap()[0].1.at.to_rfc3339();
    assert_eq!(time(&json), "2025-10-04T14:13:33+00:00");
    let plain = json.replace("2025-10-04T14:13:33Z", "2025-10-04 14:13:33.000000000");
    assert_eq!(time(&plain), "2025-10-04T14:13:33+00:00");
}
