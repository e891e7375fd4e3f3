//! The standard output of a command, which is started again when it ends.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::told::Told;
use crate::backoff::Backoff;
use crate::config;
use crate::process::{Ending, Environment, Places, Program, Running, Stderr};
use crate::source::{Feed, Reader, Splitter, WAITS};

/// A command whose lines are read.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) name: Arc<str>,
    pub(crate) argv: Vec<String>,
    pub(crate) max_line_bytes: usize,
}

/// Reads what a command writes.
#[derive(Debug)]
pub(super) struct Reading {
    plan: Plan,
    places: Places,
}

/// Bytes of one read.
const BLOCK_BYTES: usize = 64 << 10;

impl Reading {
    pub(super) const fn new(plan: Plan, places: Places) -> Self {
        Self { plan, places }
    }

    fn program(&self) -> Program {
        Program {
            argv: self.plan.argv.clone(),
            dir: None,
            environment: Environment::from(&config::Environment::default()),
            ending: Ending::from(&config::Ending::default()),
        }
    }

    async fn read_to_end(&self, mut running: Running, feed: &Feed) {
        let Plan { name, max_line_bytes, .. } = &self.plan;
        let mut stderr = running.stderr.take().expect("it was asked for apart");
        let (mut splitter, mut lines) = (Splitter::new(*max_line_bytes), Vec::new());
        let (mut block, mut said) = (vec![0; BLOCK_BYTES], vec![0; 4 << 10]);
        let (mut told, mut is_silent) = (Told::new(), false);
        loop {
            tokio::select! {
                read = running.stdout.read(&mut block) => match read {
                    Ok(0) | Err(_) => break,
                    Ok(len) => splitter.take(&block[..len], &mut lines),
                },
                read = stderr.read(&mut said), if !is_silent => match read {
                    Ok(0) | Err(_) => is_silent = true,
                    Ok(len) => told.take(&said[..len], |_| true),
                },
            }
            feed.say(name, &lines).await;
            lines.clear();
        }
        lines.extend(splitter.finish());
        feed.say(name, &lines).await;
        let Running { stdin, kept, .. } = running;
        // It has nothing more to say: if it does not end now, it is ended.
        drop(stdin);
        kept.end();
        let exit = kept.wait().await;
        warn!(source = &**name, %exit, stderr = %told, "a command has ended, and is started again");
    }
}

impl Reader for Reading {
    fn read(self: Arc<Self>, feed: Feed) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async move {
            let name = &self.plan.name;
            feed.set_names(std::slice::from_ref(name));
            let mut backoff = Backoff::new(WAITS);
            loop {
                let since = Instant::now();
                match self.places.start(&self.program(), &[], Stderr::Apart).await {
                    Ok(running) => {
                        feed.well(name);
                        self.read_to_end(running, &feed).await;
                        feed.trouble(name, "the command has ended: it is started again");
                    }
                    // The log has it already.
                    Err(_) => feed.trouble(name, "the command could not be started"),
                }
                backoff.went_well(since.elapsed());
                sleep(backoff.next()).await;
            }
        })
    }
}
