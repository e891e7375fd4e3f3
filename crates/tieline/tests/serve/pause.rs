//! Does a link that is paused say nothing, and say all of it once it is resumed?

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use tieline::serve::{Handler, Link, Message, Worker};
use tieline::{Agreement, CloseCode, Closed, Request};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::spawn_local;

use crate::raw::*;
use crate::served::*;

type Job = Box<dyn FnOnce(&Link) + Send>;

/// Pauses its first link from the first message on; a task does with it what the test asks.
struct Pausing {
    tell: UnboundedSender<String>,
    jobs: Arc<Mutex<Option<UnboundedReceiver<Job>>>>,
    first: Rc<RefCell<Option<Link>>>,
}

impl Handler for Pausing {
    type State = ();

    fn start(&mut self, _: &Worker) {
        let mut jobs = self.jobs.lock().unwrap().take().unwrap();
        let first = Rc::clone(&self.first);
        spawn_local(async move {
            while let Some(job) = jobs.recv().await {
                job(first.borrow().as_ref().expect("a link is open"));
            }
        });
    }

    fn open(&mut self, link: &Link, _: &Request, _: &Agreement) {
        self.first.borrow_mut().get_or_insert_with(|| link.clone());
    }

    fn message(&mut self, (): &mut (), link: &Link, message: Message<'_>) {
        let text = message.text().unwrap();
        if text == "pause" {
            link.pause();
        }
        // A test that is over does not listen any more.
        let _ = self.tell.send(text.to_owned());
    }

    fn close(&mut self, (): (), _: &Link, how: &Closed) {
        let _ = self.tell.send(format!("{how:?}"));
    }
}

struct Paused {
    server: Served,
    jobs: UnboundedSender<Job>,
    told: UnboundedReceiver<String>,
    raw: Raw,
}

/// A link that was paused in the middle of what was read.
async fn paused() -> Paused {
    let (jobs, given) = unbounded_channel();
    let (tell, told) = unbounded_channel();
    let given = Arc::new(Mutex::new(Some(given)));
    let server = served(move || Pausing {
        tell: tell.clone(),
        jobs: Arc::clone(&given),
        first: Rc::default(),
    });
    let mut paused = Paused { raw: Raw::open(server.address), server, jobs, told };
    paused.raw.say(
        [masked(TEXT, "pause"), masked(TEXT, "a"), masked(TEXT, "cut")[..7].to_vec()].concat(),
    );
    paused.expect("pause").await;
    paused
}

impl Paused {
    fn act(&self, job: impl FnOnce(&Link) + Send + 'static) {
        assert!(self.jobs.send(Box::new(job)).is_ok(), "the worker lives");
    }

    async fn expect(&mut self, text: &str) {
        assert_eq!(heard(&mut self.told).await, text);
    }
}

/// The end of `masked(TEXT, "cut")`.
fn rest() -> Vec<u8> {
    masked(TEXT, "cut")[7..].to_vec()
}

#[tokio::test]
async fn a_paused_link_says_nothing_until_it_is_resumed() {
    let mut paused = paused().await;
    paused.raw.say([rest(), masked(TEXT, "b")].concat());
    let mut other = paused.server.connect("/").await;
    other.send("meanwhile").await.unwrap();
    paused.expect("meanwhile").await;
    paused.act(Link::resume);
    for text in ["a", "cut", "b"] {
        paused.expect(text).await;
    }
}

#[tokio::test]
async fn what_was_read_before_the_pause_comes_before_what_arrives_with_the_resume() {
    let mut paused = paused().await;
    let (resumed, is_resumed) = mpsc::channel();
    let (sent, is_sent) = mpsc::channel();
    // The worker finds the new bytes in the same turn in which it learns of the resume.
    paused.act(move |link| {
        link.resume();
        resumed.send(()).unwrap();
        is_sent.recv().unwrap();
    });
    is_resumed.recv_timeout(PATIENCE).unwrap();
    paused.raw.say([rest(), masked(TEXT, "b")].concat());
    sent.send(()).unwrap();
    for text in ["a", "cut", "b"] {
        paused.expect(text).await;
    }
}

#[tokio::test]
async fn a_peer_that_went_while_its_link_was_paused_is_found_to_have_gone() {
    let mut paused = paused().await;
    paused.raw.say([rest(), masked(TEXT, "b")].concat());
    paused.raw.end();
    // The worker has seen the end before it resumes.
    let mut other = paused.server.connect("/").await;
    other.send("meanwhile").await.unwrap();
    paused.expect("meanwhile").await;
    paused.act(Link::resume);
    for text in ["a", "cut", "b", "Lost(Eof)"] {
        paused.expect(text).await;
    }
}

#[tokio::test]
async fn a_paused_link_can_be_closed_cleanly() {
    let mut paused = paused().await;
    paused.act(|link| link.close(CloseCode::new(4_001), "enough"));
    paused.raw.say(rest());
    paused.raw.expect_closed_with(4_001);
    assert!(heard(&mut paused.told).await.starts_with("Cleanly"));
}

#[tokio::test]
async fn a_paused_link_that_reads_too_slowly_is_closed_cleanly() {
    let mut paused = paused().await;
    paused.raw.say(rest());
    let (says, mut said) = unbounded_channel();
    paused.act(move |link| {
        (0..24).for_each(|_| link.send(vec![0; 1 << 20]));
        says.send(()).unwrap();
    });
    heard(&mut said).await;
    let end = loop {
        let frame = paused.raw.frame();
        if frame.first == CLOSE {
            break frame;
        }
    };
    assert_eq!(end.code(), Some(1013));
    paused.raw.say(masked(CLOSE, b"\x03\xF5"));
    assert_eq!(paused.raw.rest(), b"");
    assert!(heard(&mut paused.told).await.starts_with("Cleanly"));
}
