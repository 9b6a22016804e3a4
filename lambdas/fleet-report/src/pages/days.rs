//! A month's days as a row of bars: the height is the part of the day that the server ran, solid where that is proven and
//! only outlined where it is possible.

use std::fmt::Write as _;

use maud::{Markup, html};
use uptime::{Minutes, Month};
use uptime_report::Row;

use super::words::about;

const STEP: f64 = 7.0;
const BAR: f64 = 6.0;
const HEIGHT: f64 = 24.0;
const DAY: f64 = 1440.0;

/// The bars of a row, under a name that says what they show.
pub(super) fn bars(row: &Row) -> Markup {
    let days = (row.month.end() - row.month.start()).num_days() as f64;
    let width = days * STEP;
    let ran = row.days.iter().filter(|minutes| **minutes > Minutes::default()).count();
    let title = format!(
        "{} minutes on {ran} of {} days, {} more possible",
        about(row.minutes),
        row.days.len(),
        about(row.uncertainty)
    );
    let (proven, possible) = (path(&row.days, &[]), path(&row.days_uncertainty, &row.days));
    html! {
        svg role="img" aria-label=(title) width=(width) height=(HEIGHT + 1.0) viewBox={ "0 0 " (width) " " (HEIGHT + 1.0) } {
            title { (title) }
            path class="ground" d={ "M0 " (HEIGHT + 0.5) "h" (width) } {}
            @if !possible.is_empty() { path class="possible" d=(possible) {} }
            @if !proven.is_empty() { path class="proven" d=(proven) {} }
        }
    }
}

/// A scale over the bars: each seventh day.
pub(super) fn scale(month: Month) -> Markup {
    let days = (month.end() - month.start()).num_days();
    let width = days as f64 * STEP;
    html! {
        svg aria-hidden="true" width=(width) height="12" viewBox={ "0 0 " (width) " 12" } {
            @for day in (1..=days).step_by(7) {
                text x=((day - 1) as f64 * STEP) y="11" { (day) }
            }
        }
    }
}

/// One path for all days, so that a page of thousands of rows stays small: each bar stands on those of `below`.
fn path(days: &[Minutes], below: &[Minutes]) -> String {
    let mut path = String::new();
    for (day, minutes) in days.iter().enumerate().filter(|(_, minutes)| **minutes > Minutes::default()) {
        let part = |minutes: Minutes| minutes.as_f64() / DAY * HEIGHT;
        let foot = HEIGHT - below.get(day).copied().map_or(0.0, part);
        // A minute is to be seen too.
        let height = part(*minutes).max(1.0);
        // Writing to a text cannot fail.
        let _ = write!(path, "M{:.1} {foot:.1}v-{height:.1}h{BAR}v{height:.1}z", day as f64 * STEP);
    }
    path
}
