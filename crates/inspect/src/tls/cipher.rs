//! The ciphers that are opened, and their keys.

use aws_lc_rs::aead::{
    AES_128_GCM, AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey,
};
use aws_lc_rs::hkdf::{self, HKDF_SHA256, HKDF_SHA384, KeyType, Prk};
use aws_lc_rs::tls_prf::{self, P_SHA256, P_SHA384};

/// Bytes of a nonce.
const NONCE_BYTES: usize = 12;

/// What a cipher suite means.
#[derive(Clone, Copy)]
pub(super) struct Suite {
    aead: &'static Algorithm,
    is_384: bool,
}

impl Suite {
    /// The suite of this number; `None` where it is not opened.
    pub(super) fn of(number: u16) -> Option<Self> {
        let (aead, is_384) = match number {
            0x1301 | 0x009C | 0x009E | 0xC02B | 0xC02F => (&AES_128_GCM, false),
            0x1302 | 0x009D | 0x009F | 0xC02C | 0xC030 => (&AES_256_GCM, true),
            0x1303 | 0xCCA8..=0xCCAA => (&CHACHA20_POLY1305, false),
            _ => return None,
        };
        Some(Self { aead, is_384 })
    }

    fn is_gcm(self) -> bool {
        self.aead != &CHACHA20_POLY1305
    }

    const fn hkdf(self) -> hkdf::Algorithm {
        if self.is_384 { HKDF_SHA384 } else { HKDF_SHA256 }
    }
}

/// Opens the records of one end, one after the other.
pub(super) struct Opener {
    suite: Suite,
    key: LessSafeKey,
    iv: [u8; NONCE_BYTES],
    sequence: u64,
    /// Of TLS 1.3, for the next key.
    secret: Option<Vec<u8>>,
}

impl Opener {
    /// The opener of TLS 1.3 for a traffic secret (RFC 8446 §7.3).
    pub(super) fn of_secret(suite: Suite, secret: &[u8]) -> Option<Self> {
        let key = expand(suite, secret, "key", suite.aead.key_len())?;
        let iv = expand(suite, secret, "iv", NONCE_BYTES)?.try_into().ok()?;
        let key = LessSafeKey::new(UnboundKey::new(suite.aead, &key).ok()?);
        Some(Self { suite, key, iv, sequence: 0, secret: Some(secret.to_vec()) })
    }

    /// That for what follows an update of the key (RFC 8446 §7.2).
    pub(super) fn update(&self) -> Option<Self> {
        let secret = self.secret.as_ref()?;
        let next = expand(self.suite, secret, "traffic upd", secret.len())?;
        Self::of_secret(self.suite, &next)
    }

    /// The openers of TLS 1.2, the client's and the server's (RFC 5246 §6.3).
    pub(super) fn of_master(
        suite: Suite,
        master: &[u8],
        client_random: &[u8; 32],
        server_random: &[u8; 32],
    ) -> Option<[Self; 2]> {
        let prf = if suite.is_384 { &P_SHA384 } else { &P_SHA256 };
        let (key_len, iv_len) = (suite.aead.key_len(), if suite.is_gcm() { 4 } else { 12 });
        let seed = [&server_random[..], client_random].concat();
        let secret = tls_prf::Secret::new(prf, master).ok()?;
        let block = secret.derive(b"key expansion", &seed, 2 * (key_len + iv_len)).ok()?;
        let (keys, ivs) = block.as_ref().split_at_checked(2 * key_len)?;
        let opener = |end: usize| {
            let key = &keys[end * key_len..(end + 1) * key_len];
            let key = LessSafeKey::new(UnboundKey::new(suite.aead, key).ok()?);
            let mut iv = [0; NONCE_BYTES];
            iv[..iv_len].copy_from_slice(&ivs[end * iv_len..(end + 1) * iv_len]);
            Some(Self { suite, key, iv, sequence: 0, secret: None })
        };
        Some([opener(0)?, opener(1)?])
    }

    /// Opens a record: its header and what stands behind it. `None` where these are not its keys.
    pub(super) fn open(&mut self, head: [u8; 5], body: &[u8]) -> Option<Vec<u8>> {
        let is_13 = self.secret.is_some();
        let mut nonce = self.iv;
        let mut sealed = body;
        if !is_13 && self.suite.is_gcm() {
            // RFC 5288 §3: the second part of the nonce stands in front.
            let (explicit, rest) = body.split_first_chunk::<8>()?;
            nonce[4..].copy_from_slice(explicit);
            sealed = rest;
        } else {
            for (byte, number) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
                *byte ^= number;
            }
        }
        let [kind, major, minor, ..] = head;
        let aad = if is_13 {
            head.to_vec()
        } else {
            let len = sealed.len().checked_sub(self.suite.aead.tag_len())? as u16;
            [&self.sequence.to_be_bytes()[..], &[kind, major, minor], &len.to_be_bytes()].concat()
        };
        let mut opened = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let len = self.key.open_in_place(nonce, Aad::from(aad), &mut opened).ok()?.len();
        opened.truncate(len);
        self.sequence += 1;
        Some(opened)
    }
}

/// How many bytes are wanted.
struct Len(usize);

impl KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-Expand-Label without a context (RFC 8446 §7.1).
fn expand(suite: Suite, secret: &[u8], label: &str, len: usize) -> Option<Vec<u8>> {
    let label = format!("tls13 {label}");
    let prk = Prk::new_less_safe(suite.hkdf(), secret);
    let lens = (u16::try_from(len).ok()?.to_be_bytes(), [u8::try_from(label.len()).ok()?]);
    let info = [&lens.0[..], &lens.1, label.as_bytes(), &[0]];
    let mut out = vec![0; len];
    prk.expand(&info, Len(len)).ok()?.fill(&mut out).ok()?;
    Some(out)
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Nothing of a key is printed.
        f.debug_struct("Opener").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}
