//! An explanation as a table for people.

use chrono::{DateTime, Utc};
use uptime::{Audit, Certainty, End, ExplainedSegment, Explanation, Heard, Reason, Witness};

/// Returns it as a table for a terminal: head, runs with the source of each end, what does not count, what came late.
pub fn text(told: &Explanation) -> String {
    let mut lines = head(told);
    if told.segments.is_empty() {
        lines.push("It did not run.".to_owned());
    } else {
        lines.extend(table(&runs(told)));
    }
    let aside = told.evidence.iter().filter(|heard| heard.set_aside.is_some()).map(set_aside);
    lines.extend(titled("Known, and not counted:", aside));
    lines.extend(titled("Came after the month was final, and not counted:", told.late_evidence.iter().map(witness)));
    lines.join("\n")
}

fn head(told: &Explanation) -> Vec<String> {
    let mut lines = vec![format!(
        "{} in {}, as of {}{}: {} minutes, and at most {} more",
        told.id,
        told.month,
        instant(told.as_of),
        if told.is_final { ", final" } else { "" },
        told.minutes,
        told.uncertainty
    )];
    if let Some(stored) = told.stored.as_ref().filter(|_| told.differs_from_stored()) {
        lines.push(format!(
            "The item says {} and at most {} more, as of {}: it has learnt since, or keeps what was more certain.",
            stored.minutes,
            stored.uncertainty,
            instant(stored.as_of)
        ));
    }
    lines.extend(told.created.map(|at| format!("Created {}", instant(at))));
    lines.extend(told.left_at.map(|at| format!("No server any more since {}", instant(at))));
    lines.extend(told.sighting.as_ref().map(|seen| format!("Last look: {}", witness(seen))));
    let windows = told.coverage.iter().map(|window| format!("{} to {}", instant(window.from), instant(window.to)));
    let windows: Vec<String> = windows.collect();
    lines.push(match windows.is_empty() {
        true => "CloudTrail was not read.".to_owned(),
        false => format!("CloudTrail was read whole from {}", windows.join(", and from ")),
    });
    lines.extend(audited(told));
    lines.push(String::new());
    lines
}

fn audited(told: &Explanation) -> Option<String> {
    let windows = told.disagreements.iter().map(|window| format!("{} to {}", instant(window.from), instant(window.to)));
    let windows: Vec<String> = windows.collect();
    Some(match told.audit? {
        Audit::AGREES => "CloudWatch's samples of the whole month tell the same.".to_owned(),
        _ => format!("CloudWatch's samples tell otherwise from {}", windows.join(", and from ")),
    })
}

fn runs(told: &Explanation) -> Vec<[String; 5]> {
    let mut rows = vec![["minutes", "", "from", "to", "because"].map(str::to_owned)];
    for segment in &told.segments {
        let ends = [("from", &segment.from), ("to", &segment.to)];
        let because =
            ends.map(|(which, end)| format!("{which}: {}", reason(end))).into_iter().chain(segment.why.clone());
        for (number, because) in because.enumerate() {
            let mut row = [String::new(), String::new(), String::new(), String::new(), because];
            if number == 0 {
                let (from, to) = (instant(segment.from.at), instant(segment.to.at));
                row[..4].clone_from_slice(&[segment.minutes.to_string(), certainty(segment).to_owned(), from, to]);
            }
            rows.push(row);
        }
    }
    rows
}

/// Whether a stretch is proven, in a word.
pub(crate) fn certainty(segment: &ExplainedSegment) -> &'static str {
    match (segment.certainty, segment.in_parts) {
        (Certainty::Proven, false) => "ran",
        (Certainty::Proven, true) => "ran in all",
        (Certainty::Possible, false) => "possible",
        (Certainty::Possible, true) => "possible in all",
    }
}

/// Why a stretch begins or ends where it does, in one line.
pub(crate) fn reason(end: &End) -> String {
    let plain = match end.reason {
        Reason::Evidence | Reason::Condensed => None,
        Reason::Created => Some("it came into being"),
        Reason::MonthBegins => Some("the month begins"),
        Reason::MonthEnds => Some("the month ends"),
        Reason::AsOf => Some("told up to here"),
        Reason::Left => Some("first missed among the servers"),
        Reason::CoverageBegins => Some("from here on every start is known"),
        Reason::CoverageEnds => Some("up to here every start is known"),
    };
    let witnesses = end.evidence.iter().map(witness);
    let mut parts: Vec<String> = plain.map(str::to_owned).into_iter().chain(witnesses).collect();
    if let Some(beyond) = &end.beyond {
        parts.push(format!("{} really: {}", instant(beyond.at), reason(beyond)));
    }
    parts.join("; ")
}

fn set_aside(heard: &Heard) -> String {
    format!("{}: {}", witness(&heard.witness), heard.set_aside.as_deref().unwrap_or_default())
}

/// A piece of evidence in one line.
pub(crate) fn witness(told: &Witness) -> String {
    let id = told.event_id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
    let seen = told.seen_at.map(|at| format!(", seen {}", instant(at))).unwrap_or_default();
    let until = told.until.map(|until| format!(" up to {}", instant(until))).unwrap_or_default();
    format!("{} {}{until} ({}{id}{seen})", instant(told.at), told.says, told.source)
}

fn titled(title: &str, lines: impl Iterator<Item = String>) -> Vec<String> {
    let lines: Vec<String> = lines.map(|line| format!("  {line}")).collect();
    if lines.is_empty() { lines } else { [vec![String::new(), title.to_owned()], lines].concat() }
}

/// Columns as wide as their widest cell; the first is of numbers.
fn table(rows: &[[String; 5]]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let [minutes, certainty, from, to] = [0, 1, 2, 3].map(width);
    let line = |[a, b, c, d, e]: &[String; 5]| format!("{a:>minutes$}  {b:certainty$}  {c:from$}  {d:to$}  {e}");
    rows.iter().map(|row| line(row).trim_end().to_owned()).collect()
}

fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%SZ").to_string()
}
