//! Typed endpoints: a number is guessed. The server is declared, the client built in code.

use serde::{Deserialize, Serialize};
use tieline::CloseCode;
use tieline::endpoint::{Endpoint, Endpoints, Json, Line, LineError, endpoint};
use tokio::net::TcpListener;

#[derive(Debug, Deserialize, Serialize)]
enum Hint {
    Higher,
    Lower,
    Right,
}

#[derive(Clone)]
struct Game {
    secret: u32,
}

#[endpoint(path = "/guess/{most}", params(most = u32), subprotocols = ["guess.v1"])]
impl Game {
    #[open]
    async fn think(&mut self, line: &mut Line) -> Result<(), LineError> {
        self.secret %= line.param::<u32>("most").expect("checked before the handshake");
        Ok(())
    }

    #[message]
    async fn guess(&mut self, line: &mut Line, Json(number): Json<u32>) -> Result<(), LineError> {
        let hint = match number.cmp(&self.secret) {
            std::cmp::Ordering::Less => Hint::Higher,
            std::cmp::Ordering::Equal => Hint::Right,
            std::cmp::Ordering::Greater => Hint::Lower,
        };
        line.send_any(Json(hint)).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("ws://{}", listener.local_addr()?);
    let server = Endpoints::new().declare(Game { secret: 1_234_567 })?;
    tokio::spawn(server.serve(listener, std::future::pending()));
    let game = Endpoint::<Json<u32>, Json<Hint>>::at("/guess/{most}").subprotocol("guess.v1");
    let mut line = game.connect(&base, &[("most", "100")]).await?;
    let (mut low, mut high) = (0, 99);
    loop {
        let number = (low + high) / 2;
        line.send(Json(number)).await?;
        let Json(hint) = line.next().await.expect("the server answers")?;
        println!("{number}: {hint:?}");
        match hint {
            Hint::Higher => low = number + 1,
            Hint::Lower => high = number - 1,
            Hint::Right => break Ok(line.close(CloseCode::NORMAL, "").await?),
        }
    }
}
