//! An async handler: a local task for each link.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};

use tieline_proto::Closed;
use tieline_proto::handshake::Agreement;
use tokio::task::spawn_local;

use super::handler::Handler;
use super::link::Link;
use super::message::Message;
use crate::accept::Request;

/// A link as its own task sees it: messages come by awaiting them.
///
/// What was received and not yet asked for waits here, at most [`INBOX_BYTES`] of it: then nothing
/// more is read from the peer until the task has caught up.
#[derive(Debug)]
pub struct Conversation {
    link: Link,
    request: Rc<Request>,
    inbox: Rc<RefCell<Received>>,
}

/// What may wait for a task before its peer is not read from any more, in bytes.
pub const INBOX_BYTES: usize = 64 << 10;

/// What was received and not yet asked for.
#[derive(Debug, Default)]
struct Received {
    messages: VecDeque<crate::Message>,
    bytes: usize,
    closed: Option<Closed>,
    waker: Option<Waker>,
}

/// A handler that runs a local task for each link.
///
/// The link ends with its task, cleanly, or with 1011 where that panics. When the peer is gone first,
/// [`next`](Conversation::next) answers `None`: the task may finish what it does, and should then
/// return.
///
/// # Example
///
/// ```no_run
/// use std::time::Duration;
/// use tieline::serve::{self, Server};
///
/// Server::bind("127.0.0.1:8080")?.run(|| {
///     serve::tasks(async |mut conversation| {
///         while let Some(message) = conversation.next().await {
///             tokio::time::sleep(Duration::from_millis(10)).await;
///             conversation.link().send(message);
///         }
///     })
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn tasks<T, F>(task: T) -> impl Handler
where
    T: FnMut(Conversation) -> F + 'static,
    F: Future<Output = ()> + 'static,
{
    Tasks { task }
}

struct Tasks<T> {
    task: T,
}

/// What the engine keeps of a task.
struct Task {
    inbox: Rc<RefCell<Received>>,
}

impl<T, F> Handler for Tasks<T>
where
    T: FnMut(Conversation) -> F + 'static,
    F: Future<Output = ()> + 'static,
{
    type State = Task;

    fn open(&mut self, link: &Link, request: &Request, _: &Agreement) -> Task {
        let inbox = Rc::<RefCell<Received>>::default();
        let conversation = Conversation {
            link: link.clone(),
            request: Rc::new(request.clone()),
            inbox: Rc::clone(&inbox),
        };
        let (link, future) = (link.clone(), (self.task)(conversation));
        spawn_local(async move {
            let panicking = Panicking(link);
            future.await;
            panicking.0.close(crate::CloseCode::NORMAL, "");
        });
        Task { inbox }
    }

    fn message(&mut self, task: &mut Task, link: &Link, message: Message<'_>) {
        let mut inbox = task.inbox.borrow_mut();
        inbox.bytes += COST + message.len();
        inbox.messages.push_back(super::Payload::into_message(message));
        if inbox.bytes > INBOX_BYTES {
            link.pause();
        }
        inbox.wake();
    }

    fn close(&mut self, task: Task, _link: &Link, how: &Closed) {
        let mut inbox = task.inbox.borrow_mut();
        inbox.closed = Some(how.clone());
        inbox.wake();
    }
}

/// Ends the link of a task that panics: nobody else will.
struct Panicking(Link);

impl Drop for Panicking {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close(crate::CloseCode::INTERNAL, "internal error");
        }
    }
}

/// What it costs to hold a message beyond its bytes.
const COST: usize = 64;

impl Received {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Conversation {
    /// The link, to send with.
    pub const fn link(&self) -> &Link {
        &self.link
    }

    /// What the peer asked for when it came.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The next message; `None` once the link is gone and everything received was given.
    ///
    /// # Cancel safety
    ///
    /// Dropping it loses nothing: the message is not taken.
    pub async fn next(&mut self) -> Option<crate::Message> {
        poll_fn(|cx| {
            let mut inbox = self.inbox.borrow_mut();
            if let Some(message) = inbox.messages.pop_front() {
                inbox.bytes -= COST + message.len();
                if inbox.bytes <= INBOX_BYTES / 2 {
                    self.link.resume();
                }
                return Poll::Ready(Some(message));
            }
            if inbox.closed.is_some() {
                return Poll::Ready(None);
            }
            inbox.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// How the link ended, once it has.
    pub fn closed(&self) -> Option<Closed> {
        self.inbox.borrow().closed.clone()
    }
}
