//! Which evidence of other months a month needs.

use chrono::{DateTime, Utc};

use crate::evidence::{Evidence, Fact};
use crate::kind::SAME_CHANGE;
use crate::machine::Machine;
use crate::month::Month;
use crate::window::Window;

/// The time whose evidence tells all of a month: the month itself, and around it so much that its neighbours on both sides
/// are in it.
///
/// Two changes on each side: the nearest tells the state, and the one beyond it the order of a start and a stop that
/// are of one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Relevance(Window);

impl Relevance {
    pub(crate) fn of<'e>(machine: Machine, evidence: impl Iterator<Item = &'e Evidence>, month: Month) -> Self {
        // Sources tell of one change within this time.
        let one_change = machine.same_start() + SAME_CHANGE;
        let is_outside = |piece: &&Evidence| piece.at < month.start() || month.end() <= piece.at;
        let changes = evidence.filter(is_outside).filter(|piece| piece.fact.is_change()).map(|piece| piece.at);
        let changes: Vec<DateTime<Utc>> = changes.collect();
        let changes = || changes.iter().copied();
        let before = |limit| changes().filter(|at| *at < limit).max()?.checked_sub_signed(one_change);
        let after = |limit| changes().filter(|at| *at >= limit).min()?.checked_add_signed(one_change);
        let from = before(month.start()).and_then(before).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let to = after(month.end()).and_then(after).unwrap_or(DateTime::<Utc>::MAX_UTC);
        Self(Window::new(from, to))
    }

    pub(crate) fn window(&self) -> Window {
        self.0
    }

    /// The creation is always worth to know, and costs one line.
    pub(crate) fn keeps(&self, piece: &Evidence) -> bool {
        piece.fact == Fact::Created || (self.0.from <= piece.at && piece.at < self.0.to)
    }
}
