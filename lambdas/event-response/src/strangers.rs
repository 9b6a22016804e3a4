//! Instances that turned out to be no servers, remembered for some minutes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use uptime::InstanceId;

/// A tag can come minutes after the launch, and at any time later. This is long enough for the changes that come together.
const BELIEVED_FOR: TimeDelta = TimeDelta::minutes(10);

/// Beyond this many all are forgotten: a second question is cheaper than memory without bounds.
const MOST: usize = 10_000;

/// Instances without the app tag, and when EC2 was asked about each.
#[derive(Debug, Default)]
pub(crate) struct Strangers(Mutex<HashMap<InstanceId, DateTime<Utc>>>);

impl Strangers {
    /// True where EC2 was asked about it a few minutes before `now`, and it was no server.
    pub(crate) fn knows(&self, id: &InstanceId, now: DateTime<Utc>) -> bool {
        self.asked().get(id).is_some_and(|asked_at| is_believed(*asked_at, now))
    }

    /// Takes note that it was no server when EC2 was asked at `now`.
    pub(crate) fn remember(&self, id: &InstanceId, now: DateTime<Utc>) {
        let mut asked = self.asked();
        if asked.len() >= MOST {
            asked.retain(|_, asked_at| is_believed(*asked_at, now));
        }
        if asked.len() >= MOST {
            asked.clear();
        }
        asked.insert(id.clone(), now);
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<InstanceId, DateTime<Utc>>> {
        // A panic while it was held cannot leave a map in disorder.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_believed(asked_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - asked_at < BELIEVED_FOR
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_760_000_000 + seconds, 0).unwrap()
    }

    fn id(n: usize) -> InstanceId {
        format!("i-{n:08x}").parse().unwrap()
    }

    #[test]
    fn a_stranger_is_believed_for_ten_minutes() {
        let strangers = Strangers::default();
        strangers.remember(&id(1), at(0));
        assert_eq!([0, 599, 600].map(|seconds| strangers.knows(&id(1), at(seconds))), [true, true, false]);
        assert!(!strangers.knows(&id(2), at(0)));
    }

    #[test]
    fn memory_is_bounded_and_who_is_not_believed_any_more_goes_first() {
        let strangers = Strangers::default();
        (0..MOST).for_each(|n| strangers.remember(&id(n), at(if n < 10 { 300 } else { 0 })));
        strangers.remember(&id(MOST), at(700));
        assert_eq!(strangers.asked().len(), 11);
        assert!(strangers.knows(&id(9), at(700)));
        (0..2 * MOST).for_each(|n| strangers.remember(&id(n), at(700)));
        assert!(strangers.asked().len() <= MOST);
    }
}
