//! One server, calculated on the spot from EC2, CloudTrail and what is kept of it.

use std::sync::Arc;

use uptime::{CacheEntry, Coverage, Evidence, Folded, InstanceId, Look, Month, News, ServerMonth, Window, fold};

use crate::ServiceError;
use crate::counts::Counts;
use crate::moment::Moment;
use crate::ports::{Fleet, Ledger, Limits, Services, SweepState, Trail};
use crate::store::{Writing, cache, store};
use crate::swept::Swept;
use crate::testimony::Testimony;

/// Requests that one calculation may take. Nearly every server's 90 days fit into one page of 50 records.
const LOOKUPS: u64 = 20;

/// Why a server could not be answered for.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// EC2 could not be asked whether it is a server.
    #[error("cannot ask EC2 about {0}: {1}")]
    Fleet(InstanceId, #[source] ServiceError),
    /// CloudTrail could not be read. What was known otherwise is stored.
    #[error("cannot read what CloudTrail tells of {0}: {1}")]
    CloudTrail(InstanceId, #[source] ServiceError),
    /// What is kept of it could not be read.
    #[error("cannot read the ledger: {0}")]
    LedgerRead(#[source] ServiceError),
    /// What was known could not be stored.
    #[error("cannot write the ledger: {0}")]
    LedgerWrite(#[source] ServiceError),
    /// The cache could not be read.
    #[error("cannot read the servers table: {0}")]
    CacheRead(#[source] ServiceError),
    /// The cache could not be written.
    #[error("cannot write the servers table: {0}")]
    CacheWrite(#[source] ServiceError),
}

/// The services that a server is answered for from.
#[derive(Debug)]
pub struct OneServer<S> {
    /// EC2, CloudTrail and both tables.
    pub services: S,
    /// How far the fleet has been swept.
    pub swept: Swept,
}

impl<S: Services> OneServer<S> {
    /// Over these services.
    pub fn over(services: S) -> Self {
        Self { services, swept: Swept::default() }
    }

    /// Calculates the month that is going on, stores and caches it; none where the instance is no server. `event` is what the
    /// caller has received of it.
    ///
    /// # Errors
    /// Where a service fails. What was read is stored all the same where it can be.
    pub async fn calculate(
        &self,
        id: &InstanceId,
        event: Option<&Evidence>,
        moment: Moment,
        counts: &mut Counts,
    ) -> Result<Option<CacheEntry>, AnswerError> {
        let found = self.services.fleet().find(std::slice::from_ref(id), moment.now).await;
        let mut found = found.map_err(|error| AnswerError::Fleet(id.clone(), error))?;
        let Some(observation) = found.remove(id) else { return Ok(None) };
        let items = self.items(id, moment).await?;
        let mut known = Known { event, look: Look::Seen(&observation), own: Testimony::default(), moment };
        let read = self.read_own_trail(&items, &mut known).await;
        counts.cloudtrail = counts.cloudtrail.and(known.own.cost);
        let entry = self.settle(items, &known).await?;
        read.map_or_else(|error| Err(AnswerError::CloudTrail(id.clone(), error)), |()| Ok(Some(entry)))
    }

    /// Folds the month that is going on from what is stored and an event, without asking EC2 or CloudTrail, and stores and
    /// caches it; none where nothing is stored of the server, or it left.
    ///
    /// # Errors
    /// Where a table fails.
    pub async fn carry_on(
        &self,
        id: &InstanceId,
        event: &Evidence,
        moment: Moment,
    ) -> Result<Option<CacheEntry>, AnswerError> {
        let items = self.items(id, moment).await?;
        if !items.is_of_a_server() {
            return Ok(None);
        }
        let known = Known { event: Some(event), look: Look::NotTaken, own: Testimony::default(), moment };
        self.settle(items, &known).await.map(Some)
    }

    /// True where something is stored of it in this month or the last, and it has not left since.
    pub(crate) async fn knows(&self, id: &InstanceId, moment: Moment) -> Result<bool, AnswerError> {
        self.items(id, moment).await.map(|items| items.is_of_a_server())
    }

    /// The item of this month, and where there is none, that of the month before.
    async fn items(&self, id: &InstanceId, moment: Moment) -> Result<Items, AnswerError> {
        let month = moment.month();
        let read = async |month| {
            let found =
                self.services.ledger().read(month, std::slice::from_ref(id)).await.map(|mut items| items.remove(id));
            found.and_then(Option::transpose).map_err(AnswerError::LedgerRead)
        };
        let stored = read(month).await?;
        let previous = match &stored {
            Some(_) => None,
            None => match read(month.previous()).await {
                Err(AnswerError::LedgerRead(error)) if error.is_of_one_item => begins_anew(id, month, &error),
                previous => previous?,
            },
        };
        let sweeps = self.swept.state(self.services.ledger(), moment.now).await;
        Ok(Items { id: id.clone(), month, stored, previous, sweeps })
    }

    /// Reads back to the month's start, and further where that could tell the state then: one server can afford it.
    async fn read_own_trail(&self, items: &Items, known: &mut Known<'_>) -> Result<(), ServiceError> {
        let Moment { now, deadlines } = known.moment;
        let remembered = Window::new(self.services.trail().remembers_since(now), now);
        let limits = Limits { deadline: deadlines.reading, lookups: LOOKUPS };
        let mut sweep = match known.look {
            Look::Seen(observation) if observation.spot.is_none() => {
                self.services.trail().lookup(&items.id, remembered)
            }
            _ => self.services.trail().lookup_spot(&items.id, remembered),
        };
        for instant in [items.month.start(), remembered.from] {
            if known.own.covered != Coverage::none() && !items.fold(items.stored.as_ref(), known).lacks_past {
                break;
            }
            known.own.read_back_to(&mut sweep, &items.id, instant, limits).await?;
        }
        Ok(())
    }

    async fn settle(&self, items: Items, known: &Known<'_>) -> Result<CacheEntry, AnswerError> {
        let refold = |stored: Option<&ServerMonth>| items.fold(stored, known);
        let folded = refold(items.stored.as_ref());
        let stored = store(self.services.ledger(), items.stored.clone(), folded, Writing::default(), refold).await;
        let Folded { month, entry, .. } = stored.map_err(AnswerError::LedgerWrite)?;
        cache(self.services.cache(), &month, &entry).await.map_err(AnswerError::CacheWrite)?;
        Ok(entry)
    }
}

/// Of a server whose last month cannot be read nothing is carried on: its new month is less certain, and is there.
pub fn begins_anew(id: &InstanceId, month: Month, error: &ServiceError) -> Option<ServerMonth> {
    tracing::warn!(%id, %month, %error, "Could not read the month before of {id}, {month} begins anew: {error}");
    None
}

/// What is stored of one server.
struct Items {
    id: InstanceId,
    month: Month,
    stored: Option<ServerMonth>,
    /// Where nothing is stored of this month: the month before.
    previous: Option<ServerMonth>,
    /// How far the fleet has been swept.
    sweeps: Arc<SweepState>,
}

/// What is new of it.
struct Known<'l> {
    event: Option<&'l Evidence>,
    look: Look<'l>,
    own: Testimony,
    moment: Moment,
}

impl Items {
    fn is_of_a_server(&self) -> bool {
        self.stored.as_ref().or(self.previous.as_ref()).is_some_and(|month| month.left_at.is_none())
    }

    fn fold(&self, stored: Option<&ServerMonth>, known: &Known<'_>) -> Folded {
        // Begun from the item of the month before, it lacks what that one lacks.
        let made_from = [self.month, self.month.previous()];
        let made_from = if self.previous.is_some() { &made_from[..] } else { &made_from[..1] };
        let swept = self.sweeps.for_server(&self.id, made_from).with_blind_spots(&known.own.blind);
        let month = ServerMonth::begun(&self.id, self.month, stored, self.previous.as_ref(), &swept);
        let evidence = known.event.into_iter().chain(&known.own.evidence).collect();
        let covered = known.own.covered.clone();
        let news = News { swept, evidence, covered, sampled: known.own.sampled.as_ref(), look: known.look };
        fold(month, &news, known.moment.now)
    }
}
