//! Several accounts and regions on one port: which of them a request is for, its signature says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::ec2::{self, Query};
use crate::options::{FurtherScope, Options};
pub use crate::place::Place;
use crate::place::is_account;
use crate::service::{Answer, Simulator, answer};
use crate::world::{Rules, World};
use crate::{cloudtrail, cloudwatch, control, scenario, sts};

/// All accounts and regions that are simulated. What is none of the further ones is home.
pub struct Scopes {
    /// What a request is for that names none of the further ones.
    home: Arc<Simulator>,
    /// The account of whoever has no 12-digit access key.
    home_account: String,
    further: BTreeMap<Place, Arc<Simulator>>,
    /// Accounts whose reader role is not there.
    without_role: Mutex<BTreeSet<String>>,
}

impl Scopes {
    /// The home scope, and those that the options name.
    ///
    /// # Errors
    /// Where a fleet cannot be built.
    pub fn of(
        home: Arc<Simulator>,
        options: &Options,
        clock: impl Fn() -> Box<dyn Clock>,
    ) -> anyhow::Result<Arc<Self>> {
        let mut further = BTreeMap::new();
        for scope in &options.further_scope {
            let (options, clock) = (options.in_scope(scope), clock());
            let taken = scope.clash.then(|| first_id(&home)).flatten();
            let world = world(scope, &options, clock.now(), taken)?;
            further.insert(scope.place.clone(), Simulator::new(world, options.settings(), clock));
        }
        let home_account = options.home_account.clone();
        Ok(Arc::new(Self { home, home_account, further, without_role: Mutex::default() }))
    }

    /// The simulator of a further scope.
    #[must_use]
    pub fn further(&self, place: &Place) -> Option<&Arc<Simulator>> {
        self.further.get(place)
    }

    /// All routes: AWS's at `/`, the home scope's controls beside it, and those of the further ones below
    /// `/scopes/<account>/<region>`.
    pub fn router(self: &Arc<Self>) -> Router {
        let own = Router::new()
            .route("/", post(aws))
            .route(cloudwatch::PATH, post(aws))
            .route("/scopes", get(list))
            .route("/roles/{account}", put(add_role).delete(remove_role))
            .with_state(Arc::clone(self));
        let home = control::routes().with_state(Arc::clone(&self.home));
        self.further.iter().fold(own.merge(home), |router, (place, simulator)| {
            router.nest(&format!("/scopes/{place}"), control::routes().with_state(Arc::clone(simulator)))
        })
    }

    /// Makes the reader role of an account be there, as at first, or not.
    pub fn set_role(&self, account: &str, is_there: bool) {
        let mut without_role = self.without_role();
        if is_there {
            without_role.remove(account);
        } else {
            without_role.insert(account.to_owned());
        }
    }

    fn without_role(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.without_role.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A further scope's world; its first server has the id that is `taken`.
fn world(scope: &FurtherScope, options: &Options, now: DateTime<Utc>, taken: Option<String>) -> anyhow::Result<World> {
    let rules = Rules { id_space: scope.place.id_space(), ..options.rules() };
    let mut world = World::at(scope.place.clone(), rules);
    scenario::populate(&mut world, options, now)?;
    if let Some(id) = taken {
        world.rename(0, &id);
    }
    world.advance(now);
    Ok(world)
}

/// The id of a simulator's first server.
fn first_id(simulator: &Simulator) -> Option<String> {
    simulator.account().0.world.servers().first().map(|server| server.id.clone())
}

/// Whose credentials have signed a request, and for which region:
/// `Credential=<access key>/<date>/<region>/<service>/aws4_request`.
fn signed_for(headers: &HeaderMap) -> Option<(&str, &str)> {
    let signature = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (_, credential) = signature.split_once("Credential=")?;
    let mut parts = credential.split('/');
    let (key, _date, region) = (parts.next()?, parts.next()?, parts.next()?);
    Some((key, region))
}

async fn aws(Shared(scopes): Shared<Arc<Scopes>>, headers: HeaderMap, body: Bytes) -> Response {
    let query = Query::parse(&body);
    if query.action() == "AssumeRole" {
        let account = query.get("RoleArn").and_then(|arn| arn.split(':').nth(4)).filter(|account| is_account(account));
        return match account {
            Some(account) if scopes.without_role().contains(account) => sts::denied(&query),
            Some(account) => sts::assumed(&query, account),
            None => sts::error("ValidationError", "RoleArn is no ARN of a role"),
        };
    }
    let Some((key, region)) = signed_for(&headers) else { return answer(&scopes.home, &headers, &body).await };
    let account = if is_account(key) { key } else { &scopes.home_account };
    let place = Place { account: account.to_owned(), region: region.to_owned() };
    let is_another = account != scopes.home_account && scopes.further.keys().any(|place| place.account == account);
    match scopes.further.get(&place) {
        Some(simulator) => answer(simulator, &headers, &body).await,
        None if is_another => not_enabled(&headers).into_response(0),
        None => answer(&scopes.home, &headers, &body).await,
    }
}

/// As a service answers whose region the account has not enabled.
fn not_enabled(headers: &HeaderMap) -> Answer {
    if cloudwatch::speaks(headers) {
        return cloudwatch::error(403, "UnrecognizedClientException", "The security token is invalid.");
    }
    if headers.contains_key("x-amz-target") { cloudtrail::not_enabled() } else { ec2::not_enabled() }
}

async fn list(Shared(scopes): Shared<Arc<Scopes>>) -> Json<Value> {
    let further: Vec<String> = scopes.further.keys().map(ToString::to_string).collect();
    Json(json!({ "home": scopes.home.place.to_string(), "further": further, "withoutRole": *scopes.without_role() }))
}

async fn add_role(Shared(scopes): Shared<Arc<Scopes>>, Path(account): Path<String>) -> StatusCode {
    scopes.set_role(&account, true);
    StatusCode::NO_CONTENT
}

async fn remove_role(Shared(scopes): Shared<Arc<Scopes>>, Path(account): Path<String>) -> StatusCode {
    scopes.set_role(&account, false);
    StatusCode::NO_CONTENT
}
