//! What a request leads to, in whichever version it came.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::header::ORIGIN;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tieline::HandshakeError;
use tokio::time::interval;
use tracing::error;

use super::answer::{answer, text};
use super::cors::Cors;
use crate::admission::{
    Admission, Admitted, Entrance, admit, allows_origin, refusal, seen, stopping,
};
use crate::auth::{Identity, Jwks, Presented};
use crate::carrier::emulated::{self, Unasked};
use crate::exchange::{Body, Exchange};
use crate::gate::{Gate, Halt};
use crate::routes::Route;
use crate::worker::Worker;

/// Where a request leads.
pub(super) enum Lead {
    /// To the emulated lines of a route.
    Emulated(Box<Emulated>),
    Line(Box<Admitted>),
    Page(Response<Body>),
    Refusal(Response<String>),
    /// Where the connection is its own, it ends without this answer.
    Reset(Response<String>),
    Service(Arc<Route>, Option<Arc<Identity>>),
}

/// A request to the emulated lines of a route.
pub(super) struct Emulated {
    asked: Result<emulated::Asked, Box<Response<Body>>>,
    cors: Cors,
    /// Whether it is one for a line that it opens.
    pub(super) opens: bool,
}

/// A connection that ends without an answer.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("refused by the end of the connection")]
pub(super) struct Unanswered;

/// Looks at a request and decides; waits for keys where its token needs some that are not known.
pub(super) async fn lead_to(head: &Request<()>, worker: &Worker, entrance: &Entrance) -> Lead {
    match look(head, worker, entrance, false) {
        Ok(lead) => lead,
        Err(jwks) => {
            jwks.refresh().await;
            let lead = look(head, worker, entrance, true);
            lead.unwrap_or_else(|_| unreachable!("who has waited does not wait again"))
        }
    }
}

fn look(
    head: &Request<()>,
    worker: &Worker,
    entrance: &Entrance,
    has_waited: bool,
) -> Result<Lead, Arc<Jwks>> {
    match admit(head, entrance, worker.routes(), worker.counts(), has_waited) {
        Err(refused) => return Ok(Lead::Refusal(*refused)),
        Ok(Admission::Waits(jwks)) => return Err(jwks),
        Ok(Admission::Reset(refused)) => return Ok(Lead::Reset(*refused)),
        Ok(Admission::Line(admitted)) if worker.is_stopping() => {
            return Ok(match admitted.refuses_by_reset() {
                true => Lead::Reset(stopping()),
                false => Lead::Refusal(stopping()),
            });
        }
        Ok(Admission::Line(admitted)) => return Ok(Lead::Line(admitted)),
        Ok(Admission::Ordinary) => {}
    }
    if !entrance.allows_host(head) {
        return Ok(Lead::Refusal(HandshakeError::HostNotAllowed.response()));
    }
    if let Some(found) = emulated::find(worker.routes(), head.uri().path()) {
        return look_at_carrier(head, found, worker, entrance, has_waited);
    }
    let Some(route) = worker.routes().answering(head.uri().path(), head.method()) else {
        return Ok(Lead::Page(answer(head, worker.routes(), worker.is_stopping())));
    };
    if worker.is_stopping() {
        return Ok(Lead::Refusal(stopping()));
    }
    let cors = Cors::of(head, entrance, route);
    if let Some(response) = cors.as_ref().and_then(|cors| cors.preflight(head)) {
        return Ok(Lead::Page(response));
    }
    // Whoever looks at another site's page must not be made to do something here.
    let is_safe = matches!(*head.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !is_safe && head.headers().contains_key(ORIGIN) && !allows_origin(head, entrance, route) {
        return Ok(Lead::Refusal(HandshakeError::OriginNotAllowed.response()));
    }
    let gate = Gate { entrance, route, counts: worker.counts() };
    let is_own_page = gate.is_own_page(head);
    let (headers, uri) = (head.headers(), head.uri());
    let presented = Presented { headers, uri, protocols: &[], is_own_page };
    match gate.pass(&presented, has_waited) {
        Ok(identity) => Ok(Lead::Service(Arc::clone(route), identity)),
        Err(Halt::Waits(jwks)) => Err(jwks),
        Err(halt) => {
            let mut refused = halt.response(worker.counts());
            if let Some(cors) = cors {
                cors.tell(&mut refused);
            }
            Ok(Lead::Refusal(refused))
        }
    }
}

fn look_at_carrier(
    head: &Request<()>,
    (route, part): (&Arc<Route>, emulated::Part),
    worker: &Worker,
    entrance: &Entrance,
    has_waited: bool,
) -> Result<Lead, Arc<Jwks>> {
    let cors = Cors::of_carrier(head, entrance, route);
    if let Some(response) = cors.preflight(head) {
        return Ok(Lead::Page(response));
    }
    let asked = match emulated::look(head, (route, part), worker, entrance, has_waited) {
        Ok(asked) => Ok(asked),
        Err(Unasked::Refused(refused)) => Err(refused),
        Err(Unasked::Waits(jwks)) => return Err(jwks),
    };
    let opens = part == emulated::Part::Open;
    Ok(Lead::Emulated(Box::new(Emulated { asked, cors, opens })))
}

/// What an emulated line answers; a stream is kept awake every `alive` while nothing comes.
pub(super) async fn ask_emulated(
    worker: &Rc<Worker>,
    emulated: Emulated,
    head: &Request<()>,
    body: Incoming,
    entrance: &Entrance,
    alive: Duration,
) -> Response<Body> {
    let Emulated { asked, cors, .. } = emulated;
    let mut response = match asked {
        Err(refused) => *refused,
        Ok(asked) => {
            let answered = emulated::answer(worker, asked, head.headers(), body, entrance);
            awake(answered, alive).await.map(|body| body.awake(alive))
        }
    };
    cors.tell(&mut response);
    response
}

/// What the service of a route answers. A service that panics answers 500; a stream is kept awake
/// every `alive` while it works on its answer.
pub(super) async fn ask(
    route: &Route,
    identity: Option<Arc<Identity>>,
    head: Request<()>,
    body: Incoming,
    entrance: &Entrance,
    alive: Duration,
) -> Response<Body> {
    let Some(service) = &route.service else { unreachable!("it said that it answers") };
    let method = head.method().clone();
    let cors = Cors::of(&head, entrance, route);
    let (parts, ()) = head.into_parts();
    let request = seen(parts, &[], entrance, route, identity);
    let exchange = Exchange::new(request, method, body);
    let broken = || {
        error!(path = route.plan.path, "a service panicked: it answers 500");
        text(refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal error"))
    };
    let Ok(mut answer) = catch_unwind(AssertUnwindSafe(|| service.answer(exchange))) else {
        return broken();
    };
    let answered =
        poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx))) {
            Ok(polled) => polled,
            Err(_) => Poll::Ready(broken()),
        });
    let mut response = awake(answered, alive).await.map(|body| body.awake(alive));
    if let Some(cors) = cors {
        cors.tell(&mut response);
    }
    response
}

/// Keeps the stream of a request awake every `alive` while it waits for something.
pub(super) async fn awake<T>(waiting: impl Future<Output = T>, alive: Duration) -> T {
    let (mut waiting, mut ticks) = (pin!(waiting), interval(alive));
    poll_fn(|cx| {
        while ticks.poll_tick(cx).is_ready() {}
        waiting.as_mut().poll(cx)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::by_hand::file;
    use crate::config::{File, Overrides, Plan, Source};
    use crate::peer::Peer;
    use crate::routes::Routes;
    use crate::service::{Conversation, Service};
    use crate::worker::Shared;
    use tokio::sync::watch;

    /// Answers every method, and lines as well.
    struct Everything;

    impl Service for Everything {
        fn answers(&self, _method: &Method) -> bool {
            true
        }

        fn open(&self, _peer: &Peer, _request: &crate::Request) -> Box<dyn Conversation> {
            unreachable!("no line is opened here")
        }
    }

    /// Where requests for a route with these settings lead.
    struct Bench(Worker, Entrance);

    impl Bench {
        fn new(settings: &str) -> Self {
            let text = format!("[[route]]\npath = '/'\nservice = {{ kind = 'echo' }}\n{settings}");
            let source = Source::new("x.toml", text);
            let file = File::parse(&source).unwrap();
            let mut plan = Plan::new(file, &source, &Overrides::default()).unwrap();
            let listener = Arc::new(plan.listeners.remove(0));
            let from = Some(([192, 0, 2, 7], 4_711).into());
            let routes = Routes::of(plan.routes.remove(0), Everything);
            let (_, stopping) = watch::channel(false);
            let (resources, listeners) = (Arc::default(), Vec::new());
            let shared = Shared { routes, listeners, resources, stopping };
            Self(Worker::new(Arc::new(shared)), Entrance { listener, from })
        }

        /// The status, or whose it is that the service answers.
        fn ask(&self, method: Method, headers: &[(&str, &str)]) -> Result<Option<String>, u16> {
            let request = Request::builder().method(method).uri("/?token=no");
            let request = request.header("host", "localhost");
            let request = headers
                .iter()
                .fold(request, |request, (name, value)| request.header(*name, *value));
            match look(&request.body(()).unwrap(), &self.0, &self.1, false) {
                Ok(Lead::Service(_, identity)) => Ok(identity.map(|it| it.user.clone())),
                Ok(Lead::Line(admitted)) => {
                    Ok(admitted.request.identity().map(|it| it.user.clone()))
                }
                Ok(Lead::Refusal(refused)) => Err(refused.status().as_u16()),
                Ok(Lead::Emulated(_)) => panic!("no HTTP carries lines here"),
                Ok(Lead::Reset(_)) => panic!("it is reset"),
                Ok(Lead::Page(_)) => panic!("a page is shown"),
                Err(_) => panic!("it waits for keys"),
            }
        }
    }

    const UPGRADE: [(&str, &str); 4] = [
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    #[test]
    fn requests_of_every_method_and_lines_pass_one_gate() {
        let tokens = file("alice alice-0123456789 chat\nbob bob-0123456789ab\n");
        let tokens = tokens.display();
        let access = format!("access = {{ kind = 'token', file = '{tokens}', rights = ['chat'] }}");
        let bench = Bench::new(&access);
        let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"];
        for method in methods {
            let ask = |headers: &[_]| bench.ask(method.parse().unwrap(), headers);
            assert_eq!(ask(&[]), Err(401), "{method}");
            assert_eq!(ask(&[("authorization", "Bearer alice-012345678x")]), Err(401), "{method}");
            assert_eq!(ask(&[("authorization", "Bearer bob-0123456789ab")]), Err(403), "{method}");
            let alice = ask(&[("authorization", "Bearer alice-0123456789")]);
            assert_eq!(alice, Ok(Some("alice".into())), "{method}");
        }
        assert_eq!(bench.ask(Method::GET, &UPGRADE), Err(401));
        let mut known = UPGRADE.to_vec();
        known.push(("authorization", "Bearer alice-0123456789"));
        assert_eq!(bench.ask(Method::GET, &known), Ok(Some("alice".into())));
        assert_eq!(Bench::new("").ask(Method::POST, &[]), Ok(None), "where nothing is asked");
    }

    #[test]
    fn a_cookie_says_who_asks_only_where_no_other_page_may_have_asked() {
        let tokens = file("alice alice-0123456789\n");
        let tokens = tokens.display();
        let bench = Bench::new(&format!(
            "access = {{ kind = 'token', file = '{tokens}', cookie = 'line' }}\n\
             origins = ['https://app.example']"
        ));
        let alice = Ok(Some("alice".to_owned()));
        for (name, value, expected) in [
            ("x-nothing", "", alice.clone()),
            ("origin", "https://app.example", alice.clone()),
            ("origin", "https://evil.test", Err(401)),
            ("origin", "null", Err(401)),
            ("sec-fetch-site", "same-origin", alice.clone()),
            ("sec-fetch-site", "none", alice),
            ("sec-fetch-site", "same-site", Err(401)),
            ("sec-fetch-site", "cross-site", Err(401)),
        ] {
            let headers = [("cookie", "line=alice-0123456789"), (name, value)];
            assert_eq!(bench.ask(Method::GET, &headers), expected, "{name}: {value}");
        }
        let foreign = [("cookie", "line=alice-0123456789"), ("origin", "https://evil.test")];
        assert_eq!(bench.ask(Method::POST, &foreign), Err(403));
    }

    #[test]
    fn requests_and_lines_of_an_address_and_a_user_are_counted_together() {
        let tokens = file("alice alice-0123456789\nbob bob-0123456789ab\n");
        let tokens = tokens.display();
        let bench = Bench::new(&format!(
            "access = {{ kind = 'token', file = '{tokens}' }}\n\
             limits = {{ connects_per_address = '5/1h', connects_per_user = '2/1h' }}"
        ));
        let ask = |token: &str| {
            let bearer = format!("Bearer {token}");
            let mut headers = UPGRADE.to_vec();
            headers.push(("authorization", &bearer));
            bench.ask(Method::GET, &headers)
        };
        assert!(ask("alice-0123456789").is_ok());
        let alice = [("authorization", "Bearer alice-0123456789")];
        assert!(bench.ask(Method::POST, &alice).is_ok());
        assert_eq!(bench.ask(Method::POST, &alice), Err(429), "the user's third");
        assert!(ask("bob-0123456789ab").is_ok());
        // Whoever guesses is held off before anything is compared.
        assert_eq!(ask("guess-0123456789"), Err(401));
        assert_eq!(ask("bob-0123456789ab"), Err(429), "the address' sixth");
    }
}
