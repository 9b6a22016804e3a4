//! Settings, from environment variables.

use chrono::TimeDelta;
use uptime_ledger::SharedSettings;
use uptime_ledger::variables::{VariableError, Variables};

/// The settings that the handler reads from its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What all handlers share.
    pub shared: SharedSettings,
    /// `REPORTS_BUCKET_NAME`: where final months are handed over.
    pub reports_bucket_name: String,
    /// The times below.
    pub settings: Settings,
}

/// How much a run looks at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `CLOUDTRAIL_LOOKBACK_DAYS` (default 7): how far before the month a sweep reaches at least.
    pub lookback: TimeDelta,
    /// `CLOUDTRAIL_OVERLAP_MINUTES` (default 60): how far behind the watermark a sweep reads again, for late delivery.
    pub overlap: TimeDelta,
    /// `MONTH_OPEN_HOURS` (default 24): for how long after its end a month stays open for late events.
    pub month_open: TimeDelta,
    /// `ASK_CLOUDWATCH` (default `true`): whether CloudWatch is asked about the time that all else leaves open.
    pub asks_cloudwatch: bool,
}

impl Config {
    /// Reads the settings from a function from a variable's name to its value.
    ///
    /// # Errors
    /// Names the variable that is missing or malformed.
    pub fn read(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, VariableError> {
        let variables = Variables(get);
        let up_to = |most: i64| move |text: &str| text.parse().ok().filter(|number| (0..=most).contains(number));
        let lookback = variables.parsed_or(
            "CLOUDTRAIL_LOOKBACK_DAYS",
            7,
            "a whole number of days from 0 to 90, which is how long CloudTrail remembers",
            up_to(90),
        )?;
        let overlap = variables.parsed_or(
            "CLOUDTRAIL_OVERLAP_MINUTES",
            60,
            "a whole number of minutes from 0 to 1440",
            up_to(1440),
        )?;
        let open = variables.parsed_or("MONTH_OPEN_HOURS", 24, "a whole number of hours from 0 to 168", up_to(168))?;
        Ok(Self {
            shared: SharedSettings::read(&variables)?,
            reports_bucket_name: variables.required("REPORTS_BUCKET_NAME")?,
            settings: Settings {
                lookback: TimeDelta::days(lookback),
                overlap: TimeDelta::minutes(overlap),
                month_open: TimeDelta::hours(open),
                asks_cloudwatch: variables
                    .parsed_or("ASK_CLOUDWATCH", true, "`true` or `false`", |text| text.parse().ok())?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uptime_ledger::AppTag;

    fn read(set: &[(&str, &str)]) -> Result<Config, String> {
        let get = |name: &str| set.iter().rfind(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Config::read(&get).map_err(|error| error.to_string())
    }

    const NEEDED: [(&str, &str); 6] = [
        ("REPORTS_BUCKET_NAME", "reports"),
        ("SERVERS_TABLE_NAME", "servers"),
        ("RUNTIME_HISTORY_TABLE_NAME", "history"),
        ("TAG_APP_VALUE", "lab"),
        ("HOME_ACCOUNT", "111122223333"),
        ("AWS_REGION", "eu-west-1"),
    ];

    #[test]
    fn what_is_not_set_has_the_documented_default() {
        let config = read(&NEEDED).unwrap();
        assert_eq!(config.shared.tag, AppTag { key: "App".to_owned(), value: "lab".to_owned() });
        assert_eq!(config.settings.lookback, TimeDelta::days(7));
        assert_eq!(config.settings.overlap, TimeDelta::hours(1));
        assert_eq!(config.settings.month_open, TimeDelta::days(1));
        assert!(config.settings.asks_cloudwatch);
        assert_eq!((config.shared.app.as_str(), config.shared.environment.as_str()), ("runtime-cache", "local"));
    }

    #[test]
    fn a_missing_or_malformed_variable_is_named() {
        let with = |name, value| read(&[&NEEDED[..], &[(name, value)]].concat()).unwrap_err();
        assert_eq!(with("SERVERS_TABLE_NAME", ""), "environment variable SERVERS_TABLE_NAME is not set");
        assert_eq!(
            with("RUNTIME_HISTORY_TABLE_NAME", ""),
            "environment variable RUNTIME_HISTORY_TABLE_NAME is not set"
        );
        assert!(
            with("CLOUDTRAIL_OVERLAP_MINUTES", "1h")
                .starts_with("environment variable CLOUDTRAIL_OVERLAP_MINUTES is `1h`")
        );
        assert!(with("MONTH_OPEN_HOURS", "169").starts_with("environment variable MONTH_OPEN_HOURS is `169`"));
        assert_eq!(
            with("ASK_CLOUDWATCH", "no"),
            "environment variable ASK_CLOUDWATCH is `no`: expected `true` or `false`"
        );
        assert_eq!(with("TAG_APP_VALUE", ""), "environment variable TAG_APP_VALUE is not set");
        assert!(
            with("SERVERS_TABLE_NAME", "a b").starts_with("environment variable SERVERS_TABLE_NAME is `a b`: expected")
        );
        for days in ["-1", "91", "week", "7.5"] {
            let error = with("CLOUDTRAIL_LOOKBACK_DAYS", days);
            assert!(
                error.starts_with(&format!("environment variable CLOUDTRAIL_LOOKBACK_DAYS is `{days}`")),
                "{error}"
            );
        }
    }
}
