//! Stage 8: the credential for one attempt. The envelope opens only for the destination it was sealed for.

use freehold_vault::{OpenError, ProviderKeyBinding};
use freehold_wire::adapter::AuthScheme;

use crate::Gateway;
use crate::snapshot::KeyView;
use crate::upstream::Credential;

/// The key's credential, open for one attempt and wiped after it; nothing for providers that ask for none.
///
/// # Errors
/// When the envelope does not open. The caller must not go on with another credential in its place.
pub(crate) fn unlock(
    gateway: &Gateway,
    view: &KeyView,
    scheme: AuthScheme,
) -> Result<Option<Credential>, OpenError> {
    let key = &view.key;
    let Some(sealed) = &key.sealed else {
        return Ok(None);
    };
    let secret = gateway
        .keyring
        .open_provider_key(&ProviderKeyBinding::from(key), &sealed.0)?;
    Ok(Credential::new(scheme, secret))
}
