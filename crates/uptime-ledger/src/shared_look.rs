//! Looks that are kept once for all servers of a scope.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use uptime::InstanceId;

/// A look of an hourly run: at that instant every server that it shows was as its item says, so that no item had to be written
/// for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedLook {
    /// When EC2 was asked.
    pub at: DateTime<Utc>,
    /// Whose items were compared with it; none: all.
    pub part: Option<Part>,
    /// The servers of which it shows nothing: they were between two states at that instant, or the time was up before their
    /// items were compared.
    pub except: BTreeSet<InstanceId>,
}

/// The servers of a run that its deadline stopped, in the order of their ids: after one, up to another, and from the last id
/// on to the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The last server of the run before; none where this one began with the first id.
    pub after: Option<InstanceId>,
    /// The last server that was begun.
    pub up_to: InstanceId,
}

impl SharedLook {
    /// True where it shows that a server was as its item says.
    pub fn shows(&self, id: &InstanceId) -> bool {
        self.part.as_ref().is_none_or(|part| part.has(id)) && !self.except.contains(id)
    }
}

impl Part {
    fn has(&self, id: &InstanceId) -> bool {
        match &self.after {
            None => *id <= self.up_to,
            Some(after) if *after < self.up_to => after < id && *id <= self.up_to,
            Some(after) => after < id || *id <= self.up_to,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> InstanceId {
        format!("i-{n:08x}").parse().unwrap()
    }

    fn shown(after: Option<u32>, up_to: u32, except: &[u32]) -> Vec<u32> {
        let part = Some(Part { after: after.map(id), up_to: id(up_to) });
        let look = SharedLook { at: DateTime::UNIX_EPOCH, part, except: except.iter().map(|n| id(*n)).collect() };
        (1..=6).filter(|n| look.shows(&id(*n))).collect()
    }

    #[test]
    fn a_part_goes_on_where_the_run_before_was_stopped_and_around_the_end() {
        assert_eq!(shown(None, 3, &[]), [1, 2, 3]);
        assert_eq!(shown(Some(3), 5, &[]), [4, 5]);
        assert_eq!(shown(Some(5), 2, &[2]), [1, 6]);
    }
}
