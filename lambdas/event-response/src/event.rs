//! What an event may be.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use uptime::{Month, StateChange, StateChangeError};

/// Clocks of AWS differ by less.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(1);

/// An event that cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEvent {
    /// It is no state change.
    #[error("invalid event: {0}")]
    NoStateChange(#[from] StateChangeError),
    /// Its time has not come.
    #[error("invalid event: time {at} is in the future: it is {now}")]
    Future {
        /// The event's time.
        at: DateTime<Utc>,
        /// The time now.
        now: DateTime<Utc>,
    },
    /// No month that could still take it is kept.
    #[error("invalid event: time {at} is before the ledger: it takes events since {since}")]
    BeforeLedger {
        /// The event's time.
        at: DateTime<Utc>,
        /// The start of the month before.
        since: DateTime<Utc>,
    },
}

/// Reads an event that arrives at `now`.
///
/// # Errors
/// Says what is wrong with it.
pub fn read(payload: Value, now: DateTime<Utc>) -> Result<StateChange, InvalidEvent> {
    let change = StateChange::from_value(payload)?;
    let (at, since) = (change.at, Month::of(now).previous().start());
    if at > now + CLOCK_SKEW {
        return Err(InvalidEvent::Future { at, now });
    }
    if at < since {
        return Err(InvalidEvent::BeforeLedger { at, since });
    }
    Ok(change)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_at(time: &str) -> Result<StateChange, String> {
        let event = json!({"id": "e1", "detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2",
            "account": "123456789012", "region": "eu-west-1", "time": time, "detail": {"instance-id": "i-abcd1111", "state": "running"}});
        read(event, "2025-10-15T12:00:00Z".parse().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn events_of_this_month_and_the_last_are_taken() {
        for time in ["2025-10-15T12:00:59Z", "2025-10-01T00:00:00Z", "2025-09-01T00:00:00Z"] {
            assert_eq!(read_at(time).unwrap().at, time.parse::<DateTime<Utc>>().unwrap());
        }
    }

    #[test]
    fn other_times_are_refused_by_name() {
        assert_eq!(
            read_at("2025-10-15T12:02:00Z").unwrap_err(),
            "invalid event: time 2025-10-15 12:02:00 UTC is in the future: it is 2025-10-15 12:00:00 UTC"
        );
        assert_eq!(
            read_at("2025-08-31T23:59:59Z").unwrap_err(),
            "invalid event: time 2025-08-31 23:59:59 UTC is before the ledger: it takes events since 2025-09-01 00:00:00 UTC"
        );
    }

    #[test]
    fn what_is_no_state_change_is_refused() {
        let error = read(json!({"servers": []}), "2025-10-15T12:00:00Z".parse().unwrap()).unwrap_err();
        assert!(error.to_string().starts_with("invalid event: not an EventBridge event"), "{error}");
    }
}
