//! Every stretch of a server's month with what says so.

use maud::{Markup, html};
use uptime::{ExplainedSegment, Explanation};

use super::words::{count, minutes, second};
use crate::explain_text::{certainty, reason, witness};

/// More stretches are not told by a page.
const MOST: usize = 500;

/// The stretches as a table, and what does not count.
pub(super) fn reasons(told: &Explanation) -> Markup {
    let set_aside: Vec<_> = told.evidence.iter().filter(|heard| heard.set_aside.is_some()).collect();
    html! {
        @if told.segments.is_empty() { p { "It did not run." } } @else { (table(told)) }
        @if !set_aside.is_empty() {
            h2 { "Known, and not counted" }
            ul class="reasons" {
                @for heard in set_aside {
                    li { (witness(&heard.witness)) ": " (heard.set_aside.as_deref().unwrap_or_default()) }
                }
            }
        }
        @if !told.late_evidence.is_empty() {
            h2 { "Came after the month was final, and not counted" }
            ul class="reasons" { @for late in &told.late_evidence { li { (witness(late)) } } }
        }
    }
}

fn table(told: &Explanation) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-label="Stretches" {
            table {
                caption { (count(told.segments.len())) " in all; times are UTC" }
                thead {
                    tr {
                        th scope="col" class="number" { "Minutes" }
                        th scope="col" { "Certainty" }
                        th scope="col" { "From" }
                        th scope="col" { "To" }
                        th scope="col" { "Because" }
                    }
                }
                tbody { @for segment in told.segments.iter().take(MOST) { (stretch(segment)) } }
            }
        }
        @if told.segments.len() > MOST {
            p class="note" {
                (count(told.segments.len() - MOST)) " more are told by "
                code { "{\"report\": \"explain\", \"id\": \"" (told.id) "\", \"month\": \"" (told.month) "\", \"format\": \"text\"}" }
            }
        }
    }
}

fn stretch(segment: &ExplainedSegment) -> Markup {
    html! {
        tr {
            td class="number" { (minutes(segment.minutes)) }
            td { (certainty(segment)) }
            td { (second(segment.from.at)) }
            td { (second(segment.to.at)) }
            td {
                ul class="reasons" {
                    li { "from: " (reason(&segment.from)) }
                    li { "to: " (reason(&segment.to)) }
                    @for why in &segment.why { li { (why) } }
                }
            }
        }
    }
}
