//! The operator token, which opens the management API: `fho_<public id>_<secret><checksum>`, or what the operator set.

use crate::entropy::{Entropy, EntropyError};
use crate::keyring::Keyring;
use crate::secret::Secret;
use crate::token::{Form, Minted, Pepper, Presented, macs_are_equal};

const FORM: Form = Form { prefix: "fho_" };

/// What every operator token made by us begins with.
pub const PREFIX: &str = FORM.prefix;

/// The shortest operator token that an operator may set, in bytes.
pub const CHOSEN_BYTES_MIN: usize = 12;

/// The operator token that was set is too easily guessed. Nothing of it is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the operator token has {bytes} bytes and needs at least {CHOSEN_BYTES_MIN}; make one with `openssl rand -base64 32`"
)]
pub struct WeakOperatorToken {
    /// How many bytes it has.
    pub bytes: usize,
}

/// A fresh operator token: the token itself to be shown once, its hash to be kept.
///
/// # Errors
/// If `entropy` fails.
pub fn mint(entropy: &dyn Entropy, pepper: &Pepper) -> Result<Minted, EntropyError> {
    FORM.mint(entropy, pepper, b"")
}

/// The operator token in `token`, if it has the shape of one made by us and its checksum holds.
#[must_use]
pub fn parse(token: &[u8]) -> Option<Presented<'_>> {
    FORM.parse(token)
}

/// The keyed hash of what a caller presents, whatever its shape: an operator may have set a token of another form.
#[must_use]
pub fn hash(token: &[u8], pepper: &Pepper) -> [u8; 32] {
    pepper.mac(token, b"")
}

/// The keyed hash of a token that an operator chose.
///
/// # Errors
/// If it is shorter than [`CHOSEN_BYTES_MIN`].
pub fn hash_chosen(token: &Secret, pepper: &Pepper) -> Result<[u8; 32], WeakOperatorToken> {
    let bytes = token.expose();
    if bytes.len() < CHOSEN_BYTES_MIN {
        return Err(WeakOperatorToken { bytes: bytes.len() });
    }
    Ok(hash(bytes, pepper))
}

impl Keyring {
    /// Whether `token` is the operator token whose hash is `kept`, be it of our form or chosen by the operator.
    #[must_use]
    pub fn is_operator_token(&self, token: &[u8], kept: &[u8; 32]) -> bool {
        macs_are_equal(
            &hash(token, self.installation_keys().operator_token_pepper()),
            kept,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::fixtures::{keyring, workspace};
    use crate::virtual_key;

    #[test]
    fn an_operator_token_is_no_virtual_key_and_the_reverse() {
        let (entropy, pepper) = (SystemEntropy::default(), Pepper::new(&[3; 32]));
        let operator = mint(&entropy, &pepper).unwrap();
        let caller = virtual_key::mint(&entropy, &pepper, workspace(1)).unwrap();
        assert!(parse(operator.token.expose()).is_some());
        assert!(virtual_key::parse(caller.token.expose()).is_some());
        assert!(virtual_key::parse(operator.token.expose()).is_none());
        assert!(parse(caller.token.expose()).is_none());
    }

    #[test]
    fn an_operator_token_is_known_by_its_hash() {
        let (keyring, _) = keyring();
        let pepper = keyring.installation_keys().operator_token_pepper();
        let minted = mint(&SystemEntropy::default(), pepper).unwrap();
        assert!(keyring.is_operator_token(minted.token.expose(), &minted.hash));
        assert!(!keyring.is_operator_token(b"fho_", &minted.hash));
        assert!(!keyring.is_operator_token(minted.token.expose(), &[0; 32]));
    }

    #[test]
    fn a_chosen_token_is_hashed_like_a_made_one_and_must_not_be_short() {
        let pepper = Pepper::new(&[3; 32]);
        let chosen = Secret::from_text("correct horse battery staple".to_owned());
        assert_eq!(
            hash_chosen(&chosen, &pepper),
            Ok(hash(b"correct horse battery staple", &pepper))
        );
        let short = Secret::from_text("hunter2".to_owned());
        assert_eq!(hash_chosen(&short, &pepper), Err(WeakOperatorToken { bytes: 7 }));
    }
}
