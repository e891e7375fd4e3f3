//! Methods to try a client with, where the configuration says `demo = true`.
//!
//! | method                          | answers                                                      |
//! |---------------------------------|--------------------------------------------------------------|
//! | `demo_ask [method, params]`     | what the client answers when it is called in turn            |
//! | `demo_echo …`                   | its parameters                                               |
//! | `demo_emit [event, params]`     | true, once all who listen in the caller's namespace were told|
//! | `demo_fail [code, message]`     | that error                                                   |
//! | `demo_sum [1, 2, …]`            | the sum                                                      |
//! | `demo_wait [ms]`                | true, after so many milliseconds                             |
//! | `demo_subscribe ["ticks", ms]`  | pushes 1, 2, 3, … every so many milliseconds                 |
//! | `rpc.login {"password":"demo"}` | true; false for any other password                           |

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use super::call::Call;
use super::error::RpcError;
use super::methods::Methods;

/// The quickest that ticks come.
const MIN_TICK: Duration = Duration::from_millis(1);

/// Adds them all.
pub(crate) fn add(methods: &mut Methods) {
    let events = methods.events().clone();
    methods.add("demo_echo", |call| {
        Ok(call.raw_params().map_or_else(|| RawValue::NULL.to_owned(), ToOwned::to_owned))
    });
    methods.add("demo_sum", |call| {
        let terms: Vec<i64> = call.params()?;
        let sum = terms.iter().try_fold(0i64, |sum, term| sum.checked_add(*term));
        sum.ok_or_else(|| RpcError::invalid_params("the sum is too large"))
    });
    methods.add("demo_fail", |call| {
        let (code, message): (i64, String) = call.params()?;
        Err::<(), _>(RpcError::new(code, message))
    });
    methods.add_async("demo_wait", async |call| {
        let (ms,): (u64,) = call.params()?;
        sleep(Duration::from_millis(ms)).await;
        Ok(true)
    });
    methods.add_async("demo_ask", async |call: Call| {
        let (method, params): (String, Box<RawValue>) = call.params()?;
        let none = || RpcError::new(RpcError::DEFAULT, "there is no client that could be asked");
        let client = call.client().ok_or_else(none)?;
        Ok(client.call::<Box<RawValue>>(&method, &params).await?)
    });
    methods.add("demo_emit", move |call| {
        let (event, params): (String, Box<RawValue>) = call.params()?;
        let emitted = events.emit(call.namespace(), &event, &params);
        emitted.map_err(|error| RpcError::new(RpcError::DEFAULT, error.to_string()))?;
        Ok(true)
    });
    methods.add_subscription("demo", "ticks", |call| {
        let (_, every_ms): (String, u64) = call.params()?;
        let every = Duration::from_millis(every_ms).max(MIN_TICK);
        Ok(async move |feed: super::feed::Feed| {
            let mut ticks = interval_at(Instant::now() + every, every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for tick in 1u64.. {
                ticks.tick().await;
                feed.push(&tick);
            }
        })
    });
    methods.add("rpc.login", |call| {
        #[derive(Deserialize)]
        struct Login {
            password: String,
        }
        Ok(call.params::<Login>()?.password == "demo")
    });
}
