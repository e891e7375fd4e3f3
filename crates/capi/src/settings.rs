//! What a program asks for, checked: nothing in it can be wrong.

use std::time::Duration;

use tieline::reconnect::Reconnect;
use tieline::tls::{Identity, KeyPin, Roots, TlsError, TlsOptions};
use tieline::url::Target;
use tieline::{Connect, Deflate, Limits, Proxy};

use crate::code::{Code, Failure};

/// What was asked for, as it was written; empty texts and zeros are defaults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) url: String,
    pub(crate) protocols: String,
    pub(crate) headers: String,
    pub(crate) origin: String,
    pub(crate) proxy: String,
    pub(crate) ca_pem: String,
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: String,
    pub(crate) pinned_key: String,
    pub(crate) ca_only: i64,
    pub(crate) danger_accept_any_certificate: i64,
    pub(crate) connect_timeout_ms: i64,
    pub(crate) ping_after_ms: i64,
    pub(crate) pong_timeout_ms: i64,
    pub(crate) close_timeout_ms: i64,
    pub(crate) max_message_bytes: i64,
    pub(crate) send_queue_bytes: i64,
    pub(crate) event_queue_bytes: i64,
    pub(crate) event_queue_events: i64,
    pub(crate) redirects: i64,
    pub(crate) deflate: i64,
    pub(crate) deflate_level: i64,
    pub(crate) reconnect: i64,
    pub(crate) reconnect_base_ms: i64,
    pub(crate) reconnect_max_ms: i64,
    pub(crate) reconnect_stable_ms: i64,
}

/// How a client connects, comes back, and how much it keeps.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) request: Connect,
    /// `None` to stay away when the line has ended.
    pub(crate) reconnect: Option<Reconnect>,
    pub(crate) send_queue_bytes: usize,
    pub(crate) event_queue_bytes: usize,
    pub(crate) event_queue_events: usize,
}

impl Settings {
    /// Checks everything that can be checked without connecting.
    pub(crate) fn check(asked: &Asked) -> Result<Self, Failure> {
        Target::parse(&asked.url).map_err(|error| Failure::of(Code::Url, &error))?;
        let mut request = Connect::to(&asked.url).limits(asked.limits()?);
        for protocol in list(&asked.protocols, ',') {
            request = request.subprotocol(protocol);
        }
        for line in list(&asked.headers, '\n') {
            let Some((name, value)) = line.split_once(':') else {
                // Not the line itself: it may be a secret.
                let text = "`headers` has a line without a colon: each is `Name: value`";
                return Err(Failure::new(Code::Request, text));
            };
            request = request.header(name.trim_end(), value.trim());
        }
        if !asked.origin.is_empty() {
            request = request.origin(&asked.origin);
        }
        if !asked.proxy.is_empty() {
            request = request.proxy(match asked.proxy.as_str() {
                "environment" => Proxy::from_env(),
                url => Proxy::from_url(url),
            });
        }
        if let Some(tls) = asked.tls()? {
            let config = tls.config().map_err(|error| in_our_words(&error))?;
            request = request.tls(config);
        }
        request = asked.deflate(request)?;
        request = request.redirects(size("redirects", asked.redirects, 0)?);
        request.check().map_err(|error| Failure::of(Code::Request, &error))?;
        Ok(Self {
            request,
            reconnect: asked.reconnect()?,
            send_queue_bytes: size("send_queue_bytes", asked.send_queue_bytes, 1 << 20)?,
            event_queue_bytes: size("event_queue_bytes", asked.event_queue_bytes, 4 << 20)?,
            event_queue_events: size("event_queue_events", asked.event_queue_events, 1024)?,
        })
    }
}

impl Asked {
    fn limits(&self) -> Result<Limits, Failure> {
        let limits = Limits::default();
        Ok(Limits {
            max_message_bytes: size(
                "max_message_bytes",
                self.max_message_bytes,
                limits.max_message_bytes,
            )?,
            handshake_within: time(
                "connect_timeout_ms",
                self.connect_timeout_ms,
                limits.handshake_within,
            )?,
            ping_after: match (self.ping_after_ms, limits.ping_after) {
                (-1, _) => None,
                (0, default) => default,
                (ms, _) => Some(time("ping_after_ms", ms, Duration::ZERO)?),
            },
            pong_within: time("pong_timeout_ms", self.pong_timeout_ms, limits.pong_within)?,
            close_within: time("close_timeout_ms", self.close_timeout_ms, limits.close_within)?,
            ..limits
        })
    }

    /// `None` for what the system trusts, which all clients without settings of their own share.
    fn tls(&self) -> Result<Option<TlsOptions>, Failure> {
        let mut tls = TlsOptions::default();
        let mut is_own = false;
        if flag("ca_only", self.ca_only)? {
            if self.ca_pem.is_empty() {
                let text = "`ca_only` is 1 and `ca_pem` is empty: nobody would be trusted";
                return Err(Failure::new(Code::Tls, text));
            }
            (tls.roots, is_own) = (Roots::None, true);
        }
        if flag("danger_accept_any_certificate", self.danger_accept_any_certificate)? {
            (tls.danger_accept_any_certificate, is_own) = (true, true);
        }
        if !self.ca_pem.is_empty() {
            (tls.extra_roots_pem, is_own) = (self.ca_pem.clone().into_bytes(), true);
        }
        for pin in list(&self.pinned_key, ';') {
            let pin: KeyPin = pin.parse().map_err(|error| Failure::of(Code::Tls, &error))?;
            tls.pinned_keys.push(pin);
            is_own = true;
        }
        match (self.certificate_pem.is_empty(), self.key_pem.is_empty()) {
            (true, true) => {}
            (false, false) => {
                let certificates_pem = self.certificate_pem.clone().into_bytes();
                let key_pem = self.key_pem.clone().into_bytes();
                tls.identity = Some(Identity { certificates_pem, key_pem });
                is_own = true;
            }
            _ => {
                let text = "`certificate_pem` and `key_pem` belong together: give both or neither";
                return Err(Failure::new(Code::Tls, text));
            }
        }
        Ok(is_own.then_some(tls))
    }

    fn deflate(&self, request: Connect) -> Result<Connect, Failure> {
        let level = match self.deflate_level {
            0 => Deflate::default().level,
            level @ 1..=9 => level as u32,
            other => return Err(wrong("deflate_level", other, "1 to 9, or 0 for the default")),
        };
        let offered = Deflate { level, ..Deflate::default() };
        match self.deflate {
            0 => Ok(request),
            1 => Ok(request.deflate(offered)),
            2 => Ok(request.deflate(offered).require_deflate()),
            other => Err(wrong("deflate", other, "0 (off), 1 (offered) or 2 (required)")),
        }
    }

    fn reconnect(&self) -> Result<Option<Reconnect>, Failure> {
        let default = Reconnect::default();
        let reconnect = Reconnect {
            base: time("reconnect_base_ms", self.reconnect_base_ms, default.base)?,
            max: time("reconnect_max_ms", self.reconnect_max_ms, default.max)?,
            stable_after: time(
                "reconnect_stable_ms",
                self.reconnect_stable_ms,
                default.stable_after,
            )?,
            ..default
        };
        Ok(flag("reconnect", self.reconnect)?.then_some(reconnect))
    }
}

/// What is wrong with TLS, with the options under the names that they have here.
fn in_our_words(error: &TlsError) -> Failure {
    let Failure { code, text } = Failure::of(Code::Tls, error);
    let text = text.replace("extra_roots_pem", "ca_pem");
    let text = text.replace("identity.certificates_pem", "certificate_pem");
    Failure { code, text: text.replace("identity.key_pem", "key_pem") }
}

/// The parts of a list, without the space around them and without empty ones.
fn list(text: &str, separator: char) -> impl Iterator<Item = &str> {
    text.split(separator).map(str::trim).filter(|part| !part.is_empty())
}

fn wrong(field: &str, value: i64, right: &str) -> Failure {
    Failure::new(Code::Argument, format!("`{field}` is {value}: it is {right}"))
}

fn flag(field: &str, value: i64) -> Result<bool, Failure> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(wrong(field, other, "0 or 1")),
    }
}

fn size(field: &str, value: i64, default: usize) -> Result<usize, Failure> {
    match usize::try_from(value) {
        Ok(0) => Ok(default),
        Ok(size) => Ok(size),
        Err(_) => Err(wrong(field, value, "a number from 1, or 0 for the default")),
    }
}

fn time(field: &str, value: i64, default: Duration) -> Result<Duration, Failure> {
    /// A year. More is a mistake, and no sum of times must overflow.
    const MOST: u64 = 365 * 24 * 60 * 60 * 1000;
    match u64::try_from(value) {
        Ok(0) => Ok(default),
        Ok(ms) if ms <= MOST => Ok(Duration::from_millis(ms)),
        _ => {
            Err(wrong(field, value, "milliseconds from 1 to those of a year, or 0 for the default"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked {
        Asked { url: "ws://localhost/".to_owned(), ..Asked::default() }
    }

    fn refused(asked: &Asked) -> (Code, String) {
        let failure = Settings::check(asked).unwrap_err();
        (failure.code, failure.text)
    }

    #[test]
    fn zeros_and_empty_texts_are_the_documented_defaults() {
        let settings = Settings::check(&asked()).unwrap();
        assert!(settings.reconnect.is_none());
        assert_eq!((settings.send_queue_bytes, settings.event_queue_bytes), (1 << 20, 4 << 20));
        assert_eq!(settings.event_queue_events, 1024);
        assert_eq!(asked().limits().unwrap(), Limits::default());
    }

    #[test]
    fn minus_one_never_pings() {
        let asked = Asked { ping_after_ms: -1, ..asked() };
        assert_eq!(asked.limits().unwrap().ping_after, None);
    }

    #[test]
    fn what_is_wrong_is_named_with_what_would_be_right() {
        let cases = [
            (Asked { url: "http://x/".to_owned(), ..asked() }, Code::Url, "ws"),
            (Asked { protocols: "a,b c".to_owned(), ..asked() }, Code::Request, "`b c`"),
            (Asked { headers: "secret".to_owned(), ..asked() }, Code::Request, "Name: value"),
            (Asked { headers: "A b: 1".to_owned(), ..asked() }, Code::Request, "`A b`"),
            (Asked { origin: "example.com".to_owned(), ..asked() }, Code::Request, "https://host"),
            (Asked { ca_pem: "x".to_owned(), ..asked() }, Code::Tls, "`ca_pem`"),
            (Asked { ca_only: 1, ..asked() }, Code::Tls, "`ca_pem` is empty"),
            (Asked { key_pem: "x".to_owned(), ..asked() }, Code::Tls, "certificate_pem"),
            (Asked { pinned_key: "abc".to_owned(), ..asked() }, Code::Tls, "sha256//"),
            (Asked { ca_only: 2, ..asked() }, Code::Argument, "`ca_only` is 2: it is 0 or 1"),
            (Asked { pong_timeout_ms: -1, ..asked() }, Code::Argument, "`pong_timeout_ms`"),
            (Asked { connect_timeout_ms: i64::MAX, ..asked() }, Code::Argument, "a year"),
            (Asked { max_message_bytes: -5, ..asked() }, Code::Argument, "from 1"),
            (Asked { deflate: 3, ..asked() }, Code::Argument, "2 (required)"),
            (Asked { deflate_level: 10, ..asked() }, Code::Argument, "1 to 9"),
        ];
        for (asked, code, word) in cases {
            let (got, text) = refused(&asked);
            assert!(got == code && text.contains(word), "{got:?} {text}");
            assert!(!text.contains("secret"), "{text}");
        }
    }

    #[test]
    fn lists_are_taken_apart() {
        let protocols = "chat.v2, chat.v1".to_owned();
        let headers = "Authorization: Bearer x\r\nX-Empty:\n\n".to_owned();
        assert!(Settings::check(&Asked { protocols, headers, ..asked() }).is_ok());
    }
}
