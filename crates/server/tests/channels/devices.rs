//! Devices over lines that are lost, and what an operator sends them.

use serde_json::{Value, json};
use tieline::client::{Device, Error};
use tokio::time::timeout;

use super::PATIENCE;
use super::operator::{Operator, operated};
use super::server::to;
use super::wire::Wire;

async fn next(device: &mut Device) -> Value {
    let message = timeout(PATIENCE, device.next()).await.unwrap().expect("nothing more comes");
    message.parse().unwrap()
}

/// Sends a device numbers, which are answered with this status.
async fn send(operator: &Operator, numbers: std::ops::RangeInclusive<u64>, status: u16) {
    for number in numbers {
        let text = json!({ "n": number }).to_string();
        operator.post("devices/d/messages", json!({ "text": text }), status).await;
    }
}

/// Waits until the server knows that the device has no line, or nothing waits for it.
async fn until(operator: &Operator, what: impl Fn(&Value) -> bool) {
    let known = async { while !what(&operator.get("devices/d").await) {} };
    timeout(PATIENCE, known).await.unwrap();
}

#[tokio::test]
async fn what_came_while_its_line_was_lost_is_given_to_a_device_once_and_in_order() {
    let (server, operator) = operated("").await;
    let wire = Wire::to(server.address).await;
    let client = to(wire.address).connect().await.unwrap();
    operator.post("devices/d/messages", json!({ "text": "x" }), 404).await;
    let mut device = client.device("d").await.unwrap();
    assert!(matches!(client.device("d").await, Err(Error::Registered)));
    send(&operator, 1..=2, 200).await;
    assert_eq!(next(&mut device).await, json!({ "n": 1 }));
    // The first is acknowledged by this, the second was given and is not.
    assert_eq!(next(&mut device).await, json!({ "n": 2 }));
    until(&operator, |device| device["waiting"]["messages"] == 1).await;
    wire.cut();
    until(&operator, |device| device["online"] == false).await;
    send(&operator, 3..=4, 202).await;
    wire.mend();
    for number in 3..=4 {
        assert_eq!(next(&mut device).await, json!({ "n": number }));
    }
    until(&operator, |device| device["waiting"]["messages"] == 1).await;
    operator.post("devices/d/messages", json!({ "text": "as it is" }), 200).await;
    assert_eq!(next(&mut device).await, json!("as it is"));
    device.unregister().await.unwrap();
    operator.post("devices/d/messages", json!({ "text": "x" }), 404).await;
    drop(client.device("d").await.unwrap());
}

#[tokio::test]
async fn what_came_while_nobody_read_is_given_to_the_next_who_does() {
    let (server, operator) = operated("").await;
    let client = server.client().await;
    drop(client.device("d").await.unwrap());
    send(&operator, 1..=2, 200).await;
    let mut device = client.device("d").await.unwrap();
    for number in 1..=2 {
        assert_eq!(next(&mut device).await, json!({ "n": number }));
    }
}

#[tokio::test]
async fn a_device_goes_over_to_another_client_with_what_was_not_dealt_with() {
    let (server, operator) = operated("").await;
    let (first, second) = (server.client().await, server.client().await);
    let mut old = first.device("d").await.unwrap();
    send(&operator, 1..=2, 200).await;
    assert_eq!(next(&mut old).await, json!({ "n": 1 }));
    let mut new = second.device("d").await.unwrap();
    for number in 1..=2 {
        assert_eq!(next(&mut new).await, json!({ "n": number }));
    }
    // It was sent there, too, and is not acknowledged from there.
    assert_eq!(next(&mut old).await, json!({ "n": 2 }));
    assert!(timeout(PATIENCE, old.next()).await.unwrap().is_none());
    assert!(matches!(old.error(), Some(Error::Fault(fault)) if fault.code == 4017));
    // The line goes on.
    first.presence("nowhere:a").await.unwrap_err();
    assert!(matches!(old.unregister().await, Err(Error::Fault(fault)) if fault.code == 4017));
}
