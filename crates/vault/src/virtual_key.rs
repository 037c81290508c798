//! Virtual keys, the secrets we issue to callers: `fh_<public id>_<secret><checksum>`.

use freehold_domain::id::WorkspaceId;

use crate::entropy::{Entropy, EntropyError};
use crate::keyring::Keyring;
use crate::token::{Form, Minted, Pepper, Presented, macs_are_equal};

const FORM: Form = Form { prefix: "fh_" };

/// What every virtual key begins with.
pub const PREFIX: &str = FORM.prefix;

/// Length of every virtual key, in bytes.
pub const LENGTH: usize = FORM.length();

/// A fresh virtual key of `workspace`: the key itself to be shown once, its public id and its hash to be kept.
///
/// The hash names the workspace, so that a row copied into another workspace's list lets nobody in there.
///
/// # Errors
/// If `entropy` fails.
pub fn mint(entropy: &dyn Entropy, pepper: &Pepper, workspace: WorkspaceId) -> Result<Minted, EntropyError> {
    FORM.mint(entropy, pepper, workspace.as_uuid().as_bytes())
}

/// The virtual key in `token`, if it has the shape of one and its checksum holds. Looks nothing up and hashes nothing.
#[must_use]
pub fn parse(token: &[u8]) -> Option<Presented<'_>> {
    FORM.parse(token)
}

impl Keyring {
    /// Whether `presented` is the virtual key of `workspace` whose hash is `kept`. Takes the same time wherever they differ.
    #[must_use]
    pub fn is_virtual_key(&self, presented: &Presented<'_>, workspace: WorkspaceId, kept: &[u8; 32]) -> bool {
        macs_are_equal(
            &presented.mac(self.pepper(), workspace.as_uuid().as_bytes()),
            kept,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{chance, keyring, workspace};

    #[test]
    fn a_virtual_key_is_known_by_its_hash_in_its_own_workspace_only() {
        let (keyring, _) = keyring();
        let minted = mint(&chance(), keyring.pepper(), workspace(1)).unwrap();
        let presented = parse(minted.token.expose()).unwrap();
        assert!(keyring.is_virtual_key(&presented, workspace(1), &minted.hash));
        assert!(
            !keyring.is_virtual_key(&presented, workspace(2), &minted.hash),
            "a copied row lets nobody in"
        );
        assert!(!keyring.is_virtual_key(&presented, workspace(1), &[0; 32]));
    }

    #[test]
    fn a_hash_planted_without_the_root_key_lets_nobody_in() {
        let (keyring, _) = keyring();
        let pepper_of_an_intruder = Pepper::new(&[0; 32]);
        let planted = mint(&chance(), &pepper_of_an_intruder, workspace(1)).unwrap();
        let presented = parse(planted.token.expose()).unwrap();
        assert!(!keyring.is_virtual_key(&presented, workspace(1), &planted.hash));
    }
}
