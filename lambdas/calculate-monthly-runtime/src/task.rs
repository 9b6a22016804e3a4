//! What a plan is made of: how far a run reads, which servers' months it settles, and what becomes of each.

use uptime::{InstanceId, Month};

/// How far back a run reads, and so what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Nothing was read before.
    First,
    /// All of the month once more, whatever was read before: so many servers are new that looking each up would cost more.
    Anew,
    /// What is new, and what came late within a day.
    Deep,
    /// What is new, and what came late within the overlap.
    Usual,
    /// The same for some servers only. It moves no watermark.
    Aside,
    /// What the items of a month that is over lack. It moves no watermark either.
    Past,
    /// Nothing: the scope is closed with what is known.
    Closing,
}

impl Reach {
    /// True where nothing that was read before counts.
    pub(crate) fn begins_anew(self) -> bool {
        matches!(self, Self::First | Self::Anew)
    }
}

/// Servers to be settled in one month, in this order.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) month: Month,
    pub(crate) fate: Fate,
    pub(crate) ids: Vec<InstanceId>,
}

/// What becomes of a server's month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It goes on, and is cached.
    GoesOn,
    /// It ends before its time, for its scope is closed: it is cached once more, and nothing changes it any more.
    Ends,
    /// It is over, and open for what comes late.
    StaysOpen,
    /// Nothing changes it any more.
    BecomesFinal,
    /// It may have been final, and what came late counts.
    Reopened {
        /// Nothing changes it any more from then on.
        becomes_final: bool,
    },
}

impl Fate {
    pub(crate) fn of_past(becomes_final: bool, reopened: bool) -> Self {
        match (reopened, becomes_final) {
            (true, _) => Self::Reopened { becomes_final },
            (false, true) => Self::BecomesFinal,
            (false, false) => Self::StaysOpen,
        }
    }

    /// The same of a month that has to wait for an answer.
    pub(crate) fn waiting(self) -> Self {
        match self {
            Self::BecomesFinal => Self::StaysOpen,
            Self::Reopened { .. } => Self::Reopened { becomes_final: false },
            other => other,
        }
    }

    /// True for the month of which the cache tells.
    pub(crate) fn is_cached(self) -> bool {
        matches!(self, Self::GoesOn | Self::Ends)
    }

    /// True where the item may be final, and is written all the same. A month that goes on is final only where its scope was
    /// closed and is counted again.
    pub(crate) fn reopens(self) -> bool {
        matches!(self, Self::Reopened { .. } | Self::GoesOn)
    }

    /// True where nothing changes the month any more.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Ends | Self::BecomesFinal | Self::Reopened { becomes_final: true })
    }
}
