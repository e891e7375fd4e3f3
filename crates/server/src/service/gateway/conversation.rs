//! What one text leads to.

use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use tieline::serve::Message;
use tieline::{CloseCode, Closed};
use tokio::time::Instant;

use super::envelope::{Rejected, Request as Envelope};
use super::error::GatewayError;
use super::job::{Asked, Job};
use super::line::{Allowed, Line, Phase};
use super::word::Word;
use super::{Shared, call, lines, notify};
use crate::config::ApiKind;
use crate::peer::Peer;
use crate::request::Request;
use crate::service::Conversation;

/// The gateway's side of one line.
pub(super) struct Talk(Rc<Line>);

impl Talk {
    pub(super) fn new(shared: &Arc<Shared>, peer: &Peer, request: &Request) -> Self {
        let line = Line::new(shared, peer, request);
        lines::add(&line);
        Self(line)
    }

    fn envelope(&self, text: &str, allowed: Allowed) {
        let line = &self.0;
        let id = line.next_id();
        let refuse = |error: &GatewayError, seq: Option<&http::HeaderValue>| {
            line.peer.send(call::refusal(error, seq, &id).print());
        };
        let request = match Envelope::parse(text) {
            Ok(request) => request,
            Err(Rejected { seq, error }) => return refuse(&error, seq.as_ref()),
        };
        let seq = request.seq();
        if allowed == Allowed::NotNow {
            return refuse(&GatewayError::Overloaded, seq.as_ref());
        }
        if let Err(error) = self.take(request, id.clone()) {
            refuse(&error, seq.as_ref());
        }
    }

    /// Takes a request that may be made; it is answered later.
    fn take(&self, request: Envelope, id: String) -> Result<(), GatewayError> {
        let line = &self.0;
        let meant = line.shared.apis.find(&request)?;
        if meant.api.is_signed {
            let key = line.shared.signatures.check(&request, SystemTime::now())?;
            meant.api.allows(key)?;
        }
        let arrived = Instant::now();
        if meant.api.kind == ApiKind::Notify {
            notify::over_line(line, request, id);
            return Ok(());
        }
        // A device may call as soon as it has said which it is.
        if !line.is_of_device() {
            return Err(GatewayError::NotBound);
        }
        if meant.api.kind == ApiKind::Register {
            line.renew(&request.headers).map_err(GatewayError::Token)?;
        }
        line.ask(Asked { meant, request, id, arrived });
        Ok(())
    }
}

impl Conversation for Talk {
    fn message(&mut self, peer: &Peer, message: Message<'_>) {
        let line = &self.0;
        let Some(text) = message.text() else {
            return peer.close(CloseCode::UNSUPPORTED, "the gateway speaks text");
        };
        line.hear();
        let word = Word::parse(text);
        // Answers to messages come as fast as those are sent.
        if word == Some(Word::Noted) {
            return line.noted();
        }
        let allowed = line.allow();
        match word {
            Some(Word::Beat) => line.beat(),
            Some(Word::Bind(device)) => line.bind(device),
            None if text.trim_start().starts_with('{') => self.envelope(text, allowed),
            // What only the gateway says, and what nobody does.
            _ => line.state.borrow_mut().misunderstood.add(peer),
        }
    }

    fn drain(&mut self, _peer: &Peer) {
        self.0.leave_in_turn(lines::count(self.0.shared.number));
    }

    fn lingers(&self, _peer: &Peer) -> bool {
        self.0.lingers()
    }

    fn close(&mut self, peer: &Peer, how: &Closed) {
        let line = &self.0;
        lines::remove(line);
        let device = line.device();
        if let Some(device) = &device {
            line.shared.devices.left(device, peer.id());
        }
        line.enter(Phase::Closed(device));
        line.state.borrow().misunderstood.sum_up(peer);
        // What was said before is done before.
        line.state.borrow_mut().queue.push_back(Job::Leave(how.to_string()));
        line.work();
    }
}
