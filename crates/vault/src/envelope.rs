//! The envelope: a secret sealed with AES-256-GCM, committed to its key and bound to its place.
//!
//! ```text
//! 0    4    "BKE1"
//! 4    1    suite 0x01
//! 5    1    kind
//! 6    2    flags, must be 0
//! 8    4    version of the key it is sealed under
//! 12   32   salt
//! 44   32   commitment to the key
//! 76   12   nonce
//! 88   n    ciphertext of: u16 length, the bytes, zeros up to a multiple of 64
//! 88+n 16   tag
//! ```
//! Integers are big-endian. `docs/VAULT.md` says what each part is for and has a known-answer vector.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::constant_time;
use freehold_domain::id::{InstallationId, WorkspaceId};
use zeroize::Zeroizing;

use crate::derive::{expand, extract};
use crate::entropy::{Entropy, EntropyError};

const MAGIC: [u8; 4] = *b"BKE1";
/// HKDF-SHA-256, AES-256-GCM, key commitment.
const SUITE: u8 = 0x01;
const HEADER_BYTES: usize = 12;
const SALT_BYTES: usize = 32;
const COMMITMENT_BYTES: usize = 32;
/// Everything before the nonce, which is what the associated data begins with.
const PREAMBLE_BYTES: usize = HEADER_BYTES + SALT_BYTES + COMMITMENT_BYTES;
const TAG_BYTES: usize = 16;
/// Lengths are hidden up to this step, so that the length of a key does not tell the provider.
const PADDING_STEP: usize = 64;
const LENGTH_BYTES: usize = 2;

/// The most a single envelope holds, in bytes.
pub const PLAINTEXT_BYTES_MAX: usize = u16::MAX as usize;

/// What an envelope holds, and so under which kind of key it is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A secret under a workspace's data key.
    Secret = 0x01,
    /// A workspace's data key under the root key.
    DataKey = 0x02,
    /// A stored idempotent reply under a workspace's data key.
    Reply = 0x03,
    /// The seed of one-time passwords under a workspace's data key.
    OneTimeSeed = 0x04,
    /// The installation key under the root key.
    InstallationKey = 0x05,
}

/// The place an envelope is bound to. Opened anywhere else, it does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context<'a> {
    /// The installation.
    pub installation: InstallationId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The bare UUID of the record it belongs to.
    pub record: [u8; 16],
    /// Table and column, such as `provider_credential.api_key`.
    pub field: &'a str,
    /// Name of the provider it is for; empty where there is none.
    pub provider: &'a str,
    /// `scheme://host:port` it may be sent to; empty where it is sent nowhere.
    pub origin: &'a str,
    /// Version of the record.
    pub record_version: u64,
}

/// Why something could not be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// More than an envelope holds.
    #[error("{bytes} bytes are more than an envelope holds ({PLAINTEXT_BYTES_MAX})")]
    TooLong {
        /// How many bytes there were.
        bytes: usize,
    },
    /// A name in the context is longer than 65,535 bytes.
    #[error("the {0} is too long to bind an envelope to")]
    ContextTooLong(&'static str),
    /// No salt or nonce could be had.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The workspace's data key is not loaded, or was destroyed.
    #[error("{0} has no data key")]
    NoDataKey(WorkspaceId),
    /// The data key has sealed as much as it may; it must be rotated.
    #[error("the data key of {workspace} has sealed {sealed} records and must be rotated")]
    Exhausted {
        /// Whose data key.
        workspace: WorkspaceId,
        /// How many records it has sealed.
        sealed: u64,
    },
    /// The cryptographic library refused.
    #[error("the cryptographic library failed to seal")]
    Cryptography,
}

/// Why an envelope did not open. For the log: callers treat every reason alike and never fall through to another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Too short or cut off.
    #[error("the envelope is cut off or not an envelope")]
    Malformed,
    /// Written by something newer, or not an envelope.
    #[error("the envelope is of a format, suite or kind that is not expected here")]
    UnknownFormat,
    /// The workspace's data key of that version is not loaded, or was destroyed.
    #[error("{workspace} has no data key of version {version}")]
    NoDataKey {
        /// Whose data key.
        workspace: WorkspaceId,
        /// The version the envelope names.
        version: u32,
    },
    /// No root key of that generation is at hand.
    #[error("no root key of generation {generation} is at hand")]
    NoRootKey {
        /// The generation the envelope names.
        generation: u32,
    },
    /// Sealed under another key than its header says.
    #[error("the envelope was sealed under another key")]
    WrongKey,
    /// Altered, or moved from another place.
    #[error("the envelope was altered or belongs to another place")]
    Refused,
    /// Another data key of the same version is loaded already.
    #[error("{workspace} has another data key of version {version} already")]
    VersionTaken {
        /// Whose data key.
        workspace: WorkspaceId,
        /// The version there are two of.
        version: u32,
    },
}

impl OpenError {
    /// A stable word for logs and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownFormat => "unknown_format",
            Self::NoDataKey { .. } => "no_data_key",
            Self::NoRootKey { .. } => "no_root_key",
            Self::WrongKey => "wrong_key",
            Self::Refused => "refused",
            Self::VersionTaken { .. } => "version_taken",
        }
    }
}

/// The envelope that opens to `plaintext` with the same key, key version and context, and not otherwise.
///
/// # Errors
/// If `plaintext` or a name in `context` is too long, or `entropy` fails.
pub fn seal(
    kind: Kind,
    key: &[u8; 32],
    key_version: u32,
    context: &Context<'_>,
    plaintext: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, SealError> {
    let mut body = padded(plaintext)?;
    let mut salt = [0; SALT_BYTES];
    let mut nonce = [0; NONCE_LEN];
    entropy.fill(&mut salt)?;
    entropy.fill(&mut nonce)?;

    let header = header(kind, key_version);
    let pseudorandom = extract(&salt, key);
    let mut blob = Vec::with_capacity(PREAMBLE_BYTES + NONCE_LEN + body.len() + TAG_BYTES);
    blob.extend_from_slice(&header);
    blob.extend_from_slice(&salt);
    blob.extend_from_slice(&*expand(&pseudorandom, [COMMIT_LABEL, &header]));
    let associated = associated_data(&blob, context)?;
    let tag = encryption_key(&pseudorandom, &header)
        .and_then(|key| {
            let nonce = Nonce::assume_unique_for_key(nonce);
            key.seal_in_place_separate_tag(nonce, Aad::from(&associated), &mut body)
                .ok()
        })
        .ok_or(SealError::Cryptography)?;
    blob.extend_from_slice(&nonce);
    blob.extend_from_slice(&body);
    blob.extend_from_slice(tag.as_ref());
    Ok(blob)
}

/// What was sealed in `blob`.
///
/// # Errors
/// If it is not an envelope of `kind` and `key_version`, was sealed under another key or for another context, or was
/// altered in any bit.
pub fn open(
    kind: Kind,
    key: &[u8; 32],
    key_version: u32,
    context: &Context<'_>,
    blob: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (preamble, rest) = blob
        .split_first_chunk::<PREAMBLE_BYTES>()
        .ok_or(OpenError::Malformed)?;
    let (nonce, rest) = rest
        .split_first_chunk::<NONCE_LEN>()
        .ok_or(OpenError::Malformed)?;
    let (body, tag) = rest.split_last_chunk::<TAG_BYTES>().ok_or(OpenError::Malformed)?;
    let header = header(kind, key_version);
    let (salt, commitment) = preamble
        .strip_prefix(&header)
        .and_then(|rest| rest.split_first_chunk::<SALT_BYTES>())
        .ok_or(OpenError::UnknownFormat)?;

    let pseudorandom = extract(salt, key);
    constant_time::verify_slices_are_equal(&*expand(&pseudorandom, [COMMIT_LABEL, &header]), commitment)
        .map_err(|_| OpenError::WrongKey)?;
    let associated = associated_data(preamble, context).map_err(|_| OpenError::Refused)?;
    let mut plaintext = Zeroizing::new(vec![0; body.len()]);
    encryption_key(&pseudorandom, &header)
        .and_then(|key| {
            let nonce = Nonce::assume_unique_for_key(*nonce);
            key.open_separate_gather(nonce, Aad::from(&associated), body, tag, &mut plaintext)
                .ok()
        })
        .ok_or(OpenError::Refused)?;

    unpadded(plaintext).ok_or(OpenError::Malformed)
}

/// The version of the key that `blob` says it was sealed under. Proven only by opening it.
///
/// # Errors
/// If `blob` is too short to say.
pub fn key_version(blob: &[u8]) -> Result<u32, OpenError> {
    blob.get(8..HEADER_BYTES)
        .and_then(|version| version.first_chunk())
        .map(|version| u32::from_be_bytes(*version))
        .ok_or(OpenError::Malformed)
}

const COMMIT_LABEL: &[u8] = b"bke1/commit";
const ENCRYPT_LABEL: &[u8] = b"bke1/enc";

fn header(kind: Kind, key_version: u32) -> [u8; HEADER_BYTES] {
    let [m0, m1, m2, m3] = MAGIC;
    let [v0, v1, v2, v3] = key_version.to_be_bytes();
    [m0, m1, m2, m3, SUITE, kind as u8, 0, 0, v0, v1, v2, v3]
}

fn encryption_key(pseudorandom: &aws_lc_rs::hmac::Key, header: &[u8; HEADER_BYTES]) -> Option<LessSafeKey> {
    let key = expand(pseudorandom, [ENCRYPT_LABEL, header]);
    UnboundKey::new(&AES_256_GCM, key.as_slice())
        .ok()
        .map(LessSafeKey::new)
}

/// The length, the bytes, and zeros up to the next step.
fn padded(plaintext: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let too_long = SealError::TooLong {
        bytes: plaintext.len(),
    };
    let length = u16::try_from(plaintext.len()).map_err(|_| too_long)?;
    let padded_bytes = (LENGTH_BYTES + plaintext.len()).next_multiple_of(PADDING_STEP);
    // All the room from the start: growing would leave a copy behind.
    let mut body = Zeroizing::new(Vec::with_capacity(padded_bytes));
    body.extend_from_slice(&length.to_be_bytes());
    body.extend_from_slice(plaintext);
    body.resize(padded_bytes, 0);
    Ok(body)
}

/// The bytes that were padded to `body`; nothing if it was padded in any other way than ours.
fn unpadded(mut body: Zeroizing<Vec<u8>>) -> Option<Zeroizing<Vec<u8>>> {
    let length = usize::from(u16::from_be_bytes(*body.first_chunk()?));
    let end = length + LENGTH_BYTES;
    let padding = body.get(end..)?;
    if padding.len() >= PADDING_STEP || padding.iter().any(|byte| *byte != 0) {
        return None;
    }
    // Moved to the front of its own buffer. What is left behind it is wiped with the buffer.
    body.copy_within(LENGTH_BYTES..end, 0);
    body.truncate(length);
    Some(body)
}

/// The preamble, then every part of the context behind its length, so that no two contexts read alike.
fn associated_data(preamble: &[u8], context: &Context<'_>) -> Result<Vec<u8>, SealError> {
    let (installation, workspace) = (context.installation.as_uuid(), context.workspace.as_uuid());
    let parts: [(&'static str, &[u8]); 6] = [
        ("installation", installation.as_bytes()),
        ("workspace", workspace.as_bytes()),
        ("record", &context.record),
        ("field", context.field.as_bytes()),
        ("provider", context.provider.as_bytes()),
        ("origin", context.origin.as_bytes()),
    ];
    let bytes: usize = parts.iter().map(|(_, part)| LENGTH_BYTES + part.len()).sum();
    let mut out = Vec::with_capacity(preamble.len() + bytes + size_of::<u64>());
    out.extend_from_slice(preamble);
    for (name, part) in parts {
        let length = u16::try_from(part.len()).map_err(|_| SealError::ContextTooLong(name))?;
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(part);
    }
    out.extend_from_slice(&context.record_version.to_be_bytes());
    Ok(out)
}

#[cfg(test)]
mod tests;
