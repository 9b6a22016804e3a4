//! Reading settings from environment variables, with errors that name the variable.

/// A variable that is missing or malformed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// It is not set, or empty.
    #[error("environment variable {0} is not set")]
    Missing(&'static str),
    /// Its value is none that is allowed.
    #[error("environment variable {name} is `{value}`: expected {expected}")]
    Malformed {
        /// The variable.
        name: &'static str,
        /// What it is set to.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
}

/// The environment, as a function from a name to a value, so that tests need no environment.
pub struct Variables<'e>(pub &'e dyn Fn(&str) -> Option<String>);

impl Variables<'_> {
    /// A variable that has to be there.
    ///
    /// # Errors
    /// Where it is not.
    pub fn required(&self, name: &'static str) -> Result<String, VariableError> {
        self.optional(name).ok_or(VariableError::Missing(name))
    }

    /// A variable that may be there; an empty one is not.
    pub fn optional(&self, name: &'static str) -> Option<String> {
        (self.0)(name).filter(|value| !value.trim().is_empty())
    }

    /// A value that has to be there and to match `allowed`.
    ///
    /// # Errors
    /// Where it is not, or does not; `expected` says what would be allowed.
    pub fn parsed<T>(
        &self,
        name: &'static str,
        expected: &'static str,
        allowed: impl Fn(&str) -> Option<T>,
    ) -> Result<T, VariableError> {
        let value = self.required(name)?;
        allowed(value.trim()).ok_or(VariableError::Malformed { name, value, expected })
    }

    /// The name of a DynamoDB table.
    ///
    /// # Errors
    /// Where it is not set, or no such name.
    pub fn table_name(&self, name: &'static str) -> Result<String, VariableError> {
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
        let table_name = |text: &str| (3..=255).contains(&text.len()) && text.bytes().all(is_allowed);
        let expected = "a table name: 3 to 255 letters, digits, `_`, `-` or `.`";
        self.parsed(name, expected, |text| table_name(text).then(|| text.to_owned()))
    }

    /// A value that matches `allowed`, or `default` where the variable is not set.
    ///
    /// # Errors
    /// Where it is set to something else; `expected` says what would be allowed.
    pub fn parsed_or<T>(
        &self,
        name: &'static str,
        default: T,
        expected: &'static str,
        allowed: impl Fn(&str) -> Option<T>,
    ) -> Result<T, VariableError> {
        if self.optional(name).is_none() { Ok(default) } else { self.parsed(name, expected, allowed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(name: &str) -> Option<String> {
        Some(match name {
            "EMPTY" => " ".to_owned(),
            "SEVEN" => "7".to_owned(),
            "WORD" => "soon".to_owned(),
            _ => return None,
        })
    }

    #[test]
    fn errors_name_the_variable() {
        let variables = Variables(&get);
        let number = |name| variables.parsed_or(name, 1, "a whole number", |text| text.parse::<u32>().ok());
        assert_eq!(variables.required("EMPTY").unwrap_err().to_string(), "environment variable EMPTY is not set");
        assert_eq!((number("SEVEN"), number("ABSENT")), (Ok(7), Ok(1)));
        let malformed = number("WORD").unwrap_err().to_string();
        assert_eq!(malformed, "environment variable WORD is `soon`: expected a whole number");
    }
}
