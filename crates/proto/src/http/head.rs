//! Reading one head, request or response, from bytes that arrive in pieces.
//!
//! ```text
//! HTTP head = start-line CRLF *( name ":" OWS value OWS CRLF ) CRLF
//! ```
//!
//! Every byte is looked at once for the end of its line; the parser proper runs when the head is
//! whole, and before that only when the start line is there and whenever the size has doubled, so
//! that what is no HTTP is refused early and a head in one-byte pieces still costs linear time.
//! A line that ends with LF alone is refused: two parsers in a row that disagree on where a line
//! ends are how requests are smuggled.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use http::{header, request};
use httparse::EMPTY_HEADER;

use super::authority::is_host_byte;
use super::head_error::HeadError;
use crate::limits::Limits;

/// Reads heads, one after the other, within [`Limits::max_head_bytes`] and
/// [`Limits::max_headers`].
///
/// How the bytes are cut changes nothing about the answer, only how early a fault shows.
///
/// Spec: RFC 9112 §2, §3, §5.
///
/// # Example
///
/// ```
/// use tieline_proto::{Limits, http::HeadReader};
///
/// let mut reader = HeadReader::new(&Limits::default());
/// let mut buf = b"GET /chat HTTP/1.1\r\nHost: exam".to_vec();
/// assert!(reader.request(&buf)?.is_none());
/// buf.extend(b"ple.com\r\n\r\nmore");
/// let (request, len) = reader.request(&buf)?.unwrap();
/// assert_eq!((request.uri().path(), &buf[len..]), ("/chat", &b"more"[..]));
/// # Ok::<(), tieline_proto::http::HeadError>(())
/// ```
#[derive(Clone, Debug)]
pub struct HeadReader {
    max_bytes: usize,
    max_headers: usize,
    progress: Progress,
}

/// How far the current head has been read.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// Bytes searched for line ends.
    scanned: usize,
    /// Where the line begins whose end is searched.
    line_start: usize,
    /// Lines that ended, the start line among them, the empty ones in front of it not.
    lines: usize,
    /// Size at which an unfinished head is next tried.
    next_try: usize,
}

type Slots<'h, 'b> = &'h mut [httparse::Header<'b>];

impl HeadReader {
    /// A reader at the first byte of a head.
    pub fn new(limits: &Limits) -> Self {
        Self {
            max_bytes: limits.max_head_bytes,
            max_headers: limits.max_headers,
            progress: Progress::default(),
        }
    }

    /// Reads a request head.
    ///
    /// `buf` holds everything since the head's first byte: each call gives the bytes of the call
    /// before and perhaps more. Answers the request and the length of its head in bytes, or `None`
    /// while it is not whole; after that the reader stands before the next head. Takes nothing
    /// from `buf`.
    ///
    /// Values are without the white space around them, except `Sec-WebSocket-Key1` and `-Key2`,
    /// whose spaces count and which lose one leading space at most.
    ///
    /// # Errors
    ///
    /// [`NotHttp`](HeadError::NotHttp) as soon as the start line, the size doubled, or a bare LF
    /// shows it; [`TooLong`](HeadError::TooLong) and
    /// [`TooManyHeaders`](HeadError::TooManyHeaders) as soon as the limit is passed; the faults of
    /// `Host` once the head is whole.
    pub fn request(&mut self, buf: &[u8]) -> Result<Option<(Request<()>, usize)>, HeadError> {
        let is_http = |buf: &[u8], slots: usize| {
            httparse::Request::new(&mut vec![EMPTY_HEADER; slots]).parse(buf).is_ok()
        };
        let Some((head, slots)) = self.whole(buf, is_http)? else { return Ok(None) };
        let request = decode_request(head, &mut vec![EMPTY_HEADER; slots])?;
        check_host(&request)?;
        self.progress = Progress::default();
        Ok(Some((request, head.len())))
    }

    /// Reads a response head; all else is as [`request`](Self::request) says.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request), without the faults of `Host`.
    pub fn response(&mut self, buf: &[u8]) -> Result<Option<(Response<()>, usize)>, HeadError> {
        let is_http = |buf: &[u8], slots: usize| {
            httparse::Response::new(&mut vec![EMPTY_HEADER; slots]).parse(buf).is_ok()
        };
        let Some((head, slots)) = self.whole(buf, is_http)? else { return Ok(None) };
        let response = decode_response(head, &mut vec![EMPTY_HEADER; slots])?;
        self.progress = Progress::default();
        Ok(Some((response, head.len())))
    }

    /// The whole head and how many header lines it may have, or `None` while it is not whole.
    fn whole<'b>(
        &mut self,
        buf: &'b [u8],
        is_http: impl Fn(&[u8], usize) -> bool,
    ) -> Result<Option<(&'b [u8], usize)>, HeadError> {
        let within = &buf[..buf.len().min(self.max_bytes)];
        let found = self.scan(within);
        // What is no HTTP is called so before it is called too long, at whichever cut it shows.
        let progress = &mut self.progress;
        let check = |seen: &[u8], lines: usize| {
            if is_http(seen, lines + 1) { Ok(()) } else { Err(HeadError::NotHttp) }
        };
        match found {
            Ok(Some(end)) => Ok(Some((&buf[..end], progress.lines))),
            Ok(None) if within.len() == self.max_bytes => {
                check(within, progress.lines)?;
                Err(HeadError::TooLong { limit: self.max_bytes })
            }
            Ok(None) => {
                if buf.len() >= progress.next_try && !buf.is_empty() {
                    progress.next_try = buf.len().saturating_mul(2);
                    check(buf, progress.lines)?;
                }
                Ok(None)
            }
            Err(error) => {
                check(&buf[..progress.scanned], progress.lines)?;
                Err(error)
            }
        }
    }

    /// Looks for the empty line from where the last search ended; answers where the head ends.
    fn scan(&mut self, buf: &[u8]) -> Result<Option<usize>, HeadError> {
        let progress = &mut self.progress;
        let unseen = buf.get(progress.scanned..).unwrap_or_default();
        let base = progress.scanned;
        for at in memchr::memchr_iter(b'\n', unseen).map(|at| base + at) {
            let line = &buf[progress.line_start..at];
            progress.scanned = at + 1;
            progress.line_start = at + 1;
            match line {
                [b'\r'] if progress.lines > 0 => return Ok(Some(at + 1)),
                // RFC 9112 §2.2: empty lines in front of a request are ignored.
                [b'\r'] => {}
                [.., b'\r'] => progress.lines += 1,
                _ => return Err(HeadError::NotHttp),
            }
            if progress.lines == 1 {
                progress.next_try = 0;
            }
            if progress.lines > self.max_headers.saturating_add(1) {
                return Err(HeadError::TooManyHeaders { limit: self.max_headers });
            }
        }
        progress.scanned = progress.scanned.max(buf.len());
        Ok(None)
    }
}

fn decode_request<'b>(head: &'b [u8], slots: Slots<'_, 'b>) -> Result<Request<()>, HeadError> {
    let mut parsed = httparse::Request::new(slots);
    let (Ok(httparse::Status::Complete(_)), Some(method), Some(target)) =
        (parsed.parse(head), parsed.method, parsed.path)
    else {
        return Err(HeadError::NotHttp);
    };
    let mut parts = Request::new(()).into_parts().0;
    parts.method = method.parse().map_err(|_| HeadError::NotHttp)?;
    parts.uri = target.parse().map_err(|_| HeadError::NotHttp)?;
    parts.version = version(parsed.version)?;
    check_target(target, &parts)?;
    parts.headers = collect(head, parsed.headers)?;
    Ok(Request::from_parts(parts, ()))
}

fn decode_response<'b>(head: &'b [u8], slots: Slots<'_, 'b>) -> Result<Response<()>, HeadError> {
    let mut parsed = httparse::Response::new(slots);
    let (Ok(httparse::Status::Complete(_)), Some(code)) = (parsed.parse(head), parsed.code) else {
        return Err(HeadError::NotHttp);
    };
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(code).map_err(|_| HeadError::NotHttp)?;
    *response.version_mut() = version(parsed.version)?;
    *response.headers_mut() = collect(head, parsed.headers)?;
    Ok(response)
}

const fn version(minor: Option<u8>) -> Result<Version, HeadError> {
    match minor {
        Some(0) => Ok(Version::HTTP_10),
        Some(1) => Ok(Version::HTTP_11),
        _ => Err(HeadError::NotHttp),
    }
}

/// RFC 9112 §3.2: a path, a whole URI, or the two forms that belong to one method each.
fn check_target(target: &str, parts: &request::Parts) -> Result<(), HeadError> {
    let fits = match parts.method {
        Method::CONNECT => parts.uri.authority().is_some() && parts.uri.scheme().is_none(),
        Method::OPTIONS if target == "*" => true,
        _ => target.starts_with('/') || parts.uri.scheme().is_some(),
    };
    if fits { Ok(()) } else { Err(HeadError::NotHttp) }
}

/// RFC 9112 §3.2: a server MUST answer 400 to a request without `Host`, with two, or with a bad one.
fn check_host(request: &Request<()>) -> Result<(), HeadError> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() == Version::HTTP_11 => Err(HeadError::MissingHost),
        (Some(_), Some(_)) => Err(HeadError::DuplicateHost),
        (Some(host), None) if !host.as_bytes().iter().all(|&byte| is_host_byte(byte)) => {
            Err(HeadError::InvalidHost)
        }
        _ => Ok(()),
    }
}

fn collect(head: &[u8], lines: &[httparse::Header<'_>]) -> Result<HeaderMap, HeadError> {
    let mut headers = HeaderMap::with_capacity(lines.len());
    for line in lines {
        let name: HeaderName = line.name.parse().map_err(|_| HeadError::NotHttp)?;
        let value = if matches!(name.as_str(), "sec-websocket-key1" | "sec-websocket-key2") {
            untrimmed(head, line)
        } else {
            line.value
        };
        let value = HeaderValue::from_bytes(value).map_err(|_| HeadError::NotHttp)?;
        let limit = HeadError::TooManyHeaders { limit: lines.len() };
        headers.try_append(name, value).map_err(|_| limit)?;
    }
    Ok(headers)
}

/// The value as it stands on the wire, without one leading space. The keys of hixie-76 are counted
/// in spaces, and httparse drops those at either end.
fn untrimmed<'b>(head: &'b [u8], line: &httparse::Header<'b>) -> &'b [u8] {
    let name = line.name.as_ptr().addr() - head.as_ptr().addr();
    let value = head.get(name + line.name.len() + 1..).unwrap_or_default();
    let value = &value[..memchr::memchr(b'\r', value).unwrap_or(value.len())];
    value.strip_prefix(b" ").unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<(Request<()>, usize)>, HeadError> {
        HeadReader::new(&Limits::default()).request(bytes)
    }

    fn error(bytes: impl AsRef<[u8]>) -> Option<HeadError> {
        read(bytes.as_ref()).err()
    }

    #[test]
    fn what_is_no_http_is_refused_at_its_first_byte() {
        assert_eq!(error([0x16]), Some(HeadError::NotHttp));
        assert_eq!(error([0x16, 0x03, 0x01, 0x02, 0x00]), Some(HeadError::NotHttp));
        assert_eq!(error("SSH-2.0-OpenSSH_9.2\r\n"), Some(HeadError::NotHttp));
        assert_eq!(error("PRI * HTTP/2.0\r\n\r\n"), Some(HeadError::NotHttp));
        assert_eq!(error("GET /\r\n"), Some(HeadError::NotHttp));
        assert_eq!(error("GET example.com HTTP/1.1\r\nHost: a\r\n\r\n"), Some(HeadError::NotHttp));
    }

    #[test]
    fn a_line_that_ends_with_lf_alone_is_refused() {
        for head in [
            "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        ] {
            assert_eq!(error(head), Some(HeadError::NotHttp), "{head:?}");
        }
    }

    #[test]
    fn empty_lines_in_front_belong_to_the_head() {
        let head = "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(read(head.as_bytes()).unwrap().unwrap().1, head.len());
    }

    #[test]
    fn an_http_1_1_request_has_one_host() {
        assert_eq!(error("GET / HTTP/1.1\r\n\r\n"), Some(HeadError::MissingHost));
        assert_eq!(error("GET / HTTP/1.0\r\n\r\n"), None);
        let twice = "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n";
        assert_eq!(error(twice), Some(HeadError::DuplicateHost));
        for host in ["a, b", "user@a", "a/b", "a b"] {
            let head = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
            assert_eq!(error(head), Some(HeadError::InvalidHost), "{host}");
        }
    }

    #[test]
    fn only_the_limit_decides_what_is_too_long() {
        let limits = Limits { max_head_bytes: 64, max_headers: 2, ..Limits::default() };
        let head = |fill| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(fill));
        let fit = 64 - head(0).len();
        let read = |head: &str| HeadReader::new(&limits).request(head.as_bytes());
        assert_eq!(read(&head(fit)).unwrap().unwrap().1, 64);
        let too_long = Some(HeadError::TooLong { limit: 64 });
        assert_eq!(read(&head(fit + 1)).err(), too_long);
        assert_eq!(read(&format!("GET /{}", "x".repeat(64))).err(), too_long);
        let many = "GET / HTTP/1.1\r\nA:\r\nB:\r\nC:\r\n";
        assert_eq!(read(many).err(), Some(HeadError::TooManyHeaders { limit: 2 }));
    }

    #[test]
    fn names_come_in_any_case_and_values_without_a_space() {
        let head = b"GET / HTTP/1.1\r\nHOST:a\r\nuPGRADE:websocket\r\nX:  y \t\r\n\r\n";
        let (request, _) = read(head).unwrap().unwrap();
        assert_eq!(request.headers()["upgrade"], "websocket");
        assert_eq!(request.headers()["x"], "y");
    }

    #[test]
    fn the_spaces_of_hixie_keys_are_kept() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key1:  1 \"`:  2 \r\n\
            sec-websocket-KEY2:3  4\r\n\r\n";
        let (request, _) = read(head).unwrap().unwrap();
        assert_eq!(request.headers()["sec-websocket-key1"], " 1 \"`:  2 ");
        assert_eq!(request.headers()["sec-websocket-key2"], "3  4");
    }

    #[test]
    fn a_reader_goes_on_with_the_next_head() {
        let mut reader = HeadReader::new(&Limits::default());
        let wire =
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Whatever\r\nUpgrade:websocket\r\n\r\n";
        let (first, len) = reader.response(wire).unwrap().unwrap();
        let (second, _) = reader.response(&wire[len..]).unwrap().unwrap();
        assert_eq!((first.status().as_u16(), second.status().as_u16()), (100, 101));
    }

    #[test]
    fn a_head_in_one_byte_pieces_is_parsed_a_few_times_only() {
        let limits = Limits { max_head_bytes: 1 << 16, ..Limits::default() };
        let mut head = b"GET / HTTP/1.1\r\nHost: a\r\nX: ".to_vec();
        head.resize((1 << 16) - 4, b'x');
        head.extend(b"\r\n\r\n");
        let mut reader = HeadReader::new(&limits);
        let mut tries = 0;
        for cut in 1..head.len() {
            let before = reader.progress.next_try;
            assert!(reader.request(&head[..cut]).unwrap().is_none());
            tries += u32::from(reader.progress.next_try != before);
        }
        assert!(reader.request(&head).unwrap().is_some());
        assert!(tries < 20, "{tries} tries");
    }
}
