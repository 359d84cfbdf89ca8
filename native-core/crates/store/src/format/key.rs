//! The private key of a log: PKCS#8 PEM of an Ed25519 seed, in the one spelling that its makers write.

use ed25519_dalek::{Signer, SigningKey};

use super::base64::parse_base64;
use super::failure::{FormatError, Result, demand};

/// PKCS#8 of an Ed25519 seed: this prefix and the 32 bytes of the seed.
const PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

pub struct LogKey {
    key: SigningKey,
}

impl LogKey {
    pub fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    pub fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.key.sign(bytes).to_bytes()
    }
}

/// Refuses every other spelling than the one that is written.
pub fn parse_private_key(text: &str) -> Result<LogKey> {
    let wrong = || FormatError::new("no PKCS#8 PEM of an Ed25519 key");
    let inner = text.strip_prefix("-----BEGIN PRIVATE KEY-----\n").ok_or_else(wrong)?;
    let encoded = inner.strip_suffix("\n-----END PRIVATE KEY-----\n").ok_or_else(wrong)?;
    let bytes = parse_base64(encoded)?;
    let seed = bytes.strip_prefix(&PREFIX).and_then(|seed| <[u8; 32]>::try_from(seed).ok()).ok_or_else(wrong)?;
    demand(bytes.len() == 48, "no PKCS#8 PEM of an Ed25519 key")?;
    Ok(LogKey { key: SigningKey::from_bytes(&seed) })
}
