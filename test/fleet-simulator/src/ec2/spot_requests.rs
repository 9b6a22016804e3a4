//! `DescribeSpotInstanceRequests`.

use chrono::{DateTime, TimeDelta, Utc};

use crate::calls::ServerKey;
use crate::ec2::{Filter, Lens, Query, Refused, answer, response, time};
use crate::place::Place;
use crate::server::{Change, Server, SpotRequest};
use crate::service::Answer;
use crate::world::World;
use crate::xml::Xml;

/// A request is shown for so long after its instance was terminated, or for as long as that is.
const KEPT: TimeDelta = TimeDelta::hours(4);

/// The filters it knows.
const FILTERS: [&str; 4] = ["spot-instance-request-id", "instance-id", "state", "type"];

/// A Spot request as it is shown.
struct Shown<'a> {
    id: String,
    request: SpotRequest,
    server: &'a Server,
    created: DateTime<Utc>,
    last: Change,
}

/// Answers `DescribeSpotInstanceRequests`.
#[must_use]
pub fn describe_spot_instance_requests(world: &World, lens: Lens, query: &Query) -> Answer {
    answer(page(world, lens, query))
}

fn page(world: &World, lens: Lens, query: &Query) -> Result<String, Refused> {
    query.version()?;
    let filters = query.filters(|name| FILTERS.contains(&name))?;
    let ids = query.list("SpotInstanceRequestId");
    let mut requests: Vec<(ServerKey, Shown<'_>)> = world
        .servers()
        .iter()
        .enumerate()
        .filter_map(|(key, server)| Some((key, shown(server, lens)?)))
        .filter(|(_, request)| ids.is_empty() || ids.contains(&request.id.as_str()))
        .collect();
    all_there(&ids, &requests)?;
    requests.retain(|(_, request)| filters.iter().all(|filter| request.matches(filter)));
    let (page, next) = query.page(requests.into_iter())?;
    Ok(response("DescribeSpotInstanceRequests", next, |xml| {
        xml.element("spotInstanceRequestSet", |xml| {
            for request in &page {
                xml.element("item", |xml| request.write(xml, world.place()));
            }
        });
    }))
}

/// A server's request, where it has one that EC2 still shows.
fn shown(server: &Server, lens: Lens) -> Option<Shown<'_>> {
    let request = server.spot?;
    server.view(lens.at, lens.terminated_visible.max(KEPT))?;
    let (created, last) = (server.history().first()?.at, server.last_change(lens.at)?);
    Some(Shown { id: server.spot_request_id()?, request, server, created, last })
}

/// That no id asked for is unknown: one fails the whole request.
fn all_there(ids: &[&str], requests: &[(ServerKey, Shown<'_>)]) -> Result<(), Refused> {
    let missing = ids.iter().find(|id| !requests.iter().any(|(_, request)| request.id == **id));
    match missing {
        None => Ok(()),
        Some(id) if id.starts_with("sir-") => {
            let message = format!("The spot instance request ID '{id}' does not exist");
            Err(("InvalidSpotInstanceRequestID.NotFound", message))
        }
        Some(id) => Err(("InvalidSpotInstanceRequestID.Malformed", format!("Invalid id: \"{id}\""))),
    }
}

impl Shown<'_> {
    fn matches(&self, filter: &Filter<'_>) -> bool {
        filter.wants(match filter.name {
            "spot-instance-request-id" => &self.id,
            "instance-id" => &self.server.id,
            "state" => self.request.state(self.last).0,
            _ => self.request.kind(),
        })
    }

    fn write(&self, xml: &mut Xml, place: &Place) {
        let (state, status) = self.request.state(self.last);
        xml.text("spotInstanceRequestId", &self.id);
        xml.text("spotPrice", "0.010400");
        xml.text("type", self.request.kind());
        xml.text("state", state);
        xml.element("status", |xml| {
            xml.text("code", status);
            xml.text("updateTime", &time(self.last.at));
            xml.text("message", "");
        });
        xml.element("launchSpecification", |xml| {
            xml.text("imageId", "ami-0abcdef1234567890");
            xml.text("instanceType", self.server.instance_type);
        });
        xml.text("instanceId", &self.server.id);
        xml.text("createTime", &time(self.created));
        xml.text("productDescription", "Linux/UNIX");
        xml.text("launchedAvailabilityZone", &format!("{}a", place.region));
        xml.text("instanceInterruptionBehavior", self.request.interruption.name());
    }
}
