//! Records whose publisher masked ids or the event source with texts of another shape: they read as what they are, and
//! with the mask replaced by something of the right shape they give evidence.

use uptime::read_record;

use crate::{assert_records, folder, render};

/// Each masked text, and one of the real shape in its place.
const MASKS: [(&str, &str); 4] = [
    ("ec2v2types.amazonawsv2.com", "ec2.amazonaws.com"),
    ("i-00c1f1234567\"", "i-00c1f123456700000\""),
    ("i-EXAMPLE", "i-0000000"),
    ("i-YOUR_INSTANCE_IDS", "i-00000000000000001"),
];

fn unmasked(group: &str) -> Option<String> {
    let mut text = String::new();
    for (name, records) in folder::read(group)? {
        text += &format!("{name}\n");
        for record in records {
            let masked = record.to_string();
            let json = MASKS.iter().fold(masked.clone(), |json, (mask, real)| json.replace(mask, real));
            assert_ne!(json, masked, "{name} is not masked");
            text += &render::record(&read_record(&json, &[]));
        }
    }
    Some(text)
}

#[test]
fn starts_and_stops_with_example_ids() {
    assert_records!(unmasked("StartInstances-multi__awsdocs"), @r"
    StartInstances-multi__awsdocs-2023-via-panther.json
      2023-07-19T21:17:28Z i-0000000aff4840c22 started (StartInstances e755e09c)
      2023-07-19T21:17:28Z i-000000056126103cb started (StartInstances e755e09c)
    ");
    assert_records!(unmasked("StopInstances-multi__awsdocs"), @r"
    StopInstances-multi__awsdocs-2023-via-panther.json
      2023-07-19T21:14:20Z i-000000056126103cb stopped (StopInstances 9357a8cc)
      2023-07-19T21:14:20Z i-0000000aff4840c22 stopped (StopInstances 9357a8cc)
    ");
}

#[test]
fn launches_with_placeholders_for_ids() {
    assert_records!(unmasked("RunInstances__rubysoho07"), @r"
    RunInstances__rubysoho07-cloudtrail-watcher.json
      2022-01-23T01:21:37Z i-00000000000000001 created (RunInstances ceff93e3)
      2022-01-23T01:21:37Z i-00000000000000001 started (RunInstances ceff93e3)
    ");
    assert_records!(unmasked("RunInstances-multi__rubysoho07"), @r"
    RunInstances-multi__rubysoho07-cloudtrail-watcher.json
      2022-03-19T02:18:29Z i-00000000000000001 created (RunInstances 6c4c7930)
      2022-03-19T02:18:29Z i-00000000000000001 started (RunInstances 6c4c7930)
      2022-03-19T02:18:29Z i-00000000000000001 created (RunInstances 6c4c7930)
      2022-03-19T02:18:29Z i-00000000000000001 started (RunInstances 6c4c7930)
    ");
}

/// A termination of a server that was already shutting down ends no run.
#[test]
fn terminations_with_another_event_source() {
    assert_records!(unmasked("TerminateInstances__openshift"), @r"
    TerminateInstances__openshift-cad.json
      2023-02-21T04:10:40Z i-00c1f123456700000 terminated (TerminateInstances e55a8a64)
      2023-02-21T04:33:09Z i-0c123456 terminated (TerminateInstances 7064eae0)
    ");
    assert_records!(unmasked("TerminateInstances-prev-shutting-down__openshift"), @r"
    TerminateInstances-prev-shutting-down__openshift-cad.json
      2023-02-21T04:54:56Z i-08020c19123456789 seen terminated (TerminateInstances 5455f882)
    ");
}
