//! After a run: the months that are final now are compared with what CloudWatch has of them, server by server.

use std::collections::{BTreeSet, HashMap};

use tokio::time::Instant;
use uptime::{Audit, Comparison, Completeness, InstanceId, Month, Samples, ServerMonth};
use uptime_ledger::Moment;
use uptime_ledger::ports::{Ledger, LedgerWritten, StatusChecks, SweepState};

use crate::error::{RunError, in_time};
use crate::observe::PART;
use crate::sweep_state::{change, read_late};
use crate::witness::{Witness, log_disagreements};

/// Compares every month that `state` says is still to be compared; returns of how many servers CloudWatch tells otherwise. Who
/// was not answered, or not reached, is compared by the next run: that it fails takes nothing from a run that has stored all
/// minutes. A report that was handed over before is due once more.
///
/// # Errors
/// Where the sweep state cannot be read or stored.
pub(crate) async fn audit_due<L: Ledger, W: StatusChecks>(
    ledger: &L,
    state: SweepState,
    witness: &mut Witness<'_, W>,
    moment: Moment,
) -> Result<usize, RunError> {
    let (mut disagreeing, mut done, mut changed) = (0, BTreeSet::new(), BTreeSet::new());
    for month in state.unaudited.iter().copied() {
        let auditing = Auditing::of(ledger, month, witness, moment).await;
        disagreeing += auditing.disagreeing;
        if auditing.left == 0 {
            done.insert(month);
        }
        if auditing.audited > 0 {
            changed.insert(month);
        }
    }
    change(ledger, state, moment, |read| {
        let mut next = read.clone();
        next.unaudited.retain(|month| !done.contains(month));
        next.unreported.extend(&changed);
        next
    })
    .await?;
    Ok(disagreeing)
}

/// Compares one month that has become final, before it is handed over; returns of how many servers CloudWatch tells otherwise.
/// Where not all were compared, the hourly runs go on with it.
///
/// # Errors
/// Where that cannot be noted in the sweep state.
pub(crate) async fn audit<L: Ledger, W: StatusChecks>(
    ledger: &L,
    month: Month,
    witness: &mut Witness<'_, W>,
    moment: Moment,
) -> Result<usize, RunError> {
    let auditing = Auditing::of(ledger, month, witness, moment).await;
    if auditing.left > 0 {
        change(ledger, read_late(ledger, moment).await?, moment, |read| {
            let mut next = read.clone();
            next.unaudited.insert(month);
            next
        })
        .await?;
    }
    Ok(auditing.disagreeing)
}

/// One month being compared.
struct Auditing<'a, L> {
    ledger: &'a L,
    month: Month,
    /// Servers whose item says by now what comparing them came to.
    audited: usize,
    /// Those of which CloudWatch tells otherwise.
    disagreeing: usize,
    /// Servers that are still to be compared.
    left: usize,
}

impl<'a, L: Ledger> Auditing<'a, L> {
    /// A month after as many of its servers as could be were compared.
    async fn of<W: StatusChecks>(ledger: &'a L, month: Month, witness: &mut Witness<'_, W>, moment: Moment) -> Self {
        let mut auditing = Self { ledger, month, audited: 0, disagreeing: 0, left: 0 };
        if let Err(error) = auditing.all(witness, moment).await {
            tracing::warn!(%month, %error, "Could not audit {month}, the next run tries again: {error}");
            // How many there are is not known.
            auditing.left += 1;
        }
        auditing
    }

    async fn all<W: StatusChecks>(&mut self, witness: &mut Witness<'_, W>, moment: Moment) -> Result<(), RunError> {
        let listed = in_time(moment, "reading the ledger", self.ledger.servers(self.month)).await?;
        let servers = listed.map_err(RunError::LedgerRead)?.into_iter().filter(|server| server.is_final);
        let ids: Vec<InstanceId> = servers.map(|server| server.id).collect();
        for part in ids.chunks(PART) {
            if Instant::now() >= moment.deadlines.all {
                self.left += part.len();
                continue;
            }
            let read = in_time(moment, "reading the ledger", self.ledger.read(self.month, part)).await?;
            // An item that cannot be read is an error where its month is settled.
            let items = read.map_err(RunError::LedgerRead)?.into_iter().filter_map(|(id, item)| Some((id, item.ok()?)));
            let is_due = |item: &ServerMonth| item.is_final && item.audit.is_none() && !item.rests_on_samples();
            let items: HashMap<InstanceId, ServerMonth> = items.filter(|(_, item)| is_due(item)).collect();
            let ids: Vec<InstanceId> = items.keys().cloned().collect();
            self.left += ids.len();
            witness.ask_whole(self.month, ids, async |samples| self.take(&items, &samples).await).await;
        }
        Ok(())
    }

    /// Takes the samples of one answer. How complete they are, all of its servers tell together.
    async fn take(&mut self, items: &HashMap<InstanceId, ServerMonth>, samples: &HashMap<InstanceId, Samples>) {
        let compared = samples.iter().filter_map(|(id, samples)| {
            let item = items.get(id)?;
            Some((item, item.compared_with(samples)))
        });
        let compared: Vec<(&ServerMonth, Comparison)> = compared.collect();
        let completeness =
            compared.iter().map(|(_, one)| one.completeness()).fold(Completeness::default(), Completeness::and);
        for (item, comparison) in compared {
            match comparison.audit(completeness) {
                None => self.left -= 1,
                Some(audit) => self.store(item, audit).await,
            }
        }
    }

    /// One that cannot be stored is compared again by the next run.
    async fn store(&mut self, item: &ServerMonth, audit: Audit) {
        let (id, month) = (&item.id, self.month);
        let audited = ServerMonth { audit: Some(audit), revision: item.revision + 1, ..item.clone() };
        match self.ledger.write(Some(item), &audited).await {
            Ok(LedgerWritten::Stored) => {
                (self.left, self.audited) = (self.left - 1, self.audited + 1);
            }
            Ok(LedgerWritten::Conflict(_)) => return,
            Err(error) => {
                tracing::warn!(%id, %month, %error, "Could not store what CloudWatch tells of {id}: {error}");
                return;
            }
        }
        if let Some(Audit::Disagrees(windows)) = audited.audit {
            self.disagreeing += 1;
            log_disagreements(id, month, windows.windows());
        }
    }
}
