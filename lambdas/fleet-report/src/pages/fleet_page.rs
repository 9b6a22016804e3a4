//! The fleet's month as a page: how sure it is, what it comes to, and one row a server.

use maud::{Markup, html};
use serde_json::{Value, json};
use uptime::Minutes;
use uptime_report::{Basis, Row, ServerState};

use super::days::{bars, scale};
use super::frame::{Display, Frame};
use super::health::{STALE, health};
use super::words::{about, ago, count, counted, hours, instant, minutes, month};
use crate::fleet::{Fleet, Page};
use crate::order::Sort;
use crate::request::{FleetRequest, Selection};

/// The page.
pub(crate) fn fleet(fleet: &Fleet, page: &Page<'_>, request: &FleetRequest, frame: &Frame) -> String {
    let title = format!("Running minutes in {}", month(fleet.month));
    let content = html! {
        h1 { (title) }
        p class="soft" {
            (instant(fleet.now)) " UTC · " (counted(fleet.totals.servers, "server"))
            @if let Some(selected) = selected(&request.selection) { " with " (selected) }
            @if fleet.totals.servers > 0 && fleet.totals.is_final() { " · final: nothing changes any more" }
        }
        (health(fleet))
        (tiles(fleet))
        @if frame.widget.is_some() { (form(request, frame)) }
        @if page.rows.is_empty() { (nothing(fleet, request)) } @else { (table(fleet, page, request, frame)) }
        (pages(fleet, page, request, frame))
    };
    frame.page(&title, &content)
}

fn tiles(fleet: &Fleet) -> Markup {
    let totals = &fleet.totals;
    html! {
        ul class="tiles" {
            li class="tile" {
                div class="label" { "Minutes, proven" }
                div class="value" { (about(totals.minutes)) " " small { (hours(totals.minutes)) } }
                div class="small soft" {
                    @if totals.uncertainty == Minutes::default() { "exact" }
                    @else { "at most " (about(totals.uncertainty)) " more" }
                }
            }
            li class="tile" {
                div class="label" { "At the month's end, expected" }
                div class="value" { (about(totals.forecast.expected)) " " small { (hours(totals.forecast.expected)) } }
                div class="small soft" { (about(totals.forecast.least)) " to " (about(totals.forecast.most)) }
            }
            li class="tile" {
                div class="label" { "Running" }
                div class="value" { (count(totals.running)) " " small { "of " (count(totals.servers)) } }
                div class="small soft" { (count(totals.left)) " left this month" }
            }
        }
    }
}

fn table(fleet: &Fleet, page: &Page<'_>, request: &FleetRequest, frame: &Frame) -> Markup {
    let many_scopes = fleet.scopes.len() > 1;
    html! {
        div class="scroll" tabindex="0" role="region" aria-label="Servers" {
            table {
                caption { "One row a server, " (sorted_by(request.sort)) }
                thead {
                    tr {
                        th scope="col" { "Server" }
                        th scope="col" class="number" { "Minutes" }
                        @if many_scopes { th scope="col" class="wide" { "Account, region" } }
                        th scope="col" class="wide" { "Type" }
                        th scope="col" { "State" }
                        th scope="col" { "Minutes a day" (scale(fleet.month)) }
                        th scope="col" class="number wide" { "Expected" }
                    }
                }
                tbody { @for row in page.rows { (server(row, fleet, many_scopes, frame)) } }
            }
        }
        (legend())
    }
}

fn server(row: &Row, fleet: &Fleet, many_scopes: bool, frame: &Frame) -> Markup {
    let name = row.name.as_deref().unwrap_or(row.id.as_str());
    let details = json!({"report": "server", "id": row.id, "format": "html"});
    html! {
        tr class=(row.state) {
            th scope="row" {
                span class="name" { (frame.link(name, Display::Popup, &details)) }
                @if row.name.is_some() { span class="id small" { (row.id) } }
            }
            td class="number" {
                (minutes(row.minutes))
                @if row.uncertainty > Minutes::default() { small { "+ up to " (minutes(row.uncertainty)) } }
                (by_cloudwatch(row))
            }
            @if many_scopes { td class="wide" { (row.account) br; (row.region) } }
            td class="wide" { (row.instance_type.as_deref().unwrap_or("–")) }
            td class="state" { (state(row, fleet)) }
            td { (bars(row)) }
            td class="number wide" {
                (about(row.forecast.expected))
                small { (about(row.forecast.least)) "–" (about(row.forecast.most)) }
            }
        }
    }
}

/// What CloudWatch has to do with a row's minutes.
pub(super) fn by_cloudwatch(row: &Row) -> Markup {
    html! {
        @if row.rests_on == Basis::Samples { small { "by CloudWatch alone" } }
        @if row.is_disputed() { small { "⚠ CloudWatch tells otherwise" } }
    }
}

fn state(row: &Row, fleet: &Fleet) -> Markup {
    html! {
        @match (row.state, row.running_since, row.left_at) {
            (ServerState::Running, Some(since), _) => {
                span class="dot" aria-hidden="true" { "● " } "running" small class="wide" { "since " (instant(since)) }
            }
            (ServerState::Left, _, Some(at)) => { "– left" small class="wide" { (instant(at)) } }
            (ServerState::Stopped, ..) => { "○ stopped" }
            _ => { "? unknown" }
        }
        @if !row.is_final && row.left_at.is_none() && fleet.now - row.as_of > STALE { small { "last seen " (ago(row.as_of, fleet.now)) } }
    }
}

fn legend() -> Markup {
    html! {
        p class="legend" {
            span { svg aria-hidden="true" width="10" height="14" { rect class="proven" width="10" height="14" {} } "proven" }
            span {
                svg aria-hidden="true" width="11" height="15" {
                    rect class="possible" x="0.5" y="0.5" width="10" height="14" {}
                }
                "possible: it may have run"
            }
            span { "a full bar is 24 hours, days are of UTC" }
        }
    }
}

fn sorted_by(sort: Sort) -> &'static str {
    match sort {
        Sort::Minutes => "most minutes first",
        Sort::Uncertainty => "least certain first",
        Sort::Forecast => "most expected minutes first",
        Sort::Name => "by name",
        Sort::Id => "by account, region and id",
    }
}

/// The fields by which a selection was made, in words.
fn selected(selection: &Selection) -> Option<String> {
    let Selection { account, region, name, state } = selection;
    let words = [
        account.as_ref().map(|account| format!("account {account}")),
        region.as_ref().map(|region| format!("region {region}")),
        name.as_ref().map(|name| format!("“{name}” in the name")),
        state.map(|state| format!("state {state}")),
    ];
    let words: Vec<String> = words.into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn nothing(fleet: &Fleet, request: &FleetRequest) -> Markup {
    html! {
        p class="note" {
            strong { "No servers." } " "
            @if request.next.is_some() { "That was the last page." }
            @else if request.selection != Selection::default() { "None is as asked for." }
            @else if fleet.scopes.iter().all(|scope| scope.status.last_success.is_none()) {
                "Nothing has been counted yet: the first hourly run does."
            }
            @else { "None carried the app's tag in " (month(fleet.month)) "." }
        }
    }
}

/// Which rows these are, and how to get at the others.
fn pages(fleet: &Fleet, page: &Page<'_>, request: &FleetRequest, frame: &Frame) -> Markup {
    let (first, last) = (page.first + 1, page.first + page.rows.len());
    html! {
        @if !page.rows.is_empty() && (page.next.is_some() || page.first > 0) {
            p class="soft" { (count(first)) " to " (count(last)) " of " (count(fleet.totals.servers)) "; totals are of all." }
            @if page.first > 0 { (frame.button("First page", Display::Widget, &again(request, None))) }
            @if let Some(next) = &page.next {
                (frame.button("Next page", Display::Widget, &again(request, Some(next.to_string()))))
                @if frame.widget.is_none() { p class="small soft" { "The next page: " code { "\"next\": \"" (next) "\"" } } }
            }
        }
    }
}

/// The same request for another page.
fn again(request: &FleetRequest, next: Option<String>) -> Value {
    let Selection { account, region, name, state } = &request.selection;
    let mut fields = json!({"report": "fleet", "format": "html", "month": request.month, "account": account,
        "region": region, "name": name, "state": state, "sort": request.sort.as_str(), "limit": request.limit, "next": next});
    if let Some(fields) = fields.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    fields
}

/// What a widget's viewer can choose.
fn form(request: &FleetRequest, frame: &Frame) -> Markup {
    let name = request.selection.name.as_deref().unwrap_or_default();
    let state = request.selection.state;
    html! {
        form {
            label { "Name contains" input name="name" value=(name) size="14"; }
            label {
                "State"
                select name="state" {
                    option value="" selected[state.is_none()] { "any" }
                    @for one in ServerState::ALL { option value=(one) selected[state == Some(one)] { (one) } }
                }
            }
            label {
                "Sorted by"
                select name="sort" {
                    @for one in Sort::ALL {
                        option value=(one.as_str()) selected[request.sort == one] { (one.as_str()) }
                    }
                }
            }
            label { "Month" input name="month" value=(request.month) size="8"; }
            (frame.button("Show", Display::Widget, &again(request, None)))
        }
    }
}
