//! Rows as CSV.

use std::borrow::Cow;
use std::fmt::{Display, Write};
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use csv::{Terminator, Writer, WriterBuilder};
use uptime::instant_text;

use crate::row::Row;

/// The longest month has as many.
const DAYS: usize = 31;

const BEFORE_DAYS: [&str; 18] = [
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
    "restsOn",
    "audit",
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
    let mut lines = Lines {
        writer: WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new()),
        text: String::new(),
    };
    COLUMNS.iter().for_each(|name| lines.put_text(name));
    lines.end();
    for row in rows {
        lines.put_row(row);
    }
    let bytes = lines.writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

/// Lines being written. Writing to memory cannot fail, and every line has the same number of fields.
struct Lines {
    writer: Writer<Vec<u8>>,
    /// One field's text, so that the half a million of a large fleet need no memory of their own.
    text: String,
}

impl Lines {
    fn put(&mut self, field: impl Display) {
        self.text.clear();
        let _ = write!(self.text, "{field}");
        let _ = self.writer.write_field(&self.text);
    }

    fn put_text(&mut self, text: &str) {
        let _ = self.writer.write_field(text);
    }

    fn put_instant(&mut self, instant: Option<DateTime<Utc>>) {
        self.put_text(&instant.map(instant_text).unwrap_or_default());
    }

    fn end(&mut self) {
        let _ = self.writer.write_record(None::<&[u8]>);
    }

    fn put_row(&mut self, row: &Row) {
        self.put(&row.account);
        self.put(&row.region);
        self.put(&row.id);
        self.put_text(&harmless(row.name.as_deref().unwrap_or_default()));
        self.put_text(&harmless(row.instance_type.as_deref().unwrap_or_default()));
        self.put_text(row.state.as_str());
        self.put(row.month);
        self.put(row.minutes);
        self.put(row.uncertainty);
        self.put_instant(row.running_since);
        self.put_instant(Some(row.as_of));
        self.put(row.is_final);
        self.put_instant(row.left_at);
        self.put_text(row.rests_on.as_str());
        self.put_text(row.audit.unwrap_or_default());
        self.put(row.forecast.least);
        self.put(row.forecast.expected);
        self.put(row.forecast.most);
        for day in 0..DAYS {
            match row.days.get(day) {
                Some(minutes) => self.put(minutes),
                None => self.put_text(""),
            }
        }
        self.end();
    }
}

/// A text that no spreadsheet takes for a formula.
fn harmless(text: &str) -> Cow<'_, str> {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}
