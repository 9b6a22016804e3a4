//! A server's month as a time axis: its runs, where CloudTrail was read, and the looks at it.

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};
use uptime::{Certainty, End, ExplainedSegment, Explanation, Heard, Month, Window, WitnessKind};

use super::words::{minutes, second};
use crate::explain_text::reason;

const WIDTH: f64 = 1085.0;
const HEIGHT: f64 = 104.0;
/// Top and height of each lane.
const DAYS: f64 = 11.0;
const ENDS: f64 = 30.0;
const RUNS: (f64, f64) = (35.0, 34.0);
const COVERAGE: (f64, f64) = (78.0, 5.0);
const LOOKS: (f64, f64) = (90.0, 11.0);
/// Letters that would stand closer are left out: the table below has every end.
const LETTER: f64 = 10.0;

/// From instants to places on the axis.
#[derive(Clone, Copy)]
struct Scale(Month);

impl Scale {
    fn x(self, at: DateTime<Utc>) -> f64 {
        let Self(month) = self;
        let share = |time: TimeDelta| time.num_milliseconds() as f64;
        (share(at - month.start()) / share(month.end() - month.start()) * WIDTH).clamp(0.0, WIDTH)
    }

    /// Left end and width of a window; what is there at all is wide enough to be seen.
    fn place(self, window: Window) -> (f64, f64) {
        let (from, to) = (self.x(window.from), self.x(window.to));
        (rounded(from), rounded((to - from).max(1.0)))
    }
}

fn rounded(place: f64) -> f64 {
    (place * 10.0).round() / 10.0
}

/// The month's axis, with a legend.
pub(super) fn axis(told: &Explanation) -> Markup {
    let scale = Scale(told.month);
    let days = (told.month.end() - told.month.start()).num_days();
    let label = format!(
        "Time axis of {}: {} minutes proven, {} more possible, in {} stretches",
        told.month,
        told.minutes,
        told.uncertainty,
        told.segments.len()
    );
    html! {
        div class="scroll" tabindex="0" role="region" aria-label="Time axis" {
            svg class="axis" role="img" aria-label=(label) viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } {
                title { (label) }
                defs {
                    pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                        path class="hatch-line" d="M0 0v5" {}
                    }
                }
                (told_part(told, scale))
                @for day in 0..days { (day_mark(scale, told.month, day, days)) }
                path class="ground" d={ "M0 " (RUNS.0 + RUNS.1) "H" (WIDTH) } {}
                @for segment in &told.segments { (run(segment, scale)) }
                @for (x, letter) in letters(told, scale) {
                    text class="end" x=(rounded(x)) y=(ENDS) text-anchor="middle" { (letter) }
                }
                (underneath(told, scale))
            }
        }
        (legend())
    }
}

fn told_part(told: &Explanation, scale: Scale) -> Markup {
    let (x, width) = scale.place(told.month.until(told.as_of));
    html! { rect class="told" x=(x) y=(RUNS.0) width=(width) height=(RUNS.1) {} }
}

fn day_mark(scale: Scale, month: Month, day: i64, days: i64) -> Markup {
    let at = |day| rounded(scale.x(month.start() + TimeDelta::days(day)));
    let middle = rounded((at(day) + at(day + 1)) / 2.0);
    html! {
        @if day > 0 && day < days { path class="weekday" d={ "M" (at(day)) " " (DAYS + 4.0) "V" (RUNS.0 + RUNS.1) } {} }
        text x=(middle) y=(DAYS) text-anchor="middle" { (day + 1) }
    }
}

fn run(segment: &ExplainedSegment, scale: Scale) -> Markup {
    let (x, width) = scale.place(Window::new(segment.from.at, segment.to.at));
    // Of a stretch of which only the sum is kept, the height is the part of it that the server ran.
    let share = match segment.in_parts {
        true => {
            segment.minutes.as_time().as_seconds_f64() / (segment.to.at - segment.from.at).as_seconds_f64().max(1.0)
        }
        false => 1.0,
    };
    let height = rounded((RUNS.1 * share).clamp(2.0, RUNS.1));
    let class = if segment.certainty == Certainty::Proven { "proven" } else { "hatch" };
    let certainty = if segment.certainty == Certainty::Proven { "ran" } else { "possible" };
    html! {
        rect class=(class) x=(x) y=(RUNS.0 + RUNS.1 - height) width=(width) height=(height) {
            title {
                (second(segment.from.at)) " to " (second(segment.to.at)) ": " (certainty) ", " (minutes(segment.minutes)) " min. "
                "From: " (reason(&segment.from)) ". To: " (reason(&segment.to)) "."
            }
        }
    }
}

/// A letter for each end, as far as there is room for it.
fn letters(told: &Explanation, scale: Scale) -> Vec<(f64, char)> {
    let ends = told.segments.iter().flat_map(|segment| [&segment.from, &segment.to]);
    let mut letters: Vec<(f64, char)> = Vec::new();
    for (at, letter) in ends.filter_map(|end| Some((end.at, letter(end)?))) {
        let x = scale.x(at).clamp(4.0, WIDTH - 4.0);
        if letters.last().is_none_or(|(last, _)| x - last >= LETTER) {
            letters.push((x, letter));
        }
    }
    letters
}

fn letter(end: &End) -> Option<char> {
    end.evidence.first().map(|witness| match witness.kind {
        WitnessKind::Call => 'C',
        WitnessKind::Event => 'E',
        WitnessKind::Look => 'L',
        WitnessKind::Note => 'N',
        WitnessKind::Samples => 'W',
        WitnessKind::Sum => 'S',
    })
}

/// Where CloudTrail was read whole, and the looks that are kept.
fn underneath(told: &Explanation, scale: Scale) -> Markup {
    let month = Window::new(told.month.start(), told.month.end());
    let covered = told.coverage.iter().map(|window| window.within(&month)).filter(|window| !window.is_empty());
    let looks = told.evidence.iter().filter(|heard| heard.witness.kind == WitnessKind::Look);
    let looks = looks.filter(|heard| month.from <= heard.witness.at && heard.witness.at < month.to);
    html! {
        @for window in covered {
            @let (x, width) = scale.place(window);
            rect class="covered" x=(x) y=(COVERAGE.0) width=(width) height=(COVERAGE.1) {
                title { "CloudTrail was read whole from " (second(window.from)) " to " (second(window.to)) }
            }
        }
        @for look in looks { (look_mark(look, scale)) }
    }
}

fn look_mark(look: &Heard, scale: Scale) -> Markup {
    html! {
        path class="look" d={ "M" (rounded(scale.x(look.witness.at))) " " (LOOKS.0) "v" (LOOKS.1) } {
            title { (second(look.witness.at)) " " (look.witness.says) }
        }
    }
}

fn legend() -> Markup {
    html! {
        p class="legend" {
            span { svg aria-hidden="true" width="18" height="14" { rect class="proven" width="18" height="14" {} } "ran, proven" }
            span {
                svg aria-hidden="true" width="19" height="15" { rect class="hatch" x="0.5" y="0.5" width="18" height="14" {} }
                "possible"
            }
            span { svg aria-hidden="true" width="18" height="5" { rect class="covered" width="18" height="5" {} } "CloudTrail read whole" }
            span { svg aria-hidden="true" width="5" height="12" { path class="look" d="M2 0v12" {} } "look at the server" }
            span { "each end says who told it: C a call, E an event, L a look, N a note of EC2, W CloudWatch, S a sum that is kept" }
        }
    }
}
