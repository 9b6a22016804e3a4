//! Lives of servers by chance, as EC2 and CloudTrail tell them.

use chrono::{DateTime, TimeDelta, Utc};
use fleet_simulator::dice::Dice;
use uptime::InstanceState::{Pending, Running, Stopped};
use uptime::{Fact, Observation, ServerEvidence};

use super::{at, call, server};

/// Hours of their lives that are looked at: two and a half days across the end of October.
pub(crate) const HOURS: i64 = 60;

/// When the first hour begins.
pub(crate) fn begin() -> DateTime<Utc> {
    at("2025-10-30T06:00:00Z")
}

/// What happens to a server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Change {
    Start,
    /// By a call; EC2 tells its time in half of the cases.
    Stop {
        timed: bool,
    },
    /// From inside: no record, no time.
    Shutdown,
    /// It loses its tag, or has it again.
    Leave,
    Return,
}

/// A server's life, in order.
pub(crate) struct Life(Vec<(DateTime<Utc>, Change)>);

impl Life {
    /// One by chance: starts, stops and shutdowns, the tag taken away and given back.
    pub(crate) fn random(dice: &mut Dice) -> Self {
        let (mut changes, mut now, mut runs, mut is_here) = (Vec::new(), begin() - TimeDelta::days(3), false, true);
        while now < begin() + TimeDelta::hours(HOURS) {
            now += TimeDelta::seconds(dice.between(600, 30_000));
            let change = match dice.between(0, 9) {
                0 if is_here && now > begin() => Change::Leave,
                _ if !is_here => Change::Return,
                _ if !runs => Change::Start,
                1..5 => Change::Shutdown,
                n => Change::Stop { timed: n % 2 == 0 },
            };
            is_here = match change {
                Change::Leave => false,
                Change::Return => true,
                _ => is_here,
            };
            runs = match change {
                Change::Start => true,
                Change::Stop { .. } | Change::Shutdown => false,
                Change::Leave | Change::Return => runs,
            };
            changes.push((now, change));
        }
        Self(changes)
    }

    fn before(&self, now: DateTime<Utc>) -> impl DoubleEndedIterator<Item = &(DateTime<Utc>, Change)> {
        self.0.iter().filter(move |(at, _)| *at <= now)
    }

    /// As EC2 shows it; none while it has no tag. A start takes some seconds.
    pub(crate) fn observed(&self, n: u32, now: DateTime<Utc>) -> Option<Observation> {
        let tagged = self.before(now).rfind(|(_, change)| matches!(change, Change::Leave | Change::Return));
        if tagged.is_some_and(|(_, change)| *change == Change::Leave) {
            return None;
        }
        let changed = |(_, change): &&(DateTime<Utc>, Change)| !matches!(change, Change::Leave | Change::Return);
        let last = self.before(now).rev().find(changed);
        let started = self.before(now).rfind(|(_, change)| *change == Change::Start).map(|(at, _)| *at);
        let state = match last {
            Some((at, Change::Start)) if now - *at < TimeDelta::seconds(200) => Pending,
            Some((_, Change::Start)) => Running,
            _ => Stopped,
        };
        let reason = last.filter(|(_, change)| *change == Change::Stop { timed: true });
        let transition_reason =
            reason.map(|(at, _)| format!("User initiated ({})", at.format("%Y-%m-%d %H:%M:%S GMT")));
        let launch_time = started.or(Some(begin() - TimeDelta::days(20)));
        Some(Observation { observed_at: now, launch_time, transition_reason, ..server(n, state, 0) })
    }

    /// All that CloudTrail will ever have of it.
    pub(crate) fn evidence(&self, n: u32) -> Vec<ServerEvidence> {
        let fact = |change: &Change| match change {
            Change::Start => Some(Fact::Started),
            Change::Stop { .. } => Some(Fact::Stopped),
            Change::Shutdown | Change::Leave | Change::Return => None,
        };
        let piece = |(when, change): &(DateTime<Utc>, Change)| {
            let (id, mut evidence) = call(n, fact(change)?, when.timestamp());
            evidence.at = *when;
            Some((id, evidence))
        };
        self.0.iter().filter_map(piece).collect()
    }
}
