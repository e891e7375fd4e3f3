//! An echo server at the socket that systemd has opened: nobody is turned away while it restarts.
//!
//! `/etc/systemd/system/echo.socket`
//!
//! ```text
//! [Socket]
//! ListenStream=8080
//! FileDescriptorName=web
//!
//! [Install]
//! WantedBy=sockets.target
//! ```
//!
//! `/etc/systemd/system/echo.service`
//!
//! ```text
//! [Service]
//! ExecStart=/usr/local/bin/serve_systemd
//! DynamicUser=yes
//! ```
//!
//! Then `systemctl enable --now echo.socket`. To try it without installing anything:
//!
//! ```text
//! cargo build --features serve --example serve_systemd
//! systemd-socket-activate --listen=127.0.0.1:8080 --fdname=web target/debug/examples/serve_systemd
//! ```

use tieline::serve::{self, ListenOptions, Place, Server, ServerOptions};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut server = Server::new(ServerOptions::default());
    let place = Place::Systemd("web".to_owned());
    if let Err(error) = server.listen(&place, ListenOptions::default()) {
        let advice = error.advice().unwrap_or_default();
        return Err(format!("{error}: {advice}").into());
    }
    // systemd stops a service with it: links are closed with 1001, and have ten seconds to go.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut running = server.start(|| serve::messages(|link, message| link.send(message)))?;
    println!("serving {place}");
    terminate.recv().await;
    Ok(running.stop().await?)
}
