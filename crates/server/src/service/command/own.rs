//! A process of one's own: it begins with its peer and ends with it, and writes no faster than its
//! peer reads.

use std::rc::Rc;
use std::sync::Arc;

use tieline::Closed;
use tieline::serve::Message;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_local, yield_now};

use super::framer::{Framer, TooLong};
use super::input::Input;
use super::run::run;
use super::settings::Settings;
use super::source::Source;
use crate::peer::Peer;
use crate::process::Variables;
use crate::service::Conversation;
use crate::service::misunderstood::Misunderstood;

/// One peer of a command.
pub(super) struct Own {
    /// Runs the process, which ends where this is aborted.
    task: JoinHandle<()>,
    input: Arc<Input>,
    has_input: bool,
    /// The peer has read.
    room: Rc<Notify>,
    misunderstood: Misunderstood,
}

impl Own {
    pub(super) fn start(settings: &Arc<Settings>, variables: Variables, peer: &Peer) -> Self {
        let (input, room) = (Input::new(settings.frame), Rc::new(Notify::new()));
        let task = {
            let (settings, peer) = (Arc::clone(settings), peer.clone());
            let (input, room) = (Arc::clone(&input), Rc::clone(&room));
            spawn_local(async move {
                let hear = async |source, framer| hear(&peer, &room, source, framer).await;
                let (code, reason) = run(&settings, &variables, &input, hear).await.told();
                input.end();
                peer.close(code, &reason);
            })
        };
        let (has_input, misunderstood) = (settings.has_input, Misunderstood::new("command"));
        Self { task, input, has_input, room, misunderstood }
    }
}

impl Conversation for Own {
    fn message(&mut self, peer: &Peer, message: Message<'_>) {
        if self.has_input {
            self.input.take(peer, message);
        } else {
            self.misunderstood.add(peer);
        }
    }

    fn writable(&mut self, _peer: &Peer) {
        self.room.notify_waiters();
    }

    fn close(&mut self, peer: &Peer, _how: &Closed) {
        self.misunderstood.sum_up(peer);
        self.task.abort();
        self.input.end();
    }
}

/// Tells a peer what a process writes, to its end.
async fn hear(
    peer: &Peer,
    room: &Notify,
    source: Source,
    mut framer: Framer,
) -> Result<(), TooLong> {
    while source.fill(&mut framer).await {
        while let Some(message) = framer.next()? {
            peer.reply(message);
            while peer.is_full() && !peer.is_closing() {
                room.notified().await;
            }
        }
        if peer.is_closing() {
            return Ok(());
        }
        // A pipe that is never empty must not keep the worker from its other peers.
        yield_now().await;
    }
    if let Some(message) = framer.finish() {
        peer.reply(message);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tieline::Lost;
    use tokio::task::LocalSet;

    use super::*;
    use crate::by_hand::Bench;
    use crate::config;
    use crate::metrics::Metrics;
    use crate::process::Processes;

    #[tokio::test]
    async fn who_leaves_while_it_is_not_read_leaves_nothing_waiting() {
        let written: config::Command = toml::from_str(
            "argv = ['sleep', '1000']\nending = { stdin_within = '10ms', term_within = '10ms' }",
        )
        .unwrap();
        let processes = Processes::new(&Metrics::default());
        let settings = Arc::new(Settings::new(&written, "/", &processes));
        let peer = Bench::new().peer();
        LocalSet::new()
            .run_until(async {
                let mut own = Own::start(&settings, Variables::new(), &peer);
                let input = Arc::downgrade(&own.input);
                // More than its pipe and what may wait for it.
                own.message(&peer, Message::from(&*vec![b'x'; 1 << 20]));
                yield_now().await;
                own.close(&peer, &Closed::Lost(Lost::Eof));
                drop(own);
                let is_gone = async {
                    while input.strong_count() > 0 {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                };
                tokio::time::timeout(Duration::from_secs(60), is_gone).await.unwrap();
                processes.finish().await;
            })
            .await;
    }
}
