//! The cookie that holds the secret of a line, for pages that cannot say it themselves: `EventSource` sends
//! no headers of its own.
//!
//! Each line has its own, so that two tabs do not take each other's; and a browser that opens many, one
//! after the other, is not left to carry the cookies of all of them.

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use crate::ask::{LineId, LineSecret};
use crate::auth::of_cookies;

/// What the name of each begins with; the line's id follows.
const NAME: &str = "tieline-line-";

/// Most of a browser that are left beside a new one.
const MOST: usize = 15;

/// The secret that is shown for a line.
pub(super) fn find(headers: &HeaderMap, line: LineId) -> Option<LineSecret> {
    of_cookies(headers, &format!("{NAME}{line}"))?.parse().ok()
}

/// Has the browser send a secret to the route and nowhere else, and forget its oldest.
pub(super) fn set(
    asked: &HeaderMap,
    answered: &mut HeaderMap,
    line: LineId,
    secret: &LineSecret,
    path: &str,
    is_secure: bool,
) {
    let secure = if is_secure { "; Secure" } else { "" };
    let rule = format!("Path={path}; HttpOnly; SameSite=Strict{secure}");
    let cookies = asked.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    // Browsers send the oldest first.
    let known: Vec<LineId> = cookies
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().strip_prefix(NAME)?.split('=').next()?.parse().ok())
        .collect();
    for old in &known[..known.len().saturating_sub(MOST)] {
        append(answered, format!("{NAME}{old}=; Max-Age=0; {rule}"));
    }
    append(answered, format!("{NAME}{line}={}; {rule}", secret.reveal()));
}

/// Has the browser forget the secret of a line that has ended.
pub(super) fn clear(answered: &mut HeaderMap, line: LineId, path: &str) {
    append(answered, format!("{NAME}{line}=; Max-Age=0; Path={path}; HttpOnly; SameSite=Strict"));
}

fn append(headers: &mut HeaderMap, cookie: String) {
    let cookie = HeaderValue::try_from(cookie).expect("letters, digits and a path: checked");
    headers.append(SET_COOKIE, cookie);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(headers: &HeaderMap) -> Vec<&str> {
        headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect()
    }

    #[test]
    fn a_secret_goes_to_its_route_and_no_script_reads_it() {
        let (line, secret) = (LineId::random(2), LineSecret::random());
        let mut answered = HeaderMap::new();
        set(&HeaderMap::new(), &mut answered, line, &secret, "/chat", true);
        let expected = format!(
            "tieline-line-{line}={}; Path=/chat; HttpOnly; SameSite=Strict; Secure",
            secret.reveal()
        );
        assert_eq!(cookies(&answered), [expected]);
        let mut asked = HeaderMap::new();
        let cookie = answered[SET_COOKIE].to_str().unwrap().split(';').next().unwrap();
        asked.insert(COOKIE, format!("a=b; {cookie}").parse().unwrap());
        assert!(find(&asked, line).unwrap().is(&secret));
        assert!(find(&asked, LineId::random(2)).is_none());
    }

    #[test]
    fn a_browser_is_not_left_with_the_secrets_of_all_lines_that_were() {
        let lines: Vec<_> = (0..MOST + 2).map(|_| LineId::random(0)).collect();
        let shown: Vec<_> = lines.iter().map(|line| format!("{NAME}{line}=x")).collect();
        let mut asked = HeaderMap::new();
        asked.insert(COOKIE, format!("{NAME}x=1; {}", shown.join("; ")).parse().unwrap());
        let mut answered = HeaderMap::new();
        set(&asked, &mut answered, LineId::random(0), &LineSecret::random(), "/", false);
        let told = cookies(&answered);
        assert_eq!(told.len(), 3);
        for (told, line) in told.iter().zip(&lines[..2]) {
            assert!(told.starts_with(&format!("{NAME}{line}=; Max-Age=0; Path=/;")), "{told}");
        }
    }
}
