//! A server and a client of one's own on an encrypted line: a certificate, its key, and who trusts it.
//!
//! ```text
//! cargo run --example tls
//! ```

use std::error::Error;
use std::sync::Arc;

use tieline::tls::{Roots, ServerTlsOptions, TlsOptions};
use tieline::{CloseCode, Connect};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // Signed by itself, so it is its own root. From an authority, these are two files.
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let certificate = own.cert.pem().into_bytes();

    let server = ServerTlsOptions {
        certificates_pem: certificate.clone(),
        key_pem: own.signing_key.serialize_pem().into_bytes(),
        ..ServerTlsOptions::default()
    };
    let acceptor = TlsAcceptor::from(Arc::new(server.config()?));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        let mut socket = tieline::accept(acceptor.accept(stream).await?).await?;
        while let Some(message) = socket.next().await {
            socket.send(message?).await?;
        }
        Ok::<_, Box<dyn Error + Send + Sync>>(())
    });

    // Leave out `roots` to trust what the system trusts, too.
    let trust =
        TlsOptions { roots: Roots::None, extra_roots_pem: certificate, ..TlsOptions::default() };
    let request = Connect::to(format!("wss://localhost:{port}/")).tls(trust);
    let mut socket = request.open().await?;
    socket.send("hello, and nobody else can read it").await?;
    println!("{:?}", socket.next().await.transpose()?);
    socket.close(CloseCode::NORMAL, "").await?;
    Ok(())
}
