//! Keys of the installation itself: peppers, fingerprint key and audit key, all derived from one installation key.
//!
//! The installation key is derived from the first root key. It must outlive that root key, for hashes made with it
//! cannot be made again from anything we keep; so a rotation of the root hands it on, wrapped under the next one.

use aws_lc_rs::hmac;
use freehold_domain::id::{InstallationId, WorkspaceId};
use freehold_domain::key::SealedSecret;
use zeroize::Zeroizing;

use crate::derive::{Key, expand, mac, mac_key};
use crate::entropy::Entropy;
use crate::envelope::{self, Context, Kind, OpenError, SealError};
use crate::root::RootKey;
use crate::token::Pepper;

/// Everything that is derived from the installation key. Wiped when dropped.
pub struct InstallationKeys {
    installation: InstallationId,
    key: Key,
    virtual_key_pepper: Pepper,
    operator_token_pepper: Pepper,
    fingerprint: hmac::Key,
    audit: hmac::Key,
}

impl InstallationKeys {
    /// The keys of an installation that still has its first root key.
    #[must_use]
    pub fn of_first_root(root: &RootKey, installation: InstallationId) -> Self {
        let key = expand(&mac_key(root.bytes()), [b"freehold/installation-key", b""]);
        Self::derived(key, installation)
    }

    /// The keys that an earlier root key handed on to `root`.
    ///
    /// # Errors
    /// If `inherited` was not sealed under `root` for `installation`.
    pub fn inherited(
        root: &RootKey,
        installation: InstallationId,
        inherited: &SealedSecret,
    ) -> Result<Self, OpenError> {
        let opened = envelope::open(
            Kind::InstallationKey,
            root.bytes(),
            root.generation(),
            &context(installation),
            &inherited.0,
        )?;
        let key = opened.as_slice().try_into().map_err(|_| OpenError::Malformed)?;
        Ok(Self::derived(Zeroizing::new(key), installation))
    }

    /// The installation key wrapped under `root`, to be kept beside that root key's check value.
    ///
    /// # Errors
    /// If `entropy` fails.
    pub fn hand_on(&self, root: &RootKey, entropy: &dyn Entropy) -> Result<SealedSecret, SealError> {
        envelope::seal(
            Kind::InstallationKey,
            root.bytes(),
            root.generation(),
            &context(self.installation),
            self.key.as_slice(),
            entropy,
        )
        .map(SealedSecret)
    }

    /// Key of the hashes by which virtual keys are recognised.
    #[must_use]
    pub const fn virtual_key_pepper(&self) -> &Pepper {
        &self.virtual_key_pepper
    }

    /// Key of the hash by which the operator token is recognised.
    #[must_use]
    pub const fn operator_token_pepper(&self) -> &Pepper {
        &self.operator_token_pepper
    }

    /// The first half of a keyed hash over `secret`, as 16 hexadecimal digits.
    pub(crate) fn fingerprint(&self, secret: &[u8]) -> String {
        let hash = mac(&self.fingerprint, &[secret]);
        hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Keyed hash over the concatenated `parts`, for chaining audit events.
    #[must_use]
    pub fn audit_mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(&self.audit, parts)
    }

    fn derived(key: Key, installation: InstallationId) -> Self {
        let from = mac_key(key.as_slice());
        let labelled = |label: &[u8]| expand(&from, [label, b""]);
        Self {
            installation,
            virtual_key_pepper: Pepper::new(&labelled(b"freehold/virtual-key-pepper")),
            operator_token_pepper: Pepper::new(&labelled(b"freehold/operator-token-pepper")),
            fingerprint: mac_key(labelled(b"freehold/fingerprint").as_slice()),
            audit: mac_key(labelled(b"freehold/audit").as_slice()),
            key,
        }
    }
}

/// There is one installation key, so its place is the installation and nothing more.
fn context(installation: InstallationId) -> Context<'static> {
    Context {
        installation,
        workspace: WorkspaceId::PLATFORM,
        record: installation.as_uuid().into_bytes(),
        field: "installation.key",
        provider: "",
        origin: "",
        record_version: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::fixtures::{Scripted, hex, installation, known_key, sha256};
    use crate::{operator_token, virtual_key};

    /// A change here would make every stored hash worthless, so the values are written down.
    #[test]
    fn derived_keys_are_those_of_the_known_answers() {
        let root = RootKey::from_bytes(known_key()).of_generation(7);
        let keys = InstallationKeys::of_first_root(&root, installation());
        let subject = b"sk-canary-0123456789abcdef";
        assert_eq!(keys.fingerprint(subject), "3553d5ad82fac64c");
        for (mac, expected) in [
            (
                root.check_value(installation()),
                "9346af3768e0cb9afcc747f1c794cd17ed689f3ee1722b8f16efb2f8ae157a7e",
            ),
            (
                keys.audit_mac(&[subject]),
                "7b74a93ee9d2f051511655461ff9a6f696559379dbde29f6d3fd71ee1d86805a",
            ),
        ] {
            assert_eq!(hex(&mac), expected);
        }
        let owner = WorkspaceId::from_uuid("0192f0c1e2a37b4c8d5e6f7081920a1b".parse().unwrap());
        let caller = virtual_key::mint(&Scripted::new(0..48), keys.virtual_key_pepper(), owner).unwrap();
        let operator = operator_token::mint(&Scripted::new(0..48), keys.operator_token_pepper()).unwrap();
        assert_eq!(
            caller.token.expose(),
            b"fh_EgOGusQGwp_3oDH4mEVFvp7u7ED6UzpF5eHPrBI5AHumY7UBpOQIJz0x6Ap5"
        );
        assert_eq!(
            hex(&caller.hash),
            "bb34b3115efc3d7d0b0395afe3e7c1acb070f80ae06253b6a07b2a290eacac83"
        );
        assert_eq!(
            operator.token.expose(),
            b"fho_EgOGusQGwp_3oDH4mEVFvp7u7ED6UzpF5eHPrBI5AHumY7UBpOQIJz1phwvM"
        );
        assert_eq!(
            hex(&operator.hash),
            "64dc5cd2d2bd5dc2f555d5fe486f33ce2dbb83f03b38e1d074723c2c6c00ea78"
        );
        let entropy = Scripted::new((0x20..=0x3f).chain(0xa0..=0xab));
        let handed_on = keys.hand_on(&root, &entropy).unwrap();
        assert_eq!(
            sha256(&handed_on.0),
            "3de9d59d4ce05e6dcb843484c547d4651c302f363fa69143d934d3a13d26a2ba"
        );
    }

    #[test]
    fn every_derived_key_is_another() {
        let keys = InstallationKeys::of_first_root(&RootKey::from_bytes([1; 32]), installation());
        let subject = b"the same words";
        let first = |mac: [u8; 32]| {
            mac.iter()
                .take(8)
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        let mut all = vec![
            first(keys.virtual_key_pepper().mac(subject, b"")),
            first(keys.operator_token_pepper().mac(subject, b"")),
            first(keys.audit_mac(&[subject])),
            keys.fingerprint(subject),
        ];
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 4);
    }

    #[test]
    fn hashes_outlive_the_root_key_they_came_from() {
        let (first, second) = (
            RootKey::from_bytes([1; 32]),
            RootKey::from_bytes([2; 32]).of_generation(2),
        );
        let before = InstallationKeys::of_first_root(&first, installation());
        let handed_on = before.hand_on(&second, &SystemEntropy::default()).unwrap();
        let after = InstallationKeys::inherited(&second, installation(), &handed_on).unwrap();
        assert_eq!(before.fingerprint(b"sk-abc"), after.fingerprint(b"sk-abc"));
        assert_eq!(
            before.virtual_key_pepper().mac(b"fh_", b""),
            after.virtual_key_pepper().mac(b"fh_", b"")
        );
        assert_eq!(before.audit_mac(&[b"a", b"b"]), after.audit_mac(&[b"ab"]));

        let stranger = RootKey::from_bytes([3; 32]).of_generation(2);
        assert_eq!(
            InstallationKeys::inherited(&stranger, installation(), &handed_on).err(),
            Some(OpenError::WrongKey)
        );
    }
}
