//! The root key: 32 bytes outside the database, under which everything else is locked.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use freehold_domain::id::InstallationId;
use zeroize::Zeroizing;

use crate::derive::{Key, mac, mac_key};
use crate::entropy::{Entropy, EntropyError};
use crate::secret::Secret;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The text is not a root key. Nothing of it is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RootKeyError {
    /// Not base64 at all.
    #[error("the root key is not base64; make one with `openssl rand -base64 32`")]
    NotBase64,
    /// Base64 of another number of bytes.
    #[error("the root key holds {bytes} bytes and must hold 32; make one with `openssl rand -base64 32`")]
    WrongLength {
        /// How many bytes it holds.
        bytes: usize,
    },
    /// 32 zeros, which is what a broken generator writes.
    #[error("the root key is all zeros; make one with `openssl rand -base64 32`")]
    AllZeros,
}

/// The key that wraps all data keys, and which of its generations it is. Wiped when dropped.
pub struct RootKey {
    bytes: Key,
    generation: u32,
}

impl RootKey {
    /// The root key of generation 1 that is `bytes`.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self {
            bytes: Zeroizing::new(bytes),
            generation: 1,
        }
    }

    /// The root key of generation 1 that `text` spells in base64, standard or URL-safe, padded or not.
    ///
    /// # Errors
    /// If `text` is not base64 of 32 bytes.
    pub fn from_base64(text: &Secret) -> Result<Self, RootKeyError> {
        let text = text.expose().trim_ascii();
        // Room for more than a key, so that a longer one can be told from something that is not base64.
        let mut room = Zeroizing::new([0_u8; 1024]);
        let count = STANDARD
            .decode_slice(text, &mut *room)
            .or_else(|_| URL_SAFE.decode_slice(text, &mut *room))
            .map_err(|_| RootKeyError::NotBase64)?;
        let decoded = room.get(..count).unwrap_or_default();
        let Ok(bytes) = <[u8; 32]>::try_from(decoded) else {
            return Err(RootKeyError::WrongLength { bytes: count });
        };
        if bytes == [0; 32] {
            return Err(RootKeyError::AllZeros);
        }
        Ok(Self::from_bytes(bytes))
    }

    /// A fresh root key of generation 1.
    ///
    /// # Errors
    /// If `entropy` fails.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(&mut *bytes)?;
        Ok(Self { bytes, generation: 1 })
    }

    /// The same key, known to be the `generation`-th root key of its installation, counted from 1.
    #[must_use]
    pub fn of_generation(self, generation: u32) -> Self {
        Self { generation, ..self }
    }

    /// Which root key of its installation this is, counted from 1.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// The key in base64 is written to `out`, for the file it is kept in.
    ///
    /// # Errors
    /// If `out` fails.
    pub fn write_base64(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        out.write_all(self.to_base64().expose())
    }

    /// The key in base64 with padding, as it is written to a file on first start.
    #[must_use]
    pub fn to_base64(&self) -> Secret {
        Secret::from_text(STANDARD.encode(self.bytes.as_slice()))
    }

    /// The value by which this key is recognised for `installation`. Tells nothing about the key.
    #[must_use]
    pub fn check_value(&self, installation: InstallationId) -> [u8; 32] {
        mac(
            &mac_key(self.bytes()),
            &[b"bke1/root-check", installation.as_uuid().as_bytes()],
        )
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "RootKey(generation {})", self.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    fn parse(text: &str) -> Result<RootKey, RootKeyError> {
        RootKey::from_base64(&Secret::from_text(text.to_owned()))
    }

    #[test]
    fn a_root_key_reads_back_from_its_file() {
        let root = RootKey::generate(&SystemEntropy::default()).unwrap();
        let mut file = Vec::new();
        root.write_base64(&mut file).unwrap();
        file.push(b'\n');
        let read = RootKey::from_base64(&Secret::from_bytes(file)).unwrap();
        assert_eq!((read.bytes(), read.generation()), (root.bytes(), 1));
    }

    #[test]
    fn both_alphabets_and_missing_padding_are_taken() {
        let bytes = [0xfb; 32];
        let standard = STANDARD.encode(bytes);
        let url_safe = URL_SAFE.encode(bytes);
        assert_ne!(standard, url_safe);
        for text in [
            &standard,
            &url_safe,
            &standard.replace('=', ""),
            &format!("  {url_safe}\r\n"),
        ] {
            assert_eq!(parse(text).unwrap().bytes(), &bytes, "{text}");
        }
    }

    #[test]
    fn what_is_not_32_bytes_of_base64_is_refused_with_the_way_out() {
        assert_eq!(
            parse("correct horse battery staple").unwrap_err(),
            RootKeyError::NotBase64
        );
        assert_eq!(
            parse(&STANDARD.encode([7; 16])).unwrap_err(),
            RootKeyError::WrongLength { bytes: 16 }
        );
        assert_eq!(
            parse(&STANDARD.encode([7; 64])).unwrap_err(),
            RootKeyError::WrongLength { bytes: 64 }
        );
        assert_eq!(parse("").unwrap_err(), RootKeyError::WrongLength { bytes: 0 });
        assert_eq!(
            parse(&STANDARD.encode([0; 32])).unwrap_err(),
            RootKeyError::AllZeros
        );
    }

    #[test]
    fn the_check_value_differs_by_key_and_by_installation() {
        let one = InstallationId::from_uuid("0192f0c1e2a37b4c8d5e6f7081920a1a".parse().unwrap());
        let other = InstallationId::from_uuid("0192f0c1e2a37b4c8d5e6f7081920a1b".parse().unwrap());
        let root = RootKey::from_bytes([1; 32]);
        assert_eq!(
            root.check_value(one),
            RootKey::from_bytes([1; 32]).check_value(one)
        );
        assert_ne!(root.check_value(one), root.check_value(other));
        assert_ne!(
            root.check_value(one),
            RootKey::from_bytes([2; 32]).check_value(one)
        );
    }

    #[test]
    fn a_root_key_shows_its_generation_and_nothing_else() {
        let root = RootKey::from_bytes([b'A'; 32]).of_generation(3);
        assert_eq!(format!("{root:?}"), "RootKey(generation 3)");
    }
}
