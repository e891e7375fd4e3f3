//! Captures that are handed in: kept in a nameless file until they are whole, and looked into by a
//! thread of their own.
//!
//! ```text
//! body ── chunks, bounded ─▶ thread: file ─▶ Packets ─▶ Inspector ── lines, bounded ─▶ answer
//! ```
//!
//! An HTTP/1.1 client reads nothing before it has sent everything: so the answer waits for the whole.

use std::convert::Infallible;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use serde_json::json;
use tieline_inspect::{CaptureError, Inspector, Packets, Room};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::info;

use super::Side;
use super::guard::Asker;
use super::look::{BOUNDS, line};
use super::problem::Problem;
use super::watching::Place;
use crate::causes::Causes;

/// Largest capture, in bytes.
const MAX_BYTES: u64 = 256 << 20;

/// How long nothing may come of one.
const WITHIN: Duration = Duration::from_secs(10);

/// Chunks that wait for the disk, and pieces of the answer that wait for the reader.
const WAITING: usize = 8;

/// How much of the answer goes out at once, in bytes.
const PIECE_BYTES: usize = 64 << 10;

/// Most connections that are looked into at a time, and what they may hold.
const ROOM: Room = Room { bounds: BOUNDS, max_connections: 16_384, max_bytes: 64 << 20 };

#[utoipa::path(
    post, path = "/api/v1/inspect", tag = "lines", security(("key" = [])),
    request_body(content = String, content_type = "application/vnd.tcpdump.pcap"),
    description = "What is in a capture, pcap or pcapng: JSON, one event a line, as `tieline inspect --json` \
                   has it. Nothing of it is kept.",
    responses(
        (status = 200, description = "its connections and frames", body = String,
            content_type = "application/x-ndjson"),
        (status = 400, description = "no capture", body = Problem),
        (status = 408, description = "nothing came of it for too long", body = Problem),
        (status = 413, description = "too large", body = Problem),
        (status = 429, description = "too many are read", body = Problem),
        (status = 507, description = "no room on the disk", body = Problem),
    ),
)]
pub(super) async fn inspect(
    State(side): State<Arc<Side>>,
    Extension(asker): Extension<Asker>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|len| len.to_str().ok()?.parse().ok());
    if announced.is_some_and(|bytes: u64| bytes > MAX_BYTES) {
        return Err(too_large());
    }
    let place = side.watches.enter()?;
    let (chunks, given) = mpsc::channel(WAITING);
    let (told, lines) = mpsc::channel(WAITING);
    let (begun, beginning) = oneshot::channel();
    spawn_blocking(move || look(given, begun, &told, place));
    let bytes = hand_over(body, &chunks).await?;
    drop(chunks);
    info!(key = %asker.name(), bytes, "a capture is looked into");
    match beginning.await {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => return Err(problem),
        Err(_) => {
            let why = "looking into the capture failed";
            return Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, why));
        }
    }
    let pieces = stream::unfold(lines, |mut lines| async {
        let piece: Vec<u8> = lines.recv().await?;
        Some((Ok::<_, Infallible>(Bytes::from(piece)), lines))
    });
    let kind = HeaderValue::from_static("application/x-ndjson");
    Ok(([(CONTENT_TYPE, kind)], Body::from_stream(pieces)).into_response())
}

/// Hands the body to the thread, and says that it is whole; how long it was.
async fn hand_over(body: Body, chunks: &mpsc::Sender<Option<Bytes>>) -> Result<u64, Problem> {
    let mut body = body.into_data_stream();
    let mut bytes = 0;
    loop {
        let next = timeout(WITHIN, body.next()).await.map_err(|_| {
            let why = format!("nothing came of the capture for {} s", WITHIN.as_secs());
            Problem::new(StatusCode::REQUEST_TIMEOUT, why)
        })?;
        let chunk = next.transpose().map_err(|error| {
            let why = format!("the capture did not arrive: {error}");
            Problem::new(StatusCode::BAD_REQUEST, why)
        })?;
        bytes += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        if bytes > MAX_BYTES {
            return Err(too_large());
        }
        let is_end = chunk.is_none();
        // A thread that takes no more has said why.
        if chunks.send(chunk).await.is_err() || is_end {
            return Ok(bytes);
        }
    }
}

/// The thread: takes the capture, and tells what is in it, unless nobody waits for that any more.
fn look(
    mut given: mpsc::Receiver<Option<Bytes>>,
    begun: oneshot::Sender<Result<(), Problem>>,
    told: &mpsc::Sender<Vec<u8>>,
    _place: Place,
) {
    let file = match take(&mut given) {
        Ok(Some(file)) => file,
        // Whoever handed it in has gone.
        Ok(None) => return,
        Err(error) => {
            let why = format!("the capture cannot be kept while it is read: {error}");
            // As above.
            let _ = begun.send(Err(Problem::new(StatusCode::INSUFFICIENT_STORAGE, why)));
            return;
        }
    };
    drop(given);
    let mut packets = Packets::new(file);
    let mut inspector = Inspector::new(ROOM);
    let mut lines = Vec::new();
    let mut begun = Some(begun);
    loop {
        let ended = match packets.next() {
            Ok(Some(packet)) => {
                inspector.packet(&packet, &mut |seen| {
                    line(&mut lines, &tieline_inspect::json::seen(&seen));
                });
                false
            }
            Ok(None) => true,
            Err(error) => {
                if let Some(begun) = begun.take() {
                    // As above.
                    let _ = begun.send(Err(no_capture(&error)));
                    return;
                }
                finish(&mut inspector, &mut lines);
                line(&mut lines, &json!({ "event": "error", "what": Causes(&error).to_string() }));
                // As above.
                let _ = told.blocking_send(lines);
                return;
            }
        };
        if let Some(begun) = begun.take() {
            // As above.
            let _ = begun.send(Ok(()));
        }
        if ended {
            finish(&mut inspector, &mut lines);
        }
        if (ended || lines.len() >= PIECE_BYTES)
            && told.blocking_send(std::mem::take(&mut lines)).is_err()
        {
            return;
        }
        if ended {
            return;
        }
    }
}

fn finish(inspector: &mut Inspector, lines: &mut Vec<u8>) {
    inspector.finish(&mut |seen| line(lines, &tieline_inspect::json::seen(&seen)));
    let counts = inspector.counts();
    line(
        lines,
        &json!({
            "event": "counts",
            "packets": counts.packets,
            "segments": counts.segments,
            "connections": counts.connections,
            "given_up": counts.given_up,
            "gap_bytes": counts.gap_bytes,
            "unknown_links": counts.unknown_links,
            "unknown_link": counts.unknown_link,
        }),
    );
}

/// A file with all of it, ready to be read; `None` where it will not be whole.
fn take(given: &mut mpsc::Receiver<Option<Bytes>>) -> io::Result<Option<File>> {
    let mut file = nameless()?;
    loop {
        match given.blocking_recv() {
            Some(Some(chunk)) => file.write_all(&chunk)?,
            Some(None) => break,
            None => return Ok(None),
        }
    }
    file.rewind()?;
    Ok(Some(file))
}

/// A file of nobody's, which is gone when it is closed.
fn nameless() -> io::Result<File> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("tieline-capture-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

fn no_capture(error: &CaptureError) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, Causes(error).to_string())
}

fn too_large() -> Problem {
    let why =
        format!("a capture has at most {} MiB here: tieline inspect reads any", MAX_BYTES >> 20);
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, why)
}
