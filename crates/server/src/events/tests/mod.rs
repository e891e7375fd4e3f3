//! Outboxes with a real backend, over restarts, refusals and full disks.

mod durable;

use axum::body::to_bytes;
use axum::response::IntoResponse;
use http::StatusCode;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::backend::tests::{backend, serve};
use crate::metrics::Metrics;
use tieline_store::Scratch;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// What a backend was told: key and event.
type Told = UnboundedReceiver<(String, Event)>;

/// A backend that answers as it is told to.
async fn listen(answer: fn(&Event, usize) -> StatusCode) -> (Arc<Backend>, Told) {
    let (told, hears) = unbounded_channel();
    let tries = Arc::new(Mutex::new(HashMap::<String, usize>::new()));
    let url = serve(move |request| {
        let (told, tries) = (told.clone(), Arc::clone(&tries));
        async move {
            assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/hook"));
            assert_eq!(request.headers()["content-type"], "application/json");
            let key = request.headers()["idempotency-key"].to_str().unwrap().to_owned();
            let body = to_bytes(request.into_body(), 10_000).await.unwrap();
            let event: Event = serde_json::from_slice(&body).unwrap();
            assert_eq!(event.idempotency_key(), key);
            let number = {
                let mut tries = tries.lock().unwrap();
                let number = tries.entry(key.clone()).or_default();
                *number += 1;
                *number
            };
            let status = answer(&event, number);
            told.send((key, event)).unwrap();
            status.into_response()
        }
    });
    (backend(&url.await, "retries = 0"), hears)
}

async fn heard(told: &mut Told) -> String {
    timeout(LONG, told.recv()).await.expect("it is told in time").unwrap().0
}

const fn ok(_: &Event, _: usize) -> StatusCode {
    StatusCode::NO_CONTENT
}

fn plan() -> PlannedEvents {
    PlannedEvents {
        backend: "a".to_owned(),
        path: "/hook".to_owned(),
        is_durable: true,
        grace: Duration::ZERO,
        max_waiting: 1_000,
        max_tries: 50,
        max_age: Duration::from_secs(3_600),
        max_dead: 100,
    }
}

fn outboxes(store: &Store) -> Outboxes {
    Outboxes::open(Some(store), &Metrics::default()).unwrap()
}

/// The outbox of a server that was started on this store.
fn start(store: &Store, plan: PlannedEvents, backend: &Arc<Backend>) -> Events {
    outboxes(store).start("/gate", plan, Arc::clone(backend))
}

/// Delivers until it is dropped.
struct Delivering(JoinHandle<()>);

fn deliver(events: &Events) -> Delivering {
    let events = events.clone();
    Delivering(tokio::spawn(async move { events.deliver().await }))
}

impl Delivering {
    /// Nobody delivers any more once this is done.
    async fn stop(self) {
        self.0.abort();
        assert!(self.0.await.unwrap_err().is_cancelled());
    }
}

/// Waits until nothing waits.
async fn all_told(events: &Events) {
    let empty = async {
        while events.lag().waiting > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, empty).await.expect("all is told in time");
}

#[tokio::test]
async fn a_session_is_told_from_its_beginning_to_its_end_in_order() {
    let (folder, (backend, mut told)) = (Scratch::new(), listen(ok).await);
    let store = Store::open(&folder, 0).unwrap();
    let events = start(&store, plan(), &backend);
    let _delivering = deliver(&events);
    let session = events.open("d1").await.unwrap();
    events.record(&session, EventKind::Registered).await.unwrap();
    events.record(&session, EventKind::Unregistered).await.unwrap();
    let generation = session.generation;
    events.close(session.clone(), "1000").await.unwrap();
    // It is over: nothing more is recorded of it.
    events.close(session.clone(), "again").await.unwrap();
    events.record(&session, EventKind::Registered).await.unwrap();
    let next = events.open("d1").await.unwrap();
    assert!(next.generation > generation);
    let keys = ["connected.1", "registered.2", "unregistered.3", "disconnected.4"];
    for key in keys {
        assert_eq!(heard(&mut told).await, format!("d1.{generation}.{key}"));
    }
    assert_eq!(heard(&mut told).await, format!("d1.{}.connected.1", next.generation));
    all_told(&events).await;
    assert!(told.try_recv().is_err());
    assert_eq!(store.scan(Space::Events, b"").unwrap(), []);
    assert_eq!(store.scan(Space::Sessions, b"").unwrap().len(), 1);
}

#[tokio::test]
async fn a_device_whose_events_are_refused_holds_up_no_other_and_stays_in_order() {
    let refuse_first = |event: &Event, tries: usize| match (event.device.as_str(), tries) {
        ("bad", 1) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::OK,
    };
    let (folder, (backend, mut told)) = (Scratch::new(), listen(refuse_first).await);
    let store = Store::open(&folder, 0).unwrap();
    let events = start(&store, plan(), &backend);
    let bad = events.open("bad").await.unwrap();
    events.close(bad, "").await.unwrap();
    let good = events.open("good").await.unwrap();
    events.close(good, "").await.unwrap();
    let _delivering = deliver(&events);
    all_told(&events).await;
    let mut all = Vec::new();
    while let Ok((_, event)) = told.try_recv() {
        all.push((event.device, event.event));
    }
    let of = |name: &str| -> Vec<_> {
        all.iter().filter(|(device, _)| device == name).map(|(_, event)| *event).collect()
    };
    use EventKind::{Connected, Disconnected};
    assert_eq!(of("bad"), [Connected, Connected, Disconnected, Disconnected]);
    assert_eq!(of("good"), [Connected, Disconnected]);
    let last_good = all.iter().rposition(|(device, _)| device == "good").unwrap();
    assert_eq!(all[last_good + 1..].len(), 3, "the good one was not held up");
}

#[tokio::test]
async fn what_is_refused_too_often_is_dead_and_can_be_sent_again() {
    let refuse_first = |_: &Event, tries: usize| match tries {
        1 => StatusCode::GONE,
        _ => StatusCode::OK,
    };
    let (folder, (backend, mut told)) = (Scratch::new(), listen(refuse_first).await);
    let store = Store::open(&folder, 0).unwrap();
    let plan = PlannedEvents { max_tries: 1, ..plan() };
    let events = start(&store, plan.clone(), &backend);
    let delivering = deliver(&events);
    let session = events.open("d1").await.unwrap();
    all_told(&events).await;
    delivering.stop().await;
    let dead = events.dead(None, 10);
    assert_eq!((dead.len(), dead[0].1.tries, events.lag().dead), (1, 1, 1));
    assert_eq!(dead[0].1.error, "the backend answered 410 Gone");
    let key = heard(&mut told).await;
    // The list outlives the server.
    drop(events);
    drop(store);
    let store = Store::open(&folder, 0).unwrap();
    let events = start(&store, plan, &backend);
    let list = events.dead(None, 10);
    assert_eq!(list, dead);
    assert_eq!(events.dead(Some(list[0].0), 10), []);
    assert!(events.redeliver(list[0].0).await.unwrap());
    assert!(!events.redeliver(list[0].0).await.unwrap());
    let _delivering = deliver(&events);
    let (mut keys, restarted) = (Vec::new(), format!("d1.{}.disconnected.2", session.generation));
    keys.extend([heard(&mut told).await, heard(&mut told).await]);
    keys.sort();
    assert_eq!(keys, [key, restarted]);
    // The other was refused for the first time.
    timeout(LONG, async {
        while events.lag().dead != 1 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    let number = events.dead(None, 10)[0].0;
    assert!(events.forget(number).await.unwrap() && !events.forget(number).await.unwrap());
    assert_eq!(store.scan(Space::DeadEvents, b"").unwrap(), []);
}

#[tokio::test]
async fn what_waits_is_bounded_and_the_oldest_are_given_up() {
    let (folder, (backend, _)) = (Scratch::new(), listen(ok).await);
    let store = Store::open(&folder, 0).unwrap();
    let plan = PlannedEvents { max_waiting: 3, max_dead: 2, ..plan() };
    let events = start(&store, plan, &backend);
    for device in ["d1", "d2", "d3", "d4", "d5", "d6", "d7"] {
        events.open(device).await.unwrap();
    }
    assert_eq!((events.lag().waiting, events.lag().dead), (3, 2));
    let dead: Vec<_> = events.dead(None, 9).into_iter().map(|(_, dead)| dead).collect();
    assert_eq!((dead[0].event.device.as_str(), dead[1].event.device.as_str()), ("d3", "d4"));
    assert!(dead[0].error.contains("max_waiting"), "{}", dead[0].error);
    assert_eq!(store.scan(Space::Events, b"").unwrap().len(), 3);
    assert_eq!(store.scan(Space::DeadEvents, b"").unwrap().len(), 2);
}

#[tokio::test]
async fn a_device_that_is_back_within_the_grace_was_never_away() {
    let (folder, (backend, mut told)) = (Scratch::new(), listen(ok).await);
    let store = Store::open(&folder, 0).unwrap();
    let plan = PlannedEvents { grace: Duration::from_secs(3_600), ..plan() };
    let events = start(&store, plan.clone(), &backend);
    let delivering = deliver(&events);
    let session = events.open("d1").await.unwrap();
    assert!(heard(&mut told).await.ends_with("connected.1"));
    all_told(&events).await;
    events.close(session.clone(), "lost").await.unwrap();
    assert_eq!(events.open("d1").await.unwrap(), session);
    events.record(&session, EventKind::Registered).await.unwrap();
    assert!(heard(&mut told).await.ends_with("registered.2"));
    all_told(&events).await;
    delivering.stop().await;
    drop(events);
    drop(store);
    // Nor is it over for a restart.
    let store = Store::open(&folder, 0).unwrap();
    let events = start(&store, plan, &backend);
    let _delivering = deliver(&events);
    assert_eq!(events.open("d1").await.unwrap(), session);
    events.record(&session, EventKind::Unregistered).await.unwrap();
    assert!(heard(&mut told).await.ends_with("unregistered.3"));
}

#[tokio::test]
async fn how_far_behind_it_is_is_shown() {
    let (folder, (backend, mut told)) = (Scratch::new(), listen(ok).await);
    let store = Store::open(&folder, 0).unwrap();
    let metrics = Metrics::default();
    let all = Outboxes::open(Some(&store), &metrics).unwrap();
    let events = all.start("/gate", plan(), backend);
    events.open("d1").await.unwrap();
    let text = metrics.text();
    assert!(text.contains(r#"tieline_events_waiting{route="/gate"} 1"#), "{text}");
    assert!(text.contains(r#"tieline_events_recorded_total{route="/gate"} 1"#), "{text}");
    let oldest = text
        .lines()
        .find_map(|line| line.strip_prefix(r#"tieline_events_oldest_seconds{route="/gate"} "#));
    assert!(oldest.unwrap().parse::<f64>().unwrap() < LONG.as_secs_f64(), "{text}");
    let _delivering = deliver(&events);
    heard(&mut told).await;
    all_told(&events).await;
    let text = metrics.text();
    assert!(text.contains(r#"tieline_events_waiting{route="/gate"} 0"#), "{text}");
    assert!(text.contains(r#"tieline_events_oldest_seconds{route="/gate"} 0"#), "{text}");
}
