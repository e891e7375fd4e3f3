//! What is subscribed to, and pushed.

use std::future::pending;
use std::time::Duration;

use serde_json::Value;
use tieline::{CloseCode, Closed, Lost};
use tokio::task::yield_now;
use tokio::time::sleep;

use super::{Line, call, demo, on_a_worker, with};
use crate::service::rpc::methods::Methods;
use crate::service::rpc::{Feed, RpcError};

#[tokio::test(start_paused = true)]
async fn the_answer_comes_before_the_first_push_also_in_a_batch() {
    on_a_worker(async || {
        let mut methods = Methods::new();
        methods.add_subscription("eager", "now", |_| {
            Ok(async move |feed: Feed| {
                feed.push(&1);
                pending::<()>().await;
            })
        });
        let mut line = Line::new(&with(methods, "demo = true"));
        line.say(&call("1", "eager_subscribe", r#"["now"]"#));
        let heard = line.heard_then().await;
        let answer: Value = serde_json::from_str(&heard[0]).unwrap();
        let id = answer["result"].as_str().unwrap();
        assert!(id.starts_with("0x"), "{id}");
        assert_eq!(
            heard[1..],
            [format!(
                r#"{{"jsonrpc":"2.0","method":"eager_subscription","params":{{"subscription":"{id}","result":1}}}}"#
            )]
        );
        line.say(&format!(
            "[{},{}]",
            call("1", "eager_subscribe", r#"["now"]"#),
            call("2", "demo_wait", "[1000]"),
        ));
        sleep(Duration::from_secs(2)).await;
        let heard = line.heard_then().await;
        assert!(heard[0].starts_with('[') && heard[1].contains("eager_subscription"), "{heard:?}");
        assert_eq!(heard.len(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_subscription_ends_when_it_is_unsubscribed_and_with_its_line() {
    on_a_worker(async || {
        let mut line = Line::new(&demo("limits = { max_subscriptions = 2 }"));
        let subscribe = call("1", "demo_subscribe", r#"["ticks",1000]"#);
        let answer: Value = serde_json::from_str(&line.answer(&subscribe)).unwrap();
        let id = answer["result"].to_string();
        sleep(Duration::from_millis(2_500)).await;
        assert_eq!(line.heard_then().await.len(), 2);
        assert!(line.answer(&call("2", "demo_unsubscribe", &format!("[{id}]"))).contains("true"));
        assert_eq!(line.error(&call("3", "demo_unsubscribe", &format!("[{id}]"))).1, -32000);
        sleep(Duration::from_secs(5)).await;
        assert!(line.heard_then().await.is_empty());
        line.answer(&subscribe);
        line.answer(&subscribe);
        assert_eq!(line.error(&subscribe).1, RpcError::LIMIT_EXCEEDED);
        line.conversation.close(&line.peer, &Closed::Lost(Lost::Eof));
        sleep(Duration::from_secs(5)).await;
        assert!(line.heard_then().await.is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_does_not_read_is_closed_with_1013() {
    on_a_worker(async || {
        let mut methods = Methods::new();
        methods.add_subscription("large", "now", |_| {
            Ok(async move |feed: Feed| {
                for _ in 0..100 {
                    feed.push(&"x".repeat(100 << 10));
                    yield_now().await;
                }
            })
        });
        let mut line = Line::new(&with(methods, ""));
        line.say(&call("1", "large_subscribe", r#"["now"]"#));
        for _ in 0..200 {
            yield_now().await;
        }
        assert!(line.peer.is_closing());
        assert_eq!(line.bench.ended(&line.peer), Some(CloseCode::TRY_AGAIN));
    })
    .await;
}
