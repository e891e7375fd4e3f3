//! A newer token of the same user, shown in band: by `tieline_renew`, or by `rpc.login` in the
//! dialect of `rpc-websockets`.

use std::cell::Cell;
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::RpcError;
use super::params::decode;
use crate::auth::{Identity, Renewal};
use crate::peer::Peer;
use crate::request::Request;

/// The method by which a client shows a newer token.
pub(crate) const RENEW: &str = "tieline_renew";

/// Most tokens of one line that are refused. No other is looked at then: nobody is to try them out.
const MAX_REFUSED: u8 = 8;

/// What renews the identity of a line.
#[derive(Debug)]
pub(crate) struct Renewing {
    renewal: Renewal,
    refused: Cell<u8>,
}

/// The parameters: `{"token":"…"}`, or `["…"]` where they must stand in an array.
#[derive(Deserialize)]
struct Shown {
    token: String,
}

impl Renewing {
    /// For a line whose identity is known.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        Some(Self { renewal: request.renewal()?, refused: Cell::default() })
    }

    /// Judges the token, and has the line end when that does.
    pub(crate) fn renew(
        &self,
        peer: &Peer,
        params: Option<&RawValue>,
    ) -> Result<Identity, RpcError> {
        let Shown { token } = decode(params)?;
        if self.refused.get() == MAX_REFUSED {
            return Err(RpcError::limit_exceeded("too many refused tokens: open another line"));
        }
        self.renewal.renew(peer, &token).map_err(|refusal| {
            // That the keys are not there is not the client's fault.
            if refusal.status.is_client_error() {
                self.refused.set(self.refused.get() + 1);
            }
            RpcError::new(RpcError::DEFAULT, refusal.reason)
        })
    }
}

/// What is answered: `{"expires_in":3600}` in whole seconds, null for an identity that does not end.
pub(crate) fn told(identity: &Identity) -> Box<RawValue> {
    let left = |at: SystemTime| at.duration_since(SystemTime::now()).unwrap_or_default().as_secs();
    let seconds = identity.expires.map_or_else(|| "null".to_owned(), |at| left(at).to_string());
    RawValue::from_string([r#"{"expires_in":"#, &seconds, "}"].concat()).expect("this is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_left_is_told_in_whole_seconds() {
        let now = SystemTime::now();
        for (expires, expected) in [
            (Some(now + Duration::from_millis(3_600_900)), r#"{"expires_in":3600}"#),
            (Some(now - Duration::from_secs(1)), r#"{"expires_in":0}"#),
            (None, r#"{"expires_in":null}"#),
        ] {
            let identity = Identity { expires, ..Identity::of("alice") };
            assert_eq!(told(&identity).get(), expected);
        }
    }
}
