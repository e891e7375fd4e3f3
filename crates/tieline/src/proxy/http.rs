//! HTTP's `CONNECT`.
//!
//! Spec: RFC 9110 §9.3.6, §11.7.

use std::io;

use http::StatusCode;
use tieline_proto::Limits;
use tieline_proto::http::HeadReader;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use url::Host;

use super::ProxyError;
use crate::url::basic;

/// Asks for a line; what is written to the stream afterwards goes to the target.
pub(super) async fn open<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    host: &Host,
    port: u16,
    user: Option<(&str, &str)>,
) -> Result<(), ProxyError> {
    let mut head = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some((user, password)) = user {
        let value = basic(user, password);
        let value = value.to_str().expect("base64 is visible ASCII");
        head.push_str(&format!("Proxy-Authorization: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.flush().await?;

    let mut reader = HeadReader::new(&Limits::default());
    let mut buf = Vec::with_capacity(512);
    let (response, len) = loop {
        if let Some(whole) = reader.response(&buf).map_err(ProxyError::Head)? {
            break whole;
        }
        if stream.read_buf(&mut buf).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    };
    match response.status() {
        // Neither TLS nor a WebSocket server speaks first: more than the head is nobody's.
        status if status.is_success() && len < buf.len() => Err(ProxyError::Unexpected),
        status if status.is_success() => Ok(()),
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => Err(ProxyError::Credentials),
        status => Err(ProxyError::Refused(status)),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    async fn ask(answer: &[u8], user: Option<(&str, &str)>) -> (Result<(), ProxyError>, String) {
        let (mut ours, mut proxys) = duplex(1 << 16);
        proxys.write_all(answer).await.unwrap();
        let asked = open(&mut ours, &Host::parse("example.com").unwrap(), 443, user).await;
        drop(ours);
        let mut request = String::new();
        proxys.read_to_string(&mut request).await.unwrap();
        (asked, request)
    }

    #[tokio::test]
    async fn asks_for_host_and_port_and_says_who_asks() {
        let (asked, request) = ask(b"HTTP/1.0 200 OK\r\n\r\n", Some(("me", "secret"))).await;
        assert!(asked.is_ok());
        let expected = "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\
            Proxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n";
        assert_eq!(request, expected);
    }

    #[tokio::test]
    async fn only_2xx_is_a_line() {
        for (answer, expected) in [
            ("HTTP/1.1 403 No\r\n\r\n", "proxy answered 403 Forbidden"),
            ("HTTP/1.1 302 \r\n\r\n", "proxy answered 302 Found"),
            ("HTTP/1.1 407 \r\n\r\n", "proxy wants another user name or password"),
            ("HTTP/1.1 200 \r\n\r\nextra", "what answered is no such proxy"),
            ("\x05\x00 no HTTP at all\r\n\r\n", "proxy's answer cannot be read"),
        ] {
            let error = ask(answer.as_bytes(), None).await.0.unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    #[tokio::test]
    async fn an_endless_head_is_given_up() {
        let head = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(40_000));
        assert!(matches!(ask(head.as_bytes(), None).await.0, Err(ProxyError::Head(_))));
    }
}
