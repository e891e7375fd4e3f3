//! Which devices a user has.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use super::lock;

/// The devices of all users, by their ids; of nobody who has none.
#[derive(Debug, Default)]
pub(super) struct Users(Mutex<HashMap<String, BTreeSet<Arc<str>>>>);

impl Users {
    /// A device is this user's from now on.
    pub(super) fn add(&self, user: &str, id: &Arc<str>) {
        lock(&self.0).entry(user.to_owned()).or_default().insert(Arc::clone(id));
    }

    /// A device is this user's no more.
    pub(super) fn remove(&self, user: &str, id: &str) {
        let mut users = lock(&self.0);
        if let Some(own) = users.get_mut(user) {
            own.remove(id);
            if own.is_empty() {
                users.remove(user);
            }
        }
    }

    /// The ids of a user's devices, in their order.
    pub(super) fn of(&self, user: &str) -> Vec<String> {
        let users = lock(&self.0);
        users.get(user).into_iter().flatten().map(|id| id.to_string()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_device_is_not_known() {
        let users = Users::default();
        for id in ["b", "a"] {
            users.add("ann", &id.into());
        }
        users.remove("bob", "a");
        assert_eq!(users.of("ann"), ["a", "b"]);
        users.remove("ann", "a");
        assert_eq!(users.of("ann"), ["b"]);
        users.remove("ann", "b");
        assert!(users.of("ann").is_empty() && lock(&users.0).is_empty());
    }
}
