//! Checking what the server serves.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tieline_proto::deflate;
use tieline_proto::handshake::{Origin, Origins};
use tieline_proto::http::is_token;

use super::Check;
use crate::auth::TICKET_PATH;
use crate::config::File;
use crate::config::error::{ConfigError, Problem};
use crate::config::plan::{Page, Route};
use crate::config::route::{self as file, HEALTH_PATH, SAME_ORIGIN};
use crate::config::source::Key;
use crate::limits::Limiter;
use crate::rpc::Methods;

/// Most lines that one may be let have.
pub(super) const MAX_LINES: usize = 1 << 30;

impl Check<'_> {
    pub(super) fn routes(&self, file: &File) -> Result<Vec<Route>, ConfigError> {
        let written = &file.route;
        if written.is_empty() {
            return Err(self.fail(Problem::NoRoutes, &Key::default()));
        }
        let mut routes: Vec<Route> = Vec::with_capacity(written.len());
        for (index, route) in written.iter().enumerate() {
            let key = Key::top("route").index(index);
            let path = &route.path;
            if let Some(first) = routes.iter().position(|other| other.path == *path) {
                let first = self.line_of(&Key::top("route").index(first).name("path"));
                let problem = Problem::DuplicateRoute { path: path.clone(), first };
                return Err(self.fail(problem, &key.name("path")));
            }
            routes.push(self.route(route, file, &key)?);
        }
        Ok(routes)
    }

    fn route(&self, written: &file::Route, file: &File, key: &Key) -> Result<Route, ConfigError> {
        let path = &written.path;
        if !is_path(path) {
            return Err(self.fail(Problem::Path(path.clone()), &key.name("path")));
        }
        if [HEALTH_PATH, TICKET_PATH].contains(&path.as_str()) {
            return Err(self.fail(Problem::ReservedPath(path.clone()), &key.name("path")));
        }
        if written.service.is_none() && written.page.is_none() {
            return Err(self.fail(Problem::ServiceOrPage, key));
        }
        for (index, name) in written.subprotocols.iter().enumerate() {
            if !is_token(name.as_bytes()) {
                let key = key.name("subprotocols").index(index);
                return Err(self.fail(Problem::Subprotocol(name.clone()), &key));
            }
        }
        let at = key.name("service");
        match &written.service {
            Some(file::Service::Channels(channels)) => {
                self.channels(channels, written, file, &at)?
            }
            Some(file::Service::Command(command)) => self.command(command, &at)?,
            Some(file::Service::Rpc(rpc)) => self.rpc(rpc, &at)?,
            Some(file::Service::Shell(shell)) => self.shell(shell, &at)?,
            Some(file::Service::Terminal(terminal)) => self.terminal(terminal, &at)?,
            _ => {}
        }
        let (limits, at) = (&written.limits, key.name("limits"));
        self.in_range(limits.max_message_bytes, 1, 1 << 30, &at.name("max_message_bytes"))?;
        self.in_range(limits.max_fragments, 1, 1 << 30, &at.name("max_fragments"))?;
        self.in_range(limits.backlog_bytes, 1, 1 << 30, &at.name("backlog_bytes"))?;
        self.some_time(limits.pong_within, &at.name("pong_within"))?;
        for (most, name) in [
            (limits.lines_per_address, "lines_per_address"),
            (limits.lines_per_user, "lines_per_user"),
        ] {
            self.in_range(most.map_or(1, |most| most as usize), 1, MAX_LINES, &at.name(name))?;
        }
        Ok(Route {
            path: path.clone(),
            service: written.service.as_ref().map(|service| self.service(service)),
            proxy: self.proxy(written, key)?.map(Arc::new),
            tail: self.tail(written, &key.name("service"))?.map(Arc::new),
            gateway: self.gateway(written, file, &key.name("service"))?,
            page: self.page(written.page.as_ref(), file, key)?,
            access: self.access(written, key)?,
            origins: self.origins(written, &key.name("origins"))?,
            carriers: self.carriers(written, key)?,
            subprotocols: written.subprotocols.clone(),
            deflate: self.deflate(written.compression.as_ref(), key)?,
            limits: Arc::new(tieline_proto::Limits {
                max_message_bytes: limits.max_message_bytes,
                max_fragments: limits.max_fragments,
                ping_after: Some(limits.ping_after.get()).filter(|after| !after.is_zero()),
                pong_within: limits.pong_within.get(),
                close_within: limits.close_within.get(),
                ..tieline_proto::Limits::default()
            }),
            backlog_bytes: limits.backlog_bytes,
            limiter: Arc::new(Limiter::of_route(limits)),
            methods: Methods::new(),
        })
    }

    fn origins(&self, written: &file::Route, key: &Key) -> Result<Origins, ConfigError> {
        let mut list = Vec::new();
        let mut has_own = false;
        for (index, text) in written.origins.iter().enumerate() {
            match text.parse::<Origin>() {
                _ if text == SAME_ORIGIN => has_own = true,
                Ok(origin) => list.push(origin),
                Err(_) => {
                    return Err(self.fail(Problem::Origin(text.clone()), &key.index(index)));
                }
            }
        }
        Ok(match (written.danger_accept_any_origin, has_own, list.is_empty()) {
            (true, _, _) => Origins::DangerAny,
            (false, true, true) => Origins::SameOrigin,
            (false, true, false) => Origins::SameOriginOr(list),
            (false, false, _) => Origins::List(list),
        })
    }

    /// Text can be carried; what is streamed below the services, or is binary, cannot.
    fn carriers(&self, written: &file::Route, key: &Key) -> Result<bool, ConfigError> {
        let is_carried = match &written.service {
            Some(file::Service::Channels(_)) => written.carriers.unwrap_or(true),
            _ => written.carriers.unwrap_or(false),
        };
        let speaks_text = !matches!(
            written.service,
            None | Some(file::Service::Proxy(_) | file::Service::Terminal(_))
        );
        match is_carried && !speaks_text {
            true => Err(self.fail(Problem::Carriers, &key.name("carriers"))),
            false => Ok(is_carried),
        }
    }

    fn deflate(
        &self,
        written: Option<&file::Compression>,
        key: &Key,
    ) -> Result<Option<deflate::Config>, ConfigError> {
        let Some(written) = written.filter(|compression| compression.enabled) else {
            return Ok(None);
        };
        let config = deflate::Config {
            level: written.level,
            min_bytes: written.min_bytes,
            server_context_takeover: written.context_takeover,
            client_context_takeover: written.context_takeover,
            server_max_window_bits: written.max_window_bits,
            ..deflate::Config::default()
        };
        config.check().map_err(|error| {
            let name = match error {
                deflate::ConfigError::WindowBits(_) => "max_window_bits",
                _ => "level",
            };
            self.fail(Problem::Compression(error), &key.name("compression").name(name))
        })?;
        Ok(Some(config))
    }

    fn page(
        &self,
        written: Option<&file::Page>,
        file: &File,
        key: &Key,
    ) -> Result<Option<Page>, ConfigError> {
        let fail = |path: &Path, source: io::Error| {
            let path = path.to_path_buf();
            self.fail(Problem::Page { path, source }, &key.name("page").name("path"))
        };
        Ok(Some(match written {
            None => return Ok(None),
            Some(file::Page::Bridge { route }) => {
                Page::Bridge(self.bridge(route, file, &key.name("page"))?)
            }
            Some(file::Page::Console {}) => Page::Console,
            Some(file::Page::File { path }) => {
                let path = self.source.resolve(path);
                Page::File(existing_file(&path).map_err(|error| fail(&path, error))?)
            }
            Some(file::Page::Folder { path }) => {
                let path = self.source.resolve(path);
                Page::Folder(existing_folder(&path).map_err(|error| fail(&path, error))?)
            }
        }))
    }
}

/// As a browser sends it: nothing that has to be escaped.
pub(super) fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>\\^`{|}".contains(&byte))
}

fn existing_file(path: &Path) -> io::Result<PathBuf> {
    if !std::fs::File::open(path)?.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    path.canonicalize()
}

fn existing_folder(path: &Path) -> io::Result<PathBuf> {
    std::fs::read_dir(path)?;
    path.canonicalize()
}
