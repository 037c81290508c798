//! The vault: seals and opens provider keys, wraps data keys, hashes the keys we issue. Small enough to audit in a sitting.
//!
//! Nothing here knows HTTP, SQL, providers' protocols, the clock or the environment. `docs/VAULT.md` has the threat
//! model and the bytes.

pub mod data_key;
pub mod entropy;
pub mod envelope;
pub mod hint;
pub mod installation;
pub mod keyring;
pub mod operator_token;
pub mod provider_key;
pub mod root;
pub mod secret;
pub mod token;
pub mod virtual_key;

mod derive;

#[cfg(test)]
mod fixtures;

pub use entropy::{Entropy, EntropyError, SystemEntropy};
pub use envelope::{OpenError, SealError};
pub use hint::{KeyHint, guess_provider};
pub use keyring::Keyring;
pub use provider_key::ProviderKeyBinding;
pub use root::RootKey;
pub use secret::{PastedSecretError, Secret};
pub use token::{Minted, Pepper, Presented, PublicId};
