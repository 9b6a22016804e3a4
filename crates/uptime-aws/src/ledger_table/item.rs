//! A server's month as an item: the names of its attributes, and writing it.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use uptime::{Coverage, Evidence, InstanceId, Minutes, Month, Scope, ServerMonth, Summary, instant_text};

use crate::dynamodb::{Item, text};

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
    pub(crate) const AUDIT: &str = "audit";
    pub(crate) const DISAGREEMENTS: &str = "disagreements";
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
            (attribute::AUDIT, updated.audit.as_ref().map(|audit| text(audit.verdict()))),
            (
                attribute::DISAGREEMENTS,
                updated.audit.as_ref().and_then(|audit| windows_where_any(audit.disagreements())),
            ),
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

fn windows_where_any(coverage: &Coverage) -> Option<AttributeValue> {
    (*coverage != Coverage::none()).then(|| windows(coverage))
}

fn list<T>(values: &[T], value: impl Fn(&T) -> AttributeValue) -> AttributeValue {
    AttributeValue::L(values.iter().map(value).collect())
}
