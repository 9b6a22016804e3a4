//! CloudTrail's memory: every record in the order it happened, findable by event name and by resource.

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::calls::{Call, Omission, Outcome, ServerKey};
use crate::records;
use crate::server::Server;

/// How far back `LookupEvents` reaches.
pub const HORIZON: TimeDelta = TimeDelta::days(90);

/// What a record tells.
#[derive(Debug, Clone)]
pub enum Body {
    /// An EC2 call and its answer.
    Call(Box<Call>, Outcome),
    /// `BidEvictedEvent`: Spot capacity was taken back.
    BidEvicted(Vec<ServerKey>),
    /// A record as it stands in a file, or as another service wrote it.
    Verbatim(Box<Value>),
}

impl Body {
    /// The instances that `LookupEvents` names beside the record, and by which it finds it. An eviction names none:
    /// its servers stand in the record only.
    #[must_use]
    pub fn resources(&self, servers: &[Server]) -> Vec<String> {
        match self {
            Self::BidEvicted(_) => Vec::new(),
            Self::Call(call, _) if call.omission == Omission::ResponseAndResources => Vec::new(),
            Self::Call(call, _) => call.targets.iter().map(|&key| servers[key].id.clone()).collect(),
            Self::Verbatim(record) => records::resources(record),
        }
    }
}

/// One record, once delivered.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// From when on `LookupEvents` shows it.
    pub delivered_at: DateTime<Utc>,
    /// Number of the event; a record delivered twice has the same one in both entries.
    pub number: u64,
    /// `eventName`
    pub name: Cow<'static, str>,
    /// What it tells.
    pub body: Body,
}

/// All entries, oldest first.
#[derive(Debug, Default)]
pub struct Trail {
    entries: Vec<Entry>,
    by_name: HashMap<Cow<'static, str>, Vec<usize>>,
    by_resource: HashMap<String, Vec<usize>>,
}

/// Which entries are asked for.
#[derive(Debug, Clone, Copy)]
pub enum Selection<'a> {
    /// Every one.
    All,
    /// Those with this `eventName`.
    Name(&'a str),
    /// Those that name this resource.
    Resource(&'a str),
}

/// A span of time, both ends included, as `LookupEvents` takes it.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Not before.
    pub start: Option<DateTime<Utc>>,
    /// Not after.
    pub end: Option<DateTime<Utc>>,
    /// The present: what is not delivered by then, or older than the horizon, is not shown.
    pub now: DateTime<Utc>,
}

impl Trail {
    /// Adds an entry that names `resources`. Entries come in the order in which they happened.
    pub fn push(&mut self, entry: Entry, resources: impl IntoIterator<Item = String>) {
        debug_assert!(self.entries.last().is_none_or(|last| last.at <= entry.at), "entries come in order");
        let position = self.entries.len();
        self.by_name.entry(entry.name.clone()).or_default().push(position);
        for resource in resources {
            self.by_resource.entry(resource).or_default().push(position);
        }
        self.entries.push(entry);
    }

    /// All entries, delivered or not, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries of a selection, newest first, each with its position. With `below`, only those at lower positions.
    pub fn newest_first<'a>(
        &'a self,
        selection: Selection<'_>,
        window: Window,
        below: Option<usize>,
    ) -> Box<dyn Iterator<Item = (usize, &'a Entry)> + 'a> {
        let limit = below.unwrap_or(usize::MAX);
        match selection {
            Selection::All => Box::new(self.visible((0..self.entries.len().min(limit)).rev(), window)),
            Selection::Name(name) => self.indexed(self.by_name.get(name), limit, window),
            Selection::Resource(name) => self.indexed(self.by_resource.get(name), limit, window),
        }
    }

    fn indexed<'a>(
        &'a self,
        positions: Option<&'a Vec<usize>>,
        limit: usize,
        window: Window,
    ) -> Box<dyn Iterator<Item = (usize, &'a Entry)> + 'a> {
        let positions = positions.map_or(&[][..], Vec::as_slice);
        // Halving first: a page far back in a long trail costs no more than the newest one.
        let end = positions.partition_point(|&at| {
            at < limit && window.end.is_none_or(|end| self.entries.get(at).is_some_and(|entry| entry.at <= end))
        });
        Box::new(self.visible(positions[..end].iter().rev().copied(), window))
    }

    fn visible<'a>(
        &'a self,
        positions: impl Iterator<Item = usize> + 'a,
        window: Window,
    ) -> impl Iterator<Item = (usize, &'a Entry)> + 'a {
        let oldest = window.start.map_or(window.now - HORIZON, |start| start.max(window.now - HORIZON));
        positions
            .filter_map(|position| self.entries.get(position).map(|entry| (position, entry)))
            .skip_while(move |(_, entry)| window.end.is_some_and(|end| entry.at > end))
            .take_while(move |(_, entry)| entry.at >= oldest)
            .filter(move |(_, entry)| entry.delivered_at <= window.now)
    }
}
