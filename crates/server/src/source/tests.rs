//! Sources with a reader that says what it is told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;

use super::*;
use crate::by_hand::Bench;

/// Says what is sent to it, and counts how often it was started and dropped.
#[derive(Debug, Default)]
struct Told {
    says: Mutex<Vec<mpsc::UnboundedSender<Asked>>>,
    started: AtomicUsize,
    ended: AtomicUsize,
}

/// What is to be said, and whom to tell once it is.
type Asked = (Say, oneshot::Sender<()>);

enum Say {
    Lines(Vec<&'static str>),
    Trouble(&'static str),
}

struct Ended(Arc<Told>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

impl Reader for Told {
    fn read(self: Arc<Self>, feed: Feed) -> Pin<Box<dyn Future<Output = ()>>> {
        self.started.fetch_add(1, Ordering::Relaxed);
        let (sender, mut says) = mpsc::unbounded_channel();
        self.says.lock().unwrap().push(sender);
        Box::pin(async move {
            let _ended = Ended(self);
            feed.set_names(&["a".into()]);
            while let Some((say, is_said)) = says.recv().await {
                match say {
                    Say::Lines(texts) => {
                        let line = |text: &&str| Line { text: (*text).into(), is_lossy: false };
                        feed.say("a", &texts.iter().map(line).collect::<Vec<_>>()).await;
                    }
                    Say::Trouble(reason) => feed.trouble("a", reason),
                }
                is_said.send(()).ok();
            }
        })
    }
}

impl Told {
    /// The reader that was started last says this, and has said it when this ends.
    async fn say(&self, say: Say) {
        let (said, is_said) = oneshot::channel();
        self.says.lock().unwrap().last().unwrap().send((say, said)).ok();
        is_said.await.unwrap();
    }

    async fn lines(&self, lines: &[&'static str]) {
        self.say(Say::Lines(lines.to_vec())).await;
    }
}

fn source(keep: usize) -> (Arc<Told>, Arc<Source>) {
    let told = Arc::new(Told::default());
    let reader = Arc::clone(&told) as Arc<dyn Reader>;
    let keep = Keep { lines: keep, bytes: 1 << 20 };
    (told, Arc::new(Source::new(Format::Json, keep, vec![reader])))
}

const NAMES: &str = r#"{"type":"sources","names":["a"]}"#;

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, test);
}

#[test]
fn a_hundred_viewers_have_one_reader_which_ends_with_the_last() {
    run(async {
        let ((told, source), mut bench) = (source(10), Bench::new());
        let peers: Vec<_> = (0..100).map(|_| bench.peer()).collect();
        let viewers: Vec<_> = peers.iter().map(|peer| source.join(peer)).collect();
        told.lines(&["1", "2"]).await;
        for peer in &peers {
            assert_eq!(bench.heard(peer).last().unwrap(), r#"{"source":"a","lines":["1","2"]}"#);
        }
        assert_eq!(told.started.load(Ordering::Relaxed), 1);
        for (peer, viewer) in peers.iter().zip(&viewers) {
            assert_eq!(told.ended.load(Ordering::Relaxed), 0);
            viewer.leave(peer);
        }
        tokio::task::yield_now().await;
        assert_eq!(told.ended.load(Ordering::Relaxed), 1);

        let again = source.join(&peers[0]);
        told.lines(&["3"]).await;
        assert_eq!(bench.heard(&peers[0]), [NAMES, r#"{"source":"a","lines":["3"]}"#]);
        assert_eq!(told.started.load(Ordering::Relaxed), 2);
        again.leave(&peers[0]);
    });
}

#[test]
fn who_comes_later_gets_the_last_lines_first() {
    run(async {
        let ((told, source), mut bench) = (source(2), Bench::new());
        let (a, b) = (bench.peer(), bench.peer());
        let _first = source.join(&a);
        told.lines(&["1", "2", "3"]).await;
        told.say(Say::Trouble("lost")).await;
        let _second = source.join(&b);
        told.lines(&["4"]).await;
        let four = r#"{"source":"a","lines":["4"]}"#;
        let lost = r#"{"type":"gap","source":"a","reason":"lost"}"#;
        assert_eq!(bench.heard(&a), [NAMES, r#"{"source":"a","lines":["1","2","3"]}"#, lost, four]);
        assert_eq!(bench.heard(&b), [NAMES, r#"{"source":"a","lines":["2","3"]}"#, lost, four]);
    });
}

#[test]
fn a_filter_is_its_viewers_and_can_be_taken_back() {
    run(async {
        let ((told, source), mut bench) = (source(10), Bench::new());
        let (a, b) = (bench.peer(), bench.peer());
        let _first = source.join(&a);
        let mut second = source.join(&b);
        told.lines(&["x1"]).await;
        bench.heard(&a);
        bench.heard(&b);
        second.set_filter(&b, Some(Filter::contains("y").unwrap())).unwrap();
        told.lines(&["x2", "y2"]).await;
        told.lines(&["x3"]).await;
        second.set_filter(&b, Some(Filter::regex("[zx]4").unwrap())).unwrap();
        told.lines(&["x4", "y4", "z4"]).await;
        second.set_filter(&b, None).unwrap();
        told.lines(&["x5"]).await;
        assert_eq!(bench.heard(&a).len(), 4);
        assert_eq!(
            bench.heard(&b),
            [
                r#"{"source":"a","lines":["y2"]}"#,
                r#"{"source":"a","lines":["x4","z4"]}"#,
                r#"{"source":"a","lines":["x5"]}"#
            ]
        );
    });
}

#[test]
fn different_filters_are_not_without_bound_and_the_same_is_shared() {
    run(async {
        let ((_told, source), mut bench) = (source(10), Bench::new());
        let peers: Vec<_> = (0..65).map(|_| bench.peer()).collect();
        let mut viewers: Vec<_> = peers.iter().map(|peer| source.join(peer)).collect();
        for (at, (viewer, peer)) in viewers.iter_mut().zip(&peers).enumerate() {
            let set = viewer.set_filter(peer, Some(Filter::contains(&at.to_string()).unwrap()));
            assert_eq!(set.is_ok(), at < 64, "{at}");
        }
        let same = Filter::contains("0").unwrap();
        assert_eq!(viewers[64].set_filter(&peers[64], Some(same)), Ok(()));
        for (viewer, peer) in viewers.iter().zip(&peers) {
            viewer.leave(peer);
        }
        assert!(source.members.turn(|turn| turn.state().groups().is_empty()));
    });
}

#[test]
fn what_a_worker_could_not_take_is_told_as_soon_as_it_can() {
    run(async {
        let ((told, source), mut bench) = (source(10), Bench::new());
        let (a, b) = (bench.peer(), bench.peer());
        let _viewer = source.join(&a);
        told.lines(&["1"]).await;
        assert_eq!(bench.heard(&a).len(), 2);
        let blob = tieline::Message::from(vec![0; 1 << 20]);
        let other = Members::new(());
        other.turn(|turn| turn.join(&b));
        while other.turn(|turn| turn.tell_all(blob.clone())).is_ok() {}
        told.lines(&["2"]).await;
        assert!(bench.heard(&a).is_empty());
        told.lines(&["3"]).await;
        let reason = "the server is overloaded: lines were left out";
        assert_eq!(
            bench.heard(&a),
            [
                &format!(r#"{{"type":"gap","source":"a","reason":"{reason}"}}"#),
                r#"{"source":"a","lines":["3"]}"#
            ]
        );
    });
}

#[test]
fn what_is_kept_comes_in_messages_that_a_newcomer_can_take() {
    run(async {
        let ((told, source), mut bench) = (source(100), Bench::new());
        let (a, b) = (bench.peer(), bench.peer());
        let _first = source.join(&a);
        let long: &'static str = "x".repeat(40 << 10).leak();
        told.lines(&[long; 5]).await;
        let _second = source.join(&b);
        assert_eq!(bench.heard(&b).len(), 6);
    });
}
