//! What outlives the server: over restarts, full disks and clocks that were set back.

use super::*;

#[tokio::test]
async fn a_restart_ends_the_sessions_that_were_open_once() {
    let (folder, (backend, mut told)) = (Scratch::new(), listen(ok).await);
    let (mut keys, mut last) = (Vec::new(), 0);
    for round in 0..3 {
        let store = Store::open(&folder, 0).unwrap();
        let events = start(&store, plan(), &backend);
        // Nobody delivers in the first: all of it waits for the second.
        let delivering = (round > 0).then(|| deliver(&events));
        if round == 0 {
            let open = events.open("d1").await.unwrap();
            events.record(&open, EventKind::Registered).await.unwrap();
            let closed = events.open("d2").await.unwrap();
            events.close(closed.clone(), "bye").await.unwrap();
            let (one, two) = (open.generation, closed.generation);
            keys.extend([format!("d1.{one}.connected.1"), format!("d1.{one}.registered.2")]);
            keys.extend([format!("d1.{one}.disconnected.3"), format!("d2.{two}.connected.1")]);
            keys.push(format!("d2.{two}.disconnected.2"));
            last = two;
        } else {
            all_told(&events).await;
        }
        assert!(events.open("d3").await.unwrap().generation > last, "it rises over restarts");
        if let Some(delivering) = delivering {
            all_told(&events).await;
            delivering.stop().await;
        }
        drop(events);
        drop(store);
    }
    let mut all = Vec::new();
    while let Ok((key, event)) = told.try_recv() {
        let is_restart = event.event == EventKind::Disconnected && event.device != "d2";
        assert_eq!(event.reason.as_deref() == Some(RESTARTED), is_restart);
        all.push(key);
    }
    let of = |device: &str| -> Vec<_> {
        all.iter().filter(|key| key.starts_with(device)).cloned().collect()
    };
    keys.sort_by_key(|key| key.rsplit('.').next().map(str::to_owned));
    assert_eq!(
        of("d1"),
        keys.iter().filter(|key| key.starts_with("d1")).cloned().collect::<Vec<_>>()
    );
    assert_eq!(
        of("d2"),
        keys.iter().filter(|key| key.starts_with("d2")).cloned().collect::<Vec<_>>()
    );
    // Three rounds of d3, of which the last is open still.
    assert_eq!(of("d3").len(), 5);
}

#[tokio::test]
async fn a_full_disk_opens_no_session_and_what_ends_is_told_when_there_is_room() {
    let (folder, (backend, mut told)) = (Scratch::new(), listen(ok).await);
    let store = Store::open(&folder, 0).unwrap();
    let events = start(&store, plan(), &backend);
    let session = events.open("d1").await.unwrap();
    store.keep_free(u64::MAX);
    assert!(matches!(events.open("d2").await, Err(StoreError::Full { .. })));
    assert!(events.record(&session, EventKind::Registered).await.is_err());
    assert!(events.close(session, "bye").await.is_err());
    assert_eq!(events.lag().waiting, 2);
    store.keep_free(0);
    let _delivering = deliver(&events);
    assert!(heard(&mut told).await.ends_with(".connected.1"));
    assert!(heard(&mut told).await.contains(".disconnected."));
    all_told(&events).await;
    for space in [Space::Events, Space::Sessions] {
        assert_eq!(store.scan(space, b"").unwrap(), []);
    }
}

#[tokio::test]
async fn a_full_disk_gives_no_event_up() {
    let (folder, (backend, _)) = (Scratch::new(), listen(ok).await);
    let store = Store::open(&folder, 0).unwrap();
    let plan = PlannedEvents { max_waiting: 2, max_dead: 1, ..plan() };
    let events = start(&store, plan, &backend);
    for device in ["d1", "d2", "d3"] {
        events.open(device).await.unwrap();
    }
    let before = (events.lag().waiting, events.dead(None, 9));
    assert_eq!((before.0, before.1.len()), (2, 1));
    store.keep_free(u64::MAX);
    for device in ["d4", "d5", "d6"] {
        assert!(matches!(events.open(device).await, Err(StoreError::Full { .. })));
    }
    let number = before.1[0].0;
    assert!(events.redeliver(number).await.is_err() && events.forget(number).await.is_err());
    assert_eq!((events.lag().waiting, events.dead(None, 9)), before, "all is as it was");
    store.keep_free(0);
    events.open("d4").await.unwrap();
    let dead = events.dead(None, 9);
    assert_eq!((dead.len(), dead[0].1.event.device.as_str()), (1, "d2"));
    assert_eq!(events.0.counts.given_up.get(), 2);
}

#[tokio::test]
async fn an_old_copy_of_the_store_or_a_new_one_repeats_no_number() {
    let (backend, _) = listen(ok).await;
    let mut last = 0;
    for _ in 0..2 {
        let folder = Scratch::new();
        let store = Store::open(&folder, 0).unwrap();
        let session = start(&store, plan(), &backend).open("d1").await.unwrap();
        assert!(session.generation > last && session.generation < 1 << 53);
        last = session.generation;
        // The clock of the numbers is one of milliseconds.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_clock_that_was_set_back_repeats_no_number() {
    let (folder, (backend, _)) = (Scratch::new(), listen(ok).await);
    let store = Store::open(&folder, 0).unwrap();
    let far = u64::MAX / 2;
    let mut batch = Batch::default();
    batch.put(Space::Counters, COUNTER, &far.to_be_bytes());
    store.write(batch).await.unwrap();
    assert!(start(&store, plan(), &backend).open("d1").await.unwrap().generation > far);
}

#[tokio::test]
async fn without_a_store_events_are_told_from_memory_and_numbers_rise_over_restarts() {
    let (backend, mut told) = listen(ok).await;
    let mut last = 0;
    for _ in 0..2 {
        let outboxes = Outboxes::open(None, &Metrics::default()).unwrap();
        let events = outboxes.start("/gate", plan(), Arc::clone(&backend));
        let _delivering = deliver(&events);
        let session = events.open("d1").await.unwrap();
        assert!(session.generation > last && session.generation < 1 << 53);
        last = session.generation;
        assert_eq!(heard(&mut told).await, format!("d1.{last}.connected.1"));
        assert!(outboxes.find("/gate").is_some() && outboxes.find("/other").is_none());
        // The clock of the numbers is one of milliseconds.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_session_whose_opening_is_given_up_is_closed_again() {
    let (folder, (backend, _)) = (Scratch::new(), listen(ok).await);
    let store = Store::open(&folder, 0).unwrap();
    let events = start(&store, plan(), &backend);
    let mut opening = Box::pin(events.open("d1"));
    while events.lag().waiting == 0 {
        assert!(futures_util::poll!(&mut opening).is_pending());
        tokio::task::yield_now().await;
    }
    drop(opening);
    store.write(Batch::default()).await.unwrap();
    assert_eq!(store.scan(Space::Sessions, b"").unwrap(), []);
    assert_eq!(store.scan(Space::Events, b"").unwrap().len(), 2);
}

#[tokio::test]
async fn the_outboxes_of_two_routes_do_not_mix_and_one_that_is_no_more_stays() {
    let (folder, (backend, _)) = (Scratch::new(), listen(ok).await);
    let store = Store::open(&folder, 0).unwrap();
    let all = outboxes(&store);
    let one = all.start("/a", plan(), Arc::clone(&backend));
    let other = all.start("/ab", plan(), Arc::clone(&backend));
    let (first, second) = (one.open("d1").await.unwrap(), other.open("d1").await.unwrap());
    assert_ne!(first.generation, second.generation);
    drop((all, one, other));
    let all = outboxes(&store);
    let one = all.start("/a", plan(), backend);
    all.warn_of_unclaimed();
    // `connected`, and the `disconnected` of the restart.
    assert_eq!(one.lag().waiting, 2);
    store.write(Batch::default()).await.unwrap();
    assert_eq!(store.scan(Space::Events, b"").unwrap().len(), 3);
    assert_eq!(store.scan(Space::Sessions, b"").unwrap().len(), 1);
}
