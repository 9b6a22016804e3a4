//! What is kept of one server and month, so that it outlives CloudTrail's memory and the server itself.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use crate::audit::Audit;
use crate::cache::CacheEntry;
use crate::evidence::{Evidence, Fact};
use crate::instance::InstanceId;
use crate::kind::SAME_CHANGE;
use crate::machine::Machine;
use crate::minutes::Minutes;
use crate::month::Month;
use crate::observation::Observation;
use crate::relevance::Relevance;
use crate::span::Span;
use crate::timeline::{Certainty, Timeline};
use crate::window::{Coverage, Window};

/// The evidence of one server that a month's minutes follow from, and what followed when they were last computed.
///
/// The minutes depend on nothing else, so that from here alone one can tell why they are what they are. Evidence of other
/// months is kept as far as it tells the state at the month's start or end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerMonth {
    /// The server.
    pub id: InstanceId,
    /// The month.
    pub month: Month,
    /// Its instance type, such as `t3.small`, where EC2 showed it.
    pub instance_type: Option<String>,
    /// Its name, the value of its tag `Name`, as last seen; none where it has none.
    pub name: Option<String>,
    /// All evidence of it. What is decided of the past may be condensed into digests; otherwise it only grows.
    pub evidence: BTreeSet<Evidence>,
    /// The last look at the server. It replaces the one before, which joins the evidence only where it tells what no event
    /// does.
    pub sighting: Option<Evidence>,
    /// Where every start of this server is among the evidence.
    pub coverage: Coverage,
    /// The time that CloudWatch was asked about, after all its samples had arrived: it need not be asked again.
    pub asked: Coverage,
    /// When it was first missed among the servers; none while it is one. What happened later is none of the month's.
    pub left_at: Option<DateTime<Utc>>,
    /// What followed, when it was last computed.
    pub summary: Option<Summary>,
    /// True once nothing may change any more.
    pub is_final: bool,
    /// Evidence that came after it was final. It changes no number, unless the month is reopened.
    pub late_evidence: BTreeSet<Evidence>,
    /// Whether CloudWatch's samples of the whole month tell the same; none where they were not compared since it was last
    /// computed.
    pub audit: Option<Audit>,
    /// How often it was written. Every write adds one, so that of two writers at one time none takes away what the other
    /// one stored.
    pub revision: u64,
}

/// How long a server ran in a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// In all.
    pub span: Span,
    /// The proven minutes per UTC day, first day first; they sum to those of the span.
    pub days: Vec<Minutes>,
    /// Up to when: the month's end, once that is over.
    pub as_of: DateTime<Utc>,
}

impl ServerMonth {
    /// A month of which nothing is known yet.
    pub fn new(id: InstanceId, month: Month) -> Self {
        Self {
            id,
            month,
            name: None,
            instance_type: None,
            evidence: BTreeSet::new(),
            sighting: None,
            coverage: Coverage::none(),
            asked: Coverage::none(),
            left_at: None,
            summary: None,
            is_final: false,
            late_evidence: BTreeSet::new(),
            audit: None,
            revision: 0,
        }
    }

    /// The month after, with what this one tells of its start.
    pub fn next_month(&self) -> Self {
        let mut next = Self::new(self.id.clone(), self.month.next());
        next.sighting.clone_from(&self.sighting);
        next.left_at = self.left_at;
        next.name.clone_from(&self.name);
        next.instance_type.clone_from(&self.instance_type);
        next.learn(self.evidence.iter().cloned(), &self.coverage);
        next
    }

    /// Adds evidence, and the windows of which this is everything.
    pub fn learn(&mut self, evidence: impl IntoIterator<Item = Evidence>, covered: &Coverage) {
        let digests: Vec<Window> =
            self.evidence.iter().filter_map(|piece| piece.digest().map(|(window, _)| window)).collect();
        let is_digested = |piece: &Evidence| digests.iter().any(|window| piece.is_digested_in(window));
        let while_here = |piece: &Evidence| self.left_at.is_none_or(|left| piece.at <= left);
        let new: Vec<Evidence> =
            evidence.into_iter().filter(|piece| while_here(piece) && !is_digested(piece)).collect();
        // An event may have added what a digest stands for.
        if !digests.is_empty() {
            self.evidence.retain(|piece| piece.digest().is_some() || !is_digested(piece));
        }
        // Of the time after it left nothing is kept, so nothing is covered.
        let covered = match self.left_at {
            Some(left) => &covered.within(&Window::new(DateTime::<Utc>::MIN_UTC, left)),
            None => covered,
        };
        self.coverage = std::mem::take(&mut self.coverage).and(covered);
        if new.is_empty() {
            return;
        }
        let relevance = Relevance::of(self.machine(), self.evidence.iter().chain(&new), self.month);
        for piece in new {
            if relevance.keeps(&piece) {
                self.evidence.insert(piece);
            } else if !self.evidence.contains(&piece) {
                // A coverage promises that all starts in it are known.
                self.coverage = self.coverage.within(&relevance.window());
            }
        }
    }

    /// When it came into being, where that is known.
    pub fn created(&self) -> Option<DateTime<Utc>> {
        self.evidence.iter().filter(|piece| piece.fact == Fact::Created).map(|piece| piece.at).min()
    }

    /// How many calls started it in the last day before `now`; of what was condensed, all that it stands for.
    pub fn starts_of_last_day(&self, now: DateTime<Utc>) -> usize {
        let since = now - TimeDelta::days(1);
        let recent = self.evidence.iter().filter(|piece| since <= piece.at && piece.at <= now);
        recent.map(|piece| piece.digest().map_or(usize::from(piece.is_start_call()), |(_, digest)| digest.pieces)).sum()
    }

    /// Adds what a look at the server shows.
    pub fn see(&mut self, observation: &Observation) {
        self.left_at = None;
        self.name.clone_from(&observation.name);
        if observation.instance_type.is_some() {
            self.instance_type.clone_from(&observation.instance_type);
        }
        self.learn(observation.lasting_evidence(), &Coverage::none());
        let seen_before = self.sighting.as_ref().map(|sighting| sighting.at);
        let Some(sighting) = observation.sighting().filter(|new| Some(new.at) >= seen_before) else { return };
        if let Some(previous) = self.sighting.replace(sighting.clone())
            && self.would_be_narrower_with(&previous, &sighting)
        {
            self.learn([previous], &Coverage::none());
        }
    }

    /// True for a look that shows what nothing else does: up to when a server ran at least, or from when on it did not. By
    /// the next look, an hour later, most changes have an event, which is more exact.
    fn would_be_narrower_with(&self, previous: &Evidence, now: &Evidence) -> bool {
        // While it runs since the same start, a later look tells all that an earlier one does.
        if previous.fact == now.fact && matches!(now.fact, Fact::SeenRunning { last_start: Some(_) }) {
            return false;
        }
        let without = self.timeline(now.at);
        // A look tells of the time since the last start that it showed.
        let since = match previous.fact {
            Fact::SeenStopped { last_start } | Fact::SeenTerminated { last_start } => last_start.unwrap_or(previous.at),
            _ => previous.at,
        };
        let is_open = without.segments().iter().any(|segment| {
            segment.certainty == Certainty::Possible && segment.window.from <= previous.at && since <= segment.window.to
        });
        is_open && {
            let with = self.timeline_with(Some(previous), now.at);
            with.is_narrower_than(&without)
        }
    }

    /// Takes note that the server is none any more: terminated, or its tag was taken away.
    pub fn leave(&mut self, missed_at: DateTime<Utc>) {
        self.left_at.get_or_insert(missed_at);
    }

    /// Up to when its time is computed: `now`, or for a server that left, when it was first missed. It may have run until then.
    pub(crate) fn horizon(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.left_at.map_or(now, |left_at| left_at.min(now))
    }

    /// The time of the last evidence up to `now`; `now` where there is none.
    pub fn last_told(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.all_evidence().map(|piece| piece.at).filter(|at| *at <= now).max().unwrap_or(now)
    }

    /// Its runs, as far as they are known at `now`.
    pub fn timeline(&self, now: DateTime<Utc>) -> Timeline {
        self.timeline_with(None, now)
    }

    fn timeline_with(&self, more: Option<&Evidence>, now: DateTime<Utc>) -> Timeline {
        Timeline::of_machine(self.machine(), self.all_evidence().chain(more), &self.coverage, self.horizon(now))
    }

    /// The kind of machine that it is; a server can change its type while it is stopped.
    pub(crate) fn machine(&self) -> Machine {
        Machine::of_type(self.instance_type.as_deref())
    }

    /// True where the last that happened is a stop that EC2 itself made of a Spot server. It may start it again without a
    /// record, so each look that shows it still stopped tells something.
    fn is_stopped_by_ec2(&self) -> bool {
        let ends = self
            .all_evidence()
            .filter(|piece| piece.fact.is_change() || matches!(piece.fact, Fact::SeenTerminated { .. }));
        let Some(last) = ends.max_by_key(|piece| piece.at) else { return false };
        let same_stop = |piece: &Evidence| piece.fact == Fact::Interrupted && last.at - piece.at <= SAME_CHANGE;
        matches!(last.fact, Fact::Interrupted | Fact::Stopped) && self.all_evidence().any(same_stop)
    }

    /// All that its timeline is made of: the evidence, and the last look.
    pub(crate) fn all_evidence(&self) -> impl Iterator<Item = &Evidence> {
        self.evidence.iter().chain(&self.sighting)
    }

    /// Its span when it was last computed; nothing where it never was.
    pub fn span(&self) -> Span {
        self.summary.as_ref().map(|summary| summary.span).unwrap_or_default()
    }

    /// Computes the summary as of `now`, and returns what is to be cached of it.
    pub fn summarize(&mut self, now: DateTime<Utc>) -> CacheEntry {
        let timeline = self.timeline(now);
        self.summarize_as(&timeline, now)
    }

    /// The same from its timeline as of `now`.
    pub fn summarize_as(&mut self, timeline: &Timeline, now: DateTime<Utc>) -> CacheEntry {
        let horizon = self.horizon(now);
        self.summary = Some(Summary {
            span: timeline.span(self.month),
            days: timeline.days(self.month, horizon),
            as_of: horizon.min(self.month.end()),
        });
        CacheEntry {
            running_since: timeline.running_since().filter(|_| self.left_at.is_none()),
            revision: self.revision,
            ..CacheEntry::of(timeline, self.month, now)
        }
    }

    /// True for a server that was running when it was last seen: that its minutes grow, everybody knows who knows the look.
    fn runs(&self) -> bool {
        self.left_at.is_none()
            && self.sighting.as_ref().is_some_and(|sighting| matches!(sighting.fact, Fact::SeenRunning { .. }))
    }

    /// True where it is worth to be stored over `stored`: an hour more in which nothing happened is not, for that follows
    /// from the sweeps and looks of the fleet. `look_is_shared`: this one
    /// is kept once for all servers.
    pub fn adds_to(&self, stored: &Self, look_is_shared: bool) -> bool {
        let ends = |summary: &Summary| summary.as_of == self.month.end();
        let summary_changed = match (&self.summary, &stored.summary) {
            (Some(new), Some(old)) => {
                new.span != old.span && !(look_is_shared && self.runs()) || ends(new) != ends(old)
            }
            (new, old) => new != old,
        };
        let seen = |month: &Self| month.sighting.as_ref().map(|sighting| sighting.fact.clone());
        summary_changed
            || self.evidence != stored.evidence
            || seen(self) != seen(stored)
            || (&self.name, &self.instance_type) != (&stored.name, &stored.instance_type)
            || self.asked != stored.asked
            || self.is_stopped_by_ec2() && self.sighting != stored.sighting
            || (self.left_at, self.is_final) != (stored.left_at, stored.is_final)
            || self.coverage.within(&stored.coverage.up_to_end()) != stored.coverage
            || stored.coverage == Coverage::none() && self.coverage != Coverage::none()
    }
}
