//! Files of CloudTrail records: single calls, and what `LookupEvents` answered.

use serde_json::Value;
use uptime::read_record;

use crate::{assert_records, folder, render};

pub(crate) const GROUPS: &[&str] = &[
    "LookupEvents",
    "ModifyInstanceAttribute",
    "RebootInstances",
    "RunInstances-autoscaling",
    "RunInstances-failed",
    "RunInstances-multi",
    "RunInstances__",
    "StartInstances",
    "StopInstances",
    "TerminateInstances",
];

/// The evidence of each record of a group's files; None where the records are not here.
fn evidence(group: &str) -> Option<String> {
    let mut text = String::new();
    for (name, records) in folder::read(group)? {
        text += &format!("{name}\n");
        text.extend(records.iter().map(|record| render::record(&read_record(&record.to_string(), &[]))));
    }
    Some(text)
}

#[test]
fn starts() {
    assert_records!(evidence("StartInstances"), @r"
    StartInstances-multi__awsdocs-2023-via-panther.json
      unreadable: a server of the record: `i-EXAMPLEaff4840c22` is not an EC2 instance id: expected `i-` and 8 or 17 hexadecimal digits
    StartInstances-multi__permiso-cloudconsolecartographer.json
      2023-08-12T17:46:12Z i-db0c0ffee8c20e5fc started (StartInstances 3e6350a4)
      2023-08-12T17:46:12Z i-db0c0ffeeffd53ad4 started (StartInstances 3e6350a4)
      2023-08-17T02:44:20Z i-db0c0ffee8c20e5fc started (StartInstances cd254795)
      2023-08-17T02:44:20Z i-db0c0ffeeffd53ad4 started (StartInstances cd254795)
      2023-08-17T02:44:20Z i-db0c0ffee98361ad0 started (StartInstances cd254795)
      2023-08-17T02:44:20Z i-db0c0ffee6e5e585f started (StartInstances cd254795)
      2023-08-17T02:44:20Z i-db0c0ffee445fa741 started (StartInstances cd254795)
    StartInstances__permiso-cloudconsolecartographer.json
      2023-08-12T17:43:46Z i-db0c0ffee98361ad0 started (StartInstances cde7a799)
      2023-08-17T02:40:46Z i-db0c0ffee445fa741 started (StartInstances 5253b97d)
    StartInstances__stratus-red-team-detonation.json
      2024-08-01T12:04:19Z i-DDd6c7B0e18F0E35f started (StartInstances 55e470c0)
    StartInstances__zmallen-cloudtrail2sightings.json
      2022-07-20T21:00:39Z i-0b09e9dad625e2b5b started (StartInstances 1ab02136)
    ");
}

#[test]
fn stops() {
    assert_records!(evidence("StopInstances"), @r"
    StopInstances-force__stratus-red-team-detonation.json
      2024-08-01T12:03:30Z i-DDd6c7B0e18F0E35f stopped (StopInstances d373b5dd)
    StopInstances-force__zmallen-cloudtrail2sightings.json
      2022-07-20T21:00:00Z i-0b09e9dad625e2b5b stopped (StopInstances 81f9856b)
    StopInstances-multi__awsdocs-2023-via-panther.json
      unreadable: a server of the record: `i-EXAMPLE56126103cb` is not an EC2 instance id: expected `i-` and 8 or 17 hexadecimal digits
    StopInstances-multi__permiso-cloudconsolecartographer.json
      2023-08-12T17:49:53Z i-db0c0ffee98361ad0 stopped (StopInstances 91b356ae)
      2023-08-12T17:49:53Z i-db0c0ffee8c20e5fc stopped (StopInstances 91b356ae)
      2023-08-12T17:49:53Z i-db0c0ffeeffd53ad4 stopped (StopInstances 91b356ae)
      2023-08-17T02:46:00Z i-db0c0ffee8c20e5fc stopped (StopInstances 1b9d5ed5)
      2023-08-17T02:46:00Z i-db0c0ffeeffd53ad4 stopped (StopInstances 1b9d5ed5)
      2023-08-17T02:46:00Z i-db0c0ffee98361ad0 stopped (StopInstances 1b9d5ed5)
      2023-08-17T02:46:00Z i-db0c0ffee6e5e585f stopped (StopInstances 1b9d5ed5)
      2023-08-17T02:46:00Z i-db0c0ffee445fa741 stopped (StopInstances 1b9d5ed5)
    StopInstances__permiso-cloudconsolecartographer.json
      2023-08-17T02:42:24Z i-db0c0ffee445fa741 stopped (StopInstances 68188ddf)
    StopInstances__plaso.json
      2022-02-07T22:23:03Z i-01234567890123456 stopped (StopInstances 0d2a2eac)
    ");
}

#[test]
fn terminations() {
    assert_records!(evidence("TerminateInstances"), @r"
    TerminateInstances-multi__permiso-cloudconsolecartographer.json
      2023-08-17T02:58:20Z i-db0c0ffee27e69e8c terminated (TerminateInstances e0ac13a5)
      2023-08-17T02:58:20Z i-db0c0ffeede6d749f terminated (TerminateInstances e0ac13a5)
    TerminateInstances-prev-shutting-down__openshift-cad.json
      nothing
    TerminateInstances-prev-stopping__plaso.json
      2022-02-07T22:23:18Z i-01234567890123456 seen terminated (TerminateInstances 1f2d6879)
    TerminateInstances__invictus-ir-aws_dataset.json
      2023-07-10T12:08:05Z i-05c30218156bcc246 terminated (TerminateInstances cb45d9ea)
      2023-07-10T12:08:06Z i-0dbc91f429e48eeed terminated (TerminateInstances 2d893b1d)
    TerminateInstances__openshift-cad.json
      nothing
      nothing
    TerminateInstances__panther-analysis.json
      2021-10-29T23:50:09Z i-0d9853f67e40ab80b terminated (TerminateInstances 59e8d6b8)
    TerminateInstances__permiso-cloudconsolecartographer.json
      2023-08-12T18:06:11Z i-db0c0ffee506cb16e terminated (TerminateInstances 526e923c)
      2023-08-17T02:55:19Z i-db0c0ffeeb678d1db terminated (TerminateInstances c1ad55af)
      2023-11-27T04:00:19Z i-db0c0ffeebb3275e2 terminated (TerminateInstances fe41cbf3)
    ");
}

#[test]
fn reboots_are_sightings() {
    assert_records!(evidence("RebootInstances"), @r"
    RebootInstances-multi__permiso-cloudconsolecartographer.json
      2023-08-12T17:48:34Z i-db0c0ffee98361ad0 seen running (RebootInstances 45739042)
      2023-08-12T17:48:34Z i-db0c0ffee8c20e5fc seen running (RebootInstances 45739042)
      2023-08-12T17:48:34Z i-db0c0ffeeffd53ad4 seen running (RebootInstances 45739042)
      2023-08-17T02:45:22Z i-db0c0ffee445fa741 seen running (RebootInstances 0a34b04c)
      2023-08-17T02:45:22Z i-db0c0ffee6e5e585f seen running (RebootInstances 0a34b04c)
      2023-08-17T02:45:22Z i-db0c0ffee98361ad0 seen running (RebootInstances 0a34b04c)
      2023-08-17T02:45:22Z i-db0c0ffee8c20e5fc seen running (RebootInstances 0a34b04c)
      2023-08-17T02:45:22Z i-db0c0ffeeffd53ad4 seen running (RebootInstances 0a34b04c)
    ");
}

#[test]
fn launches() {
    assert_records!(evidence("RunInstances__"), @r"
    RunInstances__cloud-custodian.json
      2016-07-24T10:57:13Z i-0f7c711dc84bedda0 created (RunInstances 6589a9eb)
      2016-07-24T10:57:13Z i-0f7c711dc84bedda0 started (RunInstances 6589a9eb)
    RunInstances__invictus-ir-aws_dataset.json
      2023-07-10T11:55:21Z i-0dbc91f429e48eeed created (RunInstances 86eac0ac)
      2023-07-10T11:55:21Z i-0dbc91f429e48eeed started (RunInstances 86eac0ac)
      2023-07-10T12:03:24Z i-05c30218156bcc246 created (RunInstances 8c9d5d59)
      2023-07-10T12:03:24Z i-05c30218156bcc246 started (RunInstances 8c9d5d59)
    RunInstances__panther-analysis.json
      2022-10-14T00:35:36Z i-0690cd354a0c3850c created (RunInstances 01f39d3b)
      2022-10-14T00:35:36Z i-0690cd354a0c3850c started (RunInstances 01f39d3b)
      2022-10-20T14:16:43Z i-0d7e4b9be8a0de6ea created (RunInstances 015c585b)
      2022-10-20T14:16:43Z i-0d7e4b9be8a0de6ea started (RunInstances 015c585b)
      2024-04-02T15:13:06Z i-00000000000000000 created (RunInstances cd7919fe)
      2024-04-02T15:13:06Z i-00000000000000000 started (RunInstances cd7919fe)
    RunInstances__permiso-cloudconsolecartographer.json
      2023-08-12T17:52:52Z i-db0c0ffee506cb16e created (RunInstances 1003aefc)
      2023-08-12T17:52:52Z i-db0c0ffee506cb16e started (RunInstances 1003aefc)
      2023-11-25T15:17:01Z i-db0c0ffeebb3275e2 created (RunInstances f7c365e3)
      2023-11-25T15:17:01Z i-db0c0ffeebb3275e2 started (RunInstances f7c365e3)
      2023-11-27T03:56:24Z i-db0c0ffee47e5ac71 created (RunInstances 29fe11f7)
      2023-11-27T03:56:24Z i-db0c0ffee47e5ac71 started (RunInstances 29fe11f7)
    RunInstances__plaso.json
      2022-02-07T22:19:05Z i-01234567890123456 created (RunInstances fdd7443c)
      2022-02-07T22:19:05Z i-01234567890123456 started (RunInstances fdd7443c)
    RunInstances__rubysoho07-cloudtrail-watcher.json
      unreadable: a server of the record: `i-YOUR_INSTANCE_IDS` is not an EC2 instance id: expected `i-` and 8 or 17 hexadecimal digits
    ");
}

#[test]
fn launches_of_several_servers() {
    assert_records!(evidence("RunInstances-multi"), @r"
    RunInstances-multi__panther-analysis.json
      2024-04-02T16:46:24Z i-00000000000000000 created (RunInstances 762b9172)
      2024-04-02T16:46:24Z i-00000000000000000 started (RunInstances 762b9172)
      2024-04-02T16:46:24Z i-00000000000000001 created (RunInstances 762b9172)
      2024-04-02T16:46:24Z i-00000000000000001 started (RunInstances 762b9172)
    RunInstances-multi__permiso-cloudconsolecartographer.json
      2023-08-17T02:49:08Z i-db0c0ffee27e69e8c created (RunInstances 5d20d5bd)
      2023-08-17T02:49:08Z i-db0c0ffee27e69e8c started (RunInstances 5d20d5bd)
      2023-08-17T02:49:08Z i-db0c0ffeeb678d1db created (RunInstances 5d20d5bd)
      2023-08-17T02:49:08Z i-db0c0ffeeb678d1db started (RunInstances 5d20d5bd)
      2023-08-17T02:49:08Z i-db0c0ffeede6d749f created (RunInstances 5d20d5bd)
      2023-08-17T02:49:08Z i-db0c0ffeede6d749f started (RunInstances 5d20d5bd)
    RunInstances-multi__rubysoho07-cloudtrail-watcher.json
      unreadable: a server of the record: `i-YOUR_INSTANCE_IDS` is not an EC2 instance id: expected `i-` and 8 or 17 hexadecimal digits
    ");
}

#[test]
fn launches_by_auto_scaling() {
    assert_records!(evidence("RunInstances-autoscaling"), @r"
    RunInstances-autoscaling-multi__cloud-custodian.json
      2016-05-21T16:11:14Z i-784cdacd created (RunInstances 6da8b953)
      2016-05-21T16:11:14Z i-784cdacd started (RunInstances 6da8b953)
      2016-05-21T16:11:14Z i-7b4cdace created (RunInstances 6da8b953)
      2016-05-21T16:11:14Z i-7b4cdace started (RunInstances 6da8b953)
    RunInstances-autoscaling__panther-analysis.json
      2024-12-16T18:41:07Z i-07d06021b0da55115 created (RunInstances 41fab871)
      2024-12-16T18:41:07Z i-07d06021b0da55115 started (RunInstances 41fab871)
    ");
}

#[test]
fn failed_calls_and_dry_runs_give_nothing() {
    assert_records!(evidence("RunInstances-failed"), @r"
    RunInstances-failed-Client.DryRunOperation__panther-analysis.json
      nothing
      nothing
    RunInstances-failed-Client.InvalidParameterValue__invictus-ir-aws_dataset.json
      nothing
      nothing
      nothing
      nothing
    RunInstances-failed-Client.InvalidParameterValue__permiso-cloudconsolecartographer.json
      nothing
    RunInstances-failed-Client.UnauthorizedOperation__stratus-red-team-detonation.json
      nothing
    RunInstances-failed-Client.VcpuLimitExceeded__invictus-ir-aws_dataset.json
      nothing
      nothing
    ");
}

/// Some of them failed, too; those that did not change nothing that counts.
#[test]
fn changed_attributes_give_nothing() {
    assert_records!(evidence("ModifyInstanceAttribute"), @r"
    ModifyInstanceAttribute-disableApiTermination__invictus-ir-aws_dataset.json
      nothing
      nothing
    ModifyInstanceAttribute-userData__panther-analysis.json
      nothing
    ModifyInstanceAttribute-userData__stratus-red-team-detonation.json
      nothing
    ModifyInstanceAttribute-userData__zmallen-cloudtrail2sightings.json
      nothing
    ");
}

/// Whatever the files are called: no failed call is evidence.
#[test]
fn no_failed_call_of_any_file_gives_anything() {
    let groups = [GROUPS, crate::sequences::GROUPS].concat();
    let mut failed = 0;
    for (name, records) in groups.iter().filter_map(|group| folder::read(group)).flatten() {
        for record in records.iter().filter(|record| record.get("errorCode").is_some_and(|code| !code.is_null())) {
            assert_eq!(read_record(&record.to_string(), &[]).unwrap(), [], "{name}");
            failed += 1;
        }
    }
    assert!(failed >= 10 || folder::names("RunInstances-failed").is_none(), "only {failed} failed calls");
}

/// `LookupEvents` gives the record as a string beside the ids of its resources.
#[test]
fn records_as_lookup_events_gives_them() {
    let lookup = |group| {
        let mut text = String::new();
        for event in folder::read(group)?.into_iter().flat_map(|(_, events)| events) {
            let ids: Vec<_> = event["Resources"].as_array()?.iter().filter_map(instance).collect();
            text += &format!("{} {ids:?}\n", event["EventName"].as_str()?);
            text += &render::record(&read_record(event["CloudTrailEvent"].as_str()?, &ids));
        }
        Some(text)
    };
    assert_records!(lookup("LookupEvents"), @r#"
    DescribeInstances []
      nothing
    TerminateInstances [InstanceId("i-01234567890123456")]
      2022-02-07T22:23:18Z i-01234567890123456 seen terminated (TerminateInstances 1f2d6879)
    StopInstances [InstanceId("i-01234567890123456")]
      2022-02-07T22:23:03Z i-01234567890123456 stopped (StopInstances 0d2a2eac)
    SharedSnapshotVolumeCreated []
      nothing
    RunInstances [InstanceId("i-01234567890123456")]
      2022-02-07T22:19:05Z i-01234567890123456 created (RunInstances fdd7443c)
      2022-02-07T22:19:05Z i-01234567890123456 started (RunInstances fdd7443c)
    CreateSecurityGroup []
      nothing
    "#);
}

fn instance(resource: &Value) -> Option<uptime::InstanceId> {
    let is_instance = resource["ResourceType"] == "AWS::EC2::Instance";
    is_instance.then(|| resource["ResourceName"].as_str().unwrap().parse().unwrap())
}
