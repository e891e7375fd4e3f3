//! What the last process has left in the store, until a route takes it over.

use std::collections::{HashMap, HashSet};

use tracing::warn;

use super::inbox::Waiting;

/// Registrations and messages that are nobody's yet.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Devices by their routes, each with its user.
    registrations: HashMap<String, Vec<(String, Option<String>)>>,
    /// Messages by their devices: they stay with the route at which they came, and a device may have gone to
    /// another since.
    messages: HashMap<String, Vec<Waiting>>,
    /// Routes that have taken over what was theirs.
    claimed: HashSet<String>,
}

/// A device, its user, and what waits for it in its order.
pub(super) type Returned = (String, Option<String>, Vec<Waiting>);

impl Left {
    pub(super) fn add_device(&mut self, route: String, device: String, user: Option<String>) {
        self.registrations.entry(route).or_default().push((device, user));
    }

    pub(super) fn add_message(&mut self, device: String, waiting: Waiting) {
        self.messages.entry(device).or_default().push(waiting);
    }

    /// The number of the last message.
    pub(super) fn last_number(&self) -> Option<u64> {
        self.messages.values().flatten().map(|waiting| waiting.number).max()
    }

    /// The devices of a route.
    pub(super) fn claim(&mut self, route: &str) -> Vec<Returned> {
        self.claimed.insert(route.to_owned());
        let devices = self.registrations.remove(route).unwrap_or_default();
        let returned = devices.into_iter().map(|(device, user)| {
            let mut messages = self.messages.remove(&device).unwrap_or_default();
            messages.sort_unstable_by_key(|waiting| waiting.number);
            (device, user, messages)
        });
        returned.collect()
    }

    /// Once all routes have claimed theirs: the messages of devices that are no more, whose registration was
    /// taken back in the last moment. What is left of other routes is warned of, and stays in the store.
    pub(super) fn finish(self) -> Vec<(String, Waiting)> {
        let Self { registrations, messages, claimed } = self;
        let devices = registrations.values().flatten().map(|(device, _)| device.clone());
        let known: HashSet<String> = devices.collect();
        let mut orphans = Vec::new();
        let mut unclaimed: HashMap<String, (usize, usize)> = HashMap::new();
        for (route, devices) in registrations {
            unclaimed.entry(route).or_default().0 += devices.len();
        }
        for (device, messages) in messages {
            for waiting in messages {
                if claimed.contains(&*waiting.route) && !known.contains(&device) {
                    orphans.push((device.clone(), waiting));
                } else {
                    unclaimed.entry(waiting.route.to_string()).or_default().1 += 1;
                }
            }
        }
        for (route, (devices, messages)) in unclaimed {
            warn!(route, devices, messages, "the store has devices of a route that keeps none");
        }
        orphans
    }
}
