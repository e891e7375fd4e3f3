//! The devices: each a line that registers, says heartbeats, and takes what it is told.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use indicatif::ProgressBar;
use serde_json::{Value, json};
use tieline::{Message, WebSocket};
use tokio::net::TcpStream;
use tokio::select;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{Instant, Interval, interval_at, sleep, timeout};

use crate::flights::Flights;

/// All devices together.
pub(crate) struct Crowd {
    counts: Rc<Counts>,
    devices: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Counts {
    beats: Cell<u64>,
    arrived: Cell<u64>,
    lost: Cell<u64>,
}

type Line = WebSocket<TcpStream>;

/// The id of a device, by its number.
pub(crate) fn id(number: usize) -> String {
    format!("{number:08x}@bench")
}

/// Connects and registers devices, so many at a time.
pub(crate) async fn connect(
    port: u16,
    devices: usize,
    at_once: usize,
    flights: &Rc<Flights>,
    progress: &ProgressBar,
) -> anyhow::Result<Crowd> {
    let counts = Rc::new(Counts::default());
    let doors = Rc::new(Semaphore::new(at_once));
    let mut coming = Vec::with_capacity(devices);
    for number in 0..devices {
        let door = Rc::clone(&doors);
        let progress = progress.clone();
        coming.push(spawn_local(async move {
            let _through = door.acquire().await?;
            let come = register(port, number).await;
            progress.inc(1);
            come
        }));
    }
    let mut living = Vec::with_capacity(devices);
    for (number, come) in coming.into_iter().enumerate() {
        let (line, keep_alive) = come.await??;
        // Not all in the same moment.
        let first = keep_alive.mul_f64(number as f64 / devices as f64);
        let beat = interval_at(Instant::now() + first, keep_alive);
        let (counts, flights) = (Rc::clone(&counts), Rc::clone(flights));
        living.push(spawn_local(async move {
            if let Err(error) = live(line, beat, &counts, &flights).await {
                eprintln!("a device lost its line: {error:#}");
                counts.lost.set(counts.lost.get() + 1);
            }
        }));
    }
    Ok(Crowd { counts, devices: living })
}

/// Opens a line, binds it, and registers; the line, and how often it has to say that it lives.
async fn register(port: u16, number: usize) -> anyhow::Result<(Line, Duration)> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let mut line = tieline::Connect::to(&format!("ws://127.0.0.1:{port}/"))
        .over(stream)
        .await
        .context("the handshake")?;
    line.send(format!("RG#{}", id(number))).await?;
    let bound = next_text(&mut line).await?;
    let keep_alive = match bound.split('#').collect::<Vec<_>>()[..] {
        ["RO", _, ms] => Duration::from_millis(ms.parse()?),
        _ => bail!("the gateway answers RG with {bound}"),
    };
    let call = json!({
        "method": "POST", "host": "bench", "path": "/register", "isBase64": 0, "body": "",
        "headers": {"x-ca-websocket_api_type": ["REGISTER"], "x-ca-seq": ["1"]},
    });
    line.send(call.to_string()).await?;
    let answer: Value = serde_json::from_str(&next_text(&mut line).await?)?;
    ensure!(answer["status"] == 200, "the gateway answers REGISTER with {answer}");
    Ok((line, keep_alive))
}

async fn next_text(line: &mut Line) -> anyhow::Result<String> {
    match line.next().await.context("the line ended")?? {
        Message::Text(text) => Ok(text.to_string()),
        other => bail!("not a text: {other:?}"),
    }
}

async fn live(
    mut line: Line,
    mut beat: Interval,
    counts: &Counts,
    flights: &Flights,
) -> anyhow::Result<()> {
    loop {
        let message = select! {
            message = line.next() => message.context("the line ended")??,
            _ = beat.tick() => {
                line.send("H1").await?;
                counts.beats.set(counts.beats.get() + 1);
                continue;
            }
        };
        let Message::Text(text) = message else { bail!("not a text") };
        if let Some(number) = text.strip_prefix("NF#") {
            flights.landed(number.parse()?);
            counts.arrived.set(counts.arrived.get() + 1);
            line.send("NO").await?;
        } else {
            ensure!(text.starts_with("HO#"), "the gateway says {text}");
        }
    }
}

impl Crowd {
    /// Heartbeats that were said.
    pub(crate) fn beats(&self) -> u64 {
        self.counts.beats.get()
    }

    /// Ends all lines, so that nobody complains of the server's end.
    pub(crate) fn leave(self) {
        for device in self.devices {
            device.abort();
        }
    }

    /// Waits until so many notifications have arrived in all, and no device was lost.
    pub(crate) async fn wait_for(
        &self,
        notifications: u64,
        within: Duration,
    ) -> anyhow::Result<()> {
        let all_here = async {
            while self.counts.arrived.get() < notifications {
                sleep(Duration::from_millis(10)).await;
            }
        };
        let in_time = timeout(within, all_here).await;
        let (arrived, lost) = (self.counts.arrived.get(), self.counts.lost.get());
        ensure!(
            in_time.is_ok() && arrived == notifications,
            "{arrived} of {notifications} arrived"
        );
        ensure!(lost == 0, "{lost} devices lost their lines");
        Ok(())
    }
}
