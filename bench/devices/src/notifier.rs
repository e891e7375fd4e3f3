//! The notifier: signed POSTs at a fixed rate, whether the last were answered or not.

use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use bytes::Bytes;
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use indicatif::ProgressBar;
use sha2::Sha256;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep_until};

use crate::device;
use crate::flights::Flights;
use crate::options::Options;
use crate::server::{KEY, SECRET};

/// Connections over which the backend notifies.
const CONNECTIONS: usize = 32;

/// Notifies one device after the other, at the rate that is asked for.
pub(crate) async fn run(
    options: &Options,
    port: u16,
    flights: &Rc<Flights>,
    progress: &ProgressBar,
) -> anyhow::Result<()> {
    let (give, due) = mpsc::unbounded_channel::<usize>();
    let due = Rc::new(Mutex::new(due));
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let (due, devices) = (Rc::clone(&due), options.devices);
        let mut sender = open(port).await?;
        connections.push(spawn_local(async move {
            loop {
                let next = due.lock().await.recv().await;
                let Some(number) = next else { return anyhow::Ok(()) };
                // Neighbours are far apart, and all have their turn.
                notify(&mut sender, number, number * 7_919 % devices).await?;
            }
        }));
    }
    let began = Instant::now();
    let gap = Duration::from_secs(1) / options.rate;
    for at in 0..options.rate * options.seconds {
        let when = began + gap * at;
        sleep_until(when).await;
        // Measured from when it was due, not from when it could be sent.
        let number = flights.starts(when);
        give.send(number)?;
        if at % options.rate == 0 {
            progress.inc(1);
        }
    }
    drop(give);
    for connection in connections {
        connection.await??;
    }
    Ok(())
}

async fn open(port: u16) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    spawn_local(connection);
    Ok(sender)
}

async fn notify(
    sender: &mut SendRequest<Full<Bytes>>,
    number: usize,
    device: usize,
) -> anyhow::Result<()> {
    let id = device::id(device);
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let (timestamp, nonce) = (now.as_millis().to_string(), format!("{}-{number}", now.as_nanos()));
    let signed = format!(
        "POST\n\n\n\n\nx-ca-deviceid:{id}\nx-ca-key:{KEY}\nx-ca-nonce:{nonce}\nx-ca-timestamp:{timestamp}\n/notify"
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    mac.update(signed.as_bytes());
    let request = Request::post("/notify")
        .header("host", "127.0.0.1")
        .header("x-ca-deviceid", &id)
        .header("x-ca-key", KEY)
        .header("x-ca-timestamp", &timestamp)
        .header("x-ca-nonce", &nonce)
        .header("x-ca-signature-headers", "x-ca-deviceid,x-ca-key,x-ca-nonce,x-ca-timestamp")
        .header("x-ca-signature", BASE64.encode(&mac.finalize().into_bytes()))
        .body(Full::from(number.to_string()))?;
    sender.ready().await?;
    let response = sender.send_request(request).await.context("the notification's answer")?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    ensure!(status == StatusCode::OK, "{status}: {}", String::from_utf8_lossy(&body));
    Ok(())
}
