//! How instants are written in JSON: as in both tables.

use chrono::{DateTime, Utc};
use serde::Serializer;
use uptime::instant_text;

pub(crate) fn serialize<S: Serializer>(instant: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&instant_text(*instant))
}

pub(crate) fn serialize_option<S: Serializer>(
    instant: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match instant {
        Some(instant) => serialize(instant, serializer),
        None => serializer.serialize_none(),
    }
}
