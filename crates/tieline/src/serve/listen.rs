//! Where connections come from: one listening socket for each worker where the system can spread
//! them itself, one that all workers share where it cannot.

use std::fmt;
use std::fs::Permissions;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mio::event::Source;
use mio::{Interest, Registry, Token, net};
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, TcpKeepalive, Type};

use super::arrival::Admission;
use super::inherited;
use super::listening::Listening;
use super::socket::Socket as Connected;
use super::transport::Transport;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4_096;

/// When TCP asks whether a silent peer is still there: after one minute, and given up after
/// another. The lines of the hixie drafts have no pings, and half-open ones would stay for ever.
const KEEPALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(60))
    .with_interval(Duration::from_secs(10))
    .with_retries(6);

/// The mode of a socket that is its owner's alone.
const OWNERS_MODE: u32 = 0o600;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A socket in the file system that is its owner's alone (mode 0600), and speaks no HTTP: each
    /// connection goes to [`Handler::hand_off`](super::Handler::hand_off) as it is.
    Ipc(PathBuf),
    /// A socket that systemd has opened, by its `FileDescriptorName=`; the name of the socket unit
    /// where that has none.
    Systemd(String),
    /// An IP address and a port; port 0 takes a free one.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

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
    /// That a program cannot listen at a place, by itself.
    pub const fn new(place: Place, source: io::Error) -> Self {
        Self { place, source }
    }

    /// What to do about it, where that is known.
    pub fn advice(&self) -> Option<String> {
        Some(match (self.source.kind(), &self.place) {
            (io::ErrorKind::AddrInUse, Place::Tcp(address)) => {
                let mut other = *address;
                other.set_port(address.port().checked_add(1).unwrap_or(8080));
                format!(
                    "another program listens there: stop it, or choose another port with \
                     --listen {other}"
                )
            }
            (io::ErrorKind::AddrInUse, Place::Ipc(_) | Place::Unix(_)) => {
                "another program listens there: stop it, or choose another path".to_owned()
            }
            (io::ErrorKind::PermissionDenied, Place::Tcp(address)) if address.port() < 1_024 => {
                "ports below 1024 need a privilege (CAP_NET_BIND_SERVICE); choose a higher one"
                    .to_owned()
            }
            (io::ErrorKind::AddrNotAvailable, _) => {
                "no interface of this machine has the address; 0.0.0.0 stands for all of IPv4, \
                 [::] for all of IPv6"
                    .to_owned()
            }
            (io::ErrorKind::NotFound, Place::Ipc(_) | Place::Unix(_)) => {
                "the folder of the socket must be there first".to_owned()
            }
            (io::ErrorKind::NotFound, Place::Systemd(_)) => inherited::advice(),
            _ => return None,
        })
    }
}

/// A place that is listened at, with a socket for each worker.
#[derive(Debug)]
pub(super) struct BoundPlace {
    /// The place, with the port that the system chose for port 0.
    pub(super) place: Place,
    /// One listening socket for each worker; taken when the workers start.
    sockets: Vec<Listening>,
    /// Removes the file of a Unix socket when the server ends.
    _file: Option<SocketFile>,
}

/// Accepts connections on one worker.
pub(super) struct Acceptor {
    listener: Listener,
    is_raw: bool,
    admission: Arc<Admission>,
    #[cfg(feature = "tls")]
    tls: Option<super::tls::TlsSource>,
}

#[derive(Debug)]
enum Listener {
    Tcp(net::TcpListener),
    Unix(net::UnixListener),
}

/// A connection, and the address it comes from over TCP.
pub(super) struct Accepted {
    pub(super) socket: Connected,
    pub(super) from: Option<SocketAddr>,
}

/// The file of a Unix socket, known by its device and inode: another server may have put its own
/// at the path since.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn new(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), identity: identity(path)? })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            // Whoever removed it before us has done the same work.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = std::fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

impl BoundPlace {
    /// The first address that a name or a text stands for.
    pub(super) fn resolve(
        address: impl std::net::ToSocketAddrs + fmt::Display,
    ) -> Result<SocketAddr, BindError> {
        let place = Place::Tcp(SocketAddr::from(([0, 0, 0, 0], 0)));
        let fail = |source| BindError { place, source };
        let nothing =
            || io::Error::new(io::ErrorKind::InvalidInput, format!("no address: {address}"));
        address.to_socket_addrs().and_then(|mut all| all.next().ok_or_else(nothing)).map_err(fail)
    }

    /// Listens, once for each worker.
    pub(super) fn bind(place: &Place, workers: usize) -> Result<Self, BindError> {
        let fail = |source| BindError { place: place.clone(), source };
        match place {
            Place::Tcp(address) => {
                let (address, sockets) = bind_tcp(*address, workers).map_err(fail)?;
                Ok(Self { place: Place::Tcp(address), sockets, _file: None })
            }
            Place::Unix(path) => {
                let (file, socket) = bind_unix(path, None).map_err(fail)?;
                let sockets = shared(Listening::Unix(socket), workers).map_err(fail)?;
                Ok(Self { place: place.clone(), sockets, _file: Some(file) })
            }
            Place::Ipc(path) => {
                let (file, socket) = bind_unix(path, Some(OWNERS_MODE)).map_err(fail)?;
                let sockets = shared(Listening::Raw(socket), workers).map_err(fail)?;
                Ok(Self { place: place.clone(), sockets, _file: Some(file) })
            }
            Place::Systemd(name) => {
                let socket = inherited::take(name).map_err(fail)?;
                let sockets = shared(socket, workers).map_err(fail)?;
                Ok(Self { place: place.clone(), sockets, _file: None })
            }
        }
    }

    /// The sockets, one for each worker.
    pub(super) fn take(&mut self) -> Vec<Listening> {
        std::mem::take(&mut self.sockets)
    }
}

impl Acceptor {
    pub(super) fn new(
        socket: Listening,
        admission: Arc<Admission>,
        #[cfg(feature = "tls")] tls: Option<super::tls::TlsSource>,
    ) -> Self {
        let is_raw = matches!(socket, Listening::Raw(_));
        let listener = match socket {
            Listening::Tcp(socket) => Listener::Tcp(net::TcpListener::from_std(socket)),
            Listening::Raw(socket) | Listening::Unix(socket) => {
                Listener::Unix(net::UnixListener::from_std(socket))
            }
        };
        Self {
            listener,
            is_raw,
            admission,
            #[cfg(feature = "tls")]
            tls,
        }
    }

    pub(super) fn admission(&self) -> Arc<Admission> {
        Arc::clone(&self.admission)
    }

    /// Whether its connections are handed over as they are.
    pub(super) const fn is_raw(&self) -> bool {
        self.is_raw
    }

    pub(super) const fn is_secure(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }

    /// The next connection that waits.
    pub(super) fn accept(&self) -> io::Result<Accepted> {
        match &self.listener {
            Listener::Tcp(listener) => {
                let (stream, address) = listener.accept()?;
                // Small messages must not wait for each other; a failure costs only latency.
                let _ = stream.set_nodelay(true);
                // Without it a lost peer is found later, by the pings or by the next message.
                let _ = SockRef::from(&stream).set_tcp_keepalive(&KEEPALIVE);
                Ok(Accepted { socket: Connected::Tcp(stream), from: Some(address) })
            }
            Listener::Unix(listener) => {
                let (stream, _) = listener.accept()?;
                Ok(Accepted { socket: Connected::Unix(stream), from: None })
            }
        }
    }

    /// What carries a connection to this listener: TLS where it has certificates.
    pub(super) fn transport(&self, socket: Connected) -> io::Result<Transport> {
        #[cfg(feature = "tls")]
        if let Some(source) = &self.tls {
            let tls = super::tls::Tls::new(source()).map_err(io::Error::other)?;
            return Ok(Transport::secure(socket, tls));
        }
        Ok(Transport::plain(socket))
    }

    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.listener {
            Listener::Tcp(listener) => listener.register(registry, token, Interest::READABLE),
            Listener::Unix(listener) => listener.register(registry, token, Interest::READABLE),
        }
    }

    pub(super) fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        match &mut self.listener {
            Listener::Tcp(listener) => listener.deregister(registry),
            Listener::Unix(listener) => listener.deregister(registry),
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
    if address.is_ipv6() {
        // Whatever the system's default: `[::]` stands beside a listener at `0.0.0.0`.
        socket.set_only_v6(true)?;
    }
    if shared {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// One socket for all workers: a file can be bound once. Nobody can connect before it has its mode.
fn bind_unix(path: &Path, mode: Option<u32>) -> io::Result<(SocketFile, UnixListener)> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    let address = SockAddr::unix(path)?;
    match socket.bind(&address) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(path) => {
            std::fs::remove_file(path)?;
            socket.bind(&address)?;
        }
        other => other?,
    }
    let file = SocketFile::new(path)?;
    if let Some(mode) = mode {
        std::fs::set_permissions(path, Permissions::from_mode(mode))?;
    }
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok((file, socket.into()))
}

/// The same socket for every worker.
fn shared(socket: Listening, workers: usize) -> io::Result<Vec<Listening>> {
    let clone = || {
        Ok(match &socket {
            Listening::Raw(socket) => Listening::Raw(socket.try_clone()?),
            Listening::Tcp(socket) => Listening::Tcp(socket.try_clone()?),
            Listening::Unix(socket) => Listening::Unix(socket.try_clone()?),
        })
    };
    (0..workers).map(|_| clone()).collect()
}

/// A socket's file that nobody listens at any more: what a crash leaves behind.
fn is_abandoned(path: &Path) -> bool {
    let is_socket =
        std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    is_socket && knock(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// Connects without waiting: a server that hangs with a full backlog is in use all the same.
fn knock(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipc(path) => write!(f, "ipc:{}", path.display()),
            Self::Systemd(name) => write!(f, "systemd:{name}"),
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
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

    #[test]
    fn the_advice_for_an_ipv6_address_is_one_too() {
        let advise = |address: &str| {
            let place = Place::Tcp(address.parse().unwrap());
            BindError { place, source: io::ErrorKind::AddrInUse.into() }.advice().unwrap()
        };
        assert!(advise("[::]:80").ends_with("--listen [::]:81"));
        assert!(advise("[fe80::1%2]:65535").ends_with("--listen [fe80::1%2]:8080"));
    }

    #[test]
    fn all_of_ipv4_and_all_of_ipv6_share_a_port() {
        let any = Place::Tcp("0.0.0.0:0".parse().unwrap());
        let first = BoundPlace::bind(&any, 2).unwrap();
        let Place::Tcp(mut address) = first.place else { panic!("{}", first.place) };
        address.set_ip(std::net::Ipv6Addr::UNSPECIFIED.into());
        match BoundPlace::bind(&Place::Tcp(address), 2) {
            Ok(second) => assert_eq!(second.place, Place::Tcp(address)),
            // A machine without IPv6 has nothing to show.
            Err(error) => assert_ne!(error.source.kind(), io::ErrorKind::AddrInUse),
        }
    }

    #[test]
    fn an_accepted_connection_is_probed_when_it_is_silent() {
        let mut bound = BoundPlace::bind(&Place::Tcp(([127, 0, 0, 1], 0).into()), 1).unwrap();
        let Place::Tcp(address) = bound.place else { panic!("{}", bound.place) };
        let socket = bound.take().remove(0);
        let acceptor = Acceptor::new(
            socket,
            Arc::new(Admission::default()),
            #[cfg(feature = "tls")]
            None,
        );
        let _peer = std::net::TcpStream::connect(address).unwrap();
        let Connected::Tcp(stream) = acceptor.accept().unwrap().socket else { panic!("not TCP") };
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(60));
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(10));
    }

    /// A path for a socket, in a folder of its own that goes with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("tieline-bind-{name}-{}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            std::fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn socket(&self) -> PathBuf {
            self.0.join("t.sock")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            // What is left lies among other temporary files.
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_socket_for_its_owner_lets_nobody_else_in() {
        let folder = Folder::new("ipc");
        let place = Place::Ipc(folder.socket());
        let bound = BoundPlace::bind(&place, 2).unwrap();
        let mode = std::fs::metadata(folder.socket()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(bound.sockets.len(), 2);
        let error = BoundPlace::bind(&place, 1).unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::AddrInUse);
        drop(bound);
        // What a crash leaves behind is in nobody's way.
        drop(UnixListener::bind(folder.socket()).unwrap());
        BoundPlace::bind(&place, 1).unwrap();
    }

    #[test]
    fn a_socket_file_is_removed_only_by_the_server_that_made_it() {
        let folder = Folder::new("owner");
        let place = Place::Unix(folder.socket());
        let first = BoundPlace::bind(&place, 1).unwrap();
        std::fs::remove_file(folder.socket()).unwrap();
        let second = BoundPlace::bind(&place, 1).unwrap();
        drop(first);
        assert!(folder.socket().exists());
        drop(second);
        assert!(!folder.socket().exists());
    }

    #[test]
    fn a_server_that_hangs_with_a_full_backlog_is_in_use_at_once() {
        let folder = Folder::new("hung");
        let path = folder.socket();
        let hung = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        hung.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        hung.listen(0).unwrap();
        while knock(&path).is_ok() {}

        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || tell.send(is_abandoned(&path)));
        assert_eq!(told.recv_timeout(Duration::from_secs(20)), Ok(false));
    }
}
