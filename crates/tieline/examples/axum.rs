//! A line inside an axum application, beside an ordinary page.

use axum::Router;
use axum::response::{Html, Response};
use axum::routing::{any, get};
use tieline::Limits;
use tieline::axum::Upgrade;
use tokio::net::TcpListener;

const PAGE: &str = r#"<!doctype html><meta charset="utf-8"><title>Shout</title>
<form><input autofocus><button>Shout</button></form><pre></pre>
<script>
  const line = new WebSocket(location.href.replace(/^http/, "ws") + "shout", "shout");
  const [input, output] = [document.querySelector("input"), document.querySelector("pre")];
  line.onmessage = event => output.append(event.data + "\n");
  document.forms[0].onsubmit = () => (line.send(input.value), input.value = "", false);
</script>"#;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new().route("/", get(|| async { Html(PAGE) })).route("/shout", any(shout));
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    println!("http://{}/", listener.local_addr()?);
    axum::serve(listener, app).await
}

async fn shout(upgrade: Upgrade) -> Response {
    let limits = Limits { max_message_bytes: 1_000, ..Limits::default() };
    upgrade.protocols(["shout"]).limits(limits).on_upgrade(|mut socket| async move {
        while let Some(Ok(message)) = socket.next().await {
            let Some(text) = message.text() else { return };
            if socket.send(text.to_uppercase()).await.is_err() {
                return;
            }
        }
    })
}
