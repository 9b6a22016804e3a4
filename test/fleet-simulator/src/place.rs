//! Where a fleet is: an account, and a region of it.

use std::fmt;
use std::str::FromStr;

use crate::dice;

/// An account and a region of it, written `222233334444/us-east-1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// 12 digits.
    pub account: String,
    /// Such as `us-east-1`.
    pub region: String,
}

/// The account and region of whoever says nothing of it.
impl Default for Place {
    fn default() -> Self {
        Self { account: "123456789012".to_owned(), region: "us-east-1".to_owned() }
    }
}

impl Place {
    /// A number of its own, by which ids and chance differ from those of other places.
    #[must_use]
    pub fn id_space(&self) -> u64 {
        self.to_string().bytes().fold(0x5C09E, |mixed, byte| dice::mix(mixed, byte.into()))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.region)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, Self::Err> {
        let (account, region) = written.split_once('/').ok_or("a scope looks like 222233334444/us-east-1")?;
        if !is_account(account) || region.is_empty() {
            return Err(format!("{written} is no scope: one looks like 222233334444/us-east-1"));
        }
        Ok(Self { account: account.to_owned(), region: region.to_owned() })
    }
}

/// Whether a text is the number of an account.
#[must_use]
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}
