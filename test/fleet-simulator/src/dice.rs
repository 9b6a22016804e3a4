//! Chance that repeats: the same seed gives the same fleet, event ids and delivery delays on every machine.

/// One well-mixed number from two (SplitMix64's finaliser).
#[must_use]
pub fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.wrapping_add(b.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The `n`-th identifier of a seed, written like a version 4 UUID.
#[must_use]
pub fn uuid(seed: u64, n: u64) -> String {
    let (high, low) = (mix(seed, n), mix(!seed, n));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xFFFF,
        high & 0xFFF,
        0x8000 | ((low >> 48) & 0x3FFF),
        low & 0xFFFF_FFFF_FFFF
    )
}

/// A sequence of repeatable choices.
#[derive(Debug)]
pub struct Dice {
    seed: u64,
    rolls: u64,
}

impl Dice {
    /// A sequence of its own for each seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, rolls: 0 }
    }

    /// The next number, all 64 bits of it.
    pub fn roll(&mut self) -> u64 {
        self.rolls += 1;
        mix(self.seed, self.rolls)
    }

    /// A number from `low` up to and including `high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low + 1).unwrap_or(1);
        low + i64::try_from(self.roll() % span).unwrap_or(0)
    }

    /// True in `percent` of 100 cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.roll() % 100 < percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_for_a_seed_and_differs_between_seeds() {
        assert_eq!(uuid(1, 2), uuid(1, 2));
        assert_ne!(uuid(1, 2), uuid(1, 3));
        assert_ne!(uuid(1, 2), uuid(2, 2));
        assert_eq!(uuid(1, 2).len(), 36);
    }

    #[test]
    fn stays_within_its_bounds() {
        let mut dice = Dice::new(7);
        let rolls: Vec<i64> = (0..200).map(|_| dice.between(-2, 2)).collect();
        assert!(rolls.iter().all(|roll| (-2..=2).contains(roll)));
        assert!((-2..=2).all(|wanted| rolls.contains(&wanted)));
    }
}
