//! Bytes on their way between a client and an upstream, once both handshakes are done.
//!
//! ```text
//! client ──▶ up   ──▶ upstream      as it comes
//! client ◀── down ◀── upstream      as it comes; an end of ours goes between two frames
//! ```
//!
//! | what ends    | what follows                                                            |
//! |--------------|-------------------------------------------------------------------------|
//! | the client   | the upstream hears of it, and may say what it still has to say          |
//! | the upstream | likewise; where it said no close, the client is told 1014               |
//! | this server  | the client is told 1001 (it stops) or 4401 (a token has expired), and   |
//! |              | its answer is the close that the upstream hears                         |
//! | a limit      | the client is told 1008, and the upstream hears nothing more of it      |
//!
//! One side alone lives on for `linger` and no longer, and so does a line whose end was asked for
//! here: a client that does not answer it would otherwise be heard for as long as it likes.

use std::borrow::Cow;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tieline::CloseCode;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep};

use super::flow::{Broken, Flow};
use super::pace::{Excess, Pace};

/// A side of a line, and what was read of it already.
pub(super) struct Side<S> {
    pub(super) stream: S,
    pub(super) ahead: Bytes,
}

/// What a line may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// `None` for ever.
    pub(super) idle_within: Option<Duration>,
    pub(super) linger: Duration,
}

/// How a line ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) why: Why,
    /// Bytes from the client.
    pub(super) up: u64,
    /// Bytes from the upstream.
    pub(super) down: u64,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Why {
    #[error("both sides ended it")]
    Both,
    #[error("the client was lost")]
    Client(#[source] io::Error),
    #[error("the client may say nothing more: {0}")]
    Excess(String),
    #[error("one side ended it, and the other did not follow")]
    HalfOpen,
    #[error("nothing was said for too long")]
    Idle,
    #[error("the upstream was lost")]
    Upstream(#[source] io::Error),
}

struct Line<'w, C, U> {
    client: C,
    upstream: U,
    up: Flow<'w>,
    down: Flow<'w>,
    bounds: Bounds,
    idle: Option<Pin<Box<Sleep>>>,
    moved: Instant,
    linger: Option<Pin<Box<Sleep>>>,
    /// Whether the end was asked for from here.
    is_ending: bool,
    /// What ended it, where that is known before the end.
    why: Option<Why>,
}

/// Carries a line to its end, at the client's `pace` where that is limited; `ending` is ready when the
/// end comes from here, and says what the client is told.
pub(super) async fn copy<C, U>(
    client: Side<C>,
    upstream: Side<U>,
    bounds: Bounds,
    pace: Option<Pace<'_>>,
    ending: impl Future<Output = (CloseCode, &'static str)>,
) -> Ended
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    let mut line = Line {
        client: client.stream,
        upstream: upstream.stream,
        up: Flow::up(client.ahead, pace),
        down: Flow::down(&upstream.ahead),
        bounds,
        idle: bounds.idle_within.map(|within| Box::pin(sleep(within))),
        moved: Instant::now(),
        linger: None,
        is_ending: false,
        why: None,
    };
    let mut ending = pin!(ending);
    let why = poll_fn(|cx| {
        if !line.is_ending
            && let Poll::Ready((code, reason)) = ending.as_mut().poll(cx)
        {
            line.end_soon(code, reason);
        }
        line.poll(cx)
    })
    .await;
    Ended { why, up: line.up.passed(), down: line.down.passed() }
}

impl<C, U> Line<'_, C, U>
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Why> {
        let before = (self.up.passed(), self.down.passed());
        match self.down.poll(cx, &mut self.upstream, &mut self.client) {
            Poll::Ready(Err(Broken::Writing(error))) => return Poll::Ready(Why::Client(error)),
            Poll::Ready(Err(Broken::Reading(error))) => self.lose_upstream(error, cx),
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        match self.up.poll(cx, &mut self.client, &mut self.upstream) {
            Poll::Ready(Err(Broken::Reading(error))) => return Poll::Ready(Why::Client(error)),
            Poll::Ready(Err(Broken::Writing(error))) => self.lose_upstream(error, cx),
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        if let Some(Excess { code, reason, .. }) = self.up.take_excess() {
            self.why.get_or_insert_with(|| Why::Excess(reason.clone()));
            self.end_soon(code, reason);
            cx.waker().wake_by_ref();
        }
        if before != (self.up.passed(), self.down.passed()) {
            self.moved = Instant::now();
        }
        if self.up.is_over() && self.down.is_over() {
            return Poll::Ready(self.why.take().unwrap_or(Why::Both));
        }
        self.poll_time(cx).map_or(Poll::Pending, Poll::Ready)
    }

    /// The client is told the end as soon as that can be.
    fn end_soon(&mut self, code: CloseCode, reason: impl Into<Cow<'static, str>>) {
        self.is_ending = true;
        self.down.close_soon(code, reason);
    }

    /// Nothing can be said to the upstream any more, and nothing be heard of it. The client is still
    /// read, so that its system does not throw away the last that it was told.
    fn lose_upstream(&mut self, error: io::Error, cx: &Context<'_>) {
        self.down.end();
        self.up.cut();
        self.why.get_or_insert(Why::Upstream(error));
        cx.waker().wake_by_ref();
    }

    /// Whether the line is idle, or ending, or one of its sides alone, for too long.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Option<Why> {
        if let (Some(idle), Some(within)) = (&mut self.idle, self.bounds.idle_within) {
            while idle.as_mut().poll(cx).is_ready() {
                if self.moved.elapsed() >= within {
                    return Some(Why::Idle);
                }
                idle.as_mut().reset(self.moved + within);
            }
        }
        if self.is_ending || self.up.is_over() || self.down.is_over() {
            let within = self.bounds.linger;
            let linger = self.linger.get_or_insert_with(|| Box::pin(sleep(within)));
            if linger.as_mut().poll(cx).is_ready() {
                return Some(self.why.take().unwrap_or(Why::HalfOpen));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use std::sync::Arc;
    use tieline::{Agreement, Limits, Message, WebSocket};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;
    use tokio::time::timeout;

    use crate::by_hand::route;
    use crate::counts::Counts;

    const BOUNDS: Bounds =
        Bounds { idle_within: Some(Duration::from_secs(60)), linger: Duration::from_secs(5) };

    /// A line that is carried: the client's end, the upstream's, how it ends, and what stops it.
    fn line(room: usize) -> (DuplexStream, DuplexStream, JoinHandle<Ended>, Arc<Notify>) {
        limited_line(room, "")
    }

    fn limited_line(
        room: usize,
        limits: &str,
    ) -> (DuplexStream, DuplexStream, JoinHandle<Ended>, Arc<Notify>) {
        let service = "path = '/'\nservice = { kind = 'echo' }";
        let flow =
            route(&format!("{service}\nlimits = {{ {limits} }}")).plan.limiter.flow(None, None);
        let (client, stream) = duplex(room);
        let (upstream, other) = duplex(room);
        let (client_side, upstream_side) = (
            Side { stream, ahead: Bytes::from_static(b"") },
            Side { stream: other, ahead: Bytes::from_static(b"") },
        );
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let ended = tokio::spawn(async move {
            let stops = async {
                stopped.notified().await;
                (CloseCode::GOING_AWAY, "the server stops")
            };
            let counts = Counts::default();
            let pace = flow.map(|flow| Pace::new(flow, &counts));
            copy(client_side, upstream_side, BOUNDS, pace, stops).await
        });
        (client, upstream, ended, stop)
    }

    fn sockets(
        client: DuplexStream,
        upstream: DuplexStream,
    ) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
        let agreement = Agreement::default();
        let client = WebSocket::client(client, &agreement, Limits::default(), &[]);
        (client, WebSocket::server(upstream, &agreement, Limits::default(), &[]))
    }

    async fn code(socket: &mut WebSocket<DuplexStream>) -> u16 {
        while let Some(Ok(_)) = socket.next().await {}
        socket.closed().unwrap().code().get()
    }

    #[tokio::test(start_paused = true)]
    async fn messages_and_the_close_pass_both_ways() {
        let (client, upstream, ended, _) = line(1 << 10);
        let (mut client, mut upstream) = sockets(client, upstream);
        let large = "x".repeat(300_000);
        let echo = async {
            while let Some(Ok(message)) = upstream.next().await {
                upstream.send(message).await.unwrap();
            }
            upstream.closed().unwrap().code().get()
        };
        let talk = async {
            for message in ["hello", large.as_str(), ""] {
                client.send(message).await.unwrap();
                assert_eq!(client.next().await.unwrap().unwrap(), Message::from(message));
            }
            client.close(CloseCode::new(4_000), "done").await.unwrap();
            code(&mut client).await
        };
        assert_eq!(tokio::join!(echo, talk), (4_000, 4_000));
        drop((client, upstream));
        let ended = ended.await.unwrap();
        assert!(matches!(ended.why, Why::Both), "{ended:?}");
        assert!(ended.up > 300_000 && ended.down > 300_000, "{ended:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_read_stops_who_writes() {
        for limits in ["", "bytes = '1000/1s'", "messages = '1/1s'"] {
            let (mut client, upstream, _ended, _) = limited_line(1 << 10, limits);
            let mut written = 0;
            // Both pipes and one read of the scratch, and not a byte more.
            let most = (1 << 10) * 2 + (64 << 10);
            while let Ok(write) = timeout(Duration::from_secs(10), client.write(&[0; 512])).await {
                written += write.unwrap();
                assert!(written <= most, "{limits}: {written}");
            }
            drop(upstream);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_message_passes_as_fast_as_its_bytes_may_and_is_whole() {
        let (mut client, mut upstream, _ended, _) = limited_line(1 << 20, "bytes = '1000/1s'");
        let mut wire = vec![0x82, 0x80 | 126, 0x27, 0x08, 0, 0, 0, 0];
        wire.extend((0..0x2708_u32).map(|number| number as u8));
        let began = Instant::now();
        client.write_all(&wire).await.unwrap();
        let mut heard = vec![0; wire.len()];
        upstream.read_exact(&mut heard).await.unwrap();
        assert!(heard == wire);
        // The last piece passes before it is paid for.
        assert!((6..=9).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn messages_that_are_too_many_are_heard_later() {
        let (client, upstream, _ended, _) = limited_line(1 << 16, "messages = '2/1s'");
        let (mut client, mut upstream) = sockets(client, upstream);
        let began = Instant::now();
        for number in 0..6 {
            client.send(number.to_string()).await.unwrap();
        }
        client.ping(b"costs no message").await.unwrap();
        for number in 0..6 {
            let heard = upstream.next().await.unwrap().unwrap();
            assert_eq!(heard.text(), Some(number.to_string().as_str()));
        }
        // The third is heard at once, and each later one after its half of a second.
        let elapsed = began.elapsed().as_millis();
        assert!((1_450..=1_600).contains(&elapsed), "{elapsed}");
        // What comes the other way is not limited.
        for _ in 0..100 {
            upstream.send("answer").await.unwrap();
            assert!(client.next().await.unwrap().is_ok());
        }
        assert!(began.elapsed().as_secs() < 3);
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_too_much_is_closed_where_that_is_wanted_and_the_upstream_hears_why() {
        let limits = "messages = '2/1m', excess = 'close'";
        let (client, upstream, ended, _) = limited_line(1 << 16, limits);
        let (mut client, mut upstream) = sockets(client, upstream);
        for number in 0..5 {
            client.send(number.to_string()).await.unwrap();
        }
        let hear = async {
            let mut heard = 0;
            while let Some(Ok(_)) = upstream.next().await {
                heard += 1;
            }
            (heard, upstream.closed().unwrap().code().get())
        };
        let (heard, told) = tokio::join!(hear, code(&mut client));
        assert_eq!((heard, told), ((2, 1008), 1008));
        let reason = client.closed().unwrap().reason().to_owned();
        assert!(reason.contains("limits.messages"), "{reason}");
        assert!(matches!(ended.await.unwrap().why, Why::Excess(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_that_are_too_many_close_a_line_within_a_message() {
        let limits = "bytes = '10000/1m', excess = 'close'";
        let (mut client, mut upstream, ended, _) = limited_line(1 << 16, limits);
        client.write_all(&[0x82, 0x80 | 126, 0xFF, 0xFF, 0, 0, 0, 0]).await.unwrap();
        client.write_all(&[0; 0xFFFF]).await.unwrap();
        let mut told = [0; 4];
        client.read_exact(&mut told).await.unwrap();
        assert_eq!((told[0], &told[2..]), (0x88, &1008_u16.to_be_bytes()[..]));
        client.write_all(&[0x88, 0x82, 0, 0, 0, 0, 3, 0xF0]).await.unwrap();
        client.shutdown().await.unwrap();
        let mut heard = Vec::new();
        upstream.read_to_end(&mut heard).await.unwrap();
        assert!(heard.len() <= 10_000, "{}", heard.len());
        drop(upstream);
        assert!(matches!(ended.await.unwrap().why, Why::Excess(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_counted_is_not_handed_on_where_that_matters() {
        let (mut client, mut upstream, _ended, _) = limited_line(1 << 10, "messages = '9/1s'");
        client.write_all(b"\x83\x80\0\0\0\0").await.unwrap();
        let mut told = [0; 4];
        client.read_exact(&mut told).await.unwrap();
        assert_eq!((told[0], &told[2..]), (0x88, &1002_u16.to_be_bytes()[..]));
        let mut heard = [0; 2];
        upstream.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard[0], 0x88, "a close, and not what the client said");
    }

    #[tokio::test(start_paused = true)]
    async fn an_upstream_that_dies_between_frames_is_told_as_1014() {
        let (client, upstream, ended, _) = line(1 << 10);
        let (mut client, mut upstream) = sockets(client, upstream);
        upstream.send("last words").await.unwrap();
        drop(upstream);
        assert_eq!(client.next().await.unwrap().unwrap().text(), Some("last words"));
        assert_eq!(code(&mut client).await, 1014);
        ended.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn within_a_frame_nothing_is_said() {
        let (mut client, mut upstream, ended, _) = line(1 << 10);
        upstream.write_all(&[0x81, 5, b'h']).await.unwrap();
        drop(upstream);
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, [0x81, 5, b'h']);
        drop(client);
        ended.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn when_the_server_stops_both_hear_1001_between_two_frames() {
        let (mut client, mut upstream, ended, stop) = line(1 << 10);
        upstream.write_all(&[0x81, 5, b'h', b'e']).await.unwrap();
        let mut heard = [0; 4];
        client.read_exact(&mut heard).await.unwrap();
        stop.notify_one();
        tokio::task::yield_now().await;
        upstream.write_all(b"llo\x81\x03new").await.unwrap();
        let mut heard = [0; 5];
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"llo\x88\x12");
        let mut heard = [0; 18];
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard[..2], 1001_u16.to_be_bytes());
        // The client's answer is what the upstream hears.
        client.write_all(&[0x88, 0x82, 0, 0, 0, 0, 3, 0xE9]).await.unwrap();
        let mut heard = [0; 8];
        upstream.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard[6..], 1001_u16.to_be_bytes());
        drop((client, upstream));
        assert!(matches!(ended.await.unwrap().why, Why::Both));
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_answer_the_end_is_not_heard_for_long() {
        let (mut client, mut upstream, ended, stop) = line(1 << 10);
        stop.notify_one();
        let speak = async {
            while client.write_all(&[0x81, 0x80, 0, 0, 0, 0]).await.is_ok() {
                sleep(Duration::from_millis(500)).await;
            }
        };
        let hear = async { while upstream.read_u8().await.is_ok() {} };
        let both = async { tokio::join!(speak, hear) };
        timeout(BOUNDS.linger * 2, both).await.unwrap();
        assert!(matches!(ended.await.unwrap().why, Why::HalfOpen));
    }

    #[tokio::test(start_paused = true)]
    async fn one_side_alone_is_not_waited_for_long() {
        let (mut client, _upstream, ended, _) = line(1 << 10);
        let began = Instant::now();
        client.shutdown().await.unwrap();
        let ended = ended.await.unwrap();
        assert!(matches!(ended.why, Why::HalfOpen), "{ended:?}");
        assert_eq!(began.elapsed(), BOUNDS.linger);
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_on_which_nothing_is_said_ends() {
        let (mut client, mut upstream, ended, _) = line(1 << 10);
        let began = Instant::now();
        sleep(Duration::from_secs(50)).await;
        client.write_all(b"x").await.unwrap();
        upstream.read_u8().await.unwrap();
        let ended = ended.await.unwrap();
        assert!(matches!(ended.why, Why::Idle), "{ended:?}");
        assert_eq!(began.elapsed().as_secs(), 110);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_read_with_the_heads_comes_first() {
        let ((mut client, stream), (mut upstream, other)) = (duplex(64), duplex(64));
        let client_side = Side { stream, ahead: Bytes::from_static(b"from the client") };
        let upstream_side = Side { stream: other, ahead: Bytes::from_static(b"\x81\x01a") };
        let carried = copy(client_side, upstream_side, BOUNDS, None, pending());
        let talk = async move {
            let mut heard = [0; 15];
            upstream.read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, b"from the client");
            let mut heard = [0; 3];
            client.read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, b"\x81\x01a");
        };
        let (ended, ()) = tokio::join!(carried, talk);
        assert_eq!((ended.up, ended.down), (15, 3));
    }
}
