//! Checking the operator's side.

use std::net::SocketAddr;

use super::Check;
use super::listener::parse_address;
use crate::auth::Tokens;
use crate::config::error::{ConfigError, Problem};
use crate::config::operator as file;
use crate::config::plan::Operator;
use crate::config::source::Key;

impl Check<'_> {
    pub(super) fn operator(
        &self,
        written: Option<&file::Operator>,
    ) -> Result<Option<Operator>, ConfigError> {
        let Some(written) = written else { return Ok(None) };
        let key = Key::top("operator");
        let at = key.name("address");
        let address: SocketAddr = parse_address(&written.address)
            .ok_or_else(|| self.fail(Problem::Address(written.address.clone()), &at))?;
        let is_public = !address.ip().is_loopback();
        if is_public && written.tls.is_none() && !written.danger_without_tls {
            return Err(self.fail(Problem::OperatorWithoutTls, &at));
        }
        if is_public && written.api_key_file.is_none() && !written.danger_without_key {
            return Err(self.fail(Problem::OperatorWithoutKey, &at));
        }
        let keys = written.api_key_file.as_ref().map(|path| {
            Tokens::load(self.source.resolve(path))
                .map_err(|error| self.fail(Problem::Access(error), &key.name("api_key_file")))
        });
        Ok(Some(Operator {
            address,
            keys: keys.transpose()?,
            hosts: self.hosts(&written.hosts, !is_public, &key)?,
            certificates: self.certificates(written.tls.as_ref(), &key.name("tls"))?,
        }))
    }
}
