//! The variables that a program on a page finds.

use std::env;

use anyhow::Context;
use serde_json::{Map, Value, json};

/// Variables beside those that every program finds.
#[derive(Debug, clap::Args)]
pub(crate) struct Variables {
    /// A variable more that the program finds, with this value or its own here; it has PATH, HOME,
    /// USER, SHELL, TMPDIR, TZ and those of the language without being told
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    variables: Vec<String>,
}

impl Variables {
    /// As a configuration has them.
    ///
    /// # Errors
    ///
    /// A name whose value is wanted from here, where it has none.
    pub(super) fn as_configured(&self) -> anyhow::Result<Value> {
        let mut set = Map::new();
        for variable in &self.variables {
            let (name, value) = match variable.split_once('=') {
                Some((name, value)) => (name, value.to_owned()),
                None => {
                    let value = env::var(variable);
                    (variable.as_str(), value.with_context(|| format!("--env {variable}"))?)
                }
            };
            set.insert(name.to_owned(), value.into());
        }
        Ok(json!({ "set": set }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(variables: &[&str]) -> anyhow::Result<Value> {
        let variables = variables.iter().map(|&variable| variable.to_owned()).collect();
        Variables { variables }.as_configured()
    }

    #[test]
    fn a_variable_has_the_value_that_is_given_or_its_own() {
        let path = env::var("PATH").unwrap();
        let expected = json!({ "set": { "PATH": path, "A": "b=c", "EMPTY": "" } });
        assert_eq!(configured(&["PATH", "A=b=c", "EMPTY="]).unwrap(), expected);
        assert_eq!(configured(&[]).unwrap(), json!({ "set": {} }));
        assert!(configured(&["TIELINE_TEST_NO_SUCH_VARIABLE"]).is_err());
    }
}
