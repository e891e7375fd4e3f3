//! A request carried out: a line, the handshake on it, and again wherever redirects lead.

use std::io;
use std::time::Duration;

use http::header::AUTHORIZATION;
use tieline_proto::CloseCode;
use tieline_proto::handshake::client;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::handshake::{Answer, ask};
use super::{Connect, ConnectError, RedirectError, Refused, Stage, line, redirect};
use crate::socket::WebSocket;
use crate::stream::ClientStream;
use crate::url::Target;

impl Connect {
    /// Opens the WebSocket.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] says what failed and whose fault it is; what is wrong with the request
    /// itself is said before anything is sent.
    ///
    /// # Cancel safety
    ///
    /// Dropping it closes whatever was open; nothing is left behind.
    pub async fn open(self) -> Result<WebSocket<ClientStream>, ConnectError> {
        let (within, must_deflate) = (self.within(), self.must_deflate);
        let mut during = Stage::Resolving;
        let socket = timeout(within, self.reach(&mut during)).await;
        let socket = socket.unwrap_or(Err(ConnectError::Timeout { within, during }))?;
        insist(socket, must_deflate).await
    }

    /// Opens the WebSocket over a line that is already there: a Unix socket, a tunnel, a pipe in
    /// memory. The URL says what to ask for; proxy, TLS and redirects are not used.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the stream.
    pub async fn over<S>(self, stream: S) -> Result<WebSocket<S>, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.check()?;
        let target = Target::parse(&self.url)?;
        let (within, during) = (self.within(), Stage::Handshake);
        let answer = timeout(within, self.ask(stream, &target)).await;
        let answer = answer.unwrap_or(Err(ConnectError::Timeout { within, during }))?;
        match answer {
            Ok(socket) => insist(socket, self.must_deflate).await,
            Err(refused) => Err(ConnectError::Refused(Box::new(refused))),
        }
    }

    /// Opens a line and asks, and again wherever redirects lead.
    async fn reach(mut self, stage: &mut Stage) -> Result<WebSocket<ClientStream>, ConnectError> {
        self.check()?;
        let mut target = Target::parse(&self.url)?;
        let mut followed = 0;
        loop {
            let stream = line::open(&self, &target, stage).await?;
            *stage = Stage::Handshake;
            let refused = match self.ask(stream, &target).await? {
                Ok(socket) => return Ok(socket),
                Err(refused) => refused,
            };
            if self.redirects == 0 || !redirect::is_redirect(refused.status) {
                return Err(ConnectError::Refused(Box::new(refused)));
            }
            if followed == self.redirects {
                return Err(RedirectError::TooMany { limit: self.redirects }.into());
            }
            followed += 1;
            target = redirect::follow(&mut self, &target, &refused)?;
        }
    }

    /// The handshake over one line: a socket, or what the server said instead.
    async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        target: &Target,
    ) -> Result<Result<WebSocket<S>, Refused>, ConnectError> {
        let request = self.request(target)?;
        Ok(match ask(stream, &request, &self.limits).await? {
            Answer::Agreed { stream, agreement, headers, rest } => {
                let socket = WebSocket::client(stream, &agreement, self.limits.clone(), &rest);
                Ok(socket.with_url(target.as_str()).with_response(headers))
            }
            Answer::Refused(refused) => Err(refused),
        })
    }

    fn request(&self, target: &Target) -> Result<client::Request, ConnectError> {
        let mut key = [0; 16];
        getrandom::fill(&mut key)
            .map_err(|error| ConnectError::Io(io::Error::other(error.to_string())))?;
        let mut headers = self.headers.clone();
        if let Some(authorization) = target.authorization() {
            headers.entry(AUTHORIZATION).or_insert_with(|| authorization.clone());
        }
        let host = self.host.clone().unwrap_or_else(|| target.authority());
        Ok(client::Request {
            version: self.version,
            origin: self.origin.clone(),
            protocols: self.protocols.clone(),
            deflate: self.deflate.clone(),
            headers,
            ..client::Request::new(host, target.resource(), key)
        })
    }

    fn within(&self) -> Duration {
        self.within.unwrap_or(self.limits.handshake_within)
    }
}

/// Gives up a socket without permessage-deflate where it was required.
async fn insist<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: WebSocket<S>,
    must_deflate: bool,
) -> Result<WebSocket<S>, ConnectError> {
    if !must_deflate || !socket.extensions().is_empty() {
        return Ok(socket);
    }
    // However the line ends, the answer is the same.
    let _ = socket.close(CloseCode::MISSING_EXTENSION, "permessage-deflate").await;
    Err(ConnectError::DeflateDeclined)
}
