//! The variables that a program is given: those of a list, and nothing else that the server has.

use std::env;
use std::ffi::OsString;

use crate::config;

/// Variables of one start, by their names; of two with one name the latter holds.
pub(crate) type Variables = Vec<(OsString, OsString)>;

/// What a program finds in its environment.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    /// Names taken from the server's own environment, where they are there.
    pub(crate) names: Vec<String>,
    /// Names and values of the configuration. They have the last word.
    pub(crate) values: Vec<(String, String)>,
}

impl From<&config::Environment> for Environment {
    fn from(written: &config::Environment) -> Self {
        let values = written.set.iter().map(|(name, value)| (name.clone(), value.clone()));
        Self { names: written.allow.clone(), values: values.collect() }
    }
}

impl Environment {
    /// All of it, with the variables of this start.
    pub(crate) fn variables(&self, start: &[(OsString, OsString)]) -> Variables {
        let own = self.names.iter().filter_map(|name| Some((name.into(), env::var_os(name)?)));
        let fixed = self.values.iter().map(|(name, value)| (name.into(), value.into()));
        own.chain(start.iter().cloned()).chain(fixed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_is_handed_on_and_the_configuration_has_the_last_word() {
        let environment = Environment {
            names: vec!["CARGO_MANIFEST_DIR".into(), "TIELINE_NOT_THERE".into()],
            values: vec![("B".into(), "fixed".into())],
        };
        let start = [("A".into(), "1".into()), ("B".into(), "2".into())];
        let variables: std::collections::BTreeMap<_, _> =
            environment.variables(&start).into_iter().collect();
        let names: Vec<_> = variables.keys().map(|name| name.to_str().unwrap()).collect();
        assert_eq!(names, ["A", "B", "CARGO_MANIFEST_DIR"]);
        assert_eq!(variables[&OsString::from("B")], "fixed");
    }
}
