//! What a handler returns.

use serde_json::Value;

/// What became of one invocation, and the line of metrics about it. Whoever runs the handler prints that line as it is to
/// standard output, where CloudWatch reads it.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "metrics that nobody prints are lost"]
pub struct Handled<T, E> {
    /// The answer, or why there is none.
    pub outcome: Result<T, E>,
    /// The line of metrics, in the embedded metric format, also of an invocation that failed; none where nothing was counted.
    pub metrics: Option<Value>,
}
