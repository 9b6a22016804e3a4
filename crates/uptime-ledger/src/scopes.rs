//! The scopes of an environment, from environment variables.

use std::collections::BTreeSet;

use uptime::{AccountId, Region, Scope};

use crate::variables::{VariableError, Variables};

/// The scopes of an environment: the home scope, and those further ones that are configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scopes {
    home: Scope,
    further: BTreeSet<Scope>,
    reader_role: Option<String>,
}

impl Scopes {
    /// The home scope alone.
    pub fn only(home: Scope) -> Self {
        Self { home, further: BTreeSet::new(), reader_role: None }
    }

    /// The home scope and further ones; those of other accounts are read by the role of this name there.
    pub fn with(home: Scope, further: impl IntoIterator<Item = Scope>, reader_role: &str) -> Self {
        Self { home, further: further.into_iter().collect(), reader_role: Some(reader_role.to_owned()) }
    }

    /// Reads `HOME_ACCOUNT` and `AWS_REGION`, which Lambda sets; `FURTHER_SCOPES`, such as
    /// `eu-west-1,us-east-1=111122223333,222233334444;us-east-1=333344445555`: groups of regions and the accounts in which
    /// they are counted, so that hundreds fit into a variable; and `READER_ROLE_NAME`.
    ///
    /// # Errors
    /// Names the variable that is missing or malformed.
    pub fn read(variables: &Variables<'_>) -> Result<Self, VariableError> {
        let account = variables.parsed("HOME_ACCOUNT", "an account id of 12 digits", |text| text.parse().ok())?;
        let region = variables.parsed("AWS_REGION", "a region such as `eu-west-1`", |text| text.parse().ok())?;
        let expected = "groups such as `eu-west-1,us-east-1=111122223333,222233334444`, with `;` between them";
        let further = variables.parsed_or("FURTHER_SCOPES", BTreeSet::new(), expected, groups)?;
        let scopes =
            Self { home: Scope { account, region }, further, reader_role: variables.optional("READER_ROLE_NAME") };
        if scopes.reader_role.is_none() && scopes.further.iter().any(|scope| scope.account != scopes.home.account) {
            return Err(VariableError::Missing("READER_ROLE_NAME"));
        }
        Ok(scopes)
    }

    /// The stack's own scope.
    pub fn home(&self) -> &Scope {
        &self.home
    }

    /// All of them, the home scope first.
    pub fn all(&self) -> impl Iterator<Item = &Scope> {
        std::iter::once(&self.home).chain(&self.further)
    }

    /// True where there is the home scope alone.
    pub fn is_home_alone(&self) -> bool {
        self.further.is_empty()
    }

    /// True for one that is configured.
    pub fn contains(&self, scope: &Scope) -> bool {
        self.all().any(|one| one == scope)
    }

    /// The role by which a scope is read; none in the home account.
    pub fn role_arn(&self, scope: &Scope) -> Option<String> {
        let name = self.reader_role.as_ref().filter(|_| scope.account != self.home.account)?;
        Some(format!("arn:{}:iam::{}:role/{name}", scope.region.partition(), scope.account))
    }
}

/// The scopes of `eu-west-1,us-east-1=111122223333;…`; none where a part of it is malformed.
fn groups(text: &str) -> Option<BTreeSet<Scope>> {
    let mut scopes = BTreeSet::new();
    for group in text.split(';') {
        let (regions, accounts) = group.split_once('=')?;
        let regions: Vec<Region> = regions.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
        let accounts: Vec<AccountId> = accounts.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
        let pairs = accounts.iter().flat_map(|account| regions.iter().map(move |region| (account, region)));
        scopes.extend(pairs.map(|(account, region)| Scope { account: account.clone(), region: region.clone() }));
    }
    Some(scopes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Scopes, String> {
        let home = [("HOME_ACCOUNT", "111122223333"), ("AWS_REGION", "eu-west-1")];
        let get =
            |name: &str| set.iter().chain(&home).find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Scopes::read(&Variables(&get)).map_err(|error| error.to_string())
    }

    fn texts(scopes: &Scopes) -> Vec<String> {
        scopes.all().map(ToString::to_string).collect()
    }

    #[test]
    fn the_home_scope_alone_unless_there_are_more() {
        let scopes = read(&[]).unwrap();
        assert_eq!((texts(&scopes).join(" "), scopes.is_home_alone()), ("111122223333/eu-west-1".to_owned(), true));
    }

    #[test]
    fn groups_are_all_regions_in_all_accounts() {
        let groups = "eu-west-1,us-east-1=222233334444,333344445555;us-east-1=111122223333";
        let scopes = read(&[("FURTHER_SCOPES", groups), ("READER_ROLE_NAME", "reader")]).unwrap();
        let expected = [
            "111122223333/eu-west-1",
            "111122223333/us-east-1",
            "222233334444/eu-west-1",
            "222233334444/us-east-1",
            "333344445555/eu-west-1",
            "333344445555/us-east-1",
        ];
        assert_eq!(texts(&scopes), expected);
        let arns: Vec<_> = scopes.all().map(|scope| scopes.role_arn(scope)).collect();
        assert_eq!(arns[..2], [None, None], "home needs no role, in whatever region");
        assert_eq!(arns[2].as_deref(), Some("arn:aws:iam::222233334444:role/reader"));
        assert!(!scopes.contains(&"444455556666/eu-west-1".parse().unwrap()));
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        for wrong in ["eu-west-1", "eu-west-1=12", "=111122223333", "eu-west-1=111122223333;"] {
            let error = read(&[("FURTHER_SCOPES", wrong)]).unwrap_err();
            assert!(
                error.starts_with(&format!("environment variable FURTHER_SCOPES is `{wrong}`: expected")),
                "{error}"
            );
        }
        let error = read(&[("FURTHER_SCOPES", "eu-west-1=222233334444")]).unwrap_err();
        assert_eq!(error, "environment variable READER_ROLE_NAME is not set");
        let error = read(&[("HOME_ACCOUNT", "12")]).unwrap_err();
        assert!(error.starts_with("environment variable HOME_ACCOUNT is `12`"), "{error}");
        assert!(read(&[("AWS_REGION", "")]).unwrap_err().ends_with("AWS_REGION is not set"));
    }
}
