//! Messages of every kind to an echo server, and a clean close.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tieline::tls::TlsOptions;
use tieline::{
    ClientStream, CloseCode, Closed, Connect, Deflate, Limits, Message, Proxy, WebSocket,
};
use tokio::time::timeout;

use crate::report::Report;

/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(20);

/// Sends text, other scripts, nothing, bytes and a megabyte; checks that each comes back.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The echo server's URL
    url: String,
    /// Requires permessage-deflate
    #[arg(long)]
    deflate: bool,
    /// Offers a subprotocol, and requires that the server chooses one of those offered
    #[arg(long = "subprotocol", value_name = "P")]
    subprotocols: Vec<String>,
    /// Speaks this version of the protocol
    #[arg(long, value_name = "VERSION", default_value_t = 13)]
    protocol_version: u8,
    /// Sends a header
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Goes through a proxy, http://… or socks5://…
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// Takes any certificate
    #[arg(long)]
    insecure: bool,
    /// Sends no binary messages
    #[arg(long)]
    text_only: bool,
    /// Sends no messages longer than this, for servers that cut them
    #[arg(long, value_name = "N", default_value_t = usize::MAX)]
    max_bytes: usize,
}

pub(crate) async fn run(arguments: &Arguments, report: &mut Report) -> Result<()> {
    let mut socket = request(arguments)?.open().await.context("connect")?;
    report.check("connect", true, "");
    check_agreement(arguments, &socket, report);
    for (what, message) in messages(arguments) {
        match timeout(WITHIN, echoed(&mut socket, message)).await {
            Ok(echoed) => echoed.context(what)?,
            Err(_) => bail!("{what}: no echo within {WITHIN:?}"),
        }
        report.check(what, true, "");
    }
    socket.close(CloseCode::NORMAL, "done").await.context("close")?;
    let closed = socket.closed().context("close: the socket does not know how it closed")?;
    let is_normal = matches!(closed, Closed::Cleanly { code: CloseCode::NORMAL, .. });
    report.check("close", is_normal, closed);
    Ok(())
}

fn request(arguments: &Arguments) -> Result<Connect> {
    let limits = Limits { max_message_bytes: 16 << 20, ..Limits::default() };
    let mut request =
        Connect::to(&arguments.url).limits(limits).version(arguments.protocol_version);
    for subprotocol in &arguments.subprotocols {
        request = request.subprotocol(subprotocol);
    }
    for header in &arguments.headers {
        let (name, value) = header.split_once(':').context("a header is `NAME: VALUE`")?;
        request = request.header(name, value.trim());
    }
    if arguments.deflate {
        // Short messages, too, so that every one of them tests the compressor.
        request = request.deflate(Deflate { min_bytes: 0, ..Deflate::default() }).require_deflate();
    }
    if let Some(proxy) = &arguments.proxy {
        request = request.proxy(Proxy::from_url(proxy));
    }
    if arguments.insecure {
        let tls = TlsOptions { danger_accept_any_certificate: true, ..TlsOptions::default() };
        request = request.tls(tls);
    }
    Ok(request)
}

fn check_agreement(arguments: &Arguments, socket: &WebSocket<ClientStream>, report: &mut Report) {
    if !arguments.subprotocols.is_empty() {
        let chosen = socket.protocol();
        let is_offered = arguments.subprotocols.iter().any(|offered| offered == chosen);
        report.check("subprotocol", is_offered, format_args!("server chose `{chosen}`"));
    }
    if arguments.deflate {
        let agreed = socket.extensions();
        report.check("deflate", agreed.starts_with("permessage-deflate"), agreed);
    }
}

fn messages(arguments: &Arguments) -> Vec<(&'static str, Message)> {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    // Not all alike, so that an echo with bytes lost or swapped is no longer the same.
    let megabyte: Vec<u8> = (0..1_u32 << 20).map(|at| (at ^ (at >> 8)) as u8).collect();
    let mut messages = vec![
        ("text", Message::from("Hello, World!")),
        ("other scripts", Message::from("κόσμε, 世界, \u{1F30D}")),
        ("empty text", Message::from("")),
        ("65,535 characters", Message::from("x".repeat(65_535))),
    ];
    if !arguments.text_only {
        messages.push(("binary", Message::from(every_byte)));
        messages.push(("empty binary", Message::from(Vec::new())));
        messages.push(("1 MiB binary", Message::from(megabyte)));
    }
    messages.retain(|(_, message)| message.len() <= arguments.max_bytes);
    messages
}

async fn echoed(socket: &mut WebSocket<ClientStream>, message: Message) -> Result<()> {
    socket.send(message.clone()).await?;
    match socket.next().await {
        Some(echo) if echo.as_ref().is_ok_and(|echo| *echo == message) => Ok(()),
        Some(echo) => {
            let echo = echo?;
            bail!("another message came back: {:?}, {} bytes", echo.kind(), echo.len())
        }
        None => bail!("server closed: {}", socket.closed().context("and nobody knows how")?),
    }
}
