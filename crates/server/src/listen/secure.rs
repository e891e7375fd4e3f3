//! The listeners that speak TLS, the operator's side among them: their certificates are read again
//! together, and whoever asks for the metrics is told when each ends.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;
use tieline::serve::Place;
use tracing::{error, info, warn};

use super::tls::Certificates;
use crate::causes::Causes;

/// Where TLS is spoken, and by which certificates.
#[derive(Debug)]
pub(crate) struct SecureListeners(Vec<(Place, Certificates)>);

/// Which name of which listener's certificate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct Whose {
    listener: String,
    name: String,
}

impl SecureListeners {
    pub(crate) const fn new(listeners: Vec<(Place, Certificates)>) -> Self {
        Self(listeners)
    }

    /// Reads the files of all again. Those that are good are used from now on; where some are not,
    /// the old ones stay, and an error is logged.
    pub(crate) fn reload(&self) {
        for (place, certificates) in &self.0 {
            let file = certificates.certificate().display();
            match certificates.reload() {
                Ok(()) => info!(%place, %file, "certificates reloaded"),
                Err(error) => {
                    let error = Causes(&error);
                    error!(%place, %error, "certificates not reloaded: the old ones stay");
                }
            }
        }
        self.warn_of_expiry();
    }

    /// Says where everything that is said can be read by who has a file.
    pub(crate) fn warn_of_key_logs(&self) {
        for (place, certificates) in &self.0 {
            if let Some(file) = certificates.key_log() {
                let file = file.display();
                warn!(%place, %file, "the secrets of TLS are logged (setting danger_key_log): who reads the file reads everything");
            }
        }
    }

    /// Says which certificates have expired, and which will within two weeks.
    pub(crate) fn warn_of_expiry(&self) {
        for (place, certificates) in &self.0 {
            let file = certificates.certificate().display();
            let expiry = certificates.expiry();
            match expiry.and_then(|expiry| expiry.left_if_near(SystemTime::now())) {
                None => {}
                Some(left @ ..0) => {
                    warn!(%place, %file, days_ago = -left / DAY, "the certificate has expired");
                }
                Some(left) => {
                    warn!(%place, %file, days = left / DAY, "the certificate expires soon");
                }
            }
        }
    }
}

/// A day, in seconds.
const DAY: i64 = 24 * 3_600;

impl Collector for SecureListeners {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        // Listeners at a port that the system chooses have one name; what ends first counts.
        let mut ends = BTreeMap::new();
        for (place, certificates) in &self.0 {
            let Some(expiry) = certificates.expiry() else { continue };
            for name in expiry.names {
                let end = ends.entry(Whose { listener: place.to_string(), name });
                let end = end.or_insert(expiry.at);
                *end = expiry.at.min(*end);
            }
        }
        if ends.is_empty() {
            return Ok(());
        }
        let (name, help) =
            ("certificate_expiry_seconds", "When the certificate of a listener ends, since 1970");
        let kind = ConstGauge::new(0_i64).metric_type();
        let mut metric = encoder.encode_descriptor(name, help, None, kind)?;
        for (whose, at) in &ends {
            ConstGauge::new(*at).encode(metric.encode_family(whose)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::by_hand::file;
    use crate::listen::TlsFiles;
    use crate::metrics::Metrics;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use std::sync::Arc;

    /// A certificate that ends when this year begins, and its key.
    fn pair(names: &[&str], year: i32) -> (String, String) {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn place(port: u16) -> Place {
        Place::Tcp(([127, 0, 0, 1], port).into())
    }

    #[test]
    fn the_metric_is_the_end_of_the_certificate_that_is_used_now() {
        let (certificate, key) = pair(&["a.example", "127.0.0.1"], 2030);
        let (certificate, key) = (file(&certificate), file(&key));
        let files = TlsFiles { certificate, key, client_ca: None, key_log: None };
        let certificates = Certificates::load(files.clone()).unwrap();
        let listeners = vec![(place(443), certificates.clone()), (place(443), certificates)];
        let secure = Arc::new(SecureListeners::new(listeners));
        let metrics = Metrics::default();
        metrics.register(|registry| registry.register_collector(Box::new(Arc::clone(&secure))));
        let line = |name, at| {
            let listener = "127.0.0.1:443";
            format!("certificate_expiry_seconds{{listener=\"{listener}\",name=\"{name}\"}} {at}\n")
        };
        let text = metrics.text();
        for name in ["127.0.0.1", "a.example"] {
            assert_eq!(text.matches(&line(name, 1_893_456_000)).count(), 1, "{text}");
        }

        let (certificate, key) = pair(&["b.example"], 2031);
        std::fs::write(&files.certificate, certificate).unwrap();
        secure.reload();
        assert_eq!(metrics.text(), text, "a certificate without its key is not used");
        std::fs::write(&files.key, key).unwrap();
        secure.reload();
        let text = metrics.text();
        assert!(text.contains(&line("b.example", 1_924_992_000)), "{text}");
        assert!(!text.contains("a.example"), "{text}");
    }

    #[test]
    fn where_there_is_no_tls_there_is_no_metric_of_it() {
        let metrics = Metrics::default();
        let secure = SecureListeners::new(Vec::new());
        metrics.register(|registry| registry.register_collector(Box::new(secure)));
        assert_eq!(metrics.text(), "# EOF\n");
    }
}
