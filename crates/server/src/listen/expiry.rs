//! When a certificate ends, and whose it is.

use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls_pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// How long before its end that is near, in seconds: two weeks.
const SOON: i64 = 14 * 24 * 3_600;

/// The end of a certificate, and the names that it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expiry {
    /// Host names and addresses, at least one.
    pub(super) names: Vec<String>,
    /// The last second in which it holds, since 1970.
    pub(super) at: i64,
}

impl Expiry {
    /// That of a certificate; `None` where it is written in a way that is not understood here. What
    /// it is worth is for clients to say.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = parse_x509_certificate(certificate).ok()?;
        let at = certificate.validity().not_after.timestamp();
        Some(Self { names: names(&certificate), at })
    }

    /// Seconds that are left, where these are few; less than none where it has ended.
    pub(super) fn left_if_near(&self, now: SystemTime) -> Option<i64> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
        Some(self.at.saturating_sub(now)).filter(|left| *left < SOON)
    }
}

/// Its alternative names; the common name where it has none.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let listed = certificate.subject_alternative_name().ok().flatten();
    let listed = listed.iter().flat_map(|listed| &listed.value.general_names);
    let names: Vec<_> = listed.filter_map(name).collect();
    if !names.is_empty() {
        return names;
    }
    let common = certificate.subject().iter_common_name().next();
    let common = common.and_then(|name| name.as_str().ok());
    vec![common.unwrap_or_default().to_owned()]
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => Some(IpAddr::from(<[u8; 4]>::try_from(*bytes).ok()?).to_string()),
            _ => Some(IpAddr::from(<[u8; 16]>::try_from(*bytes).ok()?).to_string()),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
    use std::time::Duration;

    fn expiry(names: &[&str]) -> Expiry {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_after = date_time_ymd(2030, 1, 1);
        params.distinguished_name.push(DnType::CommonName, "common \"name\"");
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        Expiry::of(certificate.der()).unwrap()
    }

    #[test]
    fn a_certificate_says_when_it_ends_and_for_whom_it_is() {
        let several = expiry(&["a.example", "*.b.example", "192.0.2.1", "2001:db8::1"]);
        assert_eq!(several.names, ["a.example", "*.b.example", "192.0.2.1", "2001:db8::1"]);
        assert_eq!(several.at, 1_893_456_000);
        assert_eq!(expiry(&[]).names, ["common \"name\""]);
        assert_eq!(Expiry::of(&CertificateDer::from_slice(b"no certificate")), None);
    }

    #[test]
    fn two_weeks_before_its_end_that_left_if_near() {
        let expiry = expiry(&["a.example"]);
        let end = UNIX_EPOCH + Duration::from_secs(1_893_456_000);
        let days = |days: u64| Duration::from_secs(days * 24 * 3_600);
        assert_eq!(expiry.left_if_near(end - days(14)), None);
        assert_eq!(expiry.left_if_near(end - days(13)), Some(13 * 24 * 3_600));
        assert_eq!(expiry.left_if_near(end + days(1)), Some(-24 * 3_600));
    }
}
