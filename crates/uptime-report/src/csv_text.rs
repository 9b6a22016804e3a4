//! Rows as CSV.

use std::sync::LazyLock;

use csv::{Terminator, WriterBuilder};
use uptime::{Minutes, instant_text};

use crate::row::Row;

/// The longest month has as many.
const DAYS: usize = 31;

const BEFORE_DAYS: [&str; 16] = [
    "account",
    "region",
    "id",
    "name",
    "instanceType",
    "state",
    "month",
    "minutes",
    "uncertainty",
    "runningSince",
    "asOf",
    "final",
    "leftAt",
    "forecastLeast",
    "forecastExpected",
    "forecastMost",
];

/// The names of the columns, which are a contract: after those of the server `day01` to `day31`, in every month.
pub static COLUMNS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let days = (1..=DAYS).map(|day| format!("day{day:02}"));
    BEFORE_DAYS.into_iter().map(str::to_owned).chain(days).collect()
});

/// Rows as CSV (RFC 4180, lines end with CR and LF), under a line with the names of the columns.
///
/// A text that a spreadsheet would take for a formula, because it begins with `=`, `+`, `-`, `@`, a tab or a carriage return,
/// gets an apostrophe before it. A day of which nothing is told is empty.
pub fn to_csv<'r>(rows: impl IntoIterator<Item = &'r Row>) -> String {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    // Writing to memory cannot fail, and every record has the same number of fields.
    let _ = writer.write_record(COLUMNS.iter());
    for row in rows {
        let _ = writer.write_record(fields(row));
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

fn fields(row: &Row) -> Vec<String> {
    let instant = |instant: Option<_>| instant.map(instant_text).unwrap_or_default();
    let mut fields = vec![
        row.account.to_string(),
        row.region.to_string(),
        row.id.to_string(),
        harmless(row.name.as_deref().unwrap_or_default()),
        harmless(row.instance_type.as_deref().unwrap_or_default()),
        row.state.to_string(),
        row.month.to_string(),
        row.minutes.to_string(),
        row.uncertainty.to_string(),
        instant(row.running_since),
        instant(Some(row.as_of)),
        row.is_final.to_string(),
        instant(row.left_at),
        row.forecast.least.to_string(),
        row.forecast.expected.to_string(),
        row.forecast.most.to_string(),
    ];
    fields.extend((0..DAYS).map(|day| row.days.get(day).map(Minutes::to_string).unwrap_or_default()));
    fields
}

/// A text that no spreadsheet takes for a formula.
fn harmless(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}
