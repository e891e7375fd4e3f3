//! Calls to real HTTP servers on this machine: good, slow, dead, wrong, huge, flapping, redirecting.

mod answers;
mod connections;
mod failures;

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request as Received;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::Bytes;
use http::Method;
use tokio::net::TcpListener;

use super::*;
use crate::config::{File, Overrides, Plan, Source};

/// A backend at this place, with more settings.
pub(crate) fn backend(url: &str, settings: &str) -> Arc<Backend> {
    backends(url, settings).0.find("a").unwrap()
}

fn backends(url: &str, settings: &str) -> (Backends, Metrics) {
    let route = "[[route]]\npath = '/'\nservice = { kind = 'echo' }";
    let text = format!("{route}\n[[backend]]\nname = 'a'\nurl = '{url}'\n{settings}\n");
    let source = Source::new("x.toml", text);
    let file = File::parse(&source).unwrap_or_else(|error| panic!("{}", error.report()));
    let plan = Plan::new(file, &source, &Overrides::default()).unwrap();
    let metrics = Metrics::default();
    (Backends::new(plan.backends, &metrics), metrics)
}

/// Serves HTTP/1.1 until the test ends.
pub(crate) async fn serve<F, R>(answer: F) -> String
where
    F: Fn(Received) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(any(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Statuses in turn, the last for ever; and how often it was asked.
async fn serve_in_turn(statuses: &'static [u16]) -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let url = serve(move |_| {
        let turn = count.fetch_add(1, Ordering::SeqCst);
        let status = statuses[turn.min(statuses.len() - 1)];
        async move { StatusCode::from_u16(status).unwrap().into_response() }
    });
    (url.await, asked)
}

fn get(path: &str) -> Call {
    Call::new(Method::GET, path)
}

fn post(path: &str) -> Call {
    Call { body: Bytes::from("x"), ..Call::new(Method::POST, path) }
}
