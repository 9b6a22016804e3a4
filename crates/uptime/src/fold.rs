//! The one place where a server's month and what is new of it become the month as it should be.

use chrono::{DateTime, Utc};

use crate::cache::CacheEntry;
use crate::evidence::Evidence;
use crate::instance::InstanceId;
use crate::month::Month;
use crate::observation::Observation;
use crate::sampled::Sampled;
use crate::server_month::{ServerMonth, Summary};
use crate::swept::SweptFor;
use crate::window::{Coverage, Window};

/// What is new of one server.
#[derive(Clone, Debug)]
pub struct News<'n> {
    /// How far the fleet has been swept, as this server may rely on it.
    pub swept: SweptFor<'n>,
    /// Evidence, in any order; that some of it is known already does no harm.
    pub evidence: Vec<&'n Evidence>,
    /// The windows of time in which the evidence has every start, but for the blind spots.
    pub covered: Coverage,
    /// What CloudWatch has of it; none where it was not asked.
    pub sampled: Option<&'n Sampled>,
    /// What a look shows of it.
    pub look: Look<'n>,
}

impl<'n> News<'n> {
    /// Nothing, but for how far the fleet has been swept.
    pub fn none(swept: SweptFor<'n>) -> Self {
        Self { swept, evidence: Vec::new(), covered: Coverage::none(), sampled: None, look: Look::NotTaken }
    }
}

/// What a look at the fleet shows of one server.
#[derive(Clone, Copy, Debug)]
pub enum Look<'l> {
    /// The server is there.
    Seen(&'l Observation),
    /// The fleet was listed at this instant, and the server was not in it.
    Missed(DateTime<Utc>),
    /// Nobody has looked.
    NotTaken,
}

impl<'l> Look<'l> {
    /// What listing the fleet at `now` shows of a server: `found`, or that it is missing.
    pub fn of(found: Option<&'l Observation>, now: DateTime<Utc>) -> Self {
        found.map_or(Self::Missed(now), Self::Seen)
    }

    fn at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Seen(observation) => Some(observation.observed_at),
            Self::Missed(at) => Some(*at),
            Self::NotTaken => None,
        }
    }

    fn observation(&self) -> Option<&'l Observation> {
        match self {
            Self::Seen(observation) => Some(observation),
            Self::Missed(_) | Self::NotTaken => None,
        }
    }
}

/// A month as it should be, and what is to be cached of it.
#[derive(Clone, Debug)]
pub struct Folded {
    /// The month.
    pub month: ServerMonth,
    /// What is to be cached.
    pub entry: CacheEntry,
    /// True where its state at the month's start is not known, and reading further back could tell.
    pub lacks_past: bool,
    /// Where it may have run, and CloudWatch was not asked yet. In time order.
    pub open: Vec<Window>,
    /// Stretches of which CloudWatch's samples tell otherwise than all else.
    pub disagreements: Vec<Window>,
}

/// Folds what is new into a server's month, and computes what follows as of `now`. Where nobody has looked, it is as of the
/// last evidence up to `now`, for what has been since nobody knows; it is never before what is computed already.
///
/// A server that came back is one again from now on. What it did in between is unknown: the sweeps of that time were not its
/// own. One that is missing has left when it was first missed. An audit does not hold for what is folded anew.
pub fn fold(mut month: ServerMonth, news: &News<'_>, now: DateTime<Utc>) -> Folded {
    month.audit = None;
    let created = month.created().or_else(|| news.look.observation().and_then(|observation| observation.created_at));
    let look = if month.is_told_by(&news.look) { news.look } else { Look::NotTaken };
    month.assume_swept(&news.swept);
    if let Look::Seen(observation) = look
        && month.left_at.take().is_some()
    {
        month.learn([], &observation.since_last_start());
        // What it was seen as before it left, no look has seen since.
        let seen = month.sighting.take();
        month.learn(seen, &Coverage::none());
    }
    let covered = news.swept.blind.taken_from(news.covered.clone(), created);
    month.learn(news.evidence.iter().copied().cloned(), &covered);
    match look {
        Look::Seen(observation) => month.see(observation),
        Look::Missed(at) => month.leave(at),
        Look::NotTaken => {}
    }
    if let Some(sampled) = news.sampled {
        month.take_samples(sampled, now);
    }
    let as_of = if news.look.at().is_some() { now } else { month.last_told(now) };
    Folded::of(month, as_of)
}

impl Folded {
    fn of(mut month: ServerMonth, as_of: DateTime<Utc>) -> Self {
        // Whoever began later may have stored what it knows already, or seen it.
        let computed = month.summary.as_ref().map(|before| before.as_of);
        let seen = month.sighting.as_ref().map(|sighting| sighting.at);
        let as_of = computed.into_iter().chain(seen.filter(|at| *at < month.month.end())).fold(as_of, DateTime::max);
        month.keep_small(as_of);
        let timeline = month.timeline(as_of);
        let lacks_past = timeline.lacks_past(month.month);
        let open = month.open_stretches(&timeline);
        let disagreements = timeline.disagreements().to_vec();
        let entry = month.summarize_as(&timeline, as_of);
        Self { month, entry, lacks_past, open, disagreements }
    }

    /// Keeps what was computed `before`, where less could be read than is needed and that was more certain.
    pub fn keep_if_more_certain(&mut self, before: &Summary) {
        if before.span.possible < self.entry.span.possible {
            self.month.summary = Some(before.clone());
        }
    }

    /// True where what was computed before is more certain and stays, so that nothing is to be cached.
    pub fn keeps_summary(&self) -> bool {
        self.month.span() != self.entry.span
    }

    /// The same as a revision of the item.
    #[must_use]
    pub fn at_revision(mut self, revision: u64) -> Self {
        self.month.revision = revision;
        self.entry.revision = revision;
        self
    }
}

impl ServerMonth {
    /// A server's month before anything new is folded into it: as it is stored; or begun with what the month before tells of
    /// its start; or empty.
    pub fn begun(
        id: &InstanceId,
        month: Month,
        stored: Option<&Self>,
        previous: Option<&Self>,
        swept: &SweptFor<'_>,
    ) -> Self {
        match (stored, previous) {
            (Some(stored), _) => stored.clone(),
            (None, Some(previous)) => {
                let mut previous = previous.clone();
                previous.assume_swept(swept);
                previous.next_month()
            }
            (None, None) => Self::new(id.clone(), month),
        }
    }

    /// The month as it is known, with nothing new of it but how far the fleet has been swept and seen: what was cached last of it
    /// is this. A final one is as it is stored.
    pub fn as_known(self, swept: &SweptFor<'_>, now: DateTime<Utc>) -> Folded {
        match &self.summary {
            Some(summary) if self.is_final => {
                let timeline = self.timeline(summary.as_of);
                let running_since = timeline.running_since().filter(|_| self.left_at.is_none());
                // What was told after the month's end may tell how it ended.
                let told = self.last_told(now).max(summary.as_of);
                let entry = CacheEntry { running_since, ..CacheEntry::of(&timeline, self.month, told) };
                let entry = CacheEntry { span: summary.span, revision: self.revision, ..entry };
                let disagreements = timeline.disagreements().to_vec();
                Folded { entry, lacks_past: false, open: Vec::new(), disagreements, month: self }
            }
            _ => fold(self, &News::none(swept.clone()), now),
        }
    }

    /// What was computed when it was last seen: as it is stored, or what would have been stored then, had the look not been kept
    /// once for all servers.
    pub fn last_summary(&self, swept: &SweptFor<'_>) -> Option<Summary> {
        let mut month = self.clone();
        month.assume_swept(swept);
        let seen_at = month.sighting.as_ref().map(|sighting| sighting.at).filter(|at| *at < self.month.end());
        let computed_at = self.summary.as_ref().map(|summary| summary.as_of);
        if let Some(at) = seen_at.filter(|at| Some(*at) > computed_at && self.left_at.is_none()) {
            month.summarize(at);
        }
        month.summary
    }

    /// True where a look tells something of this month. Of those from after its end only the first one does: it shows how the
    /// month ended. Of a server that left within the month none does, for it may have come back since.
    fn is_told_by(&self, look: &Look<'_>) -> bool {
        let is_within = look.at().is_none_or(|at| at < self.month.end());
        let left_within = self.left_at.is_some_and(|left| left < self.month.end());
        let seen_after = self.sighting.as_ref().is_some_and(|sighting| sighting.at >= self.month.end());
        is_within || !left_within && !seen_after
    }

    /// Takes over that the whole fleet was swept: where evidence was kept of all servers known at the time, of this one it
    /// was since its own coverage ends. Takes back what it cannot rely on.
    pub fn assume_swept(&mut self, swept: &SweptFor<'_>) {
        let mut coverage = std::mem::take(&mut self.coverage);
        if let Some(end) = coverage.end().filter(|_| self.left_at.is_none()) {
            let since = Window::new(end, self.month.end());
            coverage = coverage.and(&swept.coverage.within(&since));
        }
        let hole = swept.hole.into_iter().flat_map(Coverage::windows);
        coverage = hole.fold(coverage, Coverage::without);
        self.coverage = swept.blind.taken_from(coverage, self.created());
        if let Some(at) = swept.seen_at {
            self.assume_seen(at);
        }
    }

    /// Takes over that it was seen as its sighting says once more: in the same state, since the same start. Without a last
    /// start the same state could be another run's.
    fn assume_seen(&mut self, at: DateTime<Utc>) {
        let is_here = self.left_at.is_none() && at < self.month.end();
        if let Some(sighting) =
            self.sighting.as_mut().filter(|sighting| is_here && sighting.fact.last_start().is_some())
        {
            sighting.at = sighting.at.max(at);
        }
    }
}
