//! EC2 instance ids.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The id of an EC2 instance: `i-` and 8 or 17 hexadecimal digits (real ones are lower case; anonymized records mix cases).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstanceId(String);

/// A text that is no instance id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an EC2 instance id: expected `i-` and 8 or 17 hexadecimal digits")]
pub struct InvalidInstanceId(pub String);

impl InstanceId {
    /// The id as AWS writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_valid(text: &str) -> bool {
        text.strip_prefix("i-")
            .is_some_and(|hex| matches!(hex.len(), 8 | 17) && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    }
}

impl FromStr for InstanceId {
    type Err = InvalidInstanceId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for InstanceId {
    type Error = InvalidInstanceId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if Self::is_valid(&text) { Ok(Self(text)) } else { Err(InvalidInstanceId(text)) }
    }
}

impl From<InstanceId> for String {
    fn from(id: InstanceId) -> Self {
        id.0
    }
}

impl AsRef<str> for InstanceId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lengths_of_id_are_accepted() {
        assert_eq!("i-abcd1111".parse::<InstanceId>().unwrap().as_str(), "i-abcd1111");
        assert_eq!("i-0dbc91f429e48eeed".parse::<InstanceId>().unwrap().to_string(), "i-0dbc91f429e48eeed");
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        for text in ["", "i-", "i-123", "i-0dbc91f429e48eee", "I-abcd1111", "i-abcd111g", "vol-abcd1111", " i-abcd1111"]
        {
            let error = text.parse::<InstanceId>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("`{text}` is not an EC2 instance id")));
        }
    }
}
