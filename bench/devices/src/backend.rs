//! The backend: it lets every device register.

use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::spawn_local;

/// A backend that runs.
pub(crate) struct Backend {
    port: u16,
    registered: Rc<Cell<usize>>,
}

/// Starts the backend on a free port.
pub(crate) async fn start() -> anyhow::Result<Backend> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let registered = Rc::new(Cell::new(0));
    let counted = Rc::clone(&registered);
    spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let counted = Rc::clone(&counted);
            spawn_local(async move {
                let service = service_fn(|request| answer(request, Rc::clone(&counted)));
                // Who leaves, leaves.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(Backend { port, registered })
}

impl Backend {
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// How many devices it has let register.
    pub(crate) fn registered(&self) -> usize {
        self.registered.get()
    }
}

async fn answer(
    request: Request<Incoming>,
    registered: Rc<Cell<usize>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_register =
        request.uri().path() == "/register" && request.headers().contains_key("x-ca-deviceid");
    // The body is of no interest, but has to be taken.
    let _ = request.into_body().collect().await;
    if is_register {
        registered.set(registered.get() + 1);
    }
    Ok(Response::new(Full::from("ok")))
}
