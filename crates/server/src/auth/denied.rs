//! Why somebody may not, and how that is answered.

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};

use crate::refusal::Refusal;

/// Why a request may not. Its words are for the client: they hold nothing of the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    /// Signed in a way that the route does not take.
    #[error("the token is signed by an algorithm that is not accepted here")]
    Algorithm,
    /// Made for somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Made by somebody else.
    #[error("the token is from another issuer")]
    Issuer,
    /// Neither a JWT nor one of the tokens that are shared.
    #[error("the token is not a valid one")]
    Malformed,
    /// There is none.
    #[error("this needs a token")]
    Missing,
    /// Without an end, where one is wanted.
    #[error("the token never expires, which is not accepted here")]
    NoExpiry,
    /// The keys could not be had yet.
    #[error("tokens cannot be checked now: the keys are not there")]
    NoKeys,
    /// Neither the ticket was exchanged by this browser, nor is its pass good any more.
    #[error("this is for whoever came with the ticket that the server made when it started")]
    NoPass,
    /// It does not say whose it is.
    #[error("the token does not name its user")]
    NoUser,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYet,
    /// Somebody else's, where the line has an identity already.
    #[error("the token is another user's")]
    OtherUser,
    /// It was taken back.
    #[error("the token was revoked")]
    Revoked,
    /// It may not.
    #[error("the token lacks a right: this needs {needed:?}")]
    Rights {
        /// What is needed, with spaces between.
        needed: String,
    },
    /// Signed by somebody else.
    #[error("the token's signature is wrong")]
    Signature,
    /// More than one, and nobody knows which is meant.
    #[error("there is more than one token: send one, in one way")]
    Twice,
    /// Signed by a key that nobody knows.
    #[error("the token is signed by a key that is not known")]
    UnknownKey,
}

/// How soon to come back when the keys are not there, in seconds.
const RETRY_SECONDS: &str = "5";

impl Denied {
    /// The HTTP status that answers it.
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::NoKeys => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoPass | Self::Rights { .. } => StatusCode::FORBIDDEN,
            Self::Twice => StatusCode::BAD_REQUEST,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// The word for it in metrics.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Algorithm => "algorithm",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::Issuer => "issuer",
            Self::Malformed => "malformed",
            Self::Missing => "missing",
            Self::NoExpiry => "no_expiry",
            Self::NoKeys => "no_keys",
            Self::NoPass => "no_pass",
            Self::NoUser => "no_user",
            Self::NotYet => "not_yet",
            Self::OtherUser => "other_user",
            Self::Revoked => "revoked",
            Self::Rights { .. } => "rights",
            Self::Signature => "signature",
            Self::Twice => "twice",
            Self::UnknownKey => "unknown_key",
        }
    }

    /// What the client is answered.
    ///
    /// Spec: RFC 6750 §3.
    pub(crate) fn response(&self) -> Response<String> {
        self.refusal().into_response()
    }

    /// The same as a service says it.
    pub(crate) fn refusal(&self) -> Refusal {
        let mut refusal = Refusal::new(self.status(), self.to_string());
        let challenge = match self {
            Self::NoKeys | Self::NoPass => None,
            // Where nothing was presented, nothing is said to be wrong with it.
            Self::Missing => Some("Bearer realm=\"tieline\"".to_owned()),
            Self::Rights { needed } => Some(format!(
                "Bearer realm=\"tieline\", error=\"insufficient_scope\", scope=\"{needed}\""
            )),
            Self::Twice => Some("Bearer realm=\"tieline\", error=\"invalid_request\"".to_owned()),
            _ => Some(format!(
                "Bearer realm=\"tieline\", error=\"invalid_token\", error_description=\"{self}\""
            )),
        };
        if let Some(challenge) = challenge {
            let challenge = HeaderValue::try_from(challenge)
                .expect("our own words, and rights without quotes: checked");
            refusal.headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if *self == Self::NoKeys {
            refusal.headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
        }
        refusal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_denial_knows_its_status_and_its_challenge() {
        for (denied, status, challenge) in [
            (Denied::Missing, 401, "Bearer realm=\"tieline\""),
            (Denied::Expired, 401, "error=\"invalid_token\", error_description=\"the token has"),
            (Denied::Rights { needed: "a b".into() }, 403, "scope=\"a b\""),
            (Denied::Twice, 400, "error=\"invalid_request\""),
        ] {
            let response = denied.response();
            assert_eq!(response.status(), status, "{denied}");
            let said = response.headers()[WWW_AUTHENTICATE].to_str().unwrap();
            assert!(said.contains(challenge), "{said}");
        }
        let response = Denied::NoKeys.response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[RETRY_AFTER], "5");
        let response = Denied::NoPass.response();
        assert_eq!((response.status(), response.headers().len()), (StatusCode::FORBIDDEN, 0));
    }
}
