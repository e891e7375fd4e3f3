//! What is offered, and what both ends agree on.
//!
//! ```text
//! parameter                   in an offer              in an answer
//! server_no_context_takeover  asks for it              promises it
//! client_no_context_takeover  hints at it              asks for it
//! server_max_window_bits=N    asks for N or less       promises N
//! client_max_window_bits[=N]  allows the answer's,     asks for N or less
//!                             and promises N           (only where it was offered)
//! ```
//!
//! N is 8 to 15 without a leading zero. zlib cannot compress with 8, so whoever needs 8 of our own
//! compressor is declined; with 8 from the peer's, the inflater simply gets a larger window.

use std::fmt;

use crate::http::Extension;

/// The registered name of the extension.
const NAME: &str = "permessage-deflate";

/// What this end wishes for. `Some(Config::default())` offers or accepts permessage-deflate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "options are plain structs: callers write `..default()`"
)]
pub struct Config {
    /// Effort of our compressor, 1 (fastest) to 9 (smallest). Default 4: of JSON it makes about 4 %
    /// more than 6, for a good tenth less work.
    pub level: u32,
    /// Shortest message that is compressed, in bytes; shorter ones are sent as they are. Default 128.
    pub min_bytes: usize,
    /// Whether the server keeps its window from message to message. Default true.
    pub server_context_takeover: bool,
    /// Whether the client keeps its window from message to message. Default true.
    pub client_context_takeover: bool,
    /// Largest window of the server's compressor, as a power of two, 9 to 15. Default 15.
    pub server_max_window_bits: u8,
    /// Largest window of the client's compressor, as a power of two, 9 to 15. Default 15.
    ///
    /// A server can only ask for it where the client's offer allows it; other clients get 15.
    pub client_max_window_bits: u8,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            level: 4,
            min_bytes: 128,
            server_context_takeover: true,
            client_context_takeover: true,
            server_max_window_bits: 15,
            client_max_window_bits: 15,
        }
    }
}

/// What was agreed, as one end sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the RFC closes the set of parameters")]
pub struct Agreed {
    /// Our compressor.
    pub ours: Window,
    /// The peer's compressor, which our inflater follows.
    pub theirs: Window,
    /// Effort of our compressor, 1 to 9.
    pub level: u32,
    /// Shortest message that we compress, in bytes.
    pub min_bytes: usize,
}

/// The window of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the RFC closes the set of parameters")]
pub struct Window {
    /// Size as a power of two, 9 to 15: a peer's 8 is inflated with 9, and 8 is never asked of us.
    pub bits: u8,
    /// Whether it is kept from message to message.
    pub context_takeover: bool,
}

/// A [`Config`] that cannot be: our caller's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// `level` is not 1 to 9.
    Level(u32),
    /// A window is not 9 to 15 bits.
    WindowBits(u8),
}

/// An answer to our offer that breaks RFC 7692: the server's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NegotiationError {
    /// A parameter stands there twice (§7.1).
    Duplicate,
    /// A parameter lacks its value, has one too many, or one out of its range (§7.1).
    InvalidValue,
    /// The answer leaves out or exceeds what the offer asked for (§7.1.1.1, §7.1.2).
    NotAsOffered,
    /// A parameter that the RFC does not know (§7.1).
    UnknownParameter,
    /// It asks for a window of 8 bits, which our compressor does not have.
    WindowTooSmall,
}

impl Config {
    /// Checks the numbers; every use of a `Config` does so first.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for a level not 1 to 9, or a window not 9 to 15 bits.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(1..=9).contains(&self.level) {
            return Err(ConfigError::Level(self.level));
        }
        for bits in [self.server_max_window_bits, self.client_max_window_bits] {
            if !(9..=15).contains(&bits) {
                return Err(ConfigError::WindowBits(bits));
            }
        }
        Ok(())
    }

    /// The offer a client makes.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    ///
    /// Spec: RFC 7692 §7.1.
    pub fn offer(&self) -> Result<Extension, ConfigError> {
        self.check()?;
        let server = Params { no_takeover: !self.server_context_takeover, bits: None };
        let bits = smaller(self.server_max_window_bits);
        let mut offer = Extension::new(NAME);
        write(&mut offer, "server", Params { bits, ..server });
        let client = Params { no_takeover: !self.client_context_takeover, bits: None };
        write(&mut offer, "client", client);
        let bits = smaller(self.client_max_window_bits).map(|bits| bits.to_string());
        offer.params.push(("client_max_window_bits".into(), bits));
        Ok(offer)
    }

    /// The answer a server gives to the first offer that it can accept, and what is then agreed.
    ///
    /// `None` where there is no such offer: an offer with a parameter that is unknown, repeated or
    /// out of range is declined, and so is one that needs 8 bits of our compressor.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check); nothing the client sends is an error.
    ///
    /// Spec: RFC 7692 §5, §7.1.
    pub fn answer(&self, offers: &[Extension]) -> Result<Option<(Extension, Agreed)>, ConfigError> {
        self.check()?;
        let mut offers = offers.iter().filter(|offer| offer.name == NAME);
        Ok(offers.find_map(|offer| self.answer_one(&Asked::parse(offer).ok()?)))
    }

    /// What is agreed by the server's answer to our [`offer`](Self::offer), or `None` where it
    /// answered another extension's name.
    ///
    /// # Errors
    ///
    /// [`NegotiationError`] for each way in which an answer can break the RFC; the client then
    /// fails the connection.
    ///
    /// Spec: RFC 7692 §5, §7.1.
    pub fn verify(&self, answer: &Extension) -> Result<Option<Agreed>, NegotiationError> {
        if answer.name != NAME {
            return Ok(None);
        }
        let asked = Asked::parse(answer)?;
        // §7.1.1.1, §7.1.2.1: what was asked of the server, it MUST promise.
        if !self.server_context_takeover && !asked.server.no_takeover {
            return Err(NegotiationError::NotAsOffered);
        }
        let server_bits = asked.server.bits.unwrap_or(15);
        if server_bits > self.server_max_window_bits {
            return Err(NegotiationError::NotAsOffered);
        }
        let client_bits = match asked.client_bits {
            None => self.client_max_window_bits,
            Some(Bits::Any) => return Err(NegotiationError::InvalidValue),
            Some(Bits::AtMost(8)) => return Err(NegotiationError::WindowTooSmall),
            Some(Bits::AtMost(bits)) if bits > self.client_max_window_bits => {
                return Err(NegotiationError::NotAsOffered);
            }
            Some(Bits::AtMost(bits)) => bits,
        };
        let ours = self.client_context_takeover && !asked.client_no_takeover;
        Ok(Some(Agreed {
            ours: Window { bits: client_bits, context_takeover: ours },
            theirs: inflated(server_bits, !asked.server.no_takeover),
            level: self.level,
            min_bytes: self.min_bytes,
        }))
    }

    fn answer_one(&self, asked: &Asked) -> Option<(Extension, Agreed)> {
        let server = Params {
            no_takeover: asked.server.no_takeover || !self.server_context_takeover,
            bits: match asked.server.bits {
                Some(8) => return None,
                Some(bits) => Some(bits.min(self.server_max_window_bits)),
                None => smaller(self.server_max_window_bits),
            },
        };
        let client = Params {
            no_takeover: asked.client_no_takeover || !self.client_context_takeover,
            bits: match asked.client_bits {
                // §7.1.2.2: without the parameter in the offer there MUST be none in the answer.
                None => None,
                Some(Bits::Any) => smaller(self.client_max_window_bits),
                Some(Bits::AtMost(bits)) => Some(bits.min(self.client_max_window_bits)),
            },
        };
        let mut answer = Extension::new(NAME);
        write(&mut answer, "server", server);
        write(&mut answer, "client", client);
        let agreed = Agreed {
            ours: Window { bits: server.bits.unwrap_or(15), context_takeover: !server.no_takeover },
            theirs: inflated(client.bits.unwrap_or(15), !client.no_takeover),
            level: self.level,
            min_bytes: self.min_bytes,
        };
        Some((answer, agreed))
    }
}

/// The window that inflates what a compressor of `bits` wrote.
fn inflated(bits: u8, context_takeover: bool) -> Window {
    Window { bits: bits.max(9), context_takeover }
}

/// 15 is what everybody has without saying so.
fn smaller(bits: u8) -> Option<u8> {
    (bits < 15).then_some(bits)
}

/// The parameters of one direction, as they are written.
#[derive(Clone, Copy, Debug, Default)]
struct Params {
    no_takeover: bool,
    bits: Option<u8>,
}

fn write(extension: &mut Extension, end: &str, params: Params) {
    if params.no_takeover {
        extension.params.push((format!("{end}_no_context_takeover"), None));
    }
    if let Some(bits) = params.bits {
        extension.params.push((format!("{end}_max_window_bits"), Some(bits.to_string())));
    }
}

/// The parameters of an offer or an answer, each valid by itself.
#[derive(Debug, Default)]
struct Asked {
    server: Params,
    client_no_takeover: bool,
    client_bits: Option<Bits>,
}

/// The two forms of `client_max_window_bits`.
#[derive(Debug)]
enum Bits {
    Any,
    AtMost(u8),
}

impl Asked {
    fn parse(extension: &Extension) -> Result<Self, NegotiationError> {
        let mut asked = Self::default();
        for (name, value) in &extension.params {
            let repeated = match (name.as_str(), value) {
                ("server_no_context_takeover", None) => {
                    std::mem::replace(&mut asked.server.no_takeover, true)
                }
                ("client_no_context_takeover", None) => {
                    std::mem::replace(&mut asked.client_no_takeover, true)
                }
                ("server_max_window_bits", Some(bits)) => {
                    asked.server.bits.replace(window_bits(bits)?).is_some()
                }
                ("client_max_window_bits", None) => asked.client_bits.replace(Bits::Any).is_some(),
                ("client_max_window_bits", Some(bits)) => {
                    asked.client_bits.replace(Bits::AtMost(window_bits(bits)?)).is_some()
                }
                (
                    "server_no_context_takeover"
                    | "client_no_context_takeover"
                    | "server_max_window_bits",
                    _,
                ) => return Err(NegotiationError::InvalidValue),
                _ => return Err(NegotiationError::UnknownParameter),
            };
            if repeated {
                return Err(NegotiationError::Duplicate);
            }
        }
        Ok(asked)
    }
}

/// §7.1.2: a decimal integer without leading zeroes, 8 to 15.
fn window_bits(value: &str) -> Result<u8, NegotiationError> {
    match value {
        "8" => Ok(8),
        "9" => Ok(9),
        "10" => Ok(10),
        "11" => Ok(11),
        "12" => Ok(12),
        "13" => Ok(13),
        "14" => Ok(14),
        "15" => Ok(15),
        _ => Err(NegotiationError::InvalidValue),
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Level(level) => write!(f, "compression level {level} is not 1 to 9"),
            Self::WindowBits(bits) => write!(f, "window of {bits} bits is not 9 to 15"),
        }
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for NegotiationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Duplicate => "permessage-deflate has a parameter twice",
            Self::InvalidValue => "permessage-deflate has a parameter with an invalid value",
            Self::NotAsOffered => "permessage-deflate was not answered as offered",
            Self::UnknownParameter => "permessage-deflate has an unknown parameter",
            Self::WindowTooSmall => "permessage-deflate would need a window of 8 bits",
        })
    }
}

impl std::error::Error for NegotiationError {}
