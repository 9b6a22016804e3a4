//! Settings, from environment variables.

use chrono::TimeDelta;
use uptime_ledger::SharedSettings;
use uptime_ledger::variables::{VariableError, Variables};

/// The settings that the handler reads from its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What all handlers share.
    pub shared: SharedSettings,
    /// `CACHE_MAX_AGE_HOURS`: an older cached value is calculated anew; not set: whatever its age, it is used.
    pub cache_max_age: Option<TimeDelta>,
}

impl Config {
    /// Reads the settings from a function from a variable's name to its value.
    ///
    /// # Errors
    /// Names the variable that is missing or malformed.
    pub fn read(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, VariableError> {
        let variables = Variables(get);
        let max_age = |text: &str| text.parse().ok().filter(|hours| (1.0..=744.0).contains(hours)).map(Some);
        Ok(Self {
            shared: SharedSettings::read(&variables)?,
            cache_max_age: variables
                .parsed_or("CACHE_MAX_AGE_HOURS", None, "a number of hours from 1 to 744", max_age)?
                .map(|hours: f64| TimeDelta::seconds((hours * 3600.0) as i64)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Config, String> {
        let needed = [
            ("SERVERS_TABLE_NAME", "servers"),
            ("RUNTIME_HISTORY_TABLE_NAME", "history"),
            ("TAG_APP_VALUE", "lab"),
            ("HOME_ACCOUNT", "111122223333"),
            ("AWS_REGION", "eu-west-1"),
        ];
        let all: Vec<_> = needed.iter().chain(set).collect();
        let get = |name: &str| all.iter().rfind(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Config::read(&get).map_err(|error| error.to_string())
    }

    #[test]
    fn a_cached_value_is_used_whatever_its_age_unless_told_otherwise() {
        assert_eq!(read(&[]).unwrap().cache_max_age, None);
        assert_eq!(read(&[("CACHE_MAX_AGE_HOURS", "1.5")]).unwrap().cache_max_age, Some(TimeDelta::minutes(90)));
    }

    #[test]
    fn a_missing_or_malformed_variable_is_named() {
        for (name, value) in
            [("CACHE_MAX_AGE_HOURS", "0"), ("CACHE_MAX_AGE_HOURS", "NaN"), ("SERVERS_TABLE_NAME", "a b")]
        {
            let error = read(&[(name, value)]).unwrap_err();
            assert!(error.starts_with(&format!("environment variable {name} is `{value}`: expected")), "{error}");
        }
        for name in ["SERVERS_TABLE_NAME", "RUNTIME_HISTORY_TABLE_NAME", "TAG_APP_VALUE"] {
            assert_eq!(read(&[(name, "")]).unwrap_err(), format!("environment variable {name} is not set"));
        }
    }
}
