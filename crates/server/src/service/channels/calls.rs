//! What a line asks: of a channel to publish, to read what was, and who is there; and of a method whatever that does.

use std::rc::Rc;

use bytes::Bytes;
use std::sync::Arc;
use std::time::Instant;
use tieline_hub::{Member, Most, New, Range};

use super::MOST;
use super::fault::Fault;
use super::line::{Outcome, State, told};
use super::namespaces::Act;
use super::words::{
    Call, Counted, HistoryIs, HistoryOf, Item, MembersAre, Named, Publish, PublishedAt, Who,
};
use crate::outbox::held_bytes;
use crate::service::rpc::{MAX_METHOD_BYTES, RpcError};

impl State {
    pub(super) async fn publish(self: Rc<Self>, asked: Publish) -> Outcome {
        let (channel, namespace) = self.channel(&asked.channel, Act::Publish)?;
        let new = New {
            data: Bytes::from(asked.data.get().to_owned()),
            from: self.identity.borrow().as_ref().map(|identity| identity.user.as_str().into()),
            key: match asked.key {
                Some(key) if key.is_empty() || key.len() > New::MAX_KEY_BYTES => {
                    let why = format!("a key has 1 to {} bytes", New::MAX_KEY_BYTES);
                    return Err(RpcError::invalid_params(why));
                }
                key => key.map(Arc::from),
            },
        };
        let since = Instant::now();
        let published = self.shared.hub.publish(&channel, &namespace.keep, new).await;
        self.shared.counts.published(since, &published);
        let published = published.map_err(|error| Fault::from(&error))?;
        let position = published.position.into();
        told(&PublishedAt { position, repeat: published.is_repeat })
    }

    pub(super) async fn history(self: Rc<Self>, asked: HistoryOf) -> Outcome {
        let (channel, namespace) = self.channel(&asked.channel, Act::Subscribe)?;
        let range = match (asked.after, asked.before) {
            (Some(after), None) => Range::After(after),
            (None, Some(before)) => Range::Before(before),
            (None, None) => Range::NEWEST,
            (Some(_), Some(_)) => {
                return Err(RpcError::invalid_params("either `after` or `before`"));
            }
        };
        let publications = asked.limit.unwrap_or(usize::MAX).min(MOST.publications);
        let most = Most { publications, ..MOST };
        let history = self.shared.hub.history(&channel, &namespace.keep, range, most).await;
        let history = history.map_err(|error| Fault::from(&error))?;
        told(&HistoryIs {
            position: history.position.into(),
            oldest: history.oldest,
            publications: history.publications.iter().map(|it| Item::of(it)).collect(),
        })
    }

    /// Calls a method of the route that the configuration names.
    pub(super) async fn call(self: Rc<Self>, asked: Call) -> Outcome {
        let Call { method, params } = asked;
        let Some(methods) = &self.shared.methods else {
            return Err(RpcError::method_not_found(&method));
        };
        if method.len() > MAX_METHOD_BYTES {
            let why = format!("a method has at most {MAX_METHOD_BYTES} bytes");
            return Err(RpcError::invalid_params(why));
        }
        let params = params.filter(|params| params.get() != "null");
        if params.as_ref().is_some_and(|params| !params.get().starts_with(['[', '{'])) {
            return Err(RpcError::invalid_params("`params` are an array or an object"));
        }
        methods.let_in(self.identity.borrow().as_deref()).map_err(Fault::from)?;
        let answered = methods.call(method, params, self.address).await;
        let len = answered.as_ref().map_or_else(RpcError::len, |result| result.get().len());
        // What is larger than all that may wait would end the session with it.
        if held_bytes(len) > self.shared.limits.keep_session_bytes {
            return Err(RpcError::too_large());
        }
        answered.map(Some)
    }

    pub(super) async fn presence(self: Rc<Self>, asked: Named) -> Outcome {
        let members = self.members(&asked).await?;
        told(&MembersAre { members: members.iter().map(Who::of).collect() })
    }

    pub(super) async fn presence_stats(self: Rc<Self>, asked: Named) -> Outcome {
        let members = self.members(&asked).await?;
        let mut users: Vec<_> = members.iter().filter_map(|it| it.user.as_deref()).collect();
        users.sort_unstable();
        users.dedup();
        told(&Counted { clients: members.len(), users: users.len() })
    }

    async fn members(&self, asked: &Named) -> Result<Vec<Member>, RpcError> {
        let (channel, namespace) = self.channel(&asked.channel, Act::Subscribe)?;
        if !namespace.has_presence {
            return Err(Fault::NoPresence.into());
        }
        let broker = self.shared.hub.broker(&namespace.keep);
        let broker = broker.map_err(|error| Fault::from(&error))?;
        let members = broker.members(&channel).await;
        members.map_err(|error| Fault::from(&error).into())
    }
}
