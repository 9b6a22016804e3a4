//! The request rate that CloudTrail grants an account and region.

use std::time::Duration;

/// A token bucket: `rate` requests a second, and `burst` at once after a pause.
#[derive(Debug, Clone)]
pub struct TokenBucket {
    rate: f64,
    burst: f64,
    tokens: f64,
    filled_at: Duration,
}

impl TokenBucket {
    /// A full bucket; a rate of zero grants everything.
    #[must_use]
    pub fn new(rate: f64, burst: u32) -> Self {
        let burst = f64::from(burst);
        Self { rate, burst, tokens: burst, filled_at: Duration::ZERO }
    }

    /// Whether one more request is granted at this time.
    pub fn take(&mut self, elapsed: Duration) -> bool {
        if self.rate <= 0.0 {
            return true;
        }
        let passed = elapsed.saturating_sub(self.filled_at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.rate).min(self.burst);
        self.filled_at = self.filled_at.max(elapsed);
        let granted = self.tokens >= 1.0;
        if granted {
            self.tokens -= 1.0;
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_its_burst_and_then_its_rate() {
        let mut bucket = TokenBucket::new(2.0, 2);
        let granted = |bucket: &mut TokenBucket, ms| bucket.take(Duration::from_millis(ms));
        assert!(granted(&mut bucket, 0) && granted(&mut bucket, 0));
        assert!(!granted(&mut bucket, 0));
        assert!(!granted(&mut bucket, 400));
        assert!(granted(&mut bucket, 500));
        assert!(!granted(&mut bucket, 900));
        assert!(granted(&mut bucket, 60_000) && granted(&mut bucket, 60_000));
        assert!(!granted(&mut bucket, 60_000), "a long pause saves up no more than the burst");
    }

    #[test]
    fn a_rate_of_zero_grants_everything() {
        let mut bucket = TokenBucket::new(0.0, 1);
        assert!((0..100).all(|_| bucket.take(Duration::ZERO)));
    }
}
