//! EC2's query protocol: what its operations share.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::calls::ServerKey;
use crate::dice;
use crate::service::Answer;
use crate::xml::Xml;

mod instances;
mod spot_requests;

pub use instances::describe_instances;
pub use spot_requests::describe_spot_instance_requests;

/// Most items on one page.
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

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The values of `prefix.1`, `prefix.2` and so on.
    fn list(&self, prefix: &str) -> Vec<&str> {
        (1..).map_while(|n| self.get(&format!("{prefix}.{n}"))).collect()
    }

    /// Its filters, each of them one that the operation knows.
    fn filters(&self, known: impl Fn(&str) -> bool) -> Result<Vec<Filter<'_>>, Refused> {
        let names = (1..).map_while(|n| self.get(&format!("Filter.{n}.Name")).map(|name| (n, name)));
        let filters: Vec<Filter<'_>> =
            names.map(|(n, name)| Filter { name, values: self.list(&format!("Filter.{n}.Value")) }).collect();
        match filters.iter().find(|filter| !known(filter.name)) {
            Some(Filter { name, .. }) => Err(("InvalidParameterValue", format!("The filter '{name}' is invalid"))),
            None => Ok(filters),
        }
    }

    /// That it speaks this service's API version.
    fn version(&self) -> Result<(), Refused> {
        match self.get("Version") {
            Some(VERSION) => Ok(()),
            _ => Err(("NoSuchVersion", format!("The requested version is not supported; this is {VERSION}"))),
        }
    }

    /// How many items it wants at most.
    fn limit(&self) -> Result<usize, Refused> {
        let Some(wanted) = self.get("MaxResults") else { return Ok(PAGE) };
        wanted.parse().ok().filter(|limit| (5..=PAGE).contains(limit)).ok_or_else(|| {
            let expected = format!("Expecting a value between 5 and {PAGE}.");
            let message = format!("Value ( {wanted} ) for parameter maxResults is invalid. {expected}");
            ("InvalidParameterValue", message)
        })
    }

    /// The page it asks for of `items`, which come in the order of their keys, and the key of the next page's first one.
    fn page<T>(&self, items: impl Iterator<Item = (ServerKey, T)>) -> Result<(Vec<T>, Option<ServerKey>), Refused> {
        let limit = self.limit()?;
        let first = self.get("NextToken").map_or(Ok(0), position)?;
        let mut items = items.skip_while(|(key, _)| *key < first);
        let page = items.by_ref().take(limit).map(|(_, item)| item).collect();
        Ok((page, items.next().map(|(key, _)| key)))
    }
}

/// A filter: its name, and the patterns of which a value must match one.
#[derive(Debug)]
struct Filter<'a> {
    name: &'a str,
    values: Vec<&'a str>,
}

impl Filter<'_> {
    fn wants(&self, value: &str) -> bool {
        self.values.iter().any(|pattern| glob(pattern.as_bytes(), value.as_bytes()))
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

/// What a caller from an account gets that has not enabled the region.
#[must_use]
pub fn not_enabled() -> Answer {
    error(401, "AuthFailure", "AWS was not able to validate the provided access credentials")
}

type Refused = (&'static str, String);

/// An operation's answer: what `inside` writes, and the token of the next page where there is one.
fn response(operation: &str, next: Option<ServerKey>, inside: impl FnOnce(&mut Xml)) -> String {
    let mut xml = Xml::default();
    xml.element(&format!("{operation}Response xmlns=\"http://ec2.amazonaws.com/doc/{VERSION}/\""), |xml| {
        xml.text("requestId", &dice::uuid(0, next.map_or(0, |key| key as u64)));
        inside(xml);
        if let Some(key) = next {
            xml.text("nextToken", &token(key));
        }
    });
    xml.finish()
}

/// What was asked for, or why not.
fn answer(document: Result<String, Refused>) -> Answer {
    match document {
        Ok(document) => Answer::xml(200, document),
        Err((code, message)) => error(400, code, &message),
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

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}
