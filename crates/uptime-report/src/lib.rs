//! A fleet's month as it is handed over: one [`Row`] for each server, [`Totals`] with a [`Forecast`], as JSON and as CSV.
//!
//! What the columns mean is a contract, see `docs/REPORTS.md`. Nothing here reads or decides anything: a row follows from a
//! server's month as the ledger has it.

mod csv_text;
mod document;
mod forecast;
mod instant;
mod row;
mod totals;

pub use csv_text::{COLUMNS, to_csv};
pub use document::MonthDocument;
pub use forecast::Forecast;
pub use row::{Basis, Row, ServerState};
pub use totals::Totals;
