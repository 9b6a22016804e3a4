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
    slowed_down: Option<Instant>,
}

/// A request's turn.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    granted: Instant,
}

impl Pacer {
    /// At most one request per `interval`.
    pub fn new(interval: Duration) -> Self {
        Self { fastest: interval, pace: Mutex::new(Pace { interval, next: None, slowed_down: None }) }
    }

    /// Waits for the next request's turn; none, at once, where that would come after `deadline`.
    pub async fn turn(&self, deadline: Instant) -> Option<Turn> {
        let (granted, turn) = self.take_turn(Some(deadline))?;
        sleep_until(turn).await;
        Some(Turn { granted })
    }

    /// Waits for the next request's turn, however long that takes.
    pub async fn next_turn(&self) {
        if let Some((granted, turn)) = self.take_turn(None)
            && turn > granted
        {
            sleep_until(turn).await;
        }
    }

    /// Now, and when the next turn is.
    fn take_turn(&self, deadline: Option<Instant>) -> Option<(Instant, Instant)> {
        let mut pace = self.pace();
        let now = Instant::now();
        let turn = pace.next.map_or(now, |next| next.max(now));
        if deadline.is_some_and(|deadline| turn > deadline) {
            return None;
        }
        pace.next = Some(turn + pace.interval);
        Some((now, turn))
    }

    /// Tells that a request was throttled: the pace halves. Once for all turns that were granted before it did.
    pub fn throttled(&self, turn: Turn) {
        let mut pace = self.pace();
        if pace.slowed_down.is_some_and(|slowed_down| turn.granted < slowed_down) {
            return;
        }
        pace.slowed_down = Some(Instant::now());
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
        let (first, second) = tokio::join!(pacer.turn(far()), pacer.turn(far()));
        pacer.throttled(first.unwrap());
        pacer.throttled(second.unwrap());
        assert_eq!(pacer.pace().interval, HALF_SECOND * 2, "one burst of throttling halves the pace once");
        let third = pacer.turn(far()).await.unwrap();
        assert_eq!(start.elapsed(), HALF_SECOND * 3);
        (0..20).for_each(|_| pacer.throttled(third));
        assert_eq!(pacer.pace().interval, HALF_SECOND * 4);
        for _ in 0..5 {
            let turn = pacer.turn(far()).await.unwrap();
            pacer.throttled(turn);
        }
        assert_eq!(pacer.pace().interval, SLOWEST);
        (0..100).for_each(|_| pacer.answered());
        assert_eq!(pacer.pace().interval, HALF_SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_after_the_deadline_is_not_waited_for() {
        let (pacer, start) = (Pacer::new(HALF_SECOND), Instant::now());
        assert!(pacer.turn(start).await.is_some());
        assert!(pacer.turn(start + HALF_SECOND / 2).await.is_none());
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert!(pacer.turn(start + HALF_SECOND).await.is_some());
    }
}
