//! Control endpoints, in JSON: the truth, the request counts, faults on request, and live changes to servers.

use std::sync::Arc;

use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::calls::{Action, Call, Outcome, ServerKey};
use crate::clock::whole_seconds;
use crate::faults::Fault;
use crate::place::Place;
use crate::server::{self, Server, State};
use crate::service::Simulator;
use crate::truth;
use crate::world::{Happening, World};

/// The control routes.
pub fn routes() -> Router<Arc<Simulator>> {
    Router::new()
        .route("/health", get(health))
        .route("/truth", get(tell_truth))
        .route("/requests", get(requests))
        .route("/requests/reset", post(reset_requests))
        .route("/faults", get(list_faults).post(add_fault).delete(clear_faults))
        .route("/servers/{id}/{change}", post(change_server))
        .route("/servers/{id}/tag", post(tag_server))
}

type Shares = Shared<Arc<Simulator>>;

fn refuse(status: StatusCode, message: impl Into<String>) -> Response {
    (status, Json(json!({ "error": message.into() }))).into_response()
}

fn iso(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

async fn health(Shared(simulator): Shares) -> Json<Value> {
    let (account, now) = simulator.account();
    let events = account.world.trail().entries().len();
    Json(json!({ "status": "ok", "now": iso(now), "servers": account.world.servers().len(), "events": events }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TruthQuery {
    at: Option<DateTime<Utc>>,
    month: Option<String>,
}

async fn tell_truth(Shared(simulator): Shares, Query(query): Query<TruthQuery>) -> Response {
    let (account, now) = simulator.account();
    let at = query.at.map_or(now, whole_seconds);
    if at > now {
        return refuse(StatusCode::BAD_REQUEST, format!("at is in the future: it is {} here", iso(now)));
    }
    let month = match query.month.as_deref().map(truth::parse_month) {
        None => truth::month_start(at),
        Some(Some(month)) if month <= at => month,
        Some(Some(_)) => return refuse(StatusCode::BAD_REQUEST, "month is in the future"),
        Some(None) => return refuse(StatusCode::BAD_REQUEST, "month is not written as YYYY-MM"),
    };
    let until = at.min(truth::next_month(month));
    let (key, value) = &simulator.settings.tag;
    let ours = account.world.servers().iter().filter(|server| server::value(server.tags_at(until), key) == Some(value));
    let mut servers: Vec<Value> = ours.filter_map(|server| server_truth(&simulator, server, (month, until))).collect();
    servers.sort_by_key(|server| (server["name"].to_string(), server["id"].to_string()));
    Json(json!({ "now": iso(at), "month": month.format("%Y-%m").to_string(), "servers": servers })).into_response()
}

/// A server's true running time in a span, or nothing where it was not launched by the span's end.
fn server_truth(simulator: &Simulator, server: &Server, (from, to): (DateTime<Utc>, DateTime<Utc>)) -> Option<Value> {
    let state = server.state_at(to)?;
    let time = truth::running_time(server, from, to);
    Some(json!({
        "id": server.id,
        "account": simulator.place.account,
        "region": simulator.place.region,
        "name": server.tag("Name"),
        "state": state.name(),
        "visible": server.view(to, simulator.settings.terminated_visible).is_some(),
        "truthMinutes": time.exact().map(minutes),
        "truthSeconds": time.exact().map(|time| time.num_seconds()),
        "truthAtLeastMinutes": minutes(time.at_least),
        "truthAtMostMinutes": minutes(time.at_most),
    }))
}

#[allow(clippy::cast_precision_loss, reason = "a month has far fewer seconds than a float has digits")]
fn minutes(time: TimeDelta) -> f64 {
    (time.num_seconds() as f64 * 100.0 / 60.0).round() / 100.0
}

async fn requests(Shared(simulator): Shares) -> Json<Value> {
    let (account, _) = simulator.account();
    Json(json!({ "actions": account.counts }))
}

async fn reset_requests(Shared(simulator): Shares) -> Json<Value> {
    let (mut account, _) = simulator.account();
    account.counts.clear();
    Json(json!({ "actions": account.counts }))
}

async fn list_faults(Shared(simulator): Shares) -> Json<Value> {
    let (account, _) = simulator.account();
    Json(json!({ "faults": account.faults.pending() }))
}

async fn add_fault(Shared(simulator): Shares, body: axum::body::Bytes) -> Response {
    let fault: Fault = match serde_json::from_slice(&body) {
        Ok(fault) => fault,
        Err(cause) => return refuse(StatusCode::BAD_REQUEST, format!("not a fault: {cause}")),
    };
    let (mut account, _) = simulator.account();
    match account.faults.add(fault) {
        Ok(()) => Json(json!({ "faults": account.faults.pending() })).into_response(),
        Err(message) => refuse(StatusCode::BAD_REQUEST, message),
    }
}

async fn clear_faults(Shared(simulator): Shares) -> Json<Value> {
    let (mut account, _) = simulator.account();
    account.faults.clear();
    Json(json!({ "faults": account.faults.pending() }))
}

/// How long a start that was told to fall back is `pending`.
const FALLS_BACK_AFTER: TimeDelta = TimeDelta::seconds(4);

/// Makes one server change now. A call that EC2 refuses is recorded as such, too.
async fn change_server(Shared(simulator): Shares, Path((id, change)): Path<(String, String)>) -> Response {
    let (mut account, now) = simulator.account();
    let Some(key) = launched(&account.world, &id, now) else { return no_server(&id) };
    let happening = match happening(&account.world.servers()[key], key, &change, now) {
        Ok(happening) => happening,
        Err((status, message)) => return refuse(status, message),
    };
    let before = account.world.servers()[key].state_at(now);
    if let Some(Outcome::Refused { code, message }) = account.world.happen_now(now, happening) {
        return refuse(StatusCode::CONFLICT, format!("{code}: {message}"));
    }
    let name = |state: Option<State>| state.map(|state| state.name());
    let after = account.world.servers()[key].state_at(now);
    let Place { account: owner, region } = &simulator.place;
    Json(json!({
        "id": id,
        "account": owner,
        "region": region,
        "at": iso(now),
        "previousState": name(before),
        "state": name(after),
    }))
    .into_response()
}

fn launched(world: &World, id: &str, now: DateTime<Utc>) -> Option<ServerKey> {
    world.find(id).filter(|&key| world.servers()[key].state_at(now).is_some())
}

fn no_server(id: &str) -> Response {
    refuse(StatusCode::NOT_FOUND, format!("there is no server {id}"))
}

/// What a change by hand means, or why it makes no sense for the server.
fn happening(
    server: &Server,
    key: ServerKey,
    change: &str,
    now: DateTime<Utc>,
) -> Result<Happening, (StatusCode, String)> {
    let call = |action| Call::new(action, vec![key]);
    let when = |possible: bool, otherwise: &str| {
        if possible { Ok(()) } else { Err((StatusCode::CONFLICT, otherwise.to_owned())) }
    };
    let on = server.state_at(now).is_some_and(State::is_alive);
    Ok(match change {
        "start" => Happening::Call(call(Action::Start)),
        "start-falling-back" => Happening::Call(call(Action::Start).falling_back(FALLS_BACK_AFTER)),
        "stop" => Happening::Call(call(Action::STOP)),
        "terminate" => Happening::Call(call(Action::Terminate)),
        "reboot" => Happening::Call(call(Action::Reboot)),
        "guest-shutdown" => {
            when(on, "the server is not running")?;
            Happening::GuestShutdown(key)
        }
        "spot-reclaim" => {
            when(on && server.spot.is_some(), "the server is not a running Spot server")?;
            Happening::SpotReclaim { servers: vec![key], recorded: true }
        }
        "spot-restart" => {
            when(server.stopped_by_ec2(now), "the server is not a Spot server that EC2 stopped")?;
            Happening::SpotRestart(vec![key])
        }
        other => return Err((StatusCode::NOT_FOUND, format!("{other} is none of {CHANGES}"))),
    })
}

const CHANGES: &str =
    "start, start-falling-back, stop, terminate, reboot, guest-shutdown, spot-reclaim, spot-restart, tag";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tag {
    key: String,
    value: String,
}

/// Sets a tag of one server now.
async fn tag_server(Shared(simulator): Shares, Path(id): Path<String>, body: axum::body::Bytes) -> Response {
    let tag: Tag = match serde_json::from_slice(&body) {
        Ok(tag) => tag,
        Err(cause) => return refuse(StatusCode::BAD_REQUEST, format!("not a tag: {cause}")),
    };
    let (mut account, now) = simulator.account();
    let Some(key) = launched(&account.world, &id, now) else { return no_server(&id) };
    account.world.tag(key, &tag.key, &tag.value);
    Json(json!({ "id": id, "at": iso(now), "tag": { tag.key: tag.value } })).into_response()
}
