//! What this crate's own tests share: chance that was written down beforehand, and a small keyring.

use std::sync::Mutex;

use aws_lc_rs::digest::{SHA256, digest};
use freehold_domain::id::{InstallationId, ProviderKeyId, WorkspaceId};
use freehold_domain::key::SealedSecret;
use freehold_domain::port::DataKey;

use crate::entropy::{Entropy, EntropyError, SystemEntropy};
use crate::keyring::Keyring;
use crate::provider_key::ProviderKeyBinding;
use crate::root::RootKey;
use crate::secret::Secret;

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

pub(crate) const CANARY: &str = "sk-canary-0123456789abcdef";

pub(crate) fn installation() -> InstallationId {
    InstallationId::from_uuid("0192f0c1e2a37b4c8d5e6f7081920a1a".parse().unwrap())
}

pub(crate) fn workspace(last_byte: u8) -> WorkspaceId {
    WorkspaceId::from_uuid(
        format!("0192f0c1e2a37b4c8d5e6f70819200{last_byte:02x}")
            .parse()
            .unwrap(),
    )
}

pub(crate) fn root(byte: u8, generation: u32) -> RootKey {
    RootKey::from_bytes([byte; 32]).of_generation(generation)
}

pub(crate) fn chance() -> SystemEntropy {
    SystemEntropy::default()
}

pub(crate) fn secret() -> Secret {
    Secret::from_text(CANARY.to_owned())
}

pub(crate) fn binding(workspace: WorkspaceId) -> ProviderKeyBinding<'static> {
    ProviderKeyBinding {
        workspace,
        provider_key: ProviderKeyId::from_uuid("0192f0c1e2a37b4c8d5e6f7081920a1c".parse().unwrap()),
        provider: "openai",
        origin: "https://api.openai.com:443",
        record_version: 1,
    }
}

/// A keyring with a data key of version 1 for workspaces 1 and 2, and the wrapped forms.
pub(crate) fn keyring() -> (Keyring, Vec<DataKey>) {
    let keyring = Keyring::new(root(1, 1), installation());
    let wrapped: Vec<_> = [1, 2]
        .map(|number| keyring.create_data_key(workspace(number), 1, &chance()).unwrap())
        .into();
    for data_key in &wrapped {
        keyring.load(data_key).unwrap();
    }
    (keyring, wrapped)
}

pub(crate) fn opens(keyring: &Keyring, binding: &ProviderKeyBinding<'_>, sealed: &SealedSecret) -> bool {
    keyring
        .open_provider_key(binding, &sealed.0)
        .is_ok_and(|opened| opened.expose() == CANARY.as_bytes())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// The bytes 00 to 1f, the root key of the known answers.
pub(crate) fn known_key() -> [u8; 32] {
    std::array::from_fn(|index| u8::try_from(index).unwrap())
}
