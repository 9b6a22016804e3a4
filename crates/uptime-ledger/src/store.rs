//! Storing one server's month and its cache entry.

use crate::ServiceError;
use crate::ports::{Cache, Ledger, LedgerWritten, WriteRule, Written};
use uptime::{CacheEntry, Folded, InstanceId, ServerMonth, Span};

/// How often an item is folded anew because somebody else has written in between.
const ATTEMPTS: u32 = 8;

/// How an item is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Writing {
    /// Also where only the coverage has grown.
    pub rewrite: bool,
    /// Also where it is final.
    pub reopen: bool,
    /// The look is kept once for all servers: of one that was seen as its item says, the item is not written.
    pub look_is_shared: bool,
}

/// Stores a folded month over what was `stored`, where that is worth it. Where somebody else has written in between, `refold`
/// folds what is stored then anew.
///
/// # Errors
/// Where it could not be stored.
pub async fn store<L: Ledger>(
    ledger: &L,
    stored: Option<ServerMonth>,
    folded: Folded,
    writing: Writing,
    refold: impl Fn(Option<&ServerMonth>) -> Folded,
) -> Result<Folded, ServiceError> {
    let (mut stored, mut folded) = (stored, folded);
    for _ in 0..ATTEMPTS {
        if !writing.is_worth_it(stored.as_ref(), &folded.month) {
            return Ok(folded);
        }
        folded = folded.at_revision(stored.as_ref().map_or(0, |stored| stored.revision) + 1);
        match ledger.write(stored.as_ref(), &folded.month).await? {
            LedgerWritten::Stored => return Ok(folded),
            LedgerWritten::Conflict(current) => stored = current.map(|current| *current),
        }
        folded = refold(stored.as_ref());
    }
    Err(ServiceError::with_code(
        "DynamoDB UpdateItem",
        None,
        format!("others wrote the item {ATTEMPTS} times in between"),
    ))
}

impl Writing {
    /// True where a month is worth to be stored over what is `stored`.
    pub fn is_worth_it(self, stored: Option<&ServerMonth>, month: &ServerMonth) -> bool {
        match stored {
            Some(stored) if stored.is_final && !self.reopen => false,
            Some(stored) => {
                month.adds_to(stored, self.look_is_shared) || self.rewrite && stored.coverage != month.coverage
            }
            None => month.left_at.is_none() || month.span() != Span::default(),
        }
    }
}

/// Caches what follows from a month. Of a server that left, the application may have deleted its item, which then stays
/// deleted.
///
/// # Errors
/// Where it could not be written.
pub async fn cache<C: Cache>(cache: &C, month: &ServerMonth, entry: &CacheEntry) -> Result<Written, ServiceError> {
    let rule = if month.left_at.is_some() { WriteRule::ExistingOnly } else { WriteRule::Upsert };
    cache_entry(cache, &month.id, entry, rule).await
}

/// Caches an entry.
///
/// # Errors
/// Where it could not be written.
pub async fn cache_entry<C: Cache>(
    cache: &C,
    id: &InstanceId,
    entry: &CacheEntry,
    rule: WriteRule,
) -> Result<Written, ServiceError> {
    let written = cache.write(id, entry, rule).await?;
    log_cached(id, entry, written);
    Ok(written)
}

/// Tells what was cached.
fn log_cached(id: &InstanceId, entry: &CacheEntry, written: Written) {
    let (minutes, uncertainty, month) = (entry.span.proven.as_f64(), entry.span.possible.as_f64(), entry.month);
    match written {
        Written::Stored => {
            tracing::info!(%id, minutes, uncertainty, %month, "Cached runtime for {id}: {} minutes", entry.span.proven);
        }
        Written::Superseded => {
            let as_of = entry.timestamp;
            tracing::info!(%id, %as_of, "The cache of {id} is as of a later calculation, or {id} is no server any more");
        }
    }
}
