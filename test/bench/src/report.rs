//! Tables in Markdown, with aligned columns.

/// A table; all columns but the first are of numbers.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(header.to_vec());
    let rule: Vec<&str> = header.iter().enumerate().map(|(n, _)| if n == 0 { "---" } else { "---:" }).collect();
    text.push_str(&line(rule));
    for row in rows {
        text.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    text
}

/// Whether a target is met, for people.
pub fn verdict(met: bool) -> &'static str {
    if met { "ok" } else { "**missed**" }
}

/// Targets: what, what was found, and whether that meets it.
pub fn targets<'t>(rows: impl IntoIterator<Item = (&'t str, String, bool)>) -> String {
    let row = |(what, found, met): (&str, String, bool)| vec![what.to_owned(), found, verdict(met).to_owned()];
    table(&["target", "found", ""], &rows.into_iter().map(row).collect::<Vec<_>>())
}

/// The value at a rank from 0 to 1 of a sample; the default of an empty one.
pub fn percentile<T: Copy + Ord + Default>(sample: &[T], rank: f64) -> T {
    let mut sorted = sample.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * rank).round() as usize).copied().unwrap_or_default()
}
