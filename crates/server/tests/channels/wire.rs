//! A wire between a client and its server that can be cut and mended, or held for a while.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
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
    /// Whether the client is brought nothing.
    is_held: bool,
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

    /// Brings the client nothing for now.
    pub(crate) fn hold(&self) {
        self.state.send_modify(|state| state.is_held = true);
    }

    pub(crate) fn release(&self) {
        self.state.send_modify(|state| state.is_held = false);
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
    let mut holds = state.subscribe();
    let ((mut near_read, mut near_write), (mut far_read, mut far_write)) =
        (near.split(), far.split());
    let up = async {
        let _ = copy(&mut near_read, &mut far_write).await;
        let _ = far_write.shutdown().await;
    };
    let down = async {
        let mut bytes = vec![0; 16 << 10];
        while holds.wait_for(|state| !state.is_held).await.is_ok()
            && let Ok(read @ 1..) = far_read.read(&mut bytes).await
            && near_write.write_all(&bytes[..read]).await.is_ok()
        {}
        let _ = near_write.shutdown().await;
    };
    tokio::select! {
        _ = async { tokio::join!(up, down) } => {}
        _ = changes.wait_for(|state| state.cuts != cuts) => {}
    }
}
