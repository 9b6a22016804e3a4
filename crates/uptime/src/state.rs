//! Whether a server's time counts.

/// Whether a server's time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// In EC2's state `running`.
    Running,
    /// In any other, or not there.
    NotRunning,
}

impl State {
    /// In one word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::NotRunning => "stopped",
        }
    }

    /// Reads what [`Self::as_str`] writes.
    pub(crate) fn read(text: &str) -> Option<Self> {
        [Self::Running, Self::NotRunning].into_iter().find(|state| state.as_str() == text)
    }
}
