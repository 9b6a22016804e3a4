//! Questions to EC2 that come together go together.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::oneshot::{self, error::TryRecvError};
use uptime::{InstanceId, Observation};
use uptime_ledger::ServiceError;
use uptime_ledger::ports::{Fleet, MOST_FOUND};

/// A fleet that answers one question at a time. Who asks in the meantime waits, and whoever comes next asks for all who wait:
/// nobody waits for others to come, and a burst of events costs few calls.
#[derive(Debug)]
pub struct Grouped<F> {
    fleet: F,
    /// Whoever has it asks. It is handed on in the order in which they came.
    turn: tokio::sync::Mutex<()>,
    /// Those who have no answer yet, in the order in which they came.
    waiting: Mutex<Vec<Asker>>,
}

#[derive(Debug)]
struct Asker {
    ids: Vec<InstanceId>,
    answer: oneshot::Sender<Answer>,
}

type Answer = Result<Arc<HashMap<InstanceId, Observation>>, ServiceError>;

impl<F: Fleet> Grouped<F> {
    pub(crate) fn over(fleet: F) -> Self {
        Self { fleet, turn: tokio::sync::Mutex::default(), waiting: Mutex::default() }
    }

    fn queue(&self, ids: &[InstanceId]) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        self.waiting().push(Asker { ids: ids.to_vec(), answer });
        answered
    }

    /// Asks for the first of those who wait, as many as one call takes. Only who has the turn may.
    async fn ask(&self, now: DateTime<Utc>) {
        let (askers, ids) = self.first();
        let answer = self.fleet.find(&ids, now).await.map(Arc::new);
        for asker in self.waiting().drain(..askers) {
            // Who has given up needs none.
            let _ = asker.answer.send(answer.clone());
        }
    }

    /// How many come first, and about what they ask. They stay in the queue until they are answered, so that nobody is lost
    /// where the one who asks gives up.
    fn first(&self) -> (usize, Vec<InstanceId>) {
        let mut waiting = self.waiting();
        waiting.retain(|asker| !asker.answer.is_closed());
        let (mut askers, mut ids) = (0, BTreeSet::new());
        for asker in waiting.iter() {
            if askers > 0 && ids.len() + asker.ids.len() > MOST_FOUND {
                break;
            }
            askers += 1;
            ids.extend(asker.ids.iter().cloned());
        }
        (askers, ids.into_iter().collect())
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Asker>> {
        // A panic while it was held cannot leave a list in disorder.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: Fleet + Sync> Fleet for Grouped<F> {
    async fn list(&self, now: DateTime<Utc>) -> Result<Vec<Observation>, ServiceError> {
        self.fleet.list(now).await
    }

    async fn find(
        &self,
        ids: &[InstanceId],
        now: DateTime<Utc>,
    ) -> Result<HashMap<InstanceId, Observation>, ServiceError> {
        let mut answered = self.queue(ids);
        let _turn = self.turn.lock().await;
        loop {
            match answered.try_recv() {
                Ok(answer) => return answer.map(|found| seen(&found, ids, now)),
                Err(TryRecvError::Empty) => self.ask(now).await,
                Err(TryRecvError::Closed) => answered = self.queue(ids),
            }
        }
    }
}

/// Those of `ids` that were found. EC2 was asked after each asker's `now`, so that for each they are as of its own.
fn seen(
    found: &HashMap<InstanceId, Observation>,
    ids: &[InstanceId],
    now: DateTime<Utc>,
) -> HashMap<InstanceId, Observation> {
    let mine = ids.iter().filter_map(|id| found.get(id));
    mine.map(|server| (server.id.clone(), Observation { observed_at: now, ..server.clone() })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;
    use std::time::Duration;
    use tokio::time::{sleep, timeout};
    use uptime::InstanceState;

    /// A fleet in which every second instance is a server. It takes a second to answer, and fails where it is asked about 13.
    #[derive(Default)]
    struct Slow {
        asked: Mutex<Vec<Vec<InstanceId>>>,
    }

    impl Fleet for Slow {
        async fn list(&self, _: DateTime<Utc>) -> Result<Vec<Observation>, ServiceError> {
            Ok(Vec::new())
        }

        async fn find(
            &self,
            ids: &[InstanceId],
            now: DateTime<Utc>,
        ) -> Result<HashMap<InstanceId, Observation>, ServiceError> {
            self.asked.lock().unwrap().push(ids.to_vec());
            sleep(Duration::from_secs(1)).await;
            if ids.contains(&id(13)) {
                return Err(ServiceError::with_code("EC2", Some("Unavailable"), "Try later.".to_owned()));
            }
            let servers = ids.iter().filter(|id| id.as_str().ends_with(['0', '2', '4', '6', '8', 'a', 'c', 'e']));
            Ok(servers.map(|id| (id.clone(), server(id, now))).collect())
        }
    }

    fn server(id: &InstanceId, now: DateTime<Utc>) -> Observation {
        Observation {
            id: id.clone(),
            state: InstanceState::Running,
            observed_at: now,
            launch_time: None,
            transition_reason: None,
            created_at: None,
            name: None,
            instance_type: None,
            spot: None,
        }
    }

    fn id(n: usize) -> InstanceId {
        format!("i-{n:08x}").parse().unwrap()
    }

    fn at(n: usize) -> DateTime<Utc> {
        DateTime::from_timestamp(1_760_000_000 + n as i64, 0).unwrap()
    }

    async fn find(fleet: &Grouped<Slow>, n: usize) -> Result<Option<Observation>, String> {
        let found = fleet.find(&[id(n)], at(n)).await;
        found.map(|mut found| found.remove(&id(n))).map_err(|error| error.to_string())
    }

    fn sizes(fleet: &Grouped<Slow>) -> Vec<usize> {
        fleet.fleet.asked.lock().unwrap().iter().map(Vec::len).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_during_a_call_goes_into_the_next_one_and_each_gets_its_own_answer() {
        let fleet = Grouped::over(Slow::default());
        let found = join_all((100..350).map(|n| find(&fleet, n))).await;
        for (n, found) in (100..350).zip(found) {
            assert_eq!(found, Ok((n % 2 == 0).then(|| server(&id(n), at(n)))), "as of its own time");
        }
        assert_eq!(sizes(&fleet), [1, 100, 100, 49]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_alone_does_not_wait() {
        let fleet = Grouped::over(Slow::default());
        let begun = tokio::time::Instant::now();
        find(&fleet, 1).await.unwrap();
        find(&fleet, 1).await.unwrap();
        assert_eq!((sizes(&fleet), begun.elapsed()), (vec![1, 1], Duration::from_secs(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_reaches_all_who_asked_together_and_nobody_else() {
        let fleet = Grouped::over(Slow::default());
        let first = find(&fleet, 1);
        let second = join_all([13, 14, 15].map(|n| find(&fleet, n)));
        let third = async {
            sleep(Duration::from_millis(1500)).await;
            find(&fleet, 16).await
        };
        let (first, second, third) = tokio::join!(first, second, third);
        assert_eq!((first, third.map(|found| found.is_some())), (Ok(None), Ok(true)));
        assert!(
            second.iter().all(|found| *found == Err("EC2 failed: Unavailable: Try later.".to_owned())),
            "{second:?}"
        );
        assert_eq!(sizes(&fleet), [1, 3, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_takes_nobody_along() {
        let fleet = Grouped::over(Slow::default());
        let impatient = join_all([1, 2].map(|n| timeout(Duration::from_millis(1500), find(&fleet, n))));
        let patient = async {
            sleep(Duration::from_millis(100)).await;
            join_all([3, 4].map(|n| find(&fleet, n))).await
        };
        let (impatient, patient) = tokio::join!(impatient, patient);
        assert_eq!(impatient.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false]);
        assert_eq!(patient.iter().map(|found| found.as_ref().unwrap().is_some()).collect::<Vec<_>>(), [false, true]);
        assert_eq!(sizes(&fleet), [1, 3, 2]);
    }
}
