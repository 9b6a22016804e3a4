//! Logs as one JSON object per line, on standard output, where Lambda picks them up.

use tracing::level_filters::LevelFilter;

/// Installs the subscriber. `level` is the value of `AWS_LAMBDA_LOG_LEVEL`; INFO where it is not set or no level.
pub fn init(level: Option<&str>) {
    let level = level.and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_max_level(level)
        .with_writer(std::io::stdout)
        .init();
}
