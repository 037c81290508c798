//! The platform's keys of the configuration, sealed like any other. They live in memory only.

use anyhow::Context;
use freehold_domain::egress::BaseUrl;
use freehold_domain::id::{ProviderKeyId, WorkspaceId};
use freehold_domain::key::{KeyHealth, ProviderKey, ProviderKeyLimits};
use freehold_domain::time::Timestamp;
use freehold_vault::{Entropy, Keyring, ProviderKeyBinding};
use uuid::Uuid;

use crate::config::Config;

/// The configured platform keys. Their ids follow from their place, so that records name the same key after a restart.
///
/// # Errors
/// When a base URL is not allowed or a key cannot be sealed.
pub(crate) fn seal(
    config: &Config,
    keyring: &Keyring,
    entropy: &dyn Entropy,
) -> anyhow::Result<Vec<ProviderKey>> {
    let mut keys = Vec::with_capacity(config.platform_keys.len());
    for (index, configured) in config.platform_keys.iter().enumerate() {
        let setting = || format!("platform_keys[{index}].base_url");
        let base = BaseUrl::parse(configured.provider, &configured.base_url).with_context(setting)?;
        config.egress.check_url(&base).with_context(setting)?;
        let mut key = ProviderKey {
            id: ProviderKeyId::from_uuid(Uuid::from_u128(index as u128 + 1)),
            workspace: WorkspaceId::PLATFORM,
            provider: configured.provider,
            name: configured.name.clone(),
            label: configured.label.clone(),
            priority: configured.priority,
            is_active: true,
            base_url: base.as_str().to_owned(),
            origin: base.origin().to_owned(),
            allowed_models: Vec::new(),
            limits: ProviderKeyLimits::default(),
            fallback: None,
            fingerprint: configured.key.as_ref().map(|secret| keyring.fingerprint(secret)),
            sealed: None,
            record_version: 1,
            health: KeyHealth::default(),
            created_at: Timestamp::from_micros(0),
            updated_at: Timestamp::from_micros(0),
        };
        if let Some(secret) = &configured.key {
            let sealed = keyring.seal_provider_key(&ProviderKeyBinding::from(&key), secret, entropy);
            key.sealed = Some(sealed.with_context(|| format!("platform_keys[{index}]"))?);
        }
        keys.push(key);
    }
    Ok(keys)
}
