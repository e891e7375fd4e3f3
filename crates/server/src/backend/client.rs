//! The connections to a backend: a pool for each thread, so that none is shared between workers.

use std::cell::RefCell;
use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::redirect::Policy;
use reqwest::{Body, Response};

use super::addresses::{Refused, Resolver};
use super::call::Reply;
use super::error::BackendError;
use super::headers;
use super::request::Request;
use crate::causes::Causes;
use crate::config::{PlannedBackend, Protocol};

/// How long a connection that nobody uses is kept.
const IDLE: Duration = Duration::from_secs(60);

/// Most of them in one pool.
const MAX_IDLE: usize = 64;

thread_local! {
    /// What this thread has for each backend. The connections live on the thread's runtime.
    static POOLS: RefCell<HashMap<u64, reqwest::Client>> = RefCell::default();
}

/// The pools of one backend.
pub(super) struct Client {
    /// Its own among all that ever were.
    id: u64,
}

impl Client {
    pub(super) fn new() -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        Self { id: MADE.fetch_add(1, Ordering::Relaxed) }
    }

    /// Sends a request and reads its answer.
    pub(super) async fn exchange(
        &self,
        request: &Request,
        plan: &PlannedBackend,
    ) -> Result<Reply, BackendError> {
        let pool = self.pool(plan)?;
        let mut sent = pool
            .request(request.method.clone(), request.url.clone())
            .headers(request.headers(plan));
        if !request.body.is_empty() {
            sent = sent.body(Body::from(request.body.clone()));
        }
        let answer = sent.send().await.map_err(|error| without_answer(error, plan))?;
        read(answer, plan.max_answer_bytes).await
    }

    /// This thread's pool.
    fn pool(&self, plan: &PlannedBackend) -> Result<reqwest::Client, BackendError> {
        POOLS.with_borrow_mut(|pools| {
            if let Some(pool) = pools.get(&self.id) {
                return Ok(pool.clone());
            }
            let pool = build(plan).map_err(|error| {
                BackendError::Unreachable(Causes(&error.without_url()).to_string())
            })?;
            pools.insert(self.id, pool.clone());
            Ok(pool)
        })
    }
}

fn build(plan: &PlannedBackend) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .connect_timeout(plan.connect_within)
        .dns_resolver(Arc::new(Resolver(plan.reach)))
        .no_proxy()
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(MAX_IDLE)
        .redirect(Policy::none())
        .referer(false)
        .tls_backend_preconfigured(plan.tls.clone());
    match plan.protocol {
        Protocol::Auto => builder,
        Protocol::Http1 => builder.http1_only(),
        Protocol::Http2 => builder.http2_prior_knowledge(),
    }
    .build()
}

/// Reads an answer up to the limit; of one that is larger nothing more is read.
async fn read(mut answer: Response, limit: usize) -> Result<Reply, BackendError> {
    let too_large = |bytes: u64| bytes > limit as u64;
    if answer.content_length().is_some_and(too_large) {
        return Err(BackendError::TooLarge { limit });
    }
    let status = answer.status();
    let mut headers = std::mem::take(answer.headers_mut());
    headers::for_caller(&mut headers);
    let mut body = Gathered::default();
    while let Some(part) = answer.chunk().await.map_err(broken_off)? {
        if too_large((body.len() + part.len()) as u64) {
            return Err(BackendError::TooLarge { limit });
        }
        body.push(part);
    }
    Ok(Reply { status, headers, body: body.into_bytes() })
}

/// A body of one part, as most are, is not copied.
#[derive(Default)]
struct Gathered {
    first: Bytes,
    rest: BytesMut,
}

impl Gathered {
    fn len(&self) -> usize {
        self.first.len() + self.rest.len()
    }

    fn push(&mut self, part: Bytes) {
        if self.first.is_empty() && self.rest.is_empty() {
            self.first = part;
        } else {
            self.rest.extend_from_slice(&std::mem::take(&mut self.first));
            self.rest.extend_from_slice(&part);
        }
    }

    fn into_bytes(self) -> Bytes {
        if self.rest.is_empty() { self.first } else { self.rest.freeze() }
    }
}

/// Why there is no answer at all.
fn without_answer(error: reqwest::Error, plan: &PlannedBackend) -> BackendError {
    // The address may hold what is nobody's business.
    let error = error.without_url();
    let mut causes = std::iter::successors(error.source(), |&cause| cause.source());
    if let Some(refused) = causes.clone().find_map(|cause| cause.downcast_ref::<Refused>()) {
        return BackendError::Forbidden(refused.0);
    }
    if error.is_builder() {
        return BackendError::Request(Causes(&error).to_string());
    }
    if error.is_timeout() {
        let within = plan.connect_within;
        return BackendError::Unreachable(format!("no connection within {within:?}"));
    }
    let is_no_http = causes.any(|cause| {
        cause
            .downcast_ref::<hyper::Error>()
            .is_some_and(|error| error.is_parse() || error.is_user())
    });
    let text = Causes(&error).to_string();
    if is_no_http { BackendError::Broken(text) } else { BackendError::Unreachable(text) }
}

fn broken_off(error: reqwest::Error) -> BackendError {
    BackendError::Broken(Causes(&error.without_url()).to_string())
}
