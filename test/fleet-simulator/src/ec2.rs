//! EC2's query protocol: `DescribeInstances`.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::calls::ServerKey;
use crate::dice;
use crate::records::render::{ACCOUNT, REGION, interface_id};
use crate::server::{Server, State, View};
use crate::service::Answer;
use crate::world::World;
use crate::xml::Xml;

/// Most instances on one page.
const PAGE: usize = 1000;
/// The API version this service speaks.
const VERSION: &str = "2016-11-15";

/// The parameters of a request, as the form body names them.
#[derive(Debug, Default)]
pub struct Query(BTreeMap<String, String>);

/// How the account is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Lens {
    /// The instant.
    pub at: DateTime<Utc>,
    /// How long a terminated instance stays visible.
    pub terminated_visible: TimeDelta,
}

impl Query {
    /// Reads a form body.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// The operation asked for.
    #[must_use]
    pub fn action(&self) -> &str {
        self.get("Action").unwrap_or_default()
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The values of `prefix.1`, `prefix.2` and so on.
    fn list(&self, prefix: &str) -> Vec<&str> {
        (1..).map_while(|n| self.get(&format!("{prefix}.{n}"))).collect()
    }

    fn filters(&self) -> Vec<(&str, Vec<&str>)> {
        let names = (1..).map_while(|n| self.get(&format!("Filter.{n}.Name")).map(|name| (n, name)));
        names.map(|(n, name)| (name, self.list(&format!("Filter.{n}.Value")))).collect()
    }
}

/// An error as this protocol writes it.
#[must_use]
pub fn error(status: u16, code: &str, message: &str) -> Answer {
    let mut xml = Xml::default();
    xml.element("Response", |xml| {
        xml.element("Errors", |xml| {
            xml.element("Error", |xml| {
                xml.text("Code", code);
                xml.text("Message", message);
            });
        });
        xml.text("RequestID", &dice::uuid(0, u64::from(status)));
    });
    Answer::xml(status, xml.finish())
}

/// Answers `DescribeInstances`.
#[must_use]
pub fn describe_instances(world: &World, lens: Lens, query: &Query) -> Answer {
    match page(world, lens, query) {
        Ok(document) => Answer::xml(200, document),
        Err((code, message)) => error(400, code, &message),
    }
}

type Refused = (&'static str, String);

fn page(world: &World, lens: Lens, query: &Query) -> Result<String, Refused> {
    if query.get("Version") != Some(VERSION) {
        return Err(("NoSuchVersion", format!("The requested version is not supported; this is {VERSION}")));
    }
    let ids = query.list("InstanceId");
    let limit = limit(query, !ids.is_empty())?;
    let filters = query.filters();
    if let Some((name, _)) = filters.iter().find(|(name, _)| !known_filter(name)) {
        return Err(("InvalidParameterValue", format!("The filter '{name}' is invalid")));
    }
    let first = query.get("NextToken").map_or(Ok(0), position)?;
    let candidates: Vec<ServerKey> =
        if ids.is_empty() { (0..world.servers().len()).collect() } else { find(world, lens, &ids)? };
    let mut visible = candidates.into_iter().filter(|&key| key >= first).filter_map(|key| {
        let server = &world.servers()[key];
        let view = server.view(lens.at, lens.terminated_visible)?;
        filters.iter().all(|filter| matches(server, &view, filter)).then_some((key, server, view))
    });
    let shown: Vec<(ServerKey, &Server, View)> = visible.by_ref().take(limit).collect();
    let next = visible.next().map(|(key, ..)| key);
    Ok(document(&shown, next))
}

fn limit(query: &Query, by_id: bool) -> Result<usize, Refused> {
    let Some(wanted) = query.get("MaxResults") else { return Ok(PAGE) };
    if by_id {
        let message = "The parameter instancesSet cannot be used with the parameter maxResults";
        return Err(("InvalidParameterCombination", message.to_owned()));
    }
    let limit = wanted.parse().ok().filter(|limit| (5..=PAGE).contains(limit));
    limit.ok_or_else(|| {
        (
            "InvalidParameterValue",
            format!("Value ( {wanted} ) for parameter maxResults is invalid. Expecting a value between 5 and {PAGE}."),
        )
    })
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

fn known_filter(name: &str) -> bool {
    let names =
        ["tag-key", "instance-id", "instance-state-name", "instance-state-code", "instance-type", "instance-lifecycle"];
    name.starts_with("tag:") || names.contains(&name)
}

fn matches(server: &Server, view: &View, (name, wanted): &(&str, Vec<&str>)) -> bool {
    let is_wanted = |value: &str| wanted.iter().any(|pattern| glob(pattern.as_bytes(), value.as_bytes()));
    match (*name, name.strip_prefix("tag:")) {
        (_, Some(key)) => server.tag(key).is_some_and(is_wanted),
        ("tag-key", _) => server.tags.iter().any(|(key, _)| is_wanted(key)),
        ("instance-id", _) => is_wanted(&server.id),
        ("instance-state-name", _) => is_wanted(view.state.name()),
        ("instance-state-code", _) => is_wanted(&view.state.code().to_string()),
        ("instance-type", _) => is_wanted(server.instance_type),
        ("instance-lifecycle", _) => server.spot && is_wanted("spot"),
        _ => false,
    }
}

/// EC2's filter patterns: `*` for any characters, `?` for one.
fn glob(pattern: &[u8], value: &[u8]) -> bool {
    match (pattern, value) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=value.len()).any(|skipped| glob(rest, &value[skipped..])),
        ([b'?', pattern @ ..], [_, value @ ..]) => glob(pattern, value),
        ([p, pattern @ ..], [v, value @ ..]) if p == v => glob(pattern, value),
        _ => false,
    }
}

/// A token is the key of the next server, and a print that a made-up one lacks.
fn token(key: ServerKey) -> String {
    format!("{key:08x}{:016x}", dice::mix(0x70CE, key as u64))
}

fn position(written: &str) -> Result<ServerKey, Refused> {
    let key = written.get(..8).and_then(|key| ServerKey::from_str_radix(key, 16).ok());
    key.filter(|&key| token(key) == written)
        .ok_or_else(|| ("InvalidNextToken", "The specified next token is not valid.".to_owned()))
}

fn document(shown: &[(ServerKey, &Server, View)], next: Option<ServerKey>) -> String {
    let mut xml = Xml::default();
    xml.element(&format!("DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/{VERSION}/\""), |xml| {
        xml.text("requestId", &dice::uuid(0, shown.len() as u64));
        xml.element("reservationSet", |xml| {
            // Servers that one call launched share a reservation.
            for group in shown.chunk_by(|(_, a, _), (_, b, _)| a.reservation == b.reservation) {
                xml.element("item", |xml| {
                    xml.text("reservationId", &group[0].1.reservation);
                    xml.text("ownerId", ACCOUNT);
                    xml.element("groupSet", |_| {});
                    xml.element("instancesSet", |xml| {
                        for (_, server, view) in group {
                            xml.element("item", |xml| instance(xml, server, view));
                        }
                    });
                });
            }
        });
        if let Some(key) = next {
            xml.text("nextToken", &token(key));
        }
    });
    xml.finish()
}

fn instance(xml: &mut Xml, server: &Server, view: &View) {
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
        xml.text("availabilityZone", &format!("{REGION}a"));
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
    if server.spot {
        xml.text("instanceLifecycle", "spot");
    }
    if !server.tags.is_empty() {
        xml.element("tagSet", |xml| {
            for (key, value) in &server.tags {
                xml.element("item", |xml| {
                    xml.text("key", key);
                    xml.text("value", value);
                });
            }
        });
    }
    xml.element("networkInterfaceSet", |xml| {
        if let Some(attached) = view.attached {
            xml.element("item", |xml| interface(xml, server, attached));
        }
    });
}

fn interface(xml: &mut Xml, server: &Server, attached: DateTime<Utc>) {
    xml.text("networkInterfaceId", &interface_id(server));
    xml.text("ownerId", ACCOUNT);
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

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}
