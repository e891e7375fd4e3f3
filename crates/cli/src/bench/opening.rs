//! A connection until it is open: TCP, TLS, the request, and its answer.

use std::io;

use tieline::{Agreement, HandshakeError, Limits, mask_keys};
use tieline_proto::handshake::client::Request;
use tieline_proto::http::HeadReader;

use super::tally::ErrorKind;
use super::target::Target;
use super::transport::{Shared, Taken, Transport};

/// What is still to be done.
#[derive(Debug)]
pub(super) struct Opening {
    /// When it began.
    pub(super) since: u64,
    is_connected: bool,
    request: Request,
    /// What of the request was not yet written.
    unsent: Vec<u8>,
    reader: HeadReader,
    /// What was read of the answer.
    head: Vec<u8>,
}

/// Why a connection was not opened.
pub(super) type Refused = (ErrorKind, String);

impl Opening {
    /// Begins with a key of its own.
    pub(super) fn new(target: &Target, since: u64) -> Self {
        let mut request = target.request.clone();
        let mut keys = mask_keys();
        for part in request.key.chunks_exact_mut(4) {
            part.copy_from_slice(&keys());
        }
        let unsent = request.encode().expect("the plan has encoded the same request");
        let reader = HeadReader::new(&Limits::default());
        Self { since, is_connected: false, request, unsent, reader, head: Vec::new() }
    }

    /// Goes as far as the socket lets it. Answers, once the line is open, what was agreed and the
    /// bytes that came behind the head.
    pub(super) fn advance(
        &mut self,
        transport: &mut Transport,
        shared: &mut Shared,
    ) -> Result<Option<(Agreement, Vec<u8>)>, Refused> {
        let connect = |error: io::Error| (ErrorKind::Connect, error.to_string());
        if !self.is_connected {
            self.is_connected = transport.is_connected().map_err(connect)?;
            if !self.is_connected {
                return Ok(None);
            }
        }
        let failed = |error: io::Error| (ErrorKind::Handshake, error.to_string());
        self.send(transport, shared).map_err(failed)?;
        loop {
            match transport.read(shared, usize::MAX).map_err(failed)? {
                Taken::Nothing => break,
                Taken::Eof => {
                    let what = "the server ended the connection without an answer";
                    return Err((ErrorKind::Handshake, what.to_owned()));
                }
                Taken::Bytes { bytes, .. } => self.head.extend_from_slice(bytes),
            }
            // What was read may let TLS go on.
            self.send(transport, shared).map_err(failed)?;
            if let Some(opened) = self.read()? {
                return Ok(Some(opened));
            }
        }
        Ok(None)
    }

    fn send(&mut self, transport: &mut Transport, shared: &mut Shared) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match transport.write(&self.unsent, &mut shared.bytes_out) {
                Ok(0) => break,
                Ok(taken) => drop(self.unsent.drain(..taken)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        transport.flush(&mut shared.bytes_out)
    }

    fn read(&mut self) -> Result<Option<(Agreement, Vec<u8>)>, Refused> {
        let violated = |error: HandshakeError| (ErrorKind::Protocol, error.to_string());
        let read = self.reader.response(&self.head);
        let read = read.map_err(|error| violated(HandshakeError::AnswerHead(error)))?;
        let Some((response, taken)) = read else { return Ok(None) };
        match self.request.verify(&response) {
            Ok(agreement) => Ok(Some((agreement, self.head.split_off(taken)))),
            // To say no is the server's right.
            Err(error @ HandshakeError::Status { .. }) => {
                Err((ErrorKind::Handshake, error.to_string()))
            }
            Err(error) => Err(violated(error)),
        }
    }
}
