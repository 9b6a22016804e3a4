//! Storing one server's month and its cache entry.

use crate::ServiceError;
use crate::ports::{Cache, Ledger, LedgerWritten, WriteRule, Written};
use chrono::{DateTime, Utc};
use uptime::{CacheEntry, InstanceId, Minutes, ServerMonth};

/// How often an item is folded anew because somebody else has written in between.
const ATTEMPTS: u32 = 8;

/// An item as it should be, and what is to be cached of it.
#[derive(Debug)]
pub struct Folded {
    /// The item.
    pub month: ServerMonth,
    /// What is to be cached.
    pub entry: CacheEntry,
    /// True where less was read than is needed, and what was known an hour ago was more certain: that stays.
    pub kept: bool,
    /// True where its state at the month's start is not known, and reading further back could tell.
    pub lacks_past: bool,
}

impl Folded {
    /// A month with all that is known of it, as of `now`.
    pub fn of(mut month: ServerMonth, now: DateTime<Utc>) -> Self {
        // Whoever began later may have stored what it knows already.
        let now = month.summary.as_ref().map_or(now, |before| now.max(before.as_of));
        month.keep_small(now);
        let timeline = month.timeline(now);
        let lacks_past = timeline.lacks_past(month.month);
        let entry = month.summarize_as(&timeline, now);
        Self { month, entry, kept: false, lacks_past }
    }

    fn counts_as(&mut self, revision: u64) {
        self.month.revision = revision;
        self.entry.revision = revision;
    }
}

/// How an item is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Writing {
    /// Also where only the coverage has grown.
    pub rewrite: bool,
    /// Also where it is final.
    pub reopen: bool,
}

/// Stores what `fold` makes of an item, folding it anew where somebody else has written in between.
///
/// # Errors
/// Where it could not be stored.
pub async fn store<L: Ledger>(
    history: &L,
    mut stored: Option<ServerMonth>,
    writing: Writing,
    fold: impl Fn(Option<&ServerMonth>) -> Folded,
) -> Result<Folded, ServiceError> {
    for _ in 0..ATTEMPTS {
        let mut folded = fold(stored.as_ref());
        let worth_it = match &stored {
            Some(stored) if stored.is_final && !writing.reopen => false,
            Some(stored) => {
                folded.month.adds_to(stored) || (writing.rewrite && stored.coverage != folded.month.coverage)
            }
            None => {
                folded.month.left_at.is_none() || folded.entry.minutes + folded.entry.uncertainty > Minutes::default()
            }
        };
        if !worth_it {
            return Ok(folded);
        }
        folded.counts_as(stored.as_ref().map_or(0, |stored| stored.revision) + 1);
        match history.write(stored.as_ref(), &folded.month).await? {
            LedgerWritten::Stored => return Ok(folded),
            LedgerWritten::Conflict(current) => stored = current.map(|current| *current),
        }
    }
    Err(ServiceError::told("DynamoDB UpdateItem", None, format!("others wrote the item {ATTEMPTS} times in between")))
}

/// Caches what was folded. Of a server that left, the application may have deleted its item, which then stays deleted.
///
/// # Errors
/// Where it could not be written.
pub async fn cache<C: Cache>(cache: &C, folded: &Folded) -> Result<Written, ServiceError> {
    let rule = if folded.month.left_at.is_some() { WriteRule::ExistingOnly } else { WriteRule::Upsert };
    cache.write(&folded.month.id, &folded.entry, rule).await
}

/// Tells what was cached.
pub fn log_cached(id: &InstanceId, entry: &CacheEntry, written: Written) {
    let (minutes, uncertainty, month) = (entry.minutes.as_f64(), entry.uncertainty.as_f64(), entry.month);
    match written {
        Written::Stored => {
            tracing::info!(%id, minutes, uncertainty, %month, "Cached runtime for {id}: {} minutes", entry.minutes);
        }
        Written::Superseded => {
            let as_of = entry.timestamp;
            tracing::info!(%id, %as_of, "The cache of {id} is as of a later calculation, or {id} is no server any more");
        }
    }
}
