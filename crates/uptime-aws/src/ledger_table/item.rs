//! A server's month as an item.

use std::collections::{BTreeSet, HashMap};
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use uptime::{Coverage, Evidence, InstanceId, Minutes, Month, Scope, ServerMonth, Span, Summary, Window, instant_text};

use crate::dynamodb::{Item, number, string, text};
use uptime_ledger::ServiceError;
use uptime_ledger::ports::{IndexedServer, KeptMonth};

/// The names of the attributes.
pub(super) mod attribute {
    pub(crate) const ID: &str = "id";
    pub(crate) const MONTH: &str = "month";
    pub(crate) const EVIDENCE: &str = "evidence";
    pub(crate) const LATE_EVIDENCE: &str = "lateEvidence";
    pub(crate) const SIGHTING: &str = "sighting";
    pub(crate) const ACCOUNT: &str = "account";
    pub(crate) const REGION: &str = "region";
    /// Key of the index: the scope and the month.
    pub(crate) const SCOPE_MONTH: &str = "scopeMonth";
    pub(crate) const NAME: &str = "name";
    pub(crate) const INSTANCE_TYPE: &str = "instanceType";
    pub(crate) const COVERAGE: &str = "coverage";
    pub(crate) const ASKED: &str = "asked";
    pub(crate) const LEFT_AT: &str = "leftAt";
    pub(crate) const MINUTES: &str = "minutes";
    pub(crate) const UNCERTAINTY: &str = "uncertainty";
    pub(crate) const DAYS: &str = "days";
    pub(crate) const AS_OF: &str = "asOf";
    pub(crate) const FINAL: &str = "final";
    pub(crate) const REVISION: &str = "revision";
}

/// The key of a server's item.
pub(super) fn key(id: &InstanceId, month: Month) -> Item {
    HashMap::from([(attribute::ID.to_owned(), text(id)), (attribute::MONTH.to_owned(), text(month))])
}

/// One conditional update.
pub(super) struct Change {
    pub(super) update: String,
    pub(super) condition: String,
    pub(super) names: HashMap<String, String>,
    pub(super) values: HashMap<String, AttributeValue>,
}

impl Change {
    /// Adds what `updated` has of evidence beyond `read`, and replaces the rest, provided that the item is as it was read.
    pub(super) fn of(scope: &Scope, read: Option<&ServerMonth>, updated: &ServerMonth) -> Self {
        let mut change =
            Self { update: String::new(), condition: String::new(), names: HashMap::new(), values: HashMap::new() };
        let mut set: Vec<(&str, AttributeValue)> = vec![
            (attribute::ACCOUNT, text(&scope.account)),
            (attribute::REGION, text(&scope.region)),
            (attribute::SCOPE_MONTH, text(scope_month(scope, updated.month))),
            (attribute::COVERAGE, windows(&updated.coverage)),
            (attribute::FINAL, AttributeValue::Bool(updated.is_final)),
            (attribute::REVISION, AttributeValue::N(next_revision(read).to_string())),
        ];
        let mut remove = Vec::new();
        let optional = [
            (attribute::SIGHTING, updated.sighting.as_ref().map(text)),
            (attribute::ASKED, windows_where_any(&updated.asked)),
            (attribute::LEFT_AT, updated.left_at.map(|at| text(instant_text(at)))),
            (attribute::NAME, updated.name.as_ref().map(text)),
            (attribute::INSTANCE_TYPE, updated.instance_type.as_ref().map(text)),
        ];
        for (name, value) in optional {
            match value {
                Some(value) => set.push((name, value)),
                None => remove.push(name),
            }
        }
        if let Some(summary) = &updated.summary {
            set.extend(summarized(summary));
        }
        let evidence = EvidenceChange::of(read, updated);
        if let EvidenceChange::Replace(all) = &evidence {
            set.push((attribute::EVIDENCE, all.clone()));
        }
        let assignments: Vec<String> = set.into_iter().map(|(name, value)| change.assign(name, value)).collect();
        change.update = format!("SET {}", assignments.join(", "));
        if !remove.is_empty() {
            let names: Vec<String> = remove.into_iter().map(|name| change.name(name)).collect();
            change.update.push_str(&format!(" REMOVE {}", names.join(", ")));
        }
        if let EvidenceChange::Add(new) = evidence {
            let name = change.name(attribute::EVIDENCE);
            change.update.push_str(&format!(" ADD {name} :new"));
            change.values.insert(":new".to_owned(), new);
        }
        change.condition = change.as_it_was_read(read);
        change
    }

    fn name(&mut self, name: &str) -> String {
        let placeholder = format!("#{name}");
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn assign(&mut self, name: &str, value: AttributeValue) -> String {
        self.values.insert(format!(":{name}"), value);
        format!("{} = :{name}", self.name(name))
    }

    /// Every write counts the revision up.
    fn as_it_was_read(&mut self, read: Option<&ServerMonth>) -> String {
        let Some(read) = read else { return format!("attribute_not_exists({})", self.name(attribute::ID)) };
        self.values.insert(":read".to_owned(), AttributeValue::N(read.revision.to_string()));
        format!("{} = :read", self.name(attribute::REVISION))
    }
}

/// The key under which the index lists the servers of a scope and month: `111122223333/eu-west-1/2026-11`.
pub(super) fn scope_month(scope: &Scope, month: Month) -> String {
    format!("{scope}/{month}")
}

/// The revision that a write makes of an item as it was read.
fn next_revision(read: Option<&ServerMonth>) -> u64 {
    read.map_or(0, |read| read.revision) + 1
}

/// What a write does with an item's evidence.
enum EvidenceChange {
    Nothing,
    /// Only what is new is sent.
    Add(AttributeValue),
    /// Some was condensed and goes: the set is replaced whole.
    Replace(AttributeValue),
}

impl EvidenceChange {
    fn of(read: Option<&ServerMonth>, updated: &ServerMonth) -> Self {
        let before = read.map(|read| &read.evidence);
        let is_known = |piece: &&Evidence| before.is_some_and(|before| before.contains(*piece));
        let strings = |evidence: &mut dyn Iterator<Item = &Evidence>| {
            AttributeValue::Ss(evidence.map(ToString::to_string).collect())
        };
        if before.is_some_and(|before| !before.is_subset(&updated.evidence)) {
            return Self::Replace(strings(&mut updated.evidence.iter()));
        }
        let mut new = updated.evidence.iter().filter(|piece| !is_known(piece)).peekable();
        if new.peek().is_none() { Self::Nothing } else { Self::Add(strings(&mut new)) }
    }
}

fn summarized(summary: &Summary) -> [(&'static str, AttributeValue); 4] {
    let minutes = |minutes: &Minutes| AttributeValue::N(minutes.to_string());
    [
        (attribute::MINUTES, minutes(&summary.span.proven)),
        (attribute::UNCERTAINTY, minutes(&summary.span.possible)),
        (attribute::DAYS, list(&summary.days, minutes)),
        (attribute::AS_OF, text(instant_text(summary.as_of))),
    ]
}

fn windows(coverage: &Coverage) -> AttributeValue {
    list(coverage.windows(), |window| text(window))
}

/// Of most servers CloudWatch is never asked.
fn windows_where_any(coverage: &Coverage) -> Option<AttributeValue> {
    (*coverage != Coverage::none()).then(|| windows(coverage))
}

fn list<T>(values: &[T], value: impl Fn(&T) -> AttributeValue) -> AttributeValue {
    AttributeValue::L(values.iter().map(value).collect())
}

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
    fn read(&self) -> Result<ServerMonth, ServiceError> {
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
    fn evidence(&self, name: &str) -> Result<BTreeSet<Evidence>, ServiceError> {
        let Some(value) = self.item.get(name) else { return Ok(BTreeSet::new()) };
        let texts = value.as_ss().map_err(|_| self.unreadable(name))?;
        texts.iter().map(|piece| piece.parse().map_err(|error| self.broken(name, &error))).collect()
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
