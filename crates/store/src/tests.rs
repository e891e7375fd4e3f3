//! The store in one process: order, atoms, many writers, and what is refused.

use std::fs;
use std::os::unix::fs::FileExt;

use super::*;

fn put(key: &str, value: &str) -> Batch {
    let mut batch = Batch::default();
    batch.put(Space::Inboxes, key.as_bytes(), value.as_bytes());
    batch
}

fn keys(store: &Store, prefix: &str) -> Vec<String> {
    let entries = store.scan(Space::Inboxes, prefix.as_bytes()).unwrap();
    entries.into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect()
}

#[tokio::test]
async fn what_was_written_is_read_in_the_order_of_its_keys_also_when_opened_again() {
    let folder = Scratch::new();
    let store = Store::open(&folder, 0).unwrap();
    for key in ["b2", "a", "b1", "c"] {
        store.write(put(key, "x")).await.unwrap();
    }
    let mut batch = put("b3", "y");
    batch.remove(Space::Inboxes, b"b1");
    batch.put(Space::Sessions, b"b1", b"of another space");
    store.write(batch).await.unwrap();
    assert_eq!(keys(&store, "b"), ["b2", "b3"]);
    drop(store);
    let store = Store::open(&folder, 0).unwrap();
    assert_eq!(keys(&store, ""), ["a", "b2", "b3", "c"]);
    assert_eq!(store.get(Space::Sessions, b"b1").unwrap().unwrap(), b"of another space");
    assert_eq!(store.get(Space::Inboxes, b"b1").unwrap(), None);
}

#[tokio::test]
async fn writes_that_wait_at_the_same_time_share_one_sync() {
    let folder = Scratch::new();
    let store = Store::open(&folder, 0).unwrap();
    // The writer's thread is held by the first until all others wait.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let (held, is_held) = std::sync::mpsc::channel::<()>();
    store.submit(Some(store.room(1).await), put("first", "x"), move |_| {
        held.send(()).unwrap();
        wait.recv().unwrap();
    });
    is_held.recv().unwrap();
    let writes: Vec<_> = (0..100)
        .map(|number| {
            let store = store.clone();
            let mut write =
                Box::pin(async move { store.write(put(&format!("{number:03}"), "x")).await });
            // Polled once: it is handed over.
            assert!(futures_util::FutureExt::now_or_never(write.as_mut()).is_none());
            write
        })
        .collect();
    go.send(()).unwrap();
    for result in futures_util::future::join_all(writes).await {
        result.unwrap();
    }
    assert_eq!(keys(&store, "").len(), 101);
    assert_eq!((store.0.counts.batches.get(), store.0.counts.syncs.get()), (101, 2));
}

#[tokio::test]
async fn batches_are_written_in_the_order_in_which_they_were_handed_over() {
    let folder = Scratch::new();
    let store = Store::open(&folder, 0).unwrap();
    for number in 0..50 {
        let room = store.room(1).await;
        store.submit(Some(room), put("same", &number.to_string()), |result| result.unwrap());
    }
    store.write(put("last", "x")).await.unwrap();
    assert_eq!(store.get(Space::Inboxes, b"same").unwrap().unwrap(), b"49");
}

#[tokio::test]
async fn a_folder_has_one_store_at_a_time() {
    let folder = Scratch::new();
    let store = Store::open(&folder, 0).unwrap();
    let error = Store::open(&folder, 0).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");
    assert!(error.to_string().contains("in use by another process"), "{error}");
    drop(store);
    Store::open(&folder, 0).unwrap();
}

#[tokio::test]
async fn a_full_disk_is_told_before_anything_is_half_written() {
    let folder = Scratch::new();
    let store = Store::open(&folder, u64::MAX).unwrap();
    let error = store.write(put("a", "x")).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { kept: u64::MAX, .. }), "{error:?}");
    assert!(error.advice().unwrap().contains("make room"));
    assert_eq!(keys(&store, ""), [""; 0]);
    drop(store);
    // With room again it goes on.
    let store = Store::open(&folder, 0).unwrap();
    store.write(put("a", "x")).await.unwrap();
    assert_eq!(keys(&store, ""), ["a"]);
}

#[tokio::test]
async fn a_damaged_store_is_told_and_not_begun_anew() {
    for (file, bytes) in [("version", &b"nonsense"[..]), ("version", b"")] {
        let folder = Scratch::new();
        let store = Store::open(&folder, 0).unwrap();
        store.write(put("a", "x")).await.unwrap();
        drop(store);
        fs::write(folder.join(file), bytes).unwrap();
        let error = Store::open(&folder, 0).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
        assert!(error.advice().unwrap().contains("restored from a copy"));
    }
}

#[tokio::test]
async fn a_store_of_another_version_is_left_alone() {
    let folder = Scratch::new();
    let store = Store::open(&folder, 0).unwrap();
    store.write(put("a", "x")).await.unwrap();
    let mut newer = Batch::default();
    newer.put(Space::Counters, format::KEY, &2_u64.to_be_bytes());
    store.write(newer).await.unwrap();
    drop(store);
    let error = Store::open(&folder, 0).unwrap_err();
    assert!(matches!(error, StoreError::Version { .. }), "{error:?}");
    assert!(error.advice().unwrap().contains("the version that wrote it"));

    let folder = Scratch::new();
    drop(Store::open(&folder, 0).unwrap());
    // As the second version of the database has it.
    fs::write(folder.join("version"), b"FJL\x02").unwrap();
    let error = Store::open(&folder, 0).unwrap_err();
    assert!(matches!(error, StoreError::Version { .. }), "{error:?}");
}

#[tokio::test]
async fn what_was_handed_over_is_settled_whatever_became_of_it() {
    let folder = Scratch::new();
    let store = Store::open(&folder, u64::MAX).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    store.submit(None, put("a", "x"), move |result| tell.send(result.is_ok()).unwrap());
    store.settled().await.unwrap();
    assert_eq!(told.try_recv(), Ok(false));
    assert_eq!(store.0.counts.syncs.get(), 0);
}

#[test]
fn a_folder_that_cannot_be_one_is_told() {
    let folder = Scratch::new();
    fs::write(&*folder, "a file").unwrap();
    let error = Store::open(&folder, 0).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
    let _ = fs::remove_file(&*folder);
}

#[tokio::test]
async fn a_key_that_cannot_be_costs_only_its_own_batch() {
    let folder = Scratch::new();
    let store = Store::open(&folder, 0).unwrap();
    let long = "k".repeat(70_000);
    let (good, empty, long) = tokio::join!(
        store.write(put("a", "x")),
        store.write(put("", "x")),
        store.write(put(&long, "x"))
    );
    good.unwrap();
    assert!(matches!(empty, Err(StoreError::Key(0))));
    assert!(matches!(long, Err(StoreError::Key(70_000))));
    assert_eq!(keys(&store, ""), ["a"]);
}

/// Writes something over a file, where there is something.
fn damage(file: &Path, at: u64) {
    let file = fs::OpenOptions::new().read(true).write(true).open(file).unwrap();
    let mut found = [0; 8];
    file.read_exact_at(&mut found, at).unwrap();
    assert!(found.iter().any(|byte| *byte != 0), "nothing is written there");
    file.write_all_at(b"DAMAGED!", at).unwrap();
}

#[tokio::test]
async fn damage_to_what_was_acknowledged_is_told_wherever_it_is() {
    for at in [200, 3_000, 12_000, 24_000] {
        let folder = Scratch::new();
        let store = Store::open(&folder, 0).unwrap();
        for number in 0..100 {
            store.write(put(&format!("{number:03}"), &"x".repeat(200))).await.unwrap();
        }
        drop(store);
        damage(&folder.join("0.jnl"), at);
        // A database alone would take it for the end of the journal, and go on without the rest.
        let error = Store::open(&folder, 0).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{at}: {error:?}");
    }
}

#[tokio::test]
async fn a_store_whose_tally_is_lost_is_opened_all_the_same() {
    for tally in [None, Some(&b""[..]), Some(b"nonsense and more"), Some(&[0; 8])] {
        let folder = Scratch::new();
        let store = Store::open(&folder, 0).unwrap();
        store.write(put("a", "x")).await.unwrap();
        drop(store);
        let file = folder.join(tally::FILE);
        match tally {
            None => fs::remove_file(file).unwrap(),
            Some(bytes) => fs::write(file, bytes).unwrap(),
        }
        let store = Store::open(&folder, 0).unwrap();
        store.write(put("b", "x")).await.unwrap();
        assert_eq!(keys(&store, ""), ["a", "b"]);
    }
}
