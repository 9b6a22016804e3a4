//! The pace of requests to an API with a fixed rate limit.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The longest pause between requests, however often they are throttled.
const SLOWEST: Duration = Duration::from_secs(8);

/// Spaces out requests evenly over all tasks that share it, and slows down further while they are throttled anyway:
/// somebody else in the account asks too.
#[derive(Debug)]
pub struct Pacer {
    fastest: Duration,
    pace: Mutex<Pace>,
}

#[derive(Debug)]
struct Pace {
    interval: Duration,
    next: Option<Instant>,
}

impl Pacer {
    /// At most one request per `interval`.
    pub fn new(interval: Duration) -> Self {
        Self { fastest: interval, pace: Mutex::new(Pace { interval, next: None }) }
    }

    /// Waits for the next request's turn; false, at once, where that turn would come after `deadline`.
    pub async fn turn(&self, deadline: Instant) -> bool {
        let turn = {
            let mut pace = self.pace();
            let now = Instant::now();
            let turn = pace.next.map_or(now, |next| next.max(now));
            if turn > deadline {
                return false;
            }
            pace.next = Some(turn + pace.interval);
            turn
        };
        sleep_until(turn).await;
        true
    }

    /// Tells that a request was throttled: the pace halves.
    pub fn throttled(&self) {
        let mut pace = self.pace();
        pace.interval = (pace.interval * 2).min(SLOWEST);
        let pause = Instant::now() + pace.interval;
        pace.next = Some(pace.next.map_or(pause, |next| next.max(pause)));
    }

    /// Tells that a request was answered: the pace recovers a little.
    pub fn answered(&self) {
        let mut pace = self.pace();
        pace.interval = (pace.interval * 9 / 10).max(self.fastest);
    }

    fn pace(&self) -> std::sync::MutexGuard<'_, Pace> {
        // A panic while it was held cannot leave two numbers in disorder.
        self.pace.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF_SECOND: Duration = Duration::from_millis(500);

    fn far() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    #[tokio::test(start_paused = true)]
    async fn requests_of_all_tasks_together_keep_the_pace() {
        let (pacer, start) = (Pacer::new(HALF_SECOND), Instant::now());
        let turns = (0..20).map(|_| pacer.turn(far()));
        futures::future::join_all(turns).await;
        assert_eq!(start.elapsed(), HALF_SECOND * 19);
    }

    #[tokio::test(start_paused = true)]
    async fn throttling_slows_down_and_answers_recover() {
        let (pacer, start) = (Pacer::new(HALF_SECOND), Instant::now());
        pacer.turn(far()).await;
        pacer.throttled();
        pacer.turn(far()).await;
        assert_eq!(start.elapsed(), HALF_SECOND * 2);
        (0..20).for_each(|_| pacer.throttled());
        assert_eq!(pacer.pace().interval, SLOWEST);
        (0..100).for_each(|_| pacer.answered());
        assert_eq!(pacer.pace().interval, HALF_SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_after_the_deadline_is_not_waited_for() {
        let (pacer, start) = (Pacer::new(HALF_SECOND), Instant::now());
        assert!(pacer.turn(start).await);
        assert!(!pacer.turn(start + HALF_SECOND / 2).await);
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert!(pacer.turn(start + HALF_SECOND).await);
    }
}
