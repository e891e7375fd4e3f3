//! Plans for the tests of tunnels.

use std::time::Duration;

use super::plan::{Plan, Target};

/// A plan for upstreams at these addresses, with the defaults of the configuration.
pub(super) fn plan(addresses: &[&str]) -> Plan {
    Plan {
        upstreams: addresses.iter().map(|address| target(address)).collect(),
        strip_prefix: String::new(),
        host: None,
        trusted: Vec::new(),
        connect_within: Duration::from_secs(5),
        answer_within: Duration::from_secs(30),
        idle_within: Some(Duration::from_secs(3_600)),
        max_open: 100,
        max_body_bytes: 1 << 30,
        max_failures: Some(3),
        down_for: Duration::from_secs(5),
        health: None,
    }
}

fn target(address: &str) -> Target {
    let (host, port) = address.rsplit_once(':').unwrap();
    Target {
        name: format!("http://{address}"),
        authority: address.parse().unwrap(),
        host: host.to_owned(),
        port: port.parse().unwrap(),
        base: String::new(),
        tls: None,
    }
}
