//! A wire between a client and its server that can be cut, and mended.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    state: watch::Sender<State>,
    carrying: JoinHandle<()>,
}

#[derive(Clone, Copy, Default)]
struct State {
    is_cut: bool,
    /// How often it was cut.
    cuts: usize,
    /// Lines that it has carried.
    lines: usize,
}

impl Wire {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, _) = watch::channel(State::default());
        let known = state.clone();
        let carrying = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, server, known.clone()));
            }
        });
        Self { address, state, carrying }
    }

    /// Cuts every line, and every one that follows.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| {
            state.is_cut = true;
            state.cuts += 1;
        });
    }

    pub(crate) fn mend(&self) {
        self.state.send_modify(|state| state.is_cut = false);
    }

    /// How many lines it has carried.
    pub(crate) fn lines(&self) -> usize {
        self.state.borrow().lines
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.carrying.abort();
    }
}

async fn carry(mut near: TcpStream, server: SocketAddr, state: watch::Sender<State>) {
    let mut changes = state.subscribe();
    let State { is_cut, cuts, .. } = *changes.borrow_and_update();
    if is_cut {
        return;
    }
    let Ok(mut far) = TcpStream::connect(server).await else { return };
    state.send_modify(|state| state.lines += 1);
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = changes.wait_for(|state| state.cuts != cuts) => {}
    }
}
