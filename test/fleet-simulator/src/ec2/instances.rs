//! `DescribeInstances`.

use chrono::{DateTime, Utc};

use crate::calls::ServerKey;
use crate::ec2::{Filter, Lens, Query, Refused, answer, response, time};
use crate::place::Place;
use crate::records::render::interface_id;
use crate::server::{self, Server, State, View};
use crate::service::Answer;
use crate::world::World;
use crate::xml::Xml;

/// The filters it knows beside `tag:…`.
const FILTERS: [&str; 7] = [
    "tag-key",
    "instance-id",
    "instance-state-name",
    "instance-state-code",
    "instance-type",
    "instance-lifecycle",
    "spot-instance-request-id",
];

/// Answers `DescribeInstances`.
#[must_use]
pub fn describe_instances(world: &World, lens: Lens, query: &Query) -> Answer {
    answer(page(world, lens, query))
}

fn page(world: &World, lens: Lens, query: &Query) -> Result<String, Refused> {
    query.version()?;
    let ids = query.list("InstanceId");
    if !ids.is_empty() && query.get("MaxResults").is_some() {
        let message = "The parameter instancesSet cannot be used with the parameter maxResults";
        return Err(("InvalidParameterCombination", message.to_owned()));
    }
    let filters = query.filters(|name| name.starts_with("tag:") || FILTERS.contains(&name))?;
    let candidates: Vec<ServerKey> =
        if ids.is_empty() { (0..world.servers().len()).collect() } else { find(world, lens, &ids)? };
    let visible = candidates.into_iter().filter_map(|key| {
        let server = &world.servers()[key];
        let view = server.view(lens.at, lens.terminated_visible)?;
        filters.iter().all(|filter| matches(server, &view, filter)).then_some((key, (server, view)))
    });
    let (shown, next) = query.page(visible)?;
    Ok(response("DescribeInstances", next, |xml| reservations(xml, world.place(), &shown)))
}

/// The servers with these ids; one that EC2 doesn't know, or shows no more, fails the whole request.
fn find(world: &World, lens: Lens, ids: &[&str]) -> Result<Vec<ServerKey>, Refused> {
    let visible = |key: &ServerKey| world.servers()[*key].view(lens.at, lens.terminated_visible).is_some();
    let found: Vec<Option<ServerKey>> = ids.iter().map(|id| world.find(id).filter(visible)).collect();
    let missing: Vec<&str> = ids.iter().zip(&found).filter(|(_, key)| key.is_none()).map(|(id, _)| *id).collect();
    if let Some(id) = missing.iter().find(|id| !well_formed(id)) {
        return Err(("InvalidInstanceID.Malformed", format!("Invalid id: \"{id}\"")));
    }
    match missing.as_slice() {
        [] => {
            let mut keys: Vec<ServerKey> = found.into_iter().flatten().collect();
            keys.sort_unstable();
            keys.dedup();
            Ok(keys)
        }
        [id] => Err(("InvalidInstanceID.NotFound", format!("The instance ID '{id}' does not exist"))),
        ids => Err(("InvalidInstanceID.NotFound", format!("The instance IDs '{}' do not exist", ids.join(", ")))),
    }
}

fn well_formed(id: &str) -> bool {
    id.strip_prefix("i-").is_some_and(|hex| [8, 17].contains(&hex.len()) && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn matches(server: &Server, view: &View<'_>, filter: &Filter<'_>) -> bool {
    match (filter.name, filter.name.strip_prefix("tag:")) {
        (_, Some(key)) => server::value(view.tags, key).is_some_and(|value| filter.wants(value)),
        ("tag-key", _) => view.tags.iter().any(|(key, _)| filter.wants(key)),
        ("instance-id", _) => filter.wants(&server.id),
        ("instance-state-name", _) => filter.wants(view.state.name()),
        ("instance-state-code", _) => filter.wants(&view.state.code().to_string()),
        ("instance-type", _) => filter.wants(server.instance_type),
        ("instance-lifecycle", _) => server.spot.is_some() && filter.wants("spot"),
        ("spot-instance-request-id", _) => server.spot_request_id().is_some_and(|id| filter.wants(&id)),
        _ => false,
    }
}

fn reservations(xml: &mut Xml, place: &Place, shown: &[(&Server, View<'_>)]) {
    xml.element("reservationSet", |xml| {
        // Servers that one call launched share a reservation.
        for group in shown.chunk_by(|(a, _), (b, _)| a.reservation == b.reservation) {
            xml.element("item", |xml| {
                xml.text("reservationId", &group[0].0.reservation);
                xml.text("ownerId", &place.account);
                xml.element("groupSet", |_| {});
                xml.element("instancesSet", |xml| {
                    for (server, view) in group {
                        xml.element("item", |xml| instance(xml, place, server, view));
                    }
                });
            });
        }
    });
}

fn instance(xml: &mut Xml, place: &Place, server: &Server, view: &View<'_>) {
    xml.text("instanceId", &server.id);
    xml.text("imageId", "ami-0abcdef1234567890");
    xml.element("instanceState", |xml| {
        xml.text("code", &view.state.code().to_string());
        xml.text("name", view.state.name());
    });
    xml.text("privateDnsName", if view.state == State::Terminated { "" } else { "ip-10-0-1-10.ec2.internal" });
    xml.text("dnsName", "");
    xml.text("reason", &view.transition_reason);
    xml.text("amiLaunchIndex", "0");
    xml.element("productCodes", |_| {});
    xml.text("instanceType", server.instance_type);
    xml.text("launchTime", &time(view.launched));
    xml.element("placement", |xml| {
        xml.text("availabilityZone", &format!("{}a", place.region));
        xml.text("tenancy", "default");
    });
    xml.element("monitoring", |xml| xml.text("state", "disabled"));
    if let Some((code, message)) = view.state_reason {
        xml.element("stateReason", |xml| {
            xml.text("code", code);
            xml.text("message", message);
        });
    }
    xml.text("architecture", "x86_64");
    xml.text("rootDeviceType", "ebs");
    xml.text("virtualizationType", "hvm");
    if let Some(request) = server.spot_request_id() {
        xml.text("instanceLifecycle", "spot");
        xml.text("spotInstanceRequestId", &request);
    }
    if !view.tags.is_empty() {
        xml.element("tagSet", |xml| {
            for (key, value) in view.tags {
                xml.element("item", |xml| {
                    xml.text("key", key);
                    xml.text("value", value);
                });
            }
        });
    }
    xml.element("networkInterfaceSet", |xml| {
        if let Some(attached) = view.attached {
            xml.element("item", |xml| interface(xml, place, server, attached));
        }
    });
}

fn interface(xml: &mut Xml, place: &Place, server: &Server, attached: DateTime<Utc>) {
    xml.text("networkInterfaceId", &interface_id(server));
    xml.text("ownerId", &place.account);
    xml.text("status", "in-use");
    xml.element("attachment", |xml| {
        xml.text("attachmentId", &interface_id(server).replace("eni-", "eni-attach-"));
        xml.text("deviceIndex", "0");
        xml.text("status", "attached");
        xml.text("attachTime", &time(attached));
        xml.text("deleteOnTermination", "true");
        xml.text("networkCardIndex", "0");
    });
}
