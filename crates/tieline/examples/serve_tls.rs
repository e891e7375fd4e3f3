//! An echo server on an encrypted line, with the certificate that lies in two files.
//!
//! ```text
//! cargo run --features serve,tls --example serve_tls -- 127.0.0.1:8443 certificate.pem key.pem
//! ```
//!
//! Without files it makes a certificate of its own, writes it to `localhost.pem` in the folder for
//! temporary files, and says so: whoever connects has to be told to trust it.

use std::error::Error;
use std::sync::Arc;

use tieline::serve::{self, ListenOptions, Place, Server, ServerOptions};
use tieline::tls::ServerTlsOptions;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let address = arguments.first().map_or("127.0.0.1:8443", String::as_str);
    let (certificates_pem, key_pem) = match arguments.get(1..3) {
        Some([certificate, key]) => (std::fs::read(certificate)?, std::fs::read(key)?),
        _ => of_its_own()?,
    };
    let tls = ServerTlsOptions { certificates_pem, key_pem, ..ServerTlsOptions::default() };
    let config = Arc::new(tls.config()?);

    let mut server = Server::new(ServerOptions::default());
    // Called for every handshake: whoever gives another one next time has changed the certificate.
    let options = ListenOptions {
        tls: Some(Arc::new(move || Arc::clone(&config))),
        ..ListenOptions::default()
    };
    server.listen(&Place::Tcp(address.parse()?), options)?;
    println!("listening on wss://{}/", server.places()[0]);
    Ok(server.run(|| serve::messages(|link, message| link.send(message)))?)
}

fn of_its_own() -> Result<(Vec<u8>, Vec<u8>), Box<dyn Error>> {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let own = rcgen::generate_simple_self_signed(names)?;
    let file = std::env::temp_dir().join("localhost.pem");
    std::fs::write(&file, own.cert.pem())?;
    println!("trust {}", file.display());
    Ok((own.cert.pem().into_bytes(), own.signing_key.serialize_pem().into_bytes()))
}
