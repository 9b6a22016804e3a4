//! The settings that all handlers share, from environment variables.

use crate::metrics::Metrics;
use crate::scopes::Scopes;
use crate::variables::{VariableError, Variables};

/// The tag that makes an instance a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppTag {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// The settings that every handler reads from its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedSettings {
    /// `SERVERS_TABLE_NAME`: the table whose items carry the cache.
    pub servers_table_name: String,
    /// `RUNTIME_HISTORY_TABLE_NAME`: the table of the ledger.
    pub ledger_table_name: String,
    /// `TAG_APP_KEY` (default `App`) and `TAG_APP_VALUE`: the tag that makes an instance a server.
    pub tag: AppTag,
    /// `HOME_ACCOUNT`, `AWS_REGION`, `FURTHER_SCOPES` and `READER_ROLE_NAME`: which servers are counted.
    pub scopes: Scopes,
    /// `APP_NAME` (default `runtime-cache`): metrics go to the namespace `<app>/MonthlyRuntime`.
    pub app: String,
    /// `ENVIRONMENT` (default `local`): the metrics' dimension.
    pub environment: String,
}

impl SharedSettings {
    /// Reads them.
    ///
    /// # Errors
    /// Names the variable that is missing or malformed.
    pub fn read(variables: &Variables<'_>) -> Result<Self, VariableError> {
        Ok(Self {
            servers_table_name: variables.table_name("SERVERS_TABLE_NAME")?,
            ledger_table_name: variables.table_name("RUNTIME_HISTORY_TABLE_NAME")?,
            tag: AppTag {
                key: variables.optional("TAG_APP_KEY").unwrap_or_else(|| "App".to_owned()),
                value: variables.required("TAG_APP_VALUE")?,
            },
            scopes: Scopes::read(variables)?,
            app: variables.optional("APP_NAME").unwrap_or_else(|| "runtime-cache".to_owned()),
            environment: variables.optional("ENVIRONMENT").unwrap_or_else(|| "local".to_owned()),
        })
    }

    /// Where the handler's metrics go.
    pub fn metrics(&self) -> Metrics {
        Metrics::new(&self.app, &self.environment)
    }
}
