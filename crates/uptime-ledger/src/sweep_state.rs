//! How far the fleet has been swept, from run to run.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use uptime::{BlindSpots, Coverage, InstanceId, Month, SweptFor};

use crate::shared_look::SharedLook;

/// More looks than this are not kept. Of servers that none of them shows, the time since their item was written is less
/// certain.
const MOST_LOOKS: usize = 12;

/// How far the fleet of a scope has been swept, from run to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SweepState {
    /// Where CloudTrail has been read whole, and all evidence of the servers known at the time is stored. The end of its last
    /// window is the watermark.
    pub coverage: Coverage,
    /// When a sweep last reached back further than usual. Kept, for the coverage does not tell: what is read again is covered
    /// already, and a deep sweep that was cut short is tried again by the next run.
    pub deep_sweep_at: Option<DateTime<Utc>>,
    /// True where some server's state at the month's start was not known after the last run: reading further back may tell.
    /// Kept, for whether to read on is decided before the items are read.
    pub lacks_past: bool,
    /// The last month that is final.
    pub final_month: Option<Month>,
    /// The last server of a run that was stopped by its deadline: the next run begins after it. Kept, for the items do not
    /// tell: one of which there was nothing to write was done all the same.
    pub resume_after: Option<InstanceId>,
    /// Launches and starts in the coverage that could not be read.
    pub blind: BlindSpots,
    /// The servers whose item could not be read or written, so that the coverage is not theirs.
    pub holes: BTreeMap<InstanceId, Hole>,
    /// The looks of which no item has to tell, the newest first: one at the whole scope, and after it those of runs that were
    /// stopped by their deadline.
    pub looks: Vec<SharedLook>,
    /// The final months whose report is still to be handed over.
    pub unreported: BTreeSet<Month>,
    /// The final months whose servers are still to be compared with CloudWatch's samples. Kept, for only the items tell, and
    /// to read them all each hour would cost more than the audit.
    pub unaudited: BTreeSet<Month>,
    /// Counts the writes of this state, so that of two runs at one time none overwrites the other's.
    pub revision: u64,
}

impl SweepState {
    /// What a server may rely on in an item that is made from its items of these months: what one of them lacks, it lacks.
    pub fn for_server(&self, id: &InstanceId, months: &[Month]) -> SweptFor<'_> {
        let lacks = |hole: &&Hole| months.iter().any(|month| hole.months.contains(month));
        let hole = self.holes.get(id).filter(lacks).map(|hole| &hole.windows);
        SweptFor { coverage: &self.coverage, hole, blind: Cow::Borrowed(&self.blind), seen_at: self.seen_at(id) }
    }

    /// When a server was last seen as its item says. Of one whose item could not be written, that was before.
    pub fn seen_at(&self, id: &InstanceId) -> Option<DateTime<Utc>> {
        match self.holes.get(id) {
            Some(hole) => hole.seen_at,
            None => self.looks.iter().find(|look| look.shows(id)).map(|look| look.at),
        }
    }

    /// Takes a look up: one at the whole scope makes all before it needless.
    pub fn add_look(&mut self, look: SharedLook) {
        if look.part.is_none() && look.except.is_empty() {
            self.looks.clear();
        }
        self.looks.insert(0, look);
        self.looks.truncate(MOST_LOOKS);
    }

    /// True where some server's item of a month could not be brought up to the watermark.
    pub fn owes_any(&self, month: Month) -> bool {
        self.holes.values().any(|hole| hole.months.contains(&month))
    }

    /// True for a server whose item of a month could not be brought up to the watermark.
    pub fn owes(&self, id: &InstanceId, month: Month) -> bool {
        self.holes.get(id).is_some_and(|hole| hole.months.contains(&month))
    }
}

/// What is missing in a server's items, though the fleet's watermark has passed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hole {
    /// The windows of time of which its evidence was read and could not be stored.
    pub windows: Coverage,
    /// The months whose items lack it.
    pub months: BTreeSet<Month>,
    /// When the server was last seen as its items say, before they could not be written.
    pub seen_at: Option<DateTime<Utc>>,
}
