//! The port to chance: salts, nonces, keys and tokens come from here, so that tests can give their own.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// The source of randomness gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system's source of randomness failed")]
pub struct EntropyError;

/// A source of bytes that nobody can foresee.
pub trait Entropy: Send + Sync {
    /// Every byte of `bytes` is fresh and unpredictable.
    ///
    /// # Errors
    /// If the source failed; `bytes` must not be used then.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError>;
}

/// The generator of the cryptographic library, seeded by the operating system.
#[derive(Debug, Clone, Default)]
pub struct SystemEntropy(SystemRandom);

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        self.0.fill(bytes).map_err(|_| EntropyError)
    }
}
