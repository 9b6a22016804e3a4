//! One server, calculated on the spot from EC2, CloudTrail and what is kept of it.

use crate::ServiceError;
use crate::ports::{Fleet, Ledger, Limits, Services, Trail};
use uptime::{CacheEntry, Coverage, Evidence, InstanceId, Month, Observation, ServerMonth, SweptFor, Window};

use crate::counts::Counts;
use crate::invocation::Invocation;
use crate::own_trail::OwnTrail;
use crate::store::{Folded, Writing, cache, log_cached, store};
use crate::swept::Swept;

/// Requests that one calculation may take. Nearly every server's 90 days fit into one page of 50 records.
const LOOKUPS: u64 = 20;

/// Why a server could not be answered for.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// EC2 could not be asked whether it is a server.
    #[error("cannot ask EC2 about {0}: {1}")]
    Fleet(InstanceId, #[source] ServiceError),
    /// CloudTrail could not be read. What was learnt otherwise is stored.
    #[error("cannot read what CloudTrail tells of {0}: {1}")]
    CloudTrail(InstanceId, #[source] ServiceError),
    /// What is kept of it could not be read.
    #[error("cannot read the history table: {0}")]
    LedgerRead(#[source] ServiceError),
    /// What was learnt could not be stored.
    #[error("cannot write the history table: {0}")]
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

    /// Calculates the month that is going on, stores and caches it; none where the instance is no server. `told` is what
    /// the caller has learnt of it.
    ///
    /// # Errors
    /// Where a service fails. What was learnt is stored all the same where it can be.
    pub async fn calculate(
        &self,
        id: &InstanceId,
        told: Option<&Evidence>,
        invocation: Invocation,
        counts: &mut Counts,
    ) -> Result<Option<CacheEntry>, AnswerError> {
        let found = self.services.fleet().find(std::slice::from_ref(id), invocation.now).await;
        let mut found = found.map_err(|error| AnswerError::Fleet(id.clone(), error))?;
        let Some(observation) = found.remove(id) else { return Ok(None) };
        let kept = self.kept(id, invocation).await?;
        let known = Known { told, observation: Some(&observation), invocation };
        let (own, failure) = self.own_trail(id, &kept, &known).await;
        counts.cloudtrail = counts.cloudtrail.and(own.cost);
        let entry = self.settle(id, kept, &known, &own).await?;
        failure.map_or(Ok(Some(entry)), |error| Err(AnswerError::CloudTrail(id.clone(), error)))
    }

    /// Folds the month that is going on from what is kept and was told, without asking EC2 or CloudTrail, and stores and
    /// caches it; none where nothing is kept of the server, or it left.
    ///
    /// # Errors
    /// Where a table fails.
    pub async fn carry_on(
        &self,
        id: &InstanceId,
        told: &Evidence,
        invocation: Invocation,
    ) -> Result<Option<CacheEntry>, AnswerError> {
        let kept = self.kept(id, invocation).await?;
        if !kept.is_of_a_server() {
            return Ok(None);
        }
        let known = Known { told: Some(told), observation: None, invocation };
        self.settle(id, kept, &known, &OwnTrail::default()).await.map(Some)
    }

    /// True where something is kept of it in this month or the last, and it has not left since.
    pub(crate) async fn keeps(&self, id: &InstanceId, invocation: Invocation) -> Result<bool, AnswerError> {
        self.kept(id, invocation).await.map(|kept| kept.is_of_a_server())
    }

    /// What is kept of this month, and where that is nothing, of the month before.
    async fn kept(&self, id: &InstanceId, invocation: Invocation) -> Result<Kept, AnswerError> {
        let month = Month::of(invocation.now);
        let read = async |month| {
            let found =
                self.services.ledger().read(month, std::slice::from_ref(id)).await.map(|mut items| items.remove(id));
            found.and_then(Option::transpose).map_err(AnswerError::LedgerRead)
        };
        let stored = read(month).await?;
        let (mut previous, mut months) = (None, vec![month]);
        if stored.is_none() {
            months.push(month.previous());
            previous = match read(month.previous()).await {
                Err(AnswerError::LedgerRead(error)) if error.is_of_one_item => begins_anew(id, month, &error),
                previous => previous?,
            };
        }
        let swept = self.swept.for_server(self.services.ledger(), id, &months, invocation.now).await;
        Ok(Kept { stored, previous, swept })
    }

    /// Reads back to the month's start, and further where that could tell the state then: one server can afford it.
    async fn own_trail(&self, id: &InstanceId, kept: &Kept, known: &Known<'_>) -> (OwnTrail, Option<ServiceError>) {
        let now = known.invocation.now;
        let remembered = Window::new(self.services.trail().remembers_since(now), now);
        let limits = Limits { deadline: known.invocation.reading_deadline, lookups: LOOKUPS };
        let mut sweep = match known.observation {
            Some(observation) if observation.spot.is_none() => self.services.trail().lookup(id, remembered),
            _ => self.services.trail().lookup_spot(id, remembered),
        };
        let mut own = OwnTrail::default();
        for instant in [Month::of(now).start(), remembered.from] {
            let lacks_past = |own: &OwnTrail| kept.fold(id, kept.stored.as_ref(), known, own).lacks_past;
            if own.covered != Coverage::none() && !lacks_past(&own) {
                break;
            }
            if let Err(error) = own.read_back_to(&mut sweep, id, instant, limits).await {
                return (own, Some(error));
            }
        }
        (own, None)
    }

    async fn settle(
        &self,
        id: &InstanceId,
        kept: Kept,
        known: &Known<'_>,
        own: &OwnTrail,
    ) -> Result<CacheEntry, AnswerError> {
        let fold = |stored: Option<&ServerMonth>| kept.fold(id, stored, known, own);
        let folded = store(self.services.ledger(), kept.stored.clone(), Writing::default(), fold).await;
        let folded = folded.map_err(AnswerError::LedgerWrite)?;
        let written = cache(self.services.cache(), &folded).await.map_err(AnswerError::CacheWrite)?;
        log_cached(id, &folded.entry, written);
        Ok(folded.entry)
    }
}

/// Of a server whose last month cannot be read nothing is carried on: its new month is less certain, and is there.
pub fn begins_anew(id: &InstanceId, month: Month, error: &ServiceError) -> Option<ServerMonth> {
    tracing::warn!(%id, %month, %error, "Could not read the month before of {id}, {month} begins anew: {error}");
    None
}

/// What is kept of one server.
struct Kept {
    stored: Option<ServerMonth>,
    previous: Option<ServerMonth>,
    swept: SweptFor,
}

/// What is known of it now.
struct Known<'k> {
    told: Option<&'k Evidence>,
    /// As EC2 shows it; none where EC2 was not asked.
    observation: Option<&'k Observation>,
    invocation: Invocation,
}

impl Kept {
    fn is_of_a_server(&self) -> bool {
        self.stored.as_ref().or(self.previous.as_ref()).is_some_and(|month| month.left_at.is_none())
    }

    fn fold(&self, id: &InstanceId, stored: Option<&ServerMonth>, known: &Known<'_>, own: &OwnTrail) -> Folded {
        let now = known.invocation.now;
        let mut month = ServerMonth::going_on(id, Month::of(now), stored, self.previous.as_ref(), &self.swept);
        if let Some(observation) = known.observation
            && month.left_at.take().is_some()
        {
            // It was none in between, and the sweeps of that time are not its own: what it covers begins anew.
            month.learn([], &observation.since_last_start());
        }
        month.learn(known.told.cloned(), &Coverage::none());
        let created = month.created().or(known.observation.and_then(|observation| observation.created_at));
        month.learn(own.evidence.iter().cloned(), &own.blind.taken_from(own.covered.clone(), created));
        if let Some(observation) = known.observation {
            month.see(observation);
        }
        // Where EC2 was not asked, nobody knows what has been since the last that was told.
        let as_of = known.observation.map_or_else(|| month.last_told(now), |_| now);
        Folded::of(month, as_of)
    }
}
