//! Real records, gathered from public repositories: what evidence each file gives, and the runs of whole sequences.
//!
//! They live beside the project, not in it. Where they are not, every test says so and passes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test builds wrong should stop it")]

mod cloudtrail;
mod events;
mod folder;
mod masked;
mod render;
mod sequences;

/// Compares a text with an inline snapshot; without the records there is no text.
macro_rules! assert_records {
    ($text:expr, @$expected:literal) => {
        if let Some(text) = $text {
            insta::assert_snapshot!(text, @$expected);
        }
    };
}
pub(crate) use assert_records;

/// Every file belongs to a test: a new one must not go unread.
#[test]
fn every_file_is_read_by_a_test() {
    let Some(names) = folder::names("") else { return };
    let read = [cloudtrail::GROUPS, events::GROUPS, sequences::GROUPS].concat();
    for name in names {
        let groups = read.iter().filter(|group| name.starts_with(**group)).count();
        assert_eq!(groups, 1, "{name} belongs to {groups} groups");
    }
}
