//! Devices on the native line: a line is a device's, and is told what is sent to that.
//!
//! ```text
//! register ─▶ bind: the device's newest line ─▶ its registration is kept ─▶ the answer ─▶ what waits
//!                                                message {device, id, data} ─▶ received {ids}
//! ```

use std::rc::Rc;
use std::sync::Arc;

use bytestring::ByteString;
use serde::Serialize;
use serde_json::Map;
use serde_json::value::RawValue;
use tracing::error;

use super::fault::Fault;
use super::line::{Outcome, State, told};
use super::session::Session;
use super::words::{Device, Message, Received, Unregistered, notification, result};
use crate::causes::Causes;
use crate::devices::{Dialect, MAX_ID_BYTES, Said, Unbound, is_id};
use crate::peer::Remote;
use crate::service::rpc::{Id, RpcError};

/// How devices are spoken to: answers are by the numbers of messages.
pub(super) const DIALECT: Dialect = Dialect { say, let_go, acknowledges: true };

/// What a message is about, as its sender wrote it.
#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Json(&'a RawValue),
    Text(&'a str),
}

fn say(said: Said<'_>) -> ByteString {
    let Said { device, number, text } = said;
    notification("message", &Message { device: Some(device), id: number, data: Data::of(text) })
        .into()
}

fn let_go(line: &Remote, device: &str) {
    let RpcError { code, message, .. } = Fault::Superseded.into();
    let told = Unregistered { device, code, reason: &message };
    line.send(notification("unregistered", &told));
}

impl<'a> Data<'a> {
    /// An object or an array means itself, any other text a string.
    fn of(text: &'a str) -> Self {
        let is_whole = text.trim_ascii_start().starts_with(['{', '[']);
        let json = is_whole.then(|| serde_json::from_str(text).ok()).flatten();
        json.map_or(Self::Text(text), Self::Json)
    }
}

impl State {
    /// The line is this device's from now on; what waits for it comes behind the answer.
    pub(super) async fn register(
        self: Rc<Self>,
        id: Option<Id>,
        session: Arc<Session>,
        asked: Device,
    ) -> Outcome {
        let (devices, line) = (&self.shared.devices, self.peer.id());
        let rules = self.shared.rules.as_ref().ok_or(Fault::NoDevices)?;
        if !is_id(&asked.device) {
            let why = format!(
                "the id of a device has 1 to {MAX_ID_BYTES} bytes of visible ASCII, and no `#`"
            );
            return Err(RpcError::invalid_params(why));
        }
        let device: Rc<str> = asked.device.into();
        if self.own_device().is_some_and(|own| own != device) {
            return Err(Fault::HasDevice.into());
        }
        {
            let identity = self.identity.borrow();
            let user = identity.as_ref().map(|identity| &*identity.user);
            devices.bind(&device, &self.peer.remote(), user, rules).map_err(Fault::from)?;
        }
        *self.device.borrow_mut() = Some(Rc::clone(&device));
        if let Err(error) = devices.register(&device).await {
            error!(error = %Causes(&error), "a device cannot register: it cannot be recorded");
            devices.left(&device, line);
            return Err(Fault::NotRecorded.into());
        }
        if let Some(id) = &id {
            session.say(result(id, &Map::new()));
        }
        devices.ready(&device, line);
        Ok(None)
    }

    /// The device is to be forgotten, with what waits for it.
    pub(super) async fn unregister(self: Rc<Self>, asked: Device) -> Outcome {
        let devices = &self.shared.devices;
        let device = self.own_device().filter(|own| **own == *asked.device);
        let device = device.ok_or(Fault::NotRegistered)?;
        if let Err(error) = devices.forget(&device).await {
            error!(error = %Causes(&error), "a device cannot unregister: it cannot be recorded");
            return Err(Fault::NotRecorded.into());
        }
        devices.left(&device, self.peer.id());
        told(&Map::new())
    }

    /// Messages have come to the device.
    pub(super) fn received(&self, Received { ids }: &Received) {
        if let Some(device) = &*self.device.borrow() {
            self.shared.devices.received(device, self.peer.id(), ids);
        }
    }

    /// The line has ended.
    pub(super) fn leave_device(&self) {
        if let Some(device) = self.device.take() {
            self.shared.devices.left(&device, self.peer.id());
        }
    }

    /// The device whose line it is; one that has gone over to a newer line is not.
    fn own_device(&self) -> Option<Rc<str>> {
        let device = self.device.borrow().clone()?;
        self.shared.devices.is_on(&device, self.peer.id()).then_some(device)
    }
}

impl From<Unbound> for Fault {
    fn from(unbound: Unbound) -> Self {
        match unbound {
            Unbound::OfAnother => Self::DeviceOfAnother,
            Unbound::TooMany => Self::Overloaded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_or_an_array_means_itself_and_any_other_text_a_string() {
        for (text, data) in [
            (r#"{"a":1.50}"#, r#"{"a":1.50}"#),
            (" [1]\n", "[1]"),
            ("7", r#""7""#),
            ("null", r#""null""#),
            ("{a}", r#""{a}""#),
            ("[1] [2]", r#""[1] [2]""#),
            ("a \"b\"\n", r#""a \"b\"\n""#),
            ("", r#""""#),
        ] {
            let said = say(Said { device: "d", number: 7, text });
            let params = format!(r#"{{"device":"d","id":7,"data":{data}}}"#);
            assert_eq!(
                &*said,
                format!(r#"{{"jsonrpc":"2.0","method":"message","params":{params}}}"#)
            );
        }
    }
}
