//! Files of EventBridge events: state changes, and others that must not be taken for one.

use serde_json::Value;
use uptime::{StateChange, read_record};

use crate::{assert_records, folder, render};

pub(crate) const GROUPS: &[&str] = &["BidEvictedEvent", "EC2Instance", "EC2SpotInstanceInterruptionWarning"];

/// How each event of a group's files reads; None where the records are not here.
fn read(group: &str, line: fn(&Value) -> String) -> Option<String> {
    let mut text = String::new();
    for (name, events) in folder::read(group)? {
        text += &format!("{name}\n");
        text.extend(events.iter().map(line));
    }
    Some(text)
}

fn state_change(event: &Value) -> String {
    match StateChange::read(&event.to_string()) {
        Ok(change) => {
            let evidence = change.evidence().map(|told| render::evidence(&change.id, &told));
            let state = format!("  {} {} {}\n", render::time(change.at), change.id, change.state.as_str());
            state + &evidence.unwrap_or_else(|| "  nothing\n".into())
        }
        Err(error) => format!("  refused: {error}\n"),
    }
}

/// `pending` is a change, but neither running nor the end of a run.
#[test]
fn state_changes() {
    assert_records!(read("EC2InstanceState-changeNotification", state_change), @r"
    EC2InstanceState-changeNotification__aws-lambda-rust-runtime.json
      2021-11-11T21:29:54Z i-abcd1111 pending
      nothing
    EC2InstanceState-changeNotification__aws-node-termination-handler.json
      2015-11-11T21:29:54Z i-abcd1111 pending
      nothing
    EC2InstanceState-changeNotification__cloud-custodian.json
      2015-11-23T06:58:14Z i-a2d74f12 pending
      nothing
    ");
}

#[test]
fn other_events_of_ec2_and_auto_scaling_are_refused() {
    assert_records!(read("EC2SpotInstanceInterruptionWarning", state_change), @r"
    EC2SpotInstanceInterruptionWarning__aws-node-termination-handler.json
      refused: detail-type: `EC2 Spot Instance Interruption Warning` is not `EC2 Instance State-change Notification`
    ");
    assert_records!(read("EC2InstanceLaunch", state_change), @r"
    EC2InstanceLaunchSuccessful__aws-lambda-rust-runtime.json
      refused: detail-type: `EC2 Instance Launch Successful` is not `EC2 Instance State-change Notification`
    EC2InstanceLaunchUnsuccessful__aws-lambda-rust-runtime.json
      refused: detail-type: `EC2 Instance Launch Unsuccessful` is not `EC2 Instance State-change Notification`
    EC2InstanceLaunchUnsuccessful__cloud-custodian.json
      refused: detail-type: `EC2 Instance Launch Unsuccessful` is not `EC2 Instance State-change Notification`
    ");
    assert_records!(read("EC2InstanceTerminate", state_change), @r"
    EC2InstanceTerminateSuccessful__aws-lambda-rust-runtime.json
      refused: detail-type: `EC2 Instance Terminate Successful` is not `EC2 Instance State-change Notification`
    EC2InstanceTerminateUnsuccessful__aws-lambda-rust-runtime.json
      refused: detail-type: `EC2 Instance Terminate Unsuccessful` is not `EC2 Instance State-change Notification`
    ");
}

/// CloudTrail's records reach EventBridge too, wrapped: the record is the event's detail.
#[test]
fn an_eviction_by_way_of_event_bridge() {
    assert_records!(read("BidEvictedEvent", state_change), @r"
    BidEvictedEvent-eventbridge-envelope__github-aws-runners.json
      refused: detail-type: `AWS Service Event via CloudTrail` is not `EC2 Instance State-change Notification`
    ");
    let detail = |event: &Value| render::record(&read_record(&event["detail"].to_string(), &[]));
    assert_records!(read("BidEvictedEvent", detail), @r"
    BidEvictedEvent-eventbridge-envelope__github-aws-runners.json
      2024-10-09T11:48:46Z i-12345678901234567 interrupted (BidEvictedEvent 3a15843b)
    ");
}
