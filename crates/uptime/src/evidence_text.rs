//! Evidence as one line of text, as it is kept and shown: `2026-11-03T10:00:00Z started CloudTrail StartInstances 7bf7…`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::cloudtrail::event_name;
use crate::digest::Digest;
use crate::evidence::{Evidence, Fact, Source};
use crate::state::State;

/// A text that is no evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not evidence: {missing}")]
pub struct InvalidEvidence {
    /// The text.
    pub text: String,
    /// What is missing or wrong in it.
    pub missing: &'static str,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", instant(self.at), self.fact, self.source)
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, last_start) = match self {
            Self::Started => ("started", None),
            Self::RunningAfter => ("running-after", None),
            Self::Stopped => ("stopped", None),
            Self::Interrupted => ("interrupted", None),
            Self::Terminated => ("terminated", None),
            Self::Created => ("created", None),
            Self::SeenRunning { last_start } => ("seen-running", *last_start),
            Self::SeenStopped { last_start } => ("seen-stopped", *last_start),
            Self::SeenTerminated { last_start } => ("seen-terminated", *last_start),
            Self::Sampled { until } => return write!(f, "sampled(until={})", instant(*until)),
            Self::Unsampled { until } => return write!(f, "unsampled(until={})", instant(*until)),
            Self::PartlySampled { until, proven, possible } => {
                let (proven, possible) = (proven.num_milliseconds(), possible.num_milliseconds());
                return write!(f, "partly-sampled(until={},proven={proven}ms,possible={possible}ms)", instant(*until));
            }
            Self::Digest(digest) => return write!(f, "digest({digest})"),
        };
        f.write_str(name)?;
        last_start.map_or(Ok(()), |start| write!(f, "(last-start={})", instant(start)))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CloudTrail { event_name, event_id } => write!(f, "CloudTrail {event_name} {event_id}"),
            Self::Ec2 => f.write_str("EC2"),
            Self::StateChange { event_id } => write!(f, "state-change {event_id}"),
            Self::CloudWatch => f.write_str("CloudWatch"),
            Self::Ledger => f.write_str("ledger"),
        }
    }
}

impl FromStr for Evidence {
    type Err = InvalidEvidence;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

/// The text becomes the event's id: an item has hundreds of pieces, and of most of them the id is half of the text.
impl TryFrom<String> for Evidence {
    type Error = InvalidEvidence;

    fn try_from(mut text: String) -> Result<Self, Self::Error> {
        match read(&text) {
            Ok((at, fact, who)) => {
                let event_id = |from: usize| {
                    text.drain(..from);
                    text
                };
                let source = match who {
                    Who::CloudTrail { event_name, id_from } => {
                        Source::CloudTrail { event_name, event_id: event_id(id_from) }
                    }
                    Who::StateChange { id_from } => Source::StateChange { event_id: event_id(id_from) },
                    Who::Other(source) => source,
                };
                Ok(Self { at, fact, source })
            }
            Err(missing) => Err(InvalidEvidence { text, missing }),
        }
    }
}

/// Who says so; where the event's id begins in the text.
enum Who {
    CloudTrail { event_name: Cow<'static, str>, id_from: usize },
    StateChange { id_from: usize },
    Other(Source),
}

/// What a text says, or what is missing in it.
fn read(text: &str) -> Result<(DateTime<Utc>, Fact, Who), &'static str> {
    let mut words = text.splitn(3, ' ');
    let at = words.next().and_then(read_instant).ok_or("it does not begin with a time")?;
    let fact = words.next().and_then(fact).ok_or("its second word is not what happened")?;
    let source = words.next().and_then(|words| who(words, text.len())).ok_or("it does not end with its source")?;
    Ok((at, fact, source))
}

/// As many decimals of a second as are needed, so that reading it back gives the same instant.
fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Only what [`instant`] writes: reading any notation of a time takes chrono twice as long, and an item has hundreds.
fn read_instant(word: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(word).ok().map(|at| at.to_utc())
}

fn fact(word: &str) -> Option<Fact> {
    match word.split_once('(') {
        None => plain_fact(word),
        Some((name, details)) => fact_with(name, details.strip_suffix(')')?),
    }
}

fn plain_fact(name: &str) -> Option<Fact> {
    Some(match name {
        "started" => Fact::Started,
        "running-after" => Fact::RunningAfter,
        "stopped" => Fact::Stopped,
        "interrupted" => Fact::Interrupted,
        "terminated" => Fact::Terminated,
        "created" => Fact::Created,
        _ => seen(name, None)?,
    })
}

fn fact_with(name: &str, details: &str) -> Option<Fact> {
    if name == "digest" {
        return Digest::read(details).map(Box::new).map(Fact::Digest);
    }
    match details.strip_prefix("until=") {
        Some(until) => sampled(name, until),
        None => seen(name, Some(read_instant(details.strip_prefix("last-start=")?)?)),
    }
}

fn seen(name: &str, last_start: Option<DateTime<Utc>>) -> Option<Fact> {
    match name {
        "seen-running" => Some(Fact::SeenRunning { last_start }),
        "seen-stopped" => Some(Fact::SeenStopped { last_start }),
        "seen-terminated" => Some(Fact::SeenTerminated { last_start }),
        _ => None,
    }
}

/// What CloudWatch has samples of, from the word's name and what stands after `until=`.
fn sampled(name: &str, rest: &str) -> Option<Fact> {
    match (name, rest.split_once(',')) {
        ("sampled", None) => Some(Fact::Sampled { until: read_instant(rest)? }),
        ("unsampled", None) => Some(Fact::Unsampled { until: read_instant(rest)? }),
        ("partly-sampled", Some((until, sums))) => {
            let (proven, possible) = sums.strip_prefix("proven=")?.split_once(",possible=")?;
            let length = |text: &str| TimeDelta::try_milliseconds(text.strip_suffix("ms")?.parse().ok()?);
            let (proven, possible) = (length(proven)?, length(possible)?);
            Some(Fact::PartlySampled { until: read_instant(until)?, proven, possible })
        }
        _ => None,
    }
}

/// The last words of a text of this length. Event ids may be empty.
fn who(words: &str, length: usize) -> Option<Who> {
    let (kind, rest) = words.split_once(' ').unwrap_or((words, ""));
    match kind {
        "EC2" if rest.is_empty() => Some(Who::Other(Source::Ec2)),
        "CloudWatch" if rest.is_empty() => Some(Who::Other(Source::CloudWatch)),
        "ledger" if rest.is_empty() => Some(Who::Other(Source::Ledger)),
        "state-change" => Some(Who::StateChange { id_from: length - rest.len() }),
        "CloudTrail" => {
            let (name, event_id) = rest.split_once(' ')?;
            Some(Who::CloudTrail { event_name: event_name(name), id_from: length - event_id.len() })
        }
        _ => None,
    }
}

/// As `until=…,from-state,to-state,proven-ms,possible-ms,pieces`, without blanks.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = instant(self.until);
        let (proven, possible) = (self.proven.num_milliseconds(), self.possible.num_milliseconds());
        let (before, after) = (self.before.as_str(), self.after.as_str());
        write!(f, "until={until},{before},{after},proven={proven}ms,possible={possible}ms,pieces={}", self.pieces)
    }
}

impl Digest {
    /// Reads what `Display` writes.
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(',');
        let mut next = |prefix: &str, suffix: &str| parts.next()?.strip_prefix(prefix)?.strip_suffix(suffix);
        let length = |text: &str| TimeDelta::try_milliseconds(text.parse().ok()?);
        let digest = Self {
            until: read_instant(next("until=", "")?)?,
            before: State::read(next("", "")?)?,
            after: State::read(next("", "")?)?,
            proven: length(next("proven=", "ms")?)?,
            possible: length(next("possible=", "ms")?)?,
            pieces: next("pieces=", "")?.parse().ok()?,
        };
        parts.next().is_none().then_some(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 16] = [
        "2025-10-04T10:00:00Z digest(until=2025-10-04T14:13:33.250Z,running,stopped,proven=61000ms,possible=5ms,pieces=4) ledger",
        "2025-10-04T14:13:33Z interrupted CloudTrail BidEvictedEvent 7bf73129",
        "2025-10-04T14:13:33Z terminated state-change 7bf73129",
        "2025-10-04T14:13:33Z seen-terminated(last-start=2025-10-04T14:00:00Z) EC2",
        "2025-10-04T14:13:33Z running-after CloudTrail StartInstances 7bf73129",
        "2025-10-04T14:13:33Z started CloudTrail StartInstances 7bf73129-1428-4cd3-a780-95db273d1602",
        "2025-10-04T14:13:33Z stopped CloudTrail BidEvictedEvent ",
        "2025-10-04T14:13:33.250Z seen-running(last-start=2025-10-04T14:00:00Z) EC2",
        "2025-10-04T14:13:33Z seen-running EC2",
        "2025-10-04T14:13:33.000000001Z seen-stopped(last-start=2025-10-04T14:00:00Z) EC2",
        "2025-10-04T14:13:33Z seen-stopped state-change 7bf73129",
        "2025-10-04T14:13:33Z stopped state-change ",
        "2025-10-04T14:13:33Z created EC2",
        "2025-10-04T14:13:00Z sampled(until=2025-10-04T15:00:00Z) CloudWatch",
        "2025-10-04T14:13:00Z unsampled(until=2025-10-04T15:00:00Z) CloudWatch",
        "2025-10-04T14:00:00Z partly-sampled(until=2025-10-04T15:00:00Z,proven=60000ms,possible=120000ms) CloudWatch",
    ];

    #[test]
    fn what_is_written_is_read_back_as_it_was() {
        for text in TEXTS {
            assert_eq!(text.parse::<Evidence>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_refused_with_the_reason() {
        let why = |text: &str| text.parse::<Evidence>().unwrap_err().missing;
        assert_eq!(why("soon started EC2"), "it does not begin with a time");
        assert_eq!(why("2025-10-04T14:13:33Z slept EC2"), "its second word is not what happened");
        assert_eq!(
            why("2025-10-04T14:13:33Z started(last-start=2025-10-04T14:13:33Z) EC2"),
            "its second word is not what happened"
        );
        assert_eq!(why("2025-10-04T14:13:33Z started"), "it does not end with its source");
        assert_eq!(why("2025-10-04T14:13:33Z started CloudTrail StartInstances"), "it does not end with its source");
    }
}
