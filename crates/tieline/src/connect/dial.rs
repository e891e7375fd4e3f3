//! A TCP connection to whichever of a host's addresses answers first.
//!
//! Spec: RFC 8305 (Happy Eyeballs), without its asynchronous queries: the resolver's order is kept,
//! the two families take turns, and the next address is tried when the last failed or was slow.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use url::Host;

use super::{ConnectError, Stage};

/// How long an address may take before the next is tried beside it (RFC 8305 §8).
const HEAD_START: Duration = Duration::from_millis(250);

/// Connects to `host`, with `TCP_NODELAY` set.
pub(crate) async fn dial(
    host: &Host,
    port: u16,
    stage: &mut Stage,
) -> Result<TcpStream, ConnectError> {
    *stage = Stage::Resolving;
    let addresses = resolve(host, port).await?;
    *stage = Stage::Connecting;
    let stream = race(in_turns(addresses)).await;
    let stream = stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
    stream.map_err(|source| ConnectError::Tcp { address: format!("{host}:{port}"), source })
}

async fn resolve(host: &Host, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
    let name = match host {
        Host::Ipv4(address) => return Ok(vec![(*address, port).into()]),
        Host::Ipv6(address) => return Ok(vec![(*address, port).into()]),
        Host::Domain(name) => name,
    };
    let failed = |source| ConnectError::Dns { host: name.clone(), source };
    let addresses: Vec<_> = lookup_host((name.as_str(), port)).await.map_err(failed)?.collect();
    if addresses.is_empty() {
        return Err(failed(io::Error::new(io::ErrorKind::NotFound, "no address")));
    }
    Ok(addresses)
}

/// RFC 8305 §4: the families alternate, the resolver's first choice first.
fn in_turns(addresses: Vec<SocketAddr>) -> VecDeque<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (VecDeque<_>, VecDeque<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut turns = VecDeque::with_capacity(first.len() + second.len());
    while !first.is_empty() || !second.is_empty() {
        turns.extend(first.pop_front());
        turns.extend(second.pop_front());
    }
    turns
}

/// The first connection that opens, or the first address's error once all have failed. Dropping the
/// future, or returning, aborts the attempts that are left.
async fn race(mut waiting: VecDeque<SocketAddr>) -> io::Result<TcpStream> {
    let mut running = JoinSet::new();
    let mut first_error = None;
    loop {
        if let Some(address) = waiting.pop_front() {
            running.spawn(TcpStream::connect(address));
        }
        let next = Instant::now() + HEAD_START;
        tokio::select! {
            Some(done) = running.join_next() => match done {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => _ = first_error.get_or_insert(error),
                Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
            },
            () = sleep_until(next), if !waiting.is_empty() => {}
        }
        if running.is_empty() && waiting.is_empty() {
            return Err(first_error.expect("the last of at least one attempt failed"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_families_take_turns() {
        let [a, b, c, d] = ["[::1]:1", "[::2]:1", "[::3]:1", "1.2.3.4:1"].map(address);
        assert_eq!(in_turns(vec![a, b, c, d]), [a, d, b, c]);
        assert_eq!(in_turns(vec![d, a]), [d, a]);
        assert_eq!(in_turns(vec![]), [d; 0]);
    }

    #[tokio::test]
    async fn a_dead_address_does_not_stop_the_next() {
        let alive = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let dead = closed.local_addr().unwrap();
        drop(closed);
        let live = alive.local_addr().unwrap();
        let stream = race([dead, live].into()).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), live);
        let error = race([dead].into()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
