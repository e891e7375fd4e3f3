//! Ten thousand devices on one core, and a backend that notifies them: `bench/devices --help`.
//!
//! ```text
//! this process, core 1                          the server, core 0
//!   devices   ──RG, REGISTER, H1, NO──▶            gateway
//!             ◀──RO, 200, HO, NF─────
//!   backend   ◀──POST /register──────
//!   notifier  ──POST /notify, signed─▶
//! ```

mod backend;
mod device;
mod flights;
mod notifier;
mod options;
mod server;

use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

use crate::flights::Flights;
use crate::options::Options;
use crate::server::Server;

/// Devices that connect at a time: a crowd at the door is another measurement.
const AT_ONCE: usize = 64;

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, run(&options))
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let backend = backend::start().await?;
    let server = Server::start(options, backend.port()).await?;
    let before = server.resident_bytes()?;

    let flights = Rc::new(Flights::default());
    let progress = bar(options.devices as u64, "devices");
    let began = Instant::now();
    let crowd =
        device::connect(server.port(), options.devices, AT_ONCE, &flights, &progress).await?;
    progress.finish_and_clear();
    ensure!(
        backend.registered() == options.devices,
        "the backend heard of {}",
        backend.registered()
    );
    println!("{} devices registered in {:.1} s", options.devices, began.elapsed().as_secs_f64());
    let each = server.resident_bytes()?.saturating_sub(before) / options.devices as u64;
    println!("memory of the server: {} MiB, {each} bytes a device", server.resident_bytes()? >> 20);

    let (beats, cpu) = (crowd.beats(), server.cpu()?);
    let idle = Duration::from_secs(5);
    sleep(idle).await;
    let used = (server.cpu()? - cpu).as_secs_f64() / idle.as_secs_f64();
    println!(
        "heartbeats alone: {:.0} a second, {:.1} % of a core",
        rate(crowd.beats() - beats, idle),
        used * 100.0
    );

    let progress = bar(u64::from(options.seconds), "seconds");
    let (cpu, beats) = (server.cpu()?, crowd.beats());
    let began = Instant::now();
    notifier::run(options, server.port(), &flights, &progress).await?;
    let elapsed = began.elapsed();
    let used = (server.cpu()? - cpu).as_secs_f64() / elapsed.as_secs_f64();
    progress.finish_and_clear();
    let sent = u64::from(options.rate) * u64::from(options.seconds);
    crowd
        .wait_for(sent, Duration::from_secs(10))
        .await
        .context("not every notification arrived")?;

    let latencies = flights.latencies();
    println!(
        "{sent} notifications in {:.1} s, beside {:.0} heartbeats a second: every one delivered once",
        elapsed.as_secs_f64(),
        rate(crowd.beats() - beats, elapsed),
    );
    println!("CPU of the server: {:.1} % of a core", used * 100.0);
    println!("memory of the server: {} MiB", server.resident_bytes()? >> 20);
    println!(
        "from the POST's time to the device: median {:.2} ms, 99 % {:.2} ms, 99.9 % {:.2} ms, most {:.2} ms",
        ms(latencies.value_at_quantile(0.5)),
        ms(latencies.value_at_quantile(0.99)),
        ms(latencies.value_at_quantile(0.999)),
        ms(latencies.max()),
    );
    crowd.leave();
    server.stop().await
}

fn bar(len: u64, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(&format!(
        "{{bar:40}} {{pos}} of {{len}} {what}, {{eta}} left"
    ));
    ProgressBar::new(len).with_style(style.expect("the template is a good one"))
}

fn rate(count: u64, within: Duration) -> f64 {
    count as f64 / within.as_secs_f64()
}

fn ms(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}
