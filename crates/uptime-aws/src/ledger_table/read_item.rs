//! A server's month out of an item, and out of an entry of the index.

use std::collections::BTreeSet;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use uptime::{Audit, Coverage, Evidence, InstanceId, Month, Scope, ServerMonth, Span, Summary, Window};
use uptime_ledger::ServiceError;
use uptime_ledger::ports::{IndexedServer, KeptMonth};

use super::item::attribute;
use crate::dynamodb::{Item, number, string};

/// Reads an item of a server of `scope`; what cannot be read, or is another scope's, is an error of its server.
///
/// # Errors
/// Where not even its server can be read.
pub(super) fn read(scope: &Scope, item: Item) -> Result<(InstanceId, Result<ServerMonth, ServiceError>), ServiceError> {
    let id: InstanceId = parsed(&item, attribute::ID)?.ok_or_else(|| unreadable("an item has no id".to_owned()))?;
    let month = belongs_to(scope, &id, &item).and_then(|()| ItemReader { id: &id, item }.read());
    Ok((id, month))
}

/// Reads an item of whatever scope it names.
///
/// # Errors
/// Where not even its server, month or scope can be read.
pub(super) fn kept(item: Item) -> Result<KeptMonth, ServiceError> {
    let month = parsed(&item, attribute::MONTH)?.ok_or_else(|| unreadable("an item has no month".to_owned()))?;
    let scope = scope(&item)?;
    let (_, item) = read(&scope, item)?;
    Ok(KeptMonth { month, scope, item })
}

/// The scope that an item names.
///
/// # Errors
/// Where it names none.
pub(super) fn scope(item: &Item) -> Result<Scope, ServiceError> {
    let account = parsed(item, attribute::ACCOUNT)?;
    let region = parsed(item, attribute::REGION)?;
    let scope = account.zip(region).map(|(account, region)| Scope { account, region });
    scope.ok_or_else(|| unreadable("an item names no scope".to_owned()))
}

/// Checks that an item is of `scope`.
///
/// # Errors
/// Where it is not: an instance id belongs to one scope, and two servers' evidence in one item would be wrong for both.
pub(super) fn belongs_to(scope: &Scope, id: &InstanceId, item: &Item) -> Result<(), ServiceError> {
    match self::scope(item)? {
        owner if owner == *scope => Ok(()),
        owner => Err(unreadable(format!("the item of {id} belongs to {owner}, not to {scope}"))),
    }
}

/// True where nothing may change an item any more.
pub(super) fn is_final(item: &Item) -> bool {
    matches!(item.get(attribute::FINAL), Some(AttributeValue::Bool(true)))
}

/// Reads an entry of the index.
///
/// # Errors
/// Where it has no readable id or minutes.
pub(super) fn indexed(item: &Item) -> Result<IndexedServer, ServiceError> {
    let id = parsed(item, attribute::ID)?.ok_or_else(|| unreadable("an item has no id".to_owned()))?;
    let minutes = |name| number(item, name).unwrap_or_default();
    Ok(IndexedServer {
        id,
        span: Span { proven: minutes(attribute::MINUTES), possible: minutes(attribute::UNCERTAINTY) },
        as_of: string(item, attribute::AS_OF).and_then(|at| at.parse().ok()),
        left: item.contains_key(attribute::LEFT_AT),
        is_final: is_final(item),
    })
}

struct ItemReader<'i> {
    id: &'i InstanceId,
    item: Item,
}

impl ItemReader<'_> {
    fn read(mut self) -> Result<ServerMonth, ServiceError> {
        let month: Month = self.parsed(attribute::MONTH)?.ok_or_else(|| self.unreadable(attribute::MONTH))?;
        Ok(ServerMonth {
            id: self.id.clone(),
            month,
            name: string(&self.item, attribute::NAME).map(str::to_owned),
            instance_type: string(&self.item, attribute::INSTANCE_TYPE).map(str::to_owned),
            evidence: self.evidence(attribute::EVIDENCE)?,
            sighting: self.parsed(attribute::SIGHTING)?,
            coverage: self.windows(attribute::COVERAGE)?,
            asked: self.windows(attribute::ASKED)?,
            left_at: self.parsed(attribute::LEFT_AT)?,
            summary: self.summary()?,
            is_final: is_final(&self.item),
            late_evidence: self.evidence(attribute::LATE_EVIDENCE)?,
            audit: self.audit()?,
            revision: self.number(attribute::REVISION)?,
        })
    }

    fn number(&self, name: &str) -> Result<u64, ServiceError> {
        let number = self.item.get(name).and_then(|value| value.as_n().ok()?.parse().ok());
        number.ok_or_else(|| self.unreadable(name))
    }

    fn summary(&self) -> Result<Option<Summary>, ServiceError> {
        let Some(as_of) = self.parsed::<DateTime<Utc>>(attribute::AS_OF)? else { return Ok(None) };
        let minutes = |name| number(&self.item, name).ok_or_else(|| self.unreadable(name));
        Ok(Some(Summary {
            span: Span { proven: minutes(attribute::MINUTES)?, possible: minutes(attribute::UNCERTAINTY)? },
            days: self.elements(attribute::DAYS, |value| value.as_n().ok()?.parse().ok())?,
            as_of,
        }))
    }

    fn audit(&self) -> Result<Option<Audit>, ServiceError> {
        let Some(verdict) = string(&self.item, attribute::AUDIT) else { return Ok(None) };
        let audit = Audit::read(verdict, self.windows(attribute::DISAGREEMENTS)?);
        audit.map(Some).ok_or_else(|| self.unreadable(attribute::AUDIT))
    }

    fn windows(&self, name: &str) -> Result<Coverage, ServiceError> {
        let windows: Vec<Window> = self.elements(name, |value| value.as_s().ok()?.parse().ok())?;
        Ok(windows.into_iter().collect())
    }

    fn elements<T>(&self, name: &str, read: impl Fn(&AttributeValue) -> Option<T>) -> Result<Vec<T>, ServiceError> {
        let Some(value) = self.item.get(name) else { return Ok(Vec::new()) };
        let elements = value.as_l().ok().and_then(|values| values.iter().map(read).collect());
        elements.ok_or_else(|| self.unreadable(name))
    }

    /// Evidence that cannot be read is never left out silently: minutes would be wrong for it.
    fn evidence(&mut self, name: &str) -> Result<BTreeSet<Evidence>, ServiceError> {
        match self.item.remove(name) {
            None => Ok(BTreeSet::new()),
            Some(AttributeValue::Ss(texts)) => {
                let read = |piece| Evidence::try_from(piece).map_err(|error| self.broken(name, &error));
                texts.into_iter().map(read).collect()
            }
            Some(other) => Err(self.broken(name, &format!("{other:?}"))),
        }
    }

    fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, ServiceError> {
        parsed(&self.item, name).map_err(|_| self.unreadable(name))
    }

    fn broken(&self, name: &str, why: &impl ToString) -> ServiceError {
        let month = string(&self.item, attribute::MONTH).unwrap_or_default();
        unreadable(format!("the item of {} {month} has an unreadable {name}: {}", self.id, why.to_string()))
    }

    fn unreadable(&self, name: &str) -> ServiceError {
        self.broken(name, &format!("{:?}", self.item.get(name)))
    }
}

fn parsed<T: FromStr>(item: &Item, name: &str) -> Result<Option<T>, ServiceError> {
    let Some(value) = item.get(name) else { return Ok(None) };
    let read = value.as_s().ok().and_then(|text| text.parse().ok());
    read.map(Some).ok_or_else(|| unreadable(format!("an item has an unreadable {name}: {value:?}")))
}

fn unreadable(what: String) -> ServiceError {
    ServiceError::unexpected("reading the ledger", what).of_one_item()
}
