//! Devices that come, go, are taken over and return; with a store and without.

mod durable;

use tokio::time::advance;

use super::*;
use crate::by_hand::Bench;
use crate::peer::Peer;
use tieline_store::{Batch, Scratch, Space};

/// As a gateway speaks.
const DIALECT: Dialect = Dialect {
    say: |said| format!("NF#{}", said.text).into(),
    let_go: |line, _| line.close(CloseCode::NORMAL, ""),
    acknowledges: false,
};

/// What holds where nothing else is said.
fn rules() -> Rules {
    Rules {
        route: "/".into(),
        dialect: DIALECT,
        asks_who: false,
        max_messages: 10,
        max_bytes: 1_000,
        time_to_live: Duration::from_secs(3_600),
        is_durable: false,
        until_acknowledged: false,
        max_devices: 10,
        forget_after: Duration::from_secs(60),
    }
}

struct Scene {
    devices: Devices,
    rules: Arc<Rules>,
    bench: Bench,
}

impl Scene {
    fn new(rules: Rules) -> Self {
        Self::with_store(rules, None)
    }

    fn with_store(rules: Rules, store: Option<Store>) -> Self {
        let (devices, rules) =
            (Devices::open(store, &Metrics::default()).unwrap(), Arc::new(rules));
        devices.adopt(&rules);
        Self { devices, rules, bench: Bench::new() }
    }

    /// A line that is this device's.
    fn bind(&mut self, id: &str) -> Peer {
        let peer = self.bench.peer();
        self.devices.bind(id, &peer.remote(), None, &self.rules).unwrap();
        peer
    }

    /// A line on which the device has registered.
    async fn register(&mut self, id: &str) -> Peer {
        let peer = self.bind(id);
        self.devices.register(id).await.unwrap();
        self.devices.ready(id, peer.id());
        peer
    }

    async fn notify(&self, id: &str, text: &str) -> Notified {
        self.devices.notify(id, text, None).await
    }

    fn heard(&mut self, peer: &Peer) -> Vec<String> {
        self.bench.heard(peer)
    }
}

#[tokio::test]
async fn only_who_has_registered_is_sent_anything() {
    let mut scene = Scene::new(rules());
    assert_eq!(scene.notify("a", "0").await, Notified::Unknown);
    let line = scene.bind("a");
    assert_eq!(scene.notify("a", "1").await, Notified::Unknown, "it has a line and no more");
    scene.devices.register("a").await.unwrap();
    assert_eq!(scene.notify("a", "2").await, Notified::Stored, "its answer is on its way");
    scene.devices.ready("a", line.id());
    assert_eq!(scene.notify("a", "3").await, Notified::Delivered);
    assert_eq!(scene.heard(&line), ["NF#2", "NF#3"]);
    assert!(scene.devices.forget("a").await.unwrap());
    assert_eq!(scene.notify("a", "4").await, Notified::Unknown);
}

#[tokio::test]
async fn what_comes_while_it_is_away_is_delivered_in_order_on_its_return() {
    let mut scene = Scene::new(rules());
    let first = scene.register("a").await;
    scene.devices.left("a", first.id());
    for text in ["1", "2", "3"] {
        assert_eq!(scene.notify("a", text).await, Notified::Stored);
    }
    let info = scene.devices.find("a").unwrap();
    assert!(info.is_registered && !info.is_online);
    assert_eq!((info.waiting_messages, info.waiting_bytes), (3, 3));
    let second = scene.bind("a");
    assert!(scene.heard(&second).is_empty(), "it has not registered on this line");
    assert_eq!(scene.notify("a", "4").await, Notified::Stored);
    scene.devices.ready("a", second.id());
    assert_eq!(scene.notify("a", "5").await, Notified::Delivered);
    assert_eq!(scene.heard(&second), ["NF#1", "NF#2", "NF#3", "NF#4", "NF#5"]);
    assert_eq!(scene.devices.find("a").unwrap().waiting_messages, 0);
}

#[tokio::test]
async fn the_newest_line_takes_over_and_the_older_ends() {
    let mut scene = Scene::new(rules());
    let first = scene.register("a").await;
    let second = scene.register("a").await;
    assert_eq!(scene.bench.ended(&first), Some(CloseCode::NORMAL));
    // Its end comes later than that of its rights.
    scene.devices.left("a", first.id());
    scene.devices.ready("a", first.id());
    assert_eq!(scene.notify("a", "1").await, Notified::Delivered);
    assert_eq!((scene.heard(&first).len(), scene.heard(&second)), (0, vec!["NF#1".to_owned()]));
    assert!(scene.devices.disconnect("a", CloseCode::POLICY, "as was asked"));
    assert_eq!(scene.bench.ended(&second), Some(CloseCode::POLICY));
    assert!(!scene.devices.disconnect("b", CloseCode::POLICY, ""));
}

#[tokio::test]
async fn an_inbox_is_bounded_in_messages_and_bytes() {
    let mut scene = Scene::new(Rules { max_messages: 3, max_bytes: 10, ..rules() });
    let line = scene.register("a").await;
    scene.devices.left("a", line.id());
    assert_eq!(scene.notify("a", "12345678901").await, Notified::Full);
    for _ in 0..3 {
        assert_eq!(scene.notify("a", "x").await, Notified::Stored);
    }
    assert_eq!(scene.notify("a", "x").await, Notified::Full);
    let mut scene = Scene::new(Rules { max_messages: 0, ..rules() });
    let line = scene.register("a").await;
    assert_eq!(scene.notify("a", "x").await, Notified::Delivered, "there is no need to keep it");
    scene.devices.left("a", line.id());
    assert_eq!(scene.notify("a", "x").await, Notified::Full);
}

#[tokio::test]
async fn a_message_that_is_not_answered_is_sent_again_on_the_next_line() {
    let mut scene = Scene::new(Rules { until_acknowledged: true, ..rules() });
    let first = scene.register("a").await;
    for text in ["1", "2", "3"] {
        assert_eq!(scene.notify("a", text).await, Notified::Delivered);
    }
    scene.devices.acknowledged("a", first.id());
    let second = scene.register("a").await;
    // An answer on the old line is for what was sent there.
    scene.devices.acknowledged("a", first.id());
    assert_eq!(scene.heard(&first), ["NF#1", "NF#2", "NF#3"]);
    assert_eq!(scene.heard(&second), ["NF#2", "NF#3"]);
    for _ in 0..3 {
        scene.devices.acknowledged("a", second.id());
    }
    assert_eq!(scene.devices.find("a").unwrap().waiting_messages, 0);
}

#[tokio::test]
async fn no_more_is_unanswered_than_may_be() {
    let rules = Rules { until_acknowledged: true, max_messages: 100, ..rules() };
    let mut scene = Scene::new(rules);
    let line = scene.register("a").await;
    for number in 0..64 {
        assert_eq!(scene.notify("a", &number.to_string()).await, Notified::Delivered);
    }
    assert_eq!(scene.notify("a", "64").await, Notified::Stored);
    assert_eq!(scene.heard(&line).len(), 64);
    scene.devices.acknowledged("a", line.id());
    assert_eq!(scene.heard(&line), ["NF#64"]);
}

#[tokio::test]
async fn no_number_comes_twice_also_after_a_restart() {
    let dialect = Dialect { say: |said| said.number.to_string().into(), ..DIALECT };
    let mut last: u64 = 0;
    for _ in 0..3 {
        let mut scene = Scene::new(Rules { dialect, ..rules() });
        let line = scene.register("a").await;
        for _ in 0..2 {
            scene.notify("a", "").await;
        }
        for heard in scene.heard(&line) {
            let number = heard.parse().unwrap();
            assert!(number > last, "{number} behind {last}");
            last = number;
        }
    }
}

#[tokio::test]
async fn a_message_under_a_key_is_sent_once() {
    let mut scene = Scene::new(rules());
    let line = scene.register("a").await;
    let other = scene.register("b").await;
    for _ in 0..2 {
        assert_eq!(scene.devices.notify("a", "1", Some("k")).await, Notified::Delivered);
    }
    assert_eq!(scene.devices.notify("b", "1", Some("k")).await, Notified::Delivered);
    assert_eq!((scene.heard(&line).len(), scene.heard(&other).len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_come_back_is_forgotten() {
    let mut scene = Scene::new(rules());
    let line = scene.register("a").await;
    let _other = scene.register("b").await;
    scene.devices.left("a", line.id());
    advance(Duration::from_secs(59)).await;
    scene.devices.expire();
    assert!(scene.devices.find("a").is_some());
    advance(Duration::from_secs(2)).await;
    scene.devices.expire();
    assert!(scene.devices.find("a").is_none());
    assert!(scene.devices.find("b").is_some(), "it has a line");
}

#[tokio::test]
async fn there_are_no_more_devices_than_may_be() {
    let mut scene = Scene::new(Rules { max_devices: 2, ..rules() });
    let line = scene.bind("a");
    scene.register("b").await;
    let peer = scene.bench.peer();
    let bind = |scene: &Scene, id| scene.devices.bind(id, &peer.remote(), None, &scene.rules);
    assert_eq!(bind(&scene, "c"), Err(Unbound::TooMany));
    assert_eq!(bind(&scene, "b"), Ok(()), "it is known");
    scene.devices.left("a", line.id());
    assert_eq!(bind(&scene, "c"), Ok(()), "nothing was left of the first");
}

#[tokio::test]
async fn a_device_is_its_users_while_it_is_on_line_or_registered() {
    let mut scene = Scene::new(rules());
    let elsewhere = Arc::new(Rules { route: "/open".into(), ..rules() });
    let peers: Vec<_> = (0..5).map(|_| scene.bench.peer()).collect();
    let bind = |scene: &Scene, peer: &Peer, user, rules| {
        scene.devices.bind("a", &peer.remote(), user, rules)
    };
    let own = Arc::clone(&scene.rules);
    bind(&scene, &peers[0], Some("ann"), &own).unwrap();
    for is_registered in [false, true] {
        if is_registered {
            scene.devices.register("a").await.unwrap();
            scene.devices.left("a", peers[0].id());
        }
        assert_eq!(bind(&scene, &peers[1], Some("bob"), &own), Err(Unbound::OfAnother));
        assert_eq!(bind(&scene, &peers[1], None, &elsewhere), Err(Unbound::OfAnother));
        assert_eq!(scene.bench.ended(&peers[0]), None, "nothing was taken from it");
    }
    assert_eq!(scene.devices.find("a").unwrap().user.as_deref(), Some("ann"));
    bind(&scene, &peers[2], Some("ann"), &own).unwrap();
    bind(&scene, &peers[3], None, &own).expect("the route does not ask any more");
    scene.devices.forget("a").await.unwrap();
    scene.devices.left("a", peers[3].id());
    bind(&scene, &peers[4], Some("bob"), &own).expect("it is nobody's");
}

#[tokio::test]
async fn an_operator_sees_them_in_the_order_of_their_ids() {
    let mut scene = Scene::new(rules());
    for id in ["c", "a", "b"] {
        let peer = scene.bench.peer();
        let user = (id != "b").then_some("ann");
        scene.devices.bind(id, &peer.remote(), user, &scene.rules).unwrap();
    }
    let ids = |after, limit| -> Vec<String> {
        scene.devices.list(after, limit).into_iter().map(|info| info.id).collect()
    };
    assert_eq!((ids(None, 2), ids(Some("b"), 2)), (vec!["a".into(), "b".into()], vec!["c".into()]));
    assert_eq!(scene.devices.of_user("ann"), ["a", "c"]);
}

#[tokio::test]
async fn a_users_devices_are_known_as_they_come_change_hands_and_go() {
    let folder = Scratch::new();
    let durable = || Rules { is_durable: true, ..rules() };
    let mut scene = Scene::with_store(durable(), Some(Store::open(&folder, 0).unwrap()));
    let bind = |scene: &mut Scene, id: &str, user| {
        let peer = scene.bench.peer();
        scene.devices.bind(id, &peer.remote(), user, &scene.rules).unwrap();
        peer
    };
    let first = bind(&mut scene, "a", Some("ann"));
    scene.devices.register("a").await.unwrap();
    let other = bind(&mut scene, "b", Some("ann"));
    assert_eq!(scene.devices.of_user("ann"), ["a", "b"]);
    scene.devices.left("b", other.id());
    assert_eq!(scene.devices.of_user("ann"), ["a"], "nothing is left of the other");
    scene.devices.forget("a").await.unwrap();
    scene.devices.left("a", first.id());
    bind(&mut scene, "a", Some("bob"));
    bind(&mut scene, "a", None);
    assert!(scene.devices.of_user("ann").is_empty());
    assert_eq!(scene.devices.of_user("bob"), ["a"]);
    // It registers again, as somebody else's.
    scene.devices.register("a").await.unwrap();
    drop(scene);
    let scene = Scene::with_store(durable(), Some(Store::open(&folder, 0).unwrap()));
    assert!(scene.devices.of_user("ann").is_empty());
    assert_eq!(scene.devices.of_user("bob"), ["a"]);
    scene.devices.forget("a").await.unwrap();
    assert!(scene.devices.of_user("bob").is_empty());
}
