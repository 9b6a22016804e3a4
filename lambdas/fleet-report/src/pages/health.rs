//! What an operator has to see first: how old the numbers are, and what could not be read.

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

use super::words::{ago, count, counted};
use crate::fleet::{Fleet, ScopeHealth};

/// Two hourly runs were missed.
pub(super) const STALE: TimeDelta = TimeDelta::minutes(130);
/// More of them are only counted.
const MOST_NAMED: usize = 5;

/// The state of the numbers, the worst first.
pub(super) fn health(fleet: &Fleet) -> Markup {
    let sick: Vec<&ScopeHealth> = fleet.scopes.iter().filter(|scope| is_sick(scope, fleet.now)).collect();
    let sound = fleet.scopes.len() - sick.len();
    html! {
        @for scope in sick.iter().take(MOST_NAMED) { (trouble(scope, fleet.now)) }
        @if sick.len() > MOST_NAMED {
            p class="note bad" { strong { "And " (count(sick.len() - MOST_NAMED)) " more scopes could not be read." } }
        }
        @if !fleet.unreadable.is_empty() { (unreadable(fleet)) }
        @if fleet.totals.disputed > 0 { (disputed(fleet)) }
        @if sick.is_empty() && !fleet.scopes.is_empty() { (good(fleet)) }
        @else if sound > 0 { p class="note" { (counted(sound, "other scope")) " read within the last two hours." } }
    }
}

fn good(fleet: &Fleet) -> Markup {
    let oldest = fleet.scopes.iter().filter_map(|scope| scope.status.last_success).min();
    html! {
        p class="note good" {
            strong { "✓ Up to date." }
            " "
            @if fleet.scopes.len() > 1 { "All " (count(fleet.scopes.len())) " scopes were read, the least recent one " }
            @else { "Read " }
            @if let Some(oldest) = oldest { (ago(oldest, fleet.now)) "." }
        }
    }
}

fn is_sick(scope: &ScopeHealth, now: DateTime<Utc>) -> bool {
    scope.status.last_trouble.is_some() || scope.status.last_success.is_none_or(|at| now - at > STALE)
}

fn trouble(scope: &ScopeHealth, now: DateTime<Utc>) -> Markup {
    html! {
        p class={ "note " (if scope.status.is_failing() || scope.status.last_trouble.is_none() { "bad" } else { "warn" }) } {
            strong {
                (scope.scope)
                @match scope.status.last_success {
                    Some(at) => { " was last read " (ago(at, now)) "." }
                    None => { " has never been read." }
                }
            }
            @if let Some(trouble) = scope.trouble() { " " (trouble) }
        }
    }
}

fn disputed(fleet: &Fleet) -> Markup {
    html! {
        p class="note warn" {
            strong { "CloudWatch tells otherwise of " (counted(fleet.totals.disputed, "server")) "." }
            " Their rows are marked; the explanation of each says when."
        }
    }
}

fn unreadable(fleet: &Fleet) -> Markup {
    html! {
        @for server in fleet.unreadable.iter().take(MOST_NAMED) {
            p class="note bad" { strong { (server.id) " is in no total." } " " (server.error) }
        }
        @if fleet.unreadable.len() > MOST_NAMED {
            p class="note bad" {
                strong { "And " (count(fleet.unreadable.len() - MOST_NAMED)) " more servers cannot be read." }
            }
        }
    }
}
