//! The folder of records.

use std::fs;
use std::io::Write;
use std::path::Path;

use serde_json::Value;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/records");

/// One record or event of a file, as the JSON text that a reader gets.
pub(crate) type Records = Vec<Value>;

/// The files whose path in the folder starts with `prefix`, in order; none where the folder is absent.
pub(crate) fn names(prefix: &str) -> Option<Vec<String>> {
    if !Path::new(FOLDER).is_dir() {
        skip(prefix);
        return None;
    }
    let mut names: Vec<String> = Vec::new();
    for folder in ["", "sequences/"] {
        let entries = fs::read_dir(Path::new(FOLDER).join(folder)).unwrap();
        let entries = entries.map(|entry| format!("{folder}{}", entry.unwrap().file_name().to_str().unwrap()));
        names.extend(entries.filter(|name| name.ends_with(".json") && name.starts_with(prefix)));
    }
    names.sort();
    Some(names)
}

/// The records of each file of a group, all files being arrays.
pub(crate) fn read(prefix: &str) -> Option<Vec<(String, Records)>> {
    let names = names(prefix)?;
    assert!(!names.is_empty(), "no file of {prefix}");
    let records = |name: &str| serde_json::from_slice(&fs::read(Path::new(FOLDER).join(name)).unwrap()).unwrap();
    Some(names.into_iter().map(|name| (name.clone(), records(&name))).collect())
}

/// Past the test harness, which keeps back what a passing test prints.
#[allow(clippy::explicit_write, reason = "eprintln! is kept back as well")]
fn skip(prefix: &str) {
    let group = if prefix.is_empty() { "all" } else { prefix };
    writeln!(std::io::stderr(), "skipped: {group}: the real records are not here ({FOLDER})").unwrap();
}
