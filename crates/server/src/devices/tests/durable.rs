//! What is on disk of the devices, and when whoever is told of it.

use super::*;

#[tokio::test]
async fn what_is_durable_outlives_the_process() {
    let folder = Scratch::new();
    let durable = || Rules { is_durable: true, ..rules() };
    let store = Store::open(&folder, 0).unwrap();
    let mut scene = Scene::with_store(durable(), Some(store));
    let line = scene.register("a").await;
    scene.devices.left("a", line.id());
    for text in ["1", "2"] {
        let notified = scene.devices.notify("a", text, Some(text)).await;
        assert_eq!(notified, Notified::Stored);
    }
    drop(scene);

    let mut scene = Scene::with_store(durable(), Some(Store::open(&folder, 0).unwrap()));
    assert_eq!(scene.devices.find("a").unwrap().waiting_messages, 2);
    let again = scene.devices.notify("a", "1", Some("1")).await;
    assert_eq!(again, Notified::Stored, "as it was, and not once more");
    assert_eq!(scene.notify("a", "3").await, Notified::Stored);
    let line = scene.register("a").await;
    assert_eq!(scene.heard(&line), ["NF#1", "NF#2", "NF#3"]);
    let nothing_waits = async {
        loop {
            let left = scene.devices.0.stored.removals().is_empty();
            tokio::task::yield_now().await;
            if left {
                return;
            }
        }
    };
    tokio::select! {
        () = scene.devices.tidy() => unreachable!("it goes on for ever"),
        () = nothing_waits => {}
    }
    // What is submitted is written in its order: behind the removals.
    scene.devices.left("a", line.id());
    assert_eq!(scene.notify("a", "4").await, Notified::Stored);
    drop(scene);

    let mut scene = Scene::with_store(durable(), Some(Store::open(&folder, 0).unwrap()));
    let line = scene.register("a").await;
    assert_eq!(scene.heard(&line), ["NF#4"]);
    scene.devices.forget("a").await.unwrap();
    drop(scene);
    let scene = Scene::with_store(durable(), Some(Store::open(&folder, 0).unwrap()));
    assert!(scene.devices.find("a").is_none());
}

#[tokio::test]
async fn what_the_store_refuses_is_refused_and_may_be_sent_again() {
    let folder = Scratch::new();
    let durable = || Rules { is_durable: true, ..rules() };
    let mut scene = Scene::with_store(durable(), Some(Store::open(&folder, 0).unwrap()));
    scene.register("a").await;
    drop(scene);

    let store = Store::open(&folder, u64::MAX).unwrap();
    let mut scene = Scene::with_store(durable(), Some(store));
    for _ in 0..2 {
        assert_eq!(scene.devices.notify("a", "1", Some("k")).await, Notified::Full);
    }
    assert_eq!(scene.devices.find("a").unwrap().waiting_messages, 0);
    let _line = scene.bind("b");
    assert!(scene.devices.register("b").await.is_err());
    assert_eq!(scene.notify("b", "1").await, Notified::Unknown);
}

#[tokio::test]
async fn a_device_of_a_route_that_is_no_more_waits_for_it() {
    let folder = Scratch::new();
    let durable = |route: &str| Rules { is_durable: true, route: route.into(), ..rules() };
    let mut scene = Scene::with_store(durable("/a"), Some(Store::open(&folder, 0).unwrap()));
    scene.register("a").await;
    drop(scene);
    let scene = Scene::with_store(durable("/b"), Some(Store::open(&folder, 0).unwrap()));
    assert!(scene.devices.find("a").is_none());
    drop(scene);
    let scene = Scene::with_store(durable("/a"), Some(Store::open(&folder, 0).unwrap()));
    assert!(scene.devices.find("a").is_some());
}

#[tokio::test]
async fn what_waits_for_a_device_goes_with_it_to_another_route_and_is_found_there_after_a_restart()
{
    let folder = Scratch::new();
    let durable = |route: &str| {
        let route = route.into();
        Arc::new(Rules { is_durable: true, until_acknowledged: true, route, ..rules() })
    };
    let (here, there) = (durable("/a"), durable("/b"));
    let open = |order: [&Arc<Rules>; 2]| {
        let store = Store::open(&folder, 0).unwrap();
        let devices = Devices::open(Some(store), &Metrics::default()).unwrap();
        order.into_iter().for_each(|rules| devices.adopt(rules));
        devices.warn_of_unclaimed();
        devices
    };
    let mut bench = Bench::new();
    let devices = open([&here, &there]);
    for (rules, text) in [(&here, "1"), (&there, "2")] {
        let line = bench.peer();
        devices.bind("d", &line.remote(), None, rules).unwrap();
        devices.register("d").await.unwrap();
        devices.left("d", line.id());
        assert_eq!(devices.notify("d", text, None).await, Notified::Stored);
    }
    drop(devices);
    let store = Store::open(&folder, 0).unwrap();
    let devices = Devices::open(Some(store), &Metrics::default()).unwrap();
    devices.adopt(&here);
    devices.warn_of_unclaimed();
    assert!(devices.find("d").is_none(), "its route is no more, and may come again");
    drop(devices);
    for order in [[&here, &there], [&there, &here]] {
        let found = open(order).find("d").unwrap();
        assert_eq!((&*found.route, found.waiting_messages), ("/b", 2));
    }
    let devices = open([&here, &there]);
    let line = bench.peer();
    devices.bind("d", &line.remote(), None, &there).unwrap();
    devices.ready("d", line.id());
    assert_eq!(bench.heard(&line), ["NF#1", "NF#2"]);
    for _ in 0..2 {
        devices.acknowledged("d", line.id());
    }
    drop(devices);
    assert_eq!(open([&here, &there]).find("d").unwrap().waiting_messages, 0);
}

#[tokio::test]
async fn a_message_of_a_device_that_is_no_more_is_removed_once_all_routes_have_begun() {
    let folder = Scratch::new();
    let store = Store::open(&folder, 0).unwrap();
    let (route, text) = ("/".into(), "1".into());
    let orphan = inbox::Waiting {
        number: 7,
        route,
        text,
        expires_ms: u64::MAX,
        key: None,
        kept: Kept::OnDisk,
    };
    store.submit(None, Stored::message("d", &orphan), |written| written.unwrap());
    store.settled().await.unwrap();
    let scene = Scene::with_store(Rules { is_durable: true, ..rules() }, Some(store));
    assert!(scene.devices.find("d").is_none());
    assert!(scene.devices.0.stored.removals().is_empty());
    scene.devices.warn_of_unclaimed();
    assert_eq!(scene.devices.0.stored.removals().len(), 1);
}

/// A device of a durable route that is away.
async fn away(store: &Store) -> Scene {
    let durable = Rules { is_durable: true, ..rules() };
    let mut scene = Scene::with_store(durable, Some(store.clone()));
    let line = scene.register("a").await;
    scene.devices.left("a", line.id());
    scene
}

/// Holds the store's thread until the sender is used or dropped.
async fn held(store: &Store) -> std::sync::mpsc::Sender<()> {
    let (go, wait) = std::sync::mpsc::channel();
    let (hold, is_held) = oneshot::channel();
    store.submit(None, Batch::default(), move |_| {
        hold.send(()).unwrap();
        // Gone is as good as said.
        let _ = wait.recv();
    });
    is_held.await.unwrap();
    go
}

#[tokio::test]
async fn a_message_that_is_sent_again_meanwhile_is_answered_when_it_is_on_disk() {
    let folder = Scratch::new();
    let store = Store::open(&folder, 0).unwrap();
    let scene = away(&store).await;
    let notify = || Box::pin(scene.devices.notify("a", "1", Some("k")));
    let go = held(&store).await;
    let (mut first, mut again) = (notify(), notify());
    assert!(futures_util::poll!(&mut first).is_pending());
    assert!(futures_util::poll!(&mut again).is_pending(), "it is not on disk");
    store.keep_free(u64::MAX);
    drop(go);
    assert_eq!((first.await, again.await), (Notified::Full, Notified::Full));
    store.keep_free(0);
    let go = held(&store).await;
    let (mut first, mut again) = (notify(), notify());
    assert!(futures_util::poll!(&mut first).is_pending());
    assert!(futures_util::poll!(&mut again).is_pending());
    drop(go);
    assert_eq!((first.await, again.await), (Notified::Stored, Notified::Stored));
    assert_eq!(scene.devices.find("a").unwrap().waiting_messages, 1);
}

#[tokio::test]
async fn nobody_is_told_of_a_registration_before_it_is_on_disk() {
    let folder = Scratch::new();
    let store = Store::open(&folder, 0).unwrap();
    let mut scene = away(&store).await;
    let _line = scene.bind("b");
    let go = held(&store).await;
    let register = || Box::pin(scene.devices.register("b"));
    let (mut first, mut second) = (register(), register());
    assert!(futures_util::poll!(&mut first).is_pending());
    assert!(futures_util::poll!(&mut second).is_pending(), "it is not on disk");
    // Whoever asked first has gone: it is as if not.
    drop(first);
    store.keep_free(u64::MAX);
    drop(go);
    assert!(matches!(second.await, Err(StoreError::Full { .. })));
    assert!(!scene.devices.find("b").unwrap().is_registered);
    store.keep_free(0);
    scene.devices.register("b").await.unwrap();
    assert_eq!(store.scan(Space::Registrations, b"").unwrap().len(), 2);
}

#[tokio::test]
async fn a_registration_that_cannot_be_taken_back_is_as_it_was() {
    let folder = Scratch::new();
    let store = Store::open(&folder, 0).unwrap();
    let scene = away(&store).await;
    assert_eq!(scene.notify("a", "1").await, Notified::Stored);
    store.keep_free(u64::MAX);
    assert!(matches!(scene.devices.forget("a").await, Err(StoreError::Full { .. })));
    let info = scene.devices.find("a").unwrap();
    assert!(info.is_registered && info.waiting_messages == 1);
    store.keep_free(0);
    assert!(scene.devices.forget("a").await.unwrap());
    assert!(scene.devices.find("a").is_none());
    for space in [Space::Registrations, Space::Inboxes] {
        assert_eq!(store.scan(space, b"").unwrap(), [], "both go at once");
    }
    assert!(!scene.devices.forget("a").await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn who_cannot_be_forgotten_for_want_of_room_is_forgotten_later() {
    let folder = Scratch::new();
    let store = Store::open(&folder, 0).unwrap();
    let scene = away(&store).await;
    advance(Duration::from_secs(61)).await;
    store.keep_free(u64::MAX);
    scene.devices.expire();
    store.settled().await.unwrap();
    assert!(scene.devices.find("a").unwrap().is_registered);
    store.keep_free(0);
    scene.devices.expire();
    store.settled().await.unwrap();
    assert!(scene.devices.find("a").is_none());
    assert_eq!(store.scan(Space::Registrations, b"").unwrap(), []);
}

#[tokio::test]
async fn after_an_orderly_end_nothing_is_delivered_again() {
    let folder = Scratch::new();
    let store = Store::open(&folder, 0).unwrap();
    let mut scene = away(&store).await;
    for text in ["1", "2"] {
        assert_eq!(scene.notify("a", text).await, Notified::Stored);
    }
    let line = scene.register("a").await;
    assert_eq!(scene.heard(&line), ["NF#1", "NF#2"]);
    drop((scene, store));
    let store = Store::open(&folder, 0).unwrap();
    assert_eq!(store.scan(Space::Inboxes, b"").unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn what_was_delivered_while_the_disk_was_full_is_removed_when_there_is_room() {
    let folder = Scratch::new();
    let store = Store::open(&folder, 0).unwrap();
    let mut scene = away(&store).await;
    assert_eq!(scene.notify("a", "1").await, Notified::Stored);
    store.keep_free(u64::MAX);
    let line = scene.register("a").await;
    assert_eq!(scene.heard(&line), ["NF#1"]);
    let devices = scene.devices.clone();
    let tidying = tokio::spawn(async move { devices.tidy().await });
    // Time goes on only once what is to be removed was handed over; and then it could not be.
    tokio::time::sleep(Duration::from_millis(1)).await;
    store.settled().await.unwrap();
    store.keep_free(0);
    while !store.scan(Space::Inboxes, b"").unwrap().is_empty() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    tidying.abort();
}

#[tokio::test]
async fn an_entry_that_is_not_understood_is_told_and_not_left_out() {
    for space in [Space::Registrations, Space::Inboxes] {
        let folder = Scratch::new();
        let store = Store::open(&folder, 0).unwrap();
        let mut batch = Batch::default();
        batch.put(space, b"/\0a\0\0\0\0\0\0\0\0\x01", b"\x09of a form that is not known");
        store.write(batch).await.unwrap();
        let error = Devices::open(Some(store), &Metrics::default()).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    }
}
