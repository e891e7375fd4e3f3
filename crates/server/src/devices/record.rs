//! Registrations and messages as the store has them.
//!
//! ```text
//! Registrations   route 0 device            ─▶ version, user
//! Inboxes         route 0 device 0 number   ─▶ version, expires (ms), key (16 bytes, 0 for none), text
//! ```
//!
//! Numbers are big-endian. Neither a route nor a device id has a zero in it.

use bytestring::ByteString;

use super::inbox::{Kept, Waiting};

const VERSION: u8 = 1;

/// The key of a registration.
pub(super) fn registration(route: &str, device: &str) -> Vec<u8> {
    [route.as_bytes(), device.as_bytes()].join(&0)
}

/// The key of a message.
pub(super) fn message(route: &str, device: &str, number: u64) -> Vec<u8> {
    let mut key = registration(route, device);
    key.push(0);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The value of a registration.
pub(super) fn encode_registration(user: Option<&str>) -> Vec<u8> {
    let mut value = vec![VERSION];
    value.extend_from_slice(user.unwrap_or_default().as_bytes());
    value
}

/// The value of a message.
pub(super) fn encode_message(waiting: &Waiting) -> Vec<u8> {
    let mut value = Vec::with_capacity(25 + waiting.text.len());
    value.push(VERSION);
    value.extend_from_slice(&waiting.expires_ms.to_be_bytes());
    value.extend_from_slice(&waiting.key.unwrap_or_default().to_be_bytes());
    value.extend_from_slice(waiting.text.as_bytes());
    value
}

/// The route, the device and the user of a registration; `None` is no such record.
pub(super) fn decode_registration(
    key: &[u8],
    value: &[u8],
) -> Option<(String, String, Option<String>)> {
    let (route, device) = decode_device(key)?;
    let user = String::from_utf8(value.strip_prefix(&[VERSION])?.to_vec()).ok()?;
    Some((route, device, Some(user).filter(|user| !user.is_empty())))
}

/// The device and the message of a record; `None` is no such record.
pub(super) fn decode_message(key: &[u8], value: &[u8]) -> Option<(String, Waiting)> {
    let (rest, number) = key.split_last_chunk()?;
    let (route, device) = decode_device(rest.strip_suffix(&[0])?)?;
    let value = value.strip_prefix(&[VERSION])?;
    let (expires, value) = value.split_first_chunk()?;
    let (key, text) = value.split_first_chunk()?;
    let text = ByteString::try_from(text).ok()?;
    let key = Some(u128::from_be_bytes(*key)).filter(|key| *key != 0);
    let (number, expires_ms) = (u64::from_be_bytes(*number), u64::from_be_bytes(*expires));
    let route = route.into();
    Some((device, Waiting { number, route, text, expires_ms, key, kept: Kept::OnDisk }))
}

fn decode_device(key: &[u8]) -> Option<(String, String)> {
    let (route, device) = std::str::from_utf8(key).ok()?.split_once('\0')?;
    Some((route.to_owned(), device.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let waiting = Waiting {
            number: 7 << 40,
            route: "/a".into(),
            text: ByteString::from_static("a#b\n\0é"),
            expires_ms: 1_525_872_629_832,
            key: Some(3),
            kept: Kept::OnDisk,
        };
        let (route, device) = ("/a".to_owned(), "id@1".to_owned());
        let key = message(&route, &device, waiting.number);
        let read = decode_message(&key, &encode_message(&waiting));
        assert_eq!(read, Some((device.clone(), waiting)));
        for user in [None, Some("ann")] {
            let read = decode_registration(&registration("/a", "id@1"), &encode_registration(user));
            assert_eq!(read, Some((route.clone(), device.clone(), user.map(str::to_owned))));
        }
    }

    #[test]
    fn messages_lie_in_the_order_of_their_numbers() {
        let mut keys = [300, 2, 1 << 33, 255].map(|number| message("/", "x", number));
        keys.sort();
        assert_eq!(keys, [2, 255, 300, 1 << 33].map(|number| message("/", "x", number)));
    }

    #[test]
    fn what_is_no_record_is_none() {
        assert_eq!(decode_message(b"/\0x", b"\x01"), None);
        assert_eq!(decode_message(&message("/", "x", 1), b"\x02"), None);
        assert_eq!(decode_registration(b"/\0x", b"\x02"), None);
        assert_eq!(decode_registration(b"x", b"\x01"), None);
    }
}
