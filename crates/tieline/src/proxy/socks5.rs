//! SOCKS 5: no authentication, or user name and password; the proxy resolves names.
//!
//! ```text
//! we:  05 n method…                       it:  05 method            (00 none, 02 password, FF no)
//! we:  01 len user len password           it:  01 status            (where 02 was chosen)
//! we:  05 01 00 type address port         it:  05 reply 00 type address port
//! ```
//!
//! Spec: RFC 1928; RFC 1929.

use std::net::{Ipv4Addr, Ipv6Addr};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use url::Host;

use super::ProxyError;

const VERSION: u8 = 0x05;
const CONNECT: u8 = 0x01;
const NO_AUTHENTICATION: u8 = 0x00;
const PASSWORD: u8 = 0x02;
const NONE_ACCEPTABLE: u8 = 0xFF;
const IPV4: u8 = 0x01;
const DOMAIN: u8 = 0x03;
const IPV6: u8 = 0x04;

/// Asks for a line; what is written to the stream afterwards goes to the target.
pub(super) async fn open<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    host: &Host,
    port: u16,
    user: Option<(&str, &str)>,
) -> Result<(), ProxyError> {
    let methods: &[u8] = match user {
        Some(_) => &[VERSION, 2, NO_AUTHENTICATION, PASSWORD],
        None => &[VERSION, 1, NO_AUTHENTICATION],
    };
    send(stream, methods).await?;
    match (receive(stream).await?, user) {
        ([VERSION, NO_AUTHENTICATION], _) => {}
        ([VERSION, PASSWORD], Some((user, password))) => {
            authenticate(stream, user, password).await?;
        }
        ([VERSION, NONE_ACCEPTABLE], _) => return Err(ProxyError::Credentials),
        _ => return Err(ProxyError::Unexpected),
    }
    send(stream, &request(host, port)?).await?;
    reply(stream).await
}

async fn authenticate<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    user: &str,
    password: &str,
) -> Result<(), ProxyError> {
    let mut message = vec![0x01];
    for text in [user, password] {
        message.push(u8::try_from(text.len()).map_err(|_| ProxyError::Credentials)?);
        message.extend_from_slice(text.as_bytes());
    }
    send(stream, &message).await?;
    match receive(stream).await? {
        [0x01, 0x00] => Ok(()),
        [0x01, _] => Err(ProxyError::Credentials),
        _ => Err(ProxyError::Unexpected),
    }
}

fn request(host: &Host, port: u16) -> Result<Vec<u8>, ProxyError> {
    let mut message = vec![VERSION, CONNECT, 0x00];
    match host {
        Host::Domain(name) => {
            // DNS allows no longer name, and neither does the field.
            let len = u8::try_from(name.len()).map_err(|_| ProxyError::Socks(0x08))?;
            message.extend_from_slice(&[DOMAIN, len]);
            message.extend_from_slice(name.as_bytes());
        }
        Host::Ipv4(address) => {
            message.push(IPV4);
            message.extend_from_slice(&Ipv4Addr::octets(address));
        }
        Host::Ipv6(address) => {
            message.push(IPV6);
            message.extend_from_slice(&Ipv6Addr::octets(address));
        }
    }
    message.extend_from_slice(&port.to_be_bytes());
    Ok(message)
}

/// Reads the reply to its last byte, so that the target's first byte comes next. The address in it
/// is the proxy's own and means nothing here.
async fn reply<S: AsyncRead + Unpin>(stream: &mut S) -> Result<(), ProxyError> {
    let [version, reply, _reserved, kind] = receive(stream).await?;
    match (version, reply) {
        (VERSION, 0x00) => {}
        (VERSION, reply) => return Err(ProxyError::Socks(reply)),
        _ => return Err(ProxyError::Unexpected),
    }
    let len = match kind {
        IPV4 => 4,
        IPV6 => 16,
        DOMAIN => usize::from(stream.read_u8().await?),
        _ => return Err(ProxyError::Unexpected),
    };
    let mut address_and_port = [0; u8::MAX as usize + 2];
    stream.read_exact(&mut address_and_port[..len + 2]).await?;
    Ok(())
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> Result<(), ProxyError> {
    stream.write_all(bytes).await?;
    Ok(stream.flush().await?)
}

async fn receive<S: AsyncRead + Unpin, const N: usize>(
    stream: &mut S,
) -> Result<[u8; N], ProxyError> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    async fn ask(
        answer: &[u8],
        host: &str,
        user: Option<(&str, &str)>,
    ) -> (Result<(), ProxyError>, Vec<u8>) {
        let (mut ours, mut proxys) = duplex(1 << 10);
        proxys.write_all(answer).await.unwrap();
        let asked = open(&mut ours, &Host::parse(host).unwrap(), 443, user).await;
        drop(ours);
        let mut request = Vec::new();
        proxys.read_to_end(&mut request).await.unwrap();
        (asked, request)
    }

    #[tokio::test]
    async fn a_name_is_left_for_the_proxy_to_resolve() {
        let answer = b"\x05\x00\x05\x00\x00\x01\x7F\x00\x00\x01\x1F\x90";
        let (asked, request) = ask(answer, "a.example", None).await;
        assert!(asked.is_ok());
        assert_eq!(request, b"\x05\x01\x00\x05\x01\x00\x03\x09a.example\x01\xBB");
    }

    #[tokio::test]
    async fn a_password_is_sent_where_the_proxy_asks_for_it() {
        let answer = b"\x05\x02\x01\x00\x05\x00\x00\x03\x01x\x00\x00";
        let (asked, request) = ask(answer, "[::1]", Some(("me", "pw"))).await;
        assert!(asked.is_ok());
        let expected = b"\x05\x02\x00\x02\x01\x02me\x02pw\x05\x01\x00\x04\
            \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x01\xBB";
        assert_eq!(request, expected);
        // One that asks for none is not told it.
        let answer = b"\x05\x00\x05\x00\x00\x01\x7F\x00\x00\x01\x1F\x90";
        let (asked, request) = ask(answer, "127.0.0.1", Some(("me", "pw"))).await;
        assert!(asked.is_ok());
        assert_eq!(request, b"\x05\x02\x00\x02\x05\x01\x00\x01\x7F\x00\x00\x01\x01\xBB");
    }

    #[tokio::test]
    async fn every_refusal_has_its_words() {
        let user = Some(("me", "pw"));
        for (answer, user, expected) in [
            (&b"\x05\xFF"[..], None, "proxy wants another user name or password"),
            (b"\x05\x02", None, "what answered is no such proxy"),
            (b"\x05\x02\x01\x01", user, "proxy wants another user name or password"),
            (b"\x05\x00\x05\x05\x00\x01", None, "proxy refused: connection refused"),
            (b"\x05\x00\x05\xAA\x00\x01", None, "proxy refused with reply 0xaa"),
            (b"HTTP/1.1 400 \r\n", None, "what answered is no such proxy"),
        ] {
            let error = ask(answer, "127.0.0.1", user).await.0.unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }
}
