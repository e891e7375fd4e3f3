//! One connection of TLS, looked on with the secrets of a key log.

use super::cipher::{Opener, Suite};
use super::content;
use super::hello::{self, ServerHello};
use super::keys::{Keys, Secrets};
use super::records::{Broken, Record, Records};
use crate::frame::Sender;

/// Longest handshake messages that are held until they are whole.
const MAX_HANDSHAKE_BYTES: usize = 256 << 10;

/// One connection.
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// Of the client, and of the server.
    ends: [End; 2],
    client_random: Option<[u8; 32]>,
    /// `None` before the server's hello.
    agreed: Option<Agreed>,
    is_over: bool,
}

/// What one end says.
#[derive(Debug, Default)]
struct End {
    records: Records,
    /// Handshake messages that are not whole.
    handshake: Vec<u8>,
    opener: Option<Opener>,
    /// What opens behind what it waits for: TLS 1.2, the change of the cipher.
    next: Option<Opener>,
    /// Whether its handshake is done.
    is_finished: bool,
}

/// What was agreed on, and is known.
struct Agreed {
    suite: Suite,
    is_13: bool,
    secrets: Secrets,
}

/// What comes of some bytes.
pub(crate) enum Told<'a> {
    /// One end said this, opened.
    Data(Sender, &'a [u8]),
    /// The secrets of the connection are known.
    Known,
    /// Nothing of it can be opened, or nothing more.
    Lost,
}

type Tell<'t> = &'t mut dyn FnMut(Told<'_>);

impl Session {
    /// How much memory it holds, about.
    pub(crate) const fn held(&self) -> usize {
        let [client, server] = &self.ends;
        size_of::<Self>()
            + client.records.held()
            + server.records.held()
            + client.handshake.capacity()
            + server.handshake.capacity()
    }

    /// Takes what one end said.
    pub(crate) fn receive(&mut self, from: Sender, bytes: &[u8], keys: &mut Keys, tell: Tell<'_>) {
        if self.is_over {
            return;
        }
        self.ends[from as usize].records.push(bytes);
        // What the client said may have waited for the server's hello.
        for from in [from, from.other(), from] {
            if self.read(from, keys, tell).is_err() {
                return self.lose(tell);
            }
        }
        if self.ends.iter().any(|end| end.records.is_full()) {
            self.lose(tell);
        }
    }

    /// Takes note that bytes are missing: what is behind them cannot be opened.
    pub(crate) fn miss(&mut self, tell: Tell<'_>) {
        if !self.is_over {
            self.lose(tell);
        }
    }

    fn lose(&mut self, tell: Tell<'_>) {
        *self = Self { is_over: true, ..Self::default() };
        tell(Told::Lost);
    }

    fn read(&mut self, from: Sender, keys: &mut Keys, tell: Tell<'_>) -> Result<(), Broken> {
        loop {
            // Behind its hello a client says nothing that can be read before the server's.
            let must_wait = from == Sender::Client && self.client_random.is_some();
            if must_wait && self.agreed.is_none() {
                return Ok(());
            }
            let Some(record) = self.ends[from as usize].records.next()? else { return Ok(()) };
            self.take(from, &record, keys, tell)?;
        }
    }

    fn take(
        &mut self,
        from: Sender,
        record: &Record,
        keys: &mut Keys,
        tell: Tell<'_>,
    ) -> Result<(), Broken> {
        let is_13 = self.agreed.as_ref().is_some_and(|agreed| agreed.is_13);
        let end = &mut self.ends[from as usize];
        let mut kind = record.head[0];
        if kind == content::CHANGE_CIPHER_SPEC {
            // TLS 1.3 says it for old boxes on the way, and means nothing.
            if !is_13 && let Some(next) = end.next.take() {
                end.opener = Some(next);
            }
            return Ok(());
        }
        let opened;
        let mut body = record.body.as_slice();
        if let Some(opener) = &mut end.opener {
            let Some(plain) = opener.open(record.head, body) else {
                // Early data is sealed by another key.
                let is_early = is_13 && from == Sender::Client && !end.is_finished;
                return if is_early { Ok(()) } else { Err(Broken) };
            };
            opened = plain;
            body = &opened;
            if is_13 {
                // RFC 8446 §5.2: behind the content its type, and zeros.
                let last = body.iter().rposition(|&byte| byte != 0).ok_or(Broken)?;
                (kind, body) = (body[last], &body[..last]);
            }
        }
        match kind {
            content::HANDSHAKE => {
                end.handshake.extend_from_slice(body);
                if end.handshake.len() > MAX_HANDSHAKE_BYTES {
                    return Err(Broken);
                }
                self.shake_hands(from, keys, tell)
            }
            content::APPLICATION_DATA if end.opener.is_some() => {
                tell(Told::Data(from, body));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Reads the handshake messages that are whole.
    fn shake_hands(&mut self, from: Sender, keys: &mut Keys, tell: Tell<'_>) -> Result<(), Broken> {
        loop {
            let here = from as usize;
            let Some((kind, body, len)) = hello::message(&self.ends[here].handshake) else {
                return Ok(());
            };
            let is_13 = self.agreed.as_ref().is_some_and(|agreed| agreed.is_13);
            match (kind, from) {
                (hello::CLIENT_HELLO, Sender::Client) => {
                    self.client_random = Some(hello::client_random(body).ok_or(Broken)?);
                }
                (hello::SERVER_HELLO, Sender::Server) => {
                    let hello = ServerHello::parse(body).ok_or(Broken)?;
                    if hello.is_retry {
                        // The client says another, in the clear.
                        self.client_random = None;
                    } else {
                        self.agree(hello, keys).ok_or(Broken)?;
                        tell(Told::Known);
                    }
                }
                (hello::FINISHED, _) if is_13 => {
                    let Some(Agreed { suite, secrets, .. }) = &self.agreed else {
                        return Err(Broken);
                    };
                    let secret = secrets.traffic[here].as_ref().ok_or(Broken)?;
                    let opener = Opener::of_secret(*suite, secret).ok_or(Broken)?;
                    self.ends[here].opener = Some(opener);
                    self.ends[here].is_finished = true;
                }
                (hello::KEY_UPDATE, _) if is_13 && self.ends[here].is_finished => {
                    let opener = self.ends[here].opener.as_ref().and_then(Opener::update);
                    self.ends[here].opener = Some(opener.ok_or(Broken)?);
                }
                _ => {}
            }
            self.ends[here].handshake.drain(..len);
        }
    }

    /// Both have said hello: their keys.
    fn agree(&mut self, hello: ServerHello, keys: &mut Keys) -> Option<()> {
        let client_random = self.client_random?;
        let suite = Suite::of(hello.suite)?;
        let secrets = keys.find(&client_random)?;
        if hello.is_13 {
            for (end, secret) in self.ends.iter_mut().zip(&secrets.handshake) {
                end.opener = Some(Opener::of_secret(suite, secret.as_ref()?)?);
            }
        } else {
            let master = secrets.master.as_ref()?;
            let openers = Opener::of_master(suite, master, &client_random, &hello.random)?;
            for (end, opener) in self.ends.iter_mut().zip(openers) {
                end.next = Some(opener);
            }
        }
        self.agreed = Some(Agreed { suite, is_13: hello.is_13, secrets });
        Some(())
    }
}

impl std::fmt::Debug for Agreed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Nothing of a secret is printed.
        f.debug_struct("Agreed").field("is_13", &self.is_13).finish_non_exhaustive()
    }
}
