//! One server: its months, its state, and why this month's number is what it is.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use serde_json::json;
use uptime::{Audit, Explanation, Folded, Minutes};
use uptime_report::{Row, ServerState};

use super::axis::axis;
use super::fleet_page::by_cloudwatch;
use super::frame::{Display, Frame};
use super::reasons::reasons;
use super::words::{about, ago, hours, instant, minutes, month};

/// Width of a month's bar.
const BAR: f64 = 260.0;

/// The page of a server, from its rows in time order and its last month.
pub(crate) fn server(rows: &[Row], last: &Folded, frame: &Frame, now: DateTime<Utc>) -> String {
    let Some(row) = rows.last() else { return String::new() };
    let told = last.month.explain(last.month.told_as_of(now));
    let content = html! {
        (head(row, now))
        (tiles(row))
        h2 { (month(row.month)) }
        (axis(&told))
        (differs(&told))
        (audited(&told))
        h2 { "Months" }
        (months(rows, frame))
        h2 { "Why" }
        (reasons(&told))
        p { (back(frame)) }
    };
    frame.page(title(row), &content)
}

/// The page that explains one month of a server.
pub(crate) fn explained(row: &Row, told: &Explanation, frame: &Frame, now: DateTime<Utc>) -> String {
    let server = json!({"report": "server", "id": row.id, "format": "html"});
    let content = html! {
        (head(row, now))
        h2 { "Why " (minutes(told.minutes)) " minutes in " (month(told.month)) }
        p class="soft" {
            "As of " (instant(told.as_of)) " UTC"
            @if told.is_final { ", final" }
            ", and at most " (minutes(told.uncertainty)) " more."
        }
        (differs(told))
        (audited(told))
        (axis(told))
        h2 { "Stretch by stretch" }
        (reasons(told))
        p { (frame.button("All months", Display::Popup, &server)) (back(frame)) }
    };
    frame.page(title(row), &content)
}

fn title(row: &Row) -> &str {
    row.name.as_deref().unwrap_or(row.id.as_str())
}

fn head(row: &Row, now: DateTime<Utc>) -> Markup {
    html! {
        h1 { (title(row)) }
        p class="soft" {
            code { (row.id) }
            " · " (row.account) "/" (row.region)
            @if let Some(instance_type) = &row.instance_type { " · " (instance_type) }
            " · "
            @match (row.state, row.running_since, row.left_at) {
                (ServerState::Running, Some(since), _) => { "● running since " (instant(since)) }
                (ServerState::Left, _, Some(at)) => { "left " (instant(at)) }
                (ServerState::Stopped, ..) => { "○ stopped" }
                _ => { "state unknown" }
            }
            @if !row.is_final { " · last seen or heard of " (ago(row.as_of, now)) }
        }
    }
}

fn tiles(row: &Row) -> Markup {
    html! {
        ul class="tiles" {
            li class="tile" {
                div class="label" { "Minutes in " (month(row.month)) }
                div class="value" { (minutes(row.minutes)) " " small { (hours(row.minutes)) } }
                div class="small soft" {
                    @if row.uncertainty == Minutes::default() { "exact" } @else { "at most " (minutes(row.uncertainty)) " more" }
                }
            }
            li class="tile" {
                div class="label" { "At the month's end, expected" }
                div class="value" { (about(row.forecast.expected)) " " small { (hours(row.forecast.expected)) } }
                div class="small soft" { (about(row.forecast.least)) " to " (about(row.forecast.most)) }
            }
        }
    }
}

fn differs(told: &Explanation) -> Markup {
    html! {
        @if let Some(stored) = told.stored.as_ref().filter(|_| told.differs_from_stored()) {
            p class="note warn" {
                strong { "The month says " (minutes(stored.minutes)) " and at most " (minutes(stored.uncertainty)) " more." }
                " It was final before what is told here was known, or keeps what was more certain."
            }
        }
    }
}

/// What comparing a final month with CloudWatch's samples came to.
fn audited(told: &Explanation) -> Markup {
    html! {
        @match told.audit {
            None => {}
            Some(Audit::AGREES) => { p class="soft" { "✓ CloudWatch's samples of the whole month tell the same." } }
            Some(_) => {
                p class="note warn" {
                    strong { "CloudWatch's samples tell otherwise " }
                    @for (i, window) in told.disagreements.iter().enumerate() {
                        @if i > 0 { ", " }
                        "from " (instant(window.from)) " to " (instant(window.to))
                    }
                    "."
                }
            }
        }
    }
}

/// The months as bars, the last one first.
fn months(rows: &[Row], frame: &Frame) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-label="Months" { table {
            caption { "Minutes of each month; a full bar is all of it" }
            thead {
                tr {
                    th scope="col" { "Month" }
                    th scope="col" { "Part of the month" }
                    th scope="col" class="number" { "Minutes" }
                    th scope="col" class="number" { "Possible more" }
                    th scope="col" class="wide" { "Final" }
                }
            }
            tbody {
                @for row in rows.iter().rev() {
                    tr {
                        th scope="row" {
                            @let why = json!({"report": "explain", "id": row.id, "month": row.month, "format": "html"});
                            (frame.link(&row.month.to_string(), Display::Popup, &why))
                        }
                        td { (bar(row)) }
                        td class="number" { (minutes(row.minutes)) }
                        td class="number" { (minutes(row.uncertainty)) }
                        td class="wide" {
                            @if row.is_final { "yes" } @else { "not yet" }
                            (by_cloudwatch(row))
                        }
                    }
                }
            }
        } }
    }
}

fn bar(row: &Row) -> Markup {
    let whole = Minutes::floor(row.month.end() - row.month.start()).as_f64();
    let width = |minutes: Minutes| (minutes.as_f64() / whole * BAR * 10.0).round() / 10.0;
    let (proven, possible) = (width(row.minutes), width(row.uncertainty));
    let percent = (row.minutes.as_f64() / whole * 100.0).round();
    let label = format!("{percent} % of the month proven");
    html! {
        svg role="img" aria-label=(label) width=(BAR + 1.0) height="14" viewBox={ "0 0 " (BAR + 1.0) " 14" } {
            title { (label) }
            path class="ground" d={ "M0 13.5H" (BAR) } {}
            rect class="proven" width=(proven) height="13" {}
            @if row.uncertainty > Minutes::default() {
                rect class="hatch" x=(proven) y="0.5" width=(possible.max(1.0)) height="12.5" {}
            }
        }
    }
}

fn back(frame: &Frame) -> Markup {
    frame.button("All servers", Display::Widget, &json!({"report": "fleet", "format": "html"}))
}
