//! Checking the store, and what needs one.

use super::Check;
use crate::config::error::{ConfigError, Problem};
use crate::config::events as file;
use crate::config::plan::{Events, Store};
use crate::config::source::Key;
use crate::config::{self, store};

impl Check<'_> {
    pub(super) fn store(
        &self,
        written: Option<&store::Store>,
    ) -> Result<Option<Store>, ConfigError> {
        let Some(written) = written else { return Ok(None) };
        let path = self.source.resolve(&written.path);
        // A folder is made when the server starts, not when its configuration is checked.
        if written.path.as_os_str().is_empty() || path.exists() && !path.is_dir() {
            let problem = Problem::StorePath(path);
            return Err(self.fail(problem, &Key::top("store").name("path")));
        }
        Ok(Some(Store { path, min_free_bytes: written.min_free_bytes }))
    }

    /// Refuses what is to be durable where there is nothing to keep it in.
    pub(super) fn needs_store(&self, file: &config::File, key: &Key) -> Result<(), ConfigError> {
        match file.store {
            Some(_) => Ok(()),
            None => Err(self.fail(Problem::NoStore, key)),
        }
    }

    /// The events of a route.
    pub(super) fn events(
        &self,
        written: &file::Events,
        file: &config::File,
        key: &Key,
    ) -> Result<Events, ConfigError> {
        self.has_backend(&written.backend, &file.backend, &key.name("backend"))?;
        if !written.path.starts_with('/')
            || written.path.parse::<http::uri::PathAndQuery>().is_err()
        {
            return Err(self.fail(Problem::Path(written.path.clone()), &key.name("path")));
        }
        self.in_range(written.max_waiting, 1, 10_000_000, &key.name("max_waiting"))?;
        self.in_range(written.max_tries as usize, 1, 1 << 30, &key.name("max_tries"))?;
        self.in_range(written.max_dead, 0, 1_000_000, &key.name("max_dead"))?;
        if written.durable == Some(true) {
            self.needs_store(file, &key.name("durable"))?;
        }
        Ok(Events {
            backend: written.backend.clone(),
            path: written.path.clone(),
            is_durable: written.durable.unwrap_or_else(|| file.store.is_some()),
            grace: written.grace.get(),
            max_waiting: written.max_waiting,
            max_tries: written.max_tries,
            max_age: written.max_age.get(),
            max_dead: written.max_dead,
        })
    }
}
