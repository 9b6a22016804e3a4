//! The order of rows, and where a page of them goes on.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use uptime::{InstanceId, Minutes, Scope};
use uptime_report::Row;

/// By what rows are sorted. Of what is equal, account, region and id decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sort {
    /// Most proven minutes first.
    Minutes,
    /// Most uncertain minutes first.
    Uncertainty,
    /// Most expected minutes at the month's end first.
    Forecast,
    /// By name, those without one first.
    Name,
    /// By account, region and id.
    Id,
}

impl Sort {
    pub(crate) const ALL: [Self; 5] = [Self::Minutes, Self::Uncertainty, Self::Forecast, Self::Name, Self::Id];

    /// Its name in a request.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Minutes => "minutes",
            Self::Uncertainty => "uncertainty",
            Self::Forecast => "forecast",
            Self::Name => "name",
            Self::Id => "id",
        }
    }

    /// Where a row stands.
    pub(crate) fn place(self, row: &Row) -> Place {
        let by = match self {
            Self::Minutes => By::Most(Reverse(row.minutes)),
            Self::Uncertainty => By::Most(Reverse(row.uncertainty)),
            Self::Forecast => By::Most(Reverse(row.forecast.expected)),
            Self::Name => By::Text(row.name.clone().unwrap_or_default()),
            Self::Id => By::Text(String::new()),
        };
        Place { by, scope: row.scope(), id: row.id.clone() }
    }

    fn read(self, text: &str) -> Option<By> {
        Some(match self {
            Self::Minutes | Self::Uncertainty | Self::Forecast => By::Most(Reverse(text.parse().ok()?)),
            Self::Name | Self::Id => By::Text(text.to_owned()),
        })
    }
}

/// Where a row stands in an order: rows compare as their places do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    by: By,
    scope: Scope,
    id: InstanceId,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Most(Reverse<Minutes>),
    Text(String),
}

/// The page after a row: `minutes/1234.50/111122223333/eu-west-1/i-0123456789abcdef0`. It names the row's place and not its
/// number, so that rows which come and go in between shift nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) sort: Sort,
    pub(crate) after: Place,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by: &dyn fmt::Display = match &self.after.by {
            By::Most(Reverse(minutes)) => minutes,
            By::Text(text) => text,
        };
        write!(f, "{}/{by}/{}/{}", self.sort.as_str(), self.after.scope, self.after.id)
    }
}

impl FromStr for Token {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let read = || {
            let (sort, rest) = text.split_once('/')?;
            let sort = Sort::ALL.into_iter().find(|known| known.as_str() == sort)?;
            // A name may have slashes of its own.
            let mut parts = rest.rsplitn(4, '/');
            let (id, region, account, by) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
            let scope = Scope { account: account.parse().ok()?, region: region.parse().ok()? };
            Some(Self { sort, after: Place { by: sort.read(by)?, scope, id: id.parse().ok()? } })
        };
        read().ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_is_written() {
        for text in [
            "minutes/1234.50/111122223333/eu-west-1/i-0123456789abcdef0",
            "name/a/b c/111122223333/eu-west-1/i-0123456789abcdef0",
            "id//111122223333/eu-west-1/i-0123456789abcdef0",
        ] {
            assert_eq!(text.parse::<Token>().unwrap().to_string(), text);
        }
        for text in ["", "minutes", "minutes/x/111122223333/eu-west-1/i-0123456789abcdef0", "size/1/1/2/3"] {
            assert_eq!(text.parse::<Token>(), Err(()), "{text}");
        }
    }
}
