//! EC2 instance ids.

use crate::checked_text::checked_text;

checked_text!(
    /// The id of an EC2 instance: `i-` and 8 or 17 hexadecimal digits (real ones are lower case; anonymized records mix cases).
    InstanceId,
    /// A text that is no instance id.
    InvalidInstanceId,
    "`{0}` is not an EC2 instance id: expected `i-` and 8 or 17 hexadecimal digits",
    |text| {
        text.strip_prefix("i-")
            .is_some_and(|hex| matches!(hex.len(), 8 | 17) && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    }
);

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
