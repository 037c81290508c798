//! Entropy for this crate's own tests: bytes that were written down beforehand, and a source that fails.

use std::sync::Mutex;

use crate::entropy::{Entropy, EntropyError};

/// Hands out the given bytes in order, then fails.
pub(crate) struct Scripted(Mutex<Vec<u8>>);

impl Scripted {
    pub(crate) fn new(bytes: impl IntoIterator<Item = u8>) -> Self {
        Self(Mutex::new(bytes.into_iter().collect()))
    }
}

impl Entropy for Scripted {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        let mut left = self.0.lock().unwrap();
        if left.len() < bytes.len() {
            return Err(EntropyError);
        }
        bytes.copy_from_slice(&left[..bytes.len()]);
        left.drain(..bytes.len());
        Ok(())
    }
}
