//! Binding: one listening socket for each worker where the system can spread connections itself.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net;

use super::stream::Stream;
use crate::config::Place;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1_024;

/// A place that cannot be listened at.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {place}")]
#[non_exhaustive]
pub struct BindError {
    /// The place.
    pub place: Place,
    /// What the system says.
    pub source: io::Error,
}

impl BindError {
    /// What to do about it, where that is known.
    pub fn advice(&self) -> Option<String> {
        Some(match (self.source.kind(), &self.place) {
            (io::ErrorKind::AddrInUse, Place::Tcp(address)) => format!(
                "another program listens there: stop it, or choose another port with \
                 --listen {}:{}",
                bracketed(address),
                address.port().checked_add(1).unwrap_or(8080)
            ),
            (io::ErrorKind::AddrInUse, Place::Unix(_)) => {
                "another program listens there: stop it, or choose another path".to_owned()
            }
            (io::ErrorKind::PermissionDenied, Place::Tcp(address)) if address.port() < 1_024 => {
                "ports below 1024 need a privilege (CAP_NET_BIND_SERVICE); choose a higher one"
                    .to_owned()
            }
            (io::ErrorKind::AddrNotAvailable, _) => {
                "no interface of this machine has the address; 0.0.0.0 or [::] stands for all"
                    .to_owned()
            }
            (io::ErrorKind::NotFound, Place::Unix(_)) => {
                "the folder of the socket must be there first".to_owned()
            }
            _ => return None,
        })
    }
}

fn bracketed(address: &SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

/// A place that is listened at, with a socket for each worker.
#[derive(Debug)]
pub(crate) struct BoundPlace {
    /// The place, with the port that the system chose for port 0.
    pub(crate) place: Place,
    /// One listening socket for each worker; taken when the workers start.
    sockets: Vec<Listening>,
    /// Removes the file of a Unix socket when the server ends.
    _file: Option<SocketFile>,
}

#[derive(Debug)]
enum Listening {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Accepts connections on one worker.
#[derive(Debug)]
pub(crate) enum Acceptor {
    Tcp(net::TcpListener),
    Unix(net::UnixListener),
}

/// The file of a Unix socket.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Whoever removed it before us has done the same work.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl BoundPlace {
    /// Listens, once for each worker.
    pub(crate) fn bind(place: &Place, workers: usize) -> Result<Self, BindError> {
        let fail = |source| BindError { place: place.clone(), source };
        match place {
            Place::Tcp(address) => {
                let (address, sockets) = bind_tcp(*address, workers).map_err(fail)?;
                Ok(Self { place: Place::Tcp(address), sockets, _file: None })
            }
            Place::Unix(path) => {
                let sockets = bind_unix(path, workers).map_err(fail)?;
                let file = SocketFile(path.clone());
                Ok(Self { place: place.clone(), sockets, _file: Some(file) })
            }
        }
    }

    /// The sockets, one for each worker, to be used inside its runtime.
    pub(crate) fn take(&mut self) -> Vec<impl FnOnce() -> io::Result<Acceptor> + Send + use<>> {
        self.sockets.drain(..).map(|socket| move || Acceptor::new(socket)).collect()
    }
}

impl Acceptor {
    fn new(socket: Listening) -> io::Result<Self> {
        Ok(match socket {
            Listening::Tcp(socket) => Self::Tcp(net::TcpListener::from_std(socket)?),
            Listening::Unix(socket) => Self::Unix(net::UnixListener::from_std(socket)?),
        })
    }

    /// The next connection, and the address it comes from over TCP.
    pub(crate) async fn accept(&self) -> io::Result<(Stream, Option<SocketAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Small messages must not wait for each other; a failure costs only latency.
                let _ = stream.set_nodelay(true);
                Ok((Stream::Tcp(stream), Some(address)))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok((Stream::Unix(stream), None))
            }
        }
    }
}

/// A first socket without `SO_REUSEPORT` finds a port in use and settles port 0; it is gone before
/// the workers' own sockets are bound.
fn bind_tcp(address: SocketAddr, workers: usize) -> io::Result<(SocketAddr, Vec<Listening>)> {
    let probe = listen_tcp(address, false)?;
    let address = probe.local_addr()?;
    drop(probe);
    let sockets = (0..workers).map(|_| Ok(Listening::Tcp(listen_tcp(address, true)?)));
    Ok((address, sockets.collect::<io::Result<_>>()?))
}

fn listen_tcp(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// One socket for all workers: a file can be bound once.
fn bind_unix(path: &Path, workers: usize) -> io::Result<Vec<Listening>> {
    let socket = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(path) => {
            std::fs::remove_file(path)?;
            UnixListener::bind(path)?
        }
        other => other?,
    };
    socket.set_nonblocking(true)?;
    (0..workers).map(|_| Ok(Listening::Unix(socket.try_clone()?))).collect()
}

/// A socket's file that nobody listens at any more: what a crash leaves behind.
fn is_abandoned(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let is_socket =
        std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    is_socket
        && UnixStream::connect(path)
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

impl fmt::Display for BoundPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_0_becomes_one_port_for_all_workers() {
        let place = Place::Tcp(([127, 0, 0, 1], 0).into());
        let bound = BoundPlace::bind(&place, 3).unwrap();
        assert_ne!(bound.place, place);
        assert_eq!(bound.sockets.len(), 3);
    }

    #[test]
    fn a_port_in_use_is_found_and_the_next_step_told() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = Place::Tcp(taken.local_addr().unwrap());
        let error = BoundPlace::bind(&place, 2).unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::AddrInUse);
        assert!(error.advice().unwrap().contains("--listen 127.0.0.1:"));
    }
}
