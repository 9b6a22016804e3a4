//! Scopes: an account and a region.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::checked_text::checked_text;

/// An account and a region of it: what one run is about. Displays and parses as `111122223333/eu-west-1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.region)
    }
}

/// A text that is no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScope {
    /// It is no account and region with a slash between them.
    #[error("`{0}` is no scope: expected an account and a region, such as `111122223333/eu-west-1`")]
    NoPair(String),
    /// Its account is none.
    #[error(transparent)]
    Account(#[from] InvalidAccountId),
    /// Its region is none.
    #[error(transparent)]
    Region(#[from] InvalidRegion),
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (account, region) = text.split_once('/').ok_or_else(|| InvalidScope::NoPair(text.to_owned()))?;
        Ok(Self { account: account.parse()?, region: region.parse()? })
    }
}

checked_text!(
    /// The id of an AWS account.
    AccountId,
    /// A text that is no account id.
    InvalidAccountId,
    "`{0}` is not an account id: expected 12 digits",
    |text| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
);

checked_text!(
    /// The name of an AWS region.
    Region,
    /// A text that is no region's name.
    InvalidRegion,
    "`{0}` is not a region: expected a name such as `eu-west-1`",
    |text| {
        let words: Vec<&str> = text.split('-').collect();
        let letters = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
        let number = |word: &&str| word.len() == 1 && word.bytes().all(|b| b.is_ascii_digit());
        words.len() >= 3 && words.split_last().is_some_and(|(last, first)| number(last) && first.iter().all(letters))
    }
);

impl Region {
    /// The partition of AWS that it is in, the second part of every ARN: `aws`, `aws-cn` or `aws-us-gov`.
    pub fn partition(&self) -> &'static str {
        match self.as_str() {
            name if name.starts_with("cn-") => "aws-cn",
            name if name.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_an_account_and_a_region() {
        let scope: Scope = "111122223333/eu-west-1".parse().unwrap();
        assert_eq!((scope.account.as_str(), scope.region.as_str()), ("111122223333", "eu-west-1"));
        assert_eq!(scope.to_string(), "111122223333/eu-west-1");
        assert_eq!("111122223333/us-gov-west-1".parse::<Scope>().unwrap().region.partition(), "aws-us-gov");
    }

    #[test]
    fn what_is_wrong_with_a_scope_is_named() {
        let error = |text: &str| text.parse::<Scope>().unwrap_err().to_string();
        assert!(error("eu-west-1").starts_with("`eu-west-1` is no scope"));
        assert_eq!(error("12/eu-west-1"), "`12` is not an account id: expected 12 digits");
        for region in ["", "eu", "eu-west", "eu-west-x", "EU-west-1", "eu--1", "eu-west-1a"] {
            assert!(error(&format!("111122223333/{region}")).contains("is not a region"), "{region}");
        }
    }
}
