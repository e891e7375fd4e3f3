//! Keys from an address (JWKS): fetched at the start, every so often, and when a token names a key
//! that is not known, but not more often than every ten seconds, whatever tokens say.
//!
//! While the address is down, the keys that were fetched last stay. Where its name leads is looked at
//! as it is for backends: never to link-local and metadata addresses, and `localhost` to this machine.
//!
//! Spec: RFC 7517 §5.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::key::Key;
use crate::backend::{Reach, Resolver};
use crate::causes::Causes;

/// How soon it is asked again at the earliest.
const MIN_INTERVAL: Duration = Duration::from_secs(10);

/// How long the address may take to answer, in all.
const WITHIN: Duration = Duration::from_secs(5);

/// Longest answer, in bytes.
const MAX_BYTES: usize = 256 << 10;

/// Most keys of an answer; those behind are left out.
const MAX_KEYS: usize = 64;

/// The keys of an address.
#[derive(Debug)]
pub(crate) struct Jwks {
    url: String,
    /// How often it is asked anyway, so that a key that was withdrawn is forgotten.
    every: Duration,
    client: reqwest::Client,
    current: ArcSwapOption<Vec<Key>>,
    /// When it was last asked; held by whoever asks: the others wait for that answer.
    asked: Mutex<Option<Instant>>,
}

/// The answer, so far as anything is expected of it.
#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("the address cannot be asked")]
    Http(#[from] reqwest::Error),
    #[error("the answer is no set of keys")]
    NotKeys(#[from] serde_json::Error),
    #[error("the answer holds no key that can be used")]
    Nothing,
    #[error("the answer is longer than {MAX_BYTES} bytes")]
    TooLong,
    #[error("the answer has the status {0}")]
    Status(u16),
}

impl Jwks {
    /// The keys at `url`, whose name may lead as far as `reach` says.
    pub(crate) fn new(url: String, reach: Reach, every: Duration) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(WITHIN)
            .dns_resolver(Arc::new(Resolver(reach)))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            // Several workers use it: a connection must not stay with the runtime of one of them.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("tieline/", env!("CARGO_PKG_VERSION")))
            .build()?;
        // Asked more often it would not answer, and a worker would do nothing else.
        let every = every.max(MIN_INTERVAL);
        Ok(Self { url, every, client, current: ArcSwapOption::empty(), asked: Mutex::default() })
    }

    pub(super) fn current(&self) -> Option<Arc<Vec<Key>>> {
        self.current.load_full()
    }

    /// Whether it may be asked now, or is being asked.
    pub(super) fn may_refresh(&self) -> bool {
        self.asked.try_lock().map_or(true, |asked| is_due(*asked))
    }

    /// Asks for the keys, or waits for who asks already.
    pub(crate) async fn refresh(&self) {
        let mut asked = self.asked.lock().await;
        if !is_due(*asked) {
            return;
        }
        *asked = Some(Instant::now());
        match self.fetch().await {
            Ok(keys) => {
                info!(url = self.url, keys = keys.len(), "keys fetched");
                self.current.store(Some(Arc::new(keys)));
            }
            Err(error) => {
                let are_kept = self.current.load().is_some();
                let error = Causes(&error);
                warn!(url = self.url, %error, are_kept, "keys not fetched");
            }
        }
    }

    /// Keeps the keys fresh, for ever.
    pub(crate) async fn attend(&self) {
        loop {
            self.refresh().await;
            // Without any key nobody gets in: it is asked as often as may be.
            let is_empty = self.current.load().is_none();
            sleep(if is_empty { MIN_INTERVAL } else { self.every }).await;
        }
    }

    async fn fetch(&self) -> Result<Vec<Key>, FetchError> {
        let mut response = self.client.get(&self.url).send().await?;
        if !response.status().is_success() {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await? {
            if body.len() + piece.len() > MAX_BYTES {
                return Err(FetchError::TooLong);
            }
            body.extend_from_slice(&piece);
        }
        let set: Set = serde_json::from_slice(&body)?;
        // A key of a kind that is not known must not hide the others.
        let keys = set.keys.into_iter().filter_map(|key| {
            let key: Jwk = serde_json::from_value(key).ok()?;
            Key::of_jwk(&key)
        });
        let keys: Vec<_> = keys.take(MAX_KEYS).collect();
        if keys.is_empty() { Err(FetchError::Nothing) } else { Ok(keys) }
    }
}

fn is_due(asked: Option<Instant>) -> bool {
    asked.is_none_or(|asked| asked.elapsed() >= MIN_INTERVAL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    const KEYS: &str = r#"{"keys":[{"kty":"new","strange":true},{"kty":"OKP","crv":"Ed25519",
        "kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    /// An address that answers each request with the next of `answers`, and then is down.
    async fn address(answers: Vec<String>) -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                let mut head = [0; 4096];
                assert!(stream.read(&mut head).await.unwrap() > 0);
                let len = answer.len();
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n{answer}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        (url, asked)
    }

    fn jwks(url: String) -> Jwks {
        Jwks::new(url, Reach::Private, Duration::from_secs(600)).unwrap()
    }

    async fn forget_when(jwks: &Jwks) {
        *jwks.asked.lock().await = None;
    }

    #[tokio::test]
    async fn keys_are_asked_for_once_at_a_time_and_stay_while_the_address_is_down() {
        let (url, asked) = address(vec![KEYS.to_owned(), "<html>".to_owned()]).await;
        let jwks = jwks(url);
        assert!(jwks.current().is_none() && jwks.may_refresh());
        tokio::join!(jwks.refresh(), jwks.refresh(), jwks.refresh());
        assert_eq!((jwks.current().unwrap().len(), asked.load(Ordering::SeqCst)), (1, 1));
        assert!(!jwks.may_refresh(), "not again within ten seconds");
        jwks.refresh().await;
        assert_eq!(asked.load(Ordering::SeqCst), 1);

        forget_when(&jwks).await;
        jwks.refresh().await;
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        assert_eq!(jwks.current().unwrap().len(), 1, "what is no set of keys changes nothing");
        forget_when(&jwks).await;
        jwks.refresh().await;
        assert_eq!(jwks.current().unwrap().len(), 1, "nor does an address that is down");
    }

    #[tokio::test]
    async fn an_answer_without_end_is_not_read_to_its_end() {
        let (url, _) = address(vec!["x".repeat(MAX_BYTES + 1)]).await;
        let jwks = jwks(url);
        assert!(matches!(jwks.fetch().await, Err(FetchError::TooLong)));
    }

    #[tokio::test]
    async fn a_name_that_leads_where_it_may_not_is_not_asked() {
        let (url, asked) = address(vec![KEYS.to_owned()]).await;
        let url = url.replace("127.0.0.1", "localhost");
        let at = |reach| Jwks::new(url.clone(), reach, Duration::ZERO).unwrap();
        assert!(matches!(at(Reach::Public).fetch().await, Err(FetchError::Http(_))));
        assert_eq!(asked.load(Ordering::SeqCst), 0);
        assert_eq!(at(Reach::Loopback).fetch().await.unwrap().len(), 1);
        assert_eq!(at(Reach::Loopback).every, MIN_INTERVAL, "nor more often than may be");
    }
}
