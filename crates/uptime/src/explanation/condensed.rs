//! What was condensed, in words.

use chrono::{DateTime, Utc};

use crate::digest::Digest;
use crate::minutes::Minutes;
use crate::window::Window;

/// As people read it, in UTC.
pub(super) fn day_and_time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Why the server may have run longer in a stretch of which CloudWatch has some samples.
pub(super) const SAMPLED_IN_PART: &str =
    "CloudWatch has samples of a part of these minutes, and each end of a run lies up to a minute from the next sample";

/// Why the server may have run in a stretch of which only the sums are kept.
pub(super) fn why_possible_in_digest(stretch: Window, digest: &Digest) -> String {
    let (from, to) = (day_and_time(stretch.from), day_and_time(stretch.to));
    let (pieces, possible) = (digest.pieces, Minutes::floor(digest.possible));
    format!(
        "{pieces} pieces of evidence from {from} to {to} were condensed into sums, and left {possible} minutes open"
    )
}
