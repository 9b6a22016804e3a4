//! How many writes a partition of an index takes.

use std::collections::HashMap;
use std::time::Instant;

use crate::expression::Item;

/// What the index has of each item.
pub(crate) const INDEXED: [&str; 7] = ["id", "month", "minutes", "uncertainty", "asOf", "final", "leftAt"];

/// The key of its partitions.
const PARTITION: &str = "scopeMonth";

/// Write units that a partition takes a second. What it has not used for longer than a second is not saved up here: the real
/// one promises none of it.
const UNITS_A_SECOND: f64 = 1000.0;

/// The partitions, by what is left of each at an instant.
#[derive(Default)]
pub(crate) struct IndexPartitions {
    left: HashMap<String, (Instant, f64)>,
    /// Writes that were too many.
    pub(crate) throttled: u64,
}

impl IndexPartitions {
    /// True where the index takes a write that makes `now` of `before`; one that changes nothing of what it has costs nothing.
    pub(crate) fn take(&mut self, before: Option<&Item>, now: &Item) -> bool {
        let Some(partition) = now.get(PARTITION).map(ToString::to_string) else { return true };
        if before.is_some_and(|before| INDEXED.iter().all(|name| before.get(*name) == now.get(*name))) {
            return true;
        }
        let instant = Instant::now();
        let (at, left) = self.left.entry(partition).or_insert((instant, UNITS_A_SECOND));
        *left = (*left + instant.duration_since(*at).as_secs_f64() * UNITS_A_SECOND).min(UNITS_A_SECOND);
        *at = instant;
        let is_taken = *left >= 1.0;
        if is_taken {
            *left -= 1.0;
        } else {
            self.throttled += 1;
        }
        is_taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn item(minutes: u32, evidence: u32) -> Item {
        let item = json!({"id": "i", "scopeMonth": "s", "minutes": minutes, "evidence": evidence});
        item.as_object().unwrap().clone()
    }

    #[test]
    fn a_partition_takes_a_thousand_writes_at_once_and_those_that_change_nothing_it_has() {
        let mut partitions = IndexPartitions::default();
        let taken = (0..1_500).filter(|n| partitions.take(Some(&item(*n, 0)), &item(n + 1, 0))).count();
        assert!((1_000..1_450).contains(&taken), "{taken}");
        assert_eq!(partitions.throttled, 1_500 - taken as u64);
        assert!((0..1_500).all(|n| partitions.take(Some(&item(7, n)), &item(7, n + 1))), "the index has no evidence");
    }
}
