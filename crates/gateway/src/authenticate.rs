//! Stage 2: who calls. Answered from memory; a malformed key is refused without a look-up.

use std::sync::Arc;

use freehold_domain::denial::{Denial, DenialCode};
use freehold_domain::key::{Scope, VirtualKey};
use freehold_vault::virtual_key;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::Gateway;
use crate::limit::RateScope;
use crate::receive::Received;
use crate::snapshot::{Known, Snapshot, WorkspaceView};

/// A caller we know.
pub(crate) struct Caller {
    pub(crate) key: Arc<VirtualKey>,
    pub(crate) workspace: Arc<WorkspaceView>,
    /// What the key has used of its rates.
    pub(crate) rates: Arc<RateScope>,
    pub(crate) snapshot: Arc<Snapshot>,
}

/// The caller whose virtual key is in `headers`, if it may call models.
///
/// # Errors
/// The same denial whatever is wrong with the key: whoever guesses learns nothing.
pub(crate) fn authenticate(
    gateway: &Gateway,
    received: &Received,
    headers: &HeaderMap,
) -> Result<Caller, Denial> {
    let caller = know(gateway, received, headers)?;
    if !caller.key.scopes.contains(&Scope::Inference) {
        return Err(Denial::new(
            DenialCode::InsufficientScope,
            "This virtual key may not call models. Use one that has the scope `inference`.",
        ));
    }
    Ok(caller)
}

/// The caller whose virtual key is in `headers`, whatever it may do.
///
/// # Errors
/// The same denial whatever is wrong with the key.
pub(crate) fn know(gateway: &Gateway, received: &Received, headers: &HeaderMap) -> Result<Caller, Denial> {
    let unknown = || {
        Denial::new(
            DenialCode::InvalidApiKey,
            "The virtual key is missing or not valid. Send a key that starts with fh_ as `Authorization: Bearer`.",
        )
    };
    let presented = presented(headers)
        .and_then(virtual_key::parse)
        .ok_or_else(unknown)?;
    let snapshot = gateway.snapshot.load_full();
    let Known {
        key,
        workspace,
        rates,
    } = snapshot
        .caller(presented.public_id().as_str())
        .cloned()
        .ok_or_else(unknown)?;
    if !gateway
        .keyring
        .is_virtual_key(&presented, key.workspace, &key.hash)
        || !key.is_live(received.at)
    {
        return Err(unknown());
    }
    Ok(Caller {
        key,
        workspace,
        rates,
        snapshot,
    })
}

/// The key as clients of different providers send it.
fn presented(headers: &HeaderMap) -> Option<&[u8]> {
    if let Some(value) = headers.get(AUTHORIZATION) {
        let (scheme, key) = value.as_bytes().split_at_checked(7)?;
        return scheme.eq_ignore_ascii_case(b"bearer ").then(|| key.trim_ascii());
    }
    ["x-api-key", "api-key", "x-goog-api-key"]
        .into_iter()
        .find_map(|name| headers.get(name))
        .map(|value| value.as_bytes().trim_ascii())
}
