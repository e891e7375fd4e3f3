//! What the gateway itself answers where a call goes wrong: a status, a code of six characters, a
//! sentence.
//!
//! `docs/codes.md` has the table. What a backend answers passes through without a code.

use std::borrow::Cow;
use std::time::Duration;

use http::StatusCode;

use crate::backend::BackendError;
use crate::service::Refusal;
use tieline_store::StoreError;

/// A call that the gateway answers itself.
#[derive(Debug, thiserror::Error)]
pub(super) enum GatewayError {
    /// The API is not for this application.
    #[error("the key {0:?} may not call this API: list it under `apps` of the API")]
    AppNotAllowed(String),
    /// What the backend answered is no text, or not what a function answers.
    #[error("the backend answered what cannot be passed on: {0}")]
    BackendAnswer(String),
    /// The backend could not be asked.
    #[error("the backend cannot be asked: {0}")]
    Backend(#[from] BackendError),
    /// The text is no envelope, or its body is not what it says.
    #[error("the request is no envelope: {0}")]
    BadEnvelope(Cow<'static, str>),
    /// A header that HTTP cannot carry.
    #[error("the header {0:?} cannot be passed on: a name is a token, a value one line of text")]
    BadHeader(String),
    /// A path that no API can have.
    #[error("the path begins with a slash and has no control characters")]
    BadPath,
    /// A body whose `content-md5` is another's.
    #[error("content-md5 is not that of the body")]
    ContentMd5,
    /// The method is none.
    #[error("{0:?} is not a method")]
    Method(String),
    /// A header that a signed call needs is not there.
    #[error("the header {0} is missing")]
    MissingHeader(&'static str),
    /// A header that protects a signed call is not part of what is signed.
    #[error("the header {0} must be named in x-ca-signature-headers")]
    NotSigned(&'static str),
    /// The device has a line but has not said which it is.
    #[error("say RG#deviceId before the first call")]
    NotBound,
    /// The device is not registered, has no inbox, or never was.
    #[error("there is no such device, or it is not registered")]
    NoDevice,
    /// A notification that is larger than it may be.
    #[error("the notification is larger than {0} bytes (max_notify_bytes)")]
    NotifyTooLarge(usize),
    /// A notification that is no text.
    #[error("the body is not UTF-8: a notification is text")]
    NotText,
    /// The device's inbox cannot take the notification.
    #[error("the device's inbox cannot take it: it is full, or the store does not write")]
    InboxFull,
    /// The nonce was seen before.
    #[error("the nonce was used before: make a new one for each call")]
    NonceUsed,
    /// No API has this method and path.
    #[error("no API has this method and path")]
    NotFound,
    /// The call waited too long for those before it.
    #[error("not done within {} ms: calls before it, or the backend, took too long", .0.as_millis())]
    Overdue(Duration),
    /// Too many calls.
    #[error("too many calls: the line was told OS, come back on another")]
    Overloaded,
    /// A signature that is another's.
    #[error("the signature does not match; what was signed here, with # for line ends: {0}")]
    Signature(String),
    /// A signature method that is not spoken.
    #[error("the signature method {0:?} is not known: HmacSHA256 or HmacSHA1")]
    SignatureMethod(String),
    /// What must be recorded cannot be.
    #[error("the gateway cannot record it")]
    Store(#[from] StoreError),
    /// The timestamp is no number of milliseconds.
    #[error("x-ca-timestamp is not a number of milliseconds")]
    Timestamp,
    /// The timestamp is too far from now.
    #[error("x-ca-timestamp is more than {} s away from the gateway's clock", .0.as_secs())]
    TimestampExpired(Duration),
    /// A token that does not renew the identity of the line.
    #[error("the identity of the line is not renewed: {}", .0.reason)]
    Token(Refusal),
    /// The API is of another type than the envelope says.
    #[error("this API is of type {0}")]
    Type(&'static str),
    /// A key that no application has.
    #[error("no application has this x-ca-key")]
    UnknownKey,
    /// A path and query that are too long together.
    #[error("path and parameters are longer than {0} bytes")]
    UrlTooLong(usize),
}

impl GatewayError {
    /// The status of the answer.
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::BadEnvelope(_)
            | Self::BadHeader(_)
            | Self::BadPath
            | Self::ContentMd5
            | Self::MissingHeader(_)
            | Self::NotBound
            | Self::NotSigned(_)
            | Self::NotText
            | Self::SignatureMethod(_)
            | Self::Timestamp
            | Self::Type(_)
            | Self::UnknownKey => StatusCode::BAD_REQUEST,
            Self::AppNotAllowed(_)
            | Self::NonceUsed
            | Self::Signature(_)
            | Self::TimestampExpired(_) => StatusCode::FORBIDDEN,
            Self::Token(refusal) => refusal.status,
            Self::NoDevice | Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotifyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::UrlTooLong(_) => StatusCode::URI_TOO_LONG,
            Self::Overloaded => StatusCode::TOO_MANY_REQUESTS,
            Self::InboxFull => StatusCode::INSUFFICIENT_STORAGE,
            Self::Overdue(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::BackendAnswer(_) => StatusCode::BAD_GATEWAY,
            Self::Backend(error) => match error {
                BackendError::TimedOut => StatusCode::GATEWAY_TIMEOUT,
                BackendError::Open { .. } | BackendError::Busy { .. } => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
                _ => StatusCode::BAD_GATEWAY,
            },
        }
    }

    /// `x-ca-error-code`.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::AppNotAllowed(_) => "A403AP",
            Self::BackendAnswer(_) => "D502AN",
            Self::Backend(error) => match error {
                BackendError::TimedOut => "D504TO",
                BackendError::Unreachable(_) => "D502CO",
                BackendError::Open { .. } => "D503CB",
                BackendError::Busy { .. } => "D503BB",
                BackendError::TooLarge { .. } => "D502TL",
                BackendError::Forbidden(_) => "D502FB",
                _ => "D502BR",
            },
            Self::BadEnvelope(_) => "I400BD",
            Self::BadHeader(_) => "I400HD",
            Self::BadPath => "I400PA",
            Self::ContentMd5 => "A400MD",
            Self::InboxFull => "N507IN",
            Self::Method(_) => "I405UM",
            Self::MissingHeader(_) | Self::NotSigned(_) => "I400MH",
            Self::NonceUsed => "A403NU",
            Self::NotBound => "I400RG",
            Self::NoDevice => "N404DV",
            Self::NotFound => "I404NF",
            Self::NotText => "N400TX",
            Self::NotifyTooLarge(_) => "I413RL",
            Self::Store(_) => "D503ST",
            Self::Overdue(_) => "D504OD",
            Self::Overloaded => "T429OS",
            Self::Signature(_) => "A403SI",
            Self::SignatureMethod(_) => "A400SM",
            Self::Timestamp => "A400TS",
            Self::TimestampExpired(_) => "A403TS",
            Self::Token(refusal) => match refusal.status {
                StatusCode::FORBIDDEN => "A403TK",
                StatusCode::SERVICE_UNAVAILABLE => "A503TK",
                StatusCode::UNAUTHORIZED => "A401TK",
                _ => "A400TK",
            },
            Self::Type(_) => "I400TY",
            Self::UnknownKey => "A400IK",
            Self::UrlTooLong(_) => "I413UL",
        }
    }
}

/// Every code once, as `docs/codes.md` lists them.
#[cfg(test)]
pub(super) fn each() -> Vec<GatewayError> {
    use GatewayError as E;
    vec![
        E::AppNotAllowed("key".into()),
        E::Backend(BackendError::TimedOut),
        E::Backend(BackendError::Unreachable(String::new())),
        E::Backend(BackendError::Open { failures: 5 }),
        E::Backend(BackendError::Busy { limit: 1 }),
        E::Backend(BackendError::TooLarge { limit: 1 }),
        E::Backend(BackendError::Forbidden([127, 0, 0, 1].into())),
        E::Backend(BackendError::Broken(String::new())),
        E::BackendAnswer("it is no text".into()),
        E::BadEnvelope("".into()),
        E::BadHeader("a b".into()),
        E::BadPath,
        E::ContentMd5,
        E::InboxFull,
        E::Method("G T".into()),
        E::MissingHeader("x-ca-nonce"),
        E::NoDevice,
        E::NonceUsed,
        E::NotBound,
        E::NotFound,
        E::NotSigned("x-ca-nonce"),
        E::NotText,
        E::NotifyTooLarge(1),
        E::Store(StoreError::Closed { path: "x".into() }),
        E::Overdue(Duration::from_secs(9)),
        E::Overloaded,
        E::Signature("GET".into()),
        E::SignatureMethod("MD5".into()),
        E::Timestamp,
        E::TimestampExpired(Duration::from_secs(900)),
        E::Token(Refusal::new(StatusCode::BAD_REQUEST, "")),
        E::Token(Refusal::new(StatusCode::UNAUTHORIZED, "")),
        E::Token(Refusal::new(StatusCode::FORBIDDEN, "")),
        E::Token(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "")),
        E::Type("COMMON"),
        E::UnknownKey,
        E::UrlTooLong(8_192),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    #[test]
    fn codes_have_six_characters_and_stand_in_the_table_with_their_status() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/codes.md");
        let table = fs::read_to_string(page).unwrap();
        for error in each() {
            let (code, status) = (error.code(), error.status().as_u16());
            assert_eq!(code.len(), 6, "{error}");
            let row = format!("| {code} | {status} |");
            assert!(table.contains(&row), "docs/codes.md has no row {row}");
        }
    }
}
