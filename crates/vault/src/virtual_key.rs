//! Virtual keys, the secrets we issue to callers: `fh_<public id>_<secret><checksum>`.

use crate::entropy::{Entropy, EntropyError};
use crate::token::{Form, Minted, Pepper, Presented};

pub use crate::token::macs_are_equal;

const FORM: Form = Form { prefix: "fh_" };

/// What every virtual key begins with.
pub const PREFIX: &str = FORM.prefix;

/// Length of every virtual key, in bytes.
pub const LENGTH: usize = FORM.length();

/// A fresh virtual key: the key itself to be shown once, its public id and its hash to be kept.
///
/// # Errors
/// If `entropy` fails.
pub fn mint(entropy: &dyn Entropy, pepper: &Pepper) -> Result<Minted, EntropyError> {
    FORM.mint(entropy, pepper)
}

/// The virtual key in `token`, if it has the shape of one and its checksum holds. Looks nothing up and hashes nothing.
#[must_use]
pub fn parse(token: &[u8]) -> Option<Presented<'_>> {
    FORM.parse(token)
}
