//! Evidence and timelines as text, a line each.

use std::fmt::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use uptime::{Certainty, Evidence, Fact, InstanceId, RecordError, ServerEvidence, Source, Timeline};

pub(crate) fn time(at: DateTime<Utc>) -> String {
    if at == DateTime::<Utc>::MIN_UTC { "ever".into() } else { at.to_rfc3339_opts(SecondsFormat::AutoSi, true) }
}

/// `  2024-08-01T12:03:30Z i-0123… stopped (StopInstances 0f1e2d3c)`
pub(crate) fn evidence(id: &InstanceId, evidence: &Evidence) -> String {
    let fact = match &evidence.fact {
        Fact::Started => "started",
        Fact::Stopped => "stopped",
        Fact::Interrupted => "interrupted",
        Fact::Terminated => "terminated",
        Fact::SeenRunning { last_start: None } => "seen running",
        Fact::SeenStopped { last_start: None } => "seen stopped",
        Fact::SeenTerminated { last_start: None } => "seen terminated",
        Fact::Created => "created",
        fact => panic!("no record tells {fact:?}"),
    };
    let source = match &evidence.source {
        Source::CloudTrail { event_name, event_id } => format!("{event_name} {}", &event_id[..8.min(event_id.len())]),
        Source::StateChange { event_id } => format!("state change {}", &event_id[..8.min(event_id.len())]),
        Source::Ec2 | Source::CloudWatch | Source::Ledger => panic!("a record comes from none of these"),
    };
    format!("  {} {id} {fact} ({source})\n", time(evidence.at))
}

/// What one record gives: lines of evidence, nothing, or why it could not be read.
pub(crate) fn record(found: &Result<Vec<ServerEvidence>, RecordError>) -> String {
    match found {
        Ok(found) if found.is_empty() => "  nothing\n".into(),
        Ok(found) => found.iter().map(|(id, told)| evidence(id, told)).collect(),
        Err(error) => {
            let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
            format!("  unreadable: {error}{}\n", cause.unwrap_or_default())
        }
    }
}

/// `  2024-08-01T11:30:23Z – 2024-08-01T12:03:30Z ran`
pub(crate) fn runs(timeline: &Timeline) -> String {
    let mut text = String::new();
    for segment in timeline.segments() {
        let how = match segment.certainty {
            Certainty::Proven => "ran",
            Certainty::Possible => "may have run",
        };
        writeln!(text, "  {} – {} {how}", time(segment.window.from), time(segment.window.to)).unwrap();
    }
    if let Some(since) = timeline.running_since() {
        writeln!(text, "  running since {}", time(since)).unwrap();
    }
    text
}
