//! How instants are written.

use chrono::{DateTime, SecondsFormat, Utc};

/// RFC 3339 in UTC with milliseconds and `Z`, as in both tables and all answers. Milliseconds always: texts of one length sort as
/// the times do.
pub fn instant_text(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}
