//! Storing and changing provider keys: what is judged, what is sealed, and what a change does to what is known.

use freehold_domain::denial::Remedy;
use freehold_domain::id::{ProviderKeyId, WorkspaceId};
use freehold_domain::key::{KeyHealth, ProviderKey, SealedSecret};
use freehold_domain::port::PortError;
use freehold_domain::provider::ProviderKind;
use freehold_vault::hint::{Certainty, KeyHint, KeyNote};
use freehold_vault::{ProviderKeyBinding, SealError, Secret, guess_provider};

use super::input::{NewProviderKey, ProviderKeyChange};
use super::reply::{ProviderKeyReply, freshen};
use crate::Console;
use crate::destination::destination;
use crate::error::{ApiError, Code};
use crate::fields::Change;

/// What a provider key is called in messages.
pub(crate) const NOUN: &str = "provider key";
/// How often a change is tried: once more after somebody else was faster.
const TRIES: usize = 2;

/// The new key is sealed, stored and in force.
pub(crate) async fn store(
    console: &Console,
    workspace: WorkspaceId,
    new: NewProviderKey,
) -> Result<ProviderKeyReply, ApiError> {
    must_allow_own_keys(console, workspace).await?;
    if new.api_key.is_none() && new.provider.needs_api_key() {
        let message = format!(
            "`api_key` is missing; a key of {} cannot be stored without it.",
            new.provider
        );
        return Err(ApiError::invalid("api_key", message));
    }
    let base = destination(&console.egress, new.provider, new.base_url.as_deref())?;
    let name = name_of(new.provider, new.name)?;
    let now = console.now();
    let mut key = ProviderKey {
        id: ProviderKeyId::new(&*console.ids),
        workspace,
        provider: new.provider,
        name,
        label: new.label.filter(|label| !label.is_empty()),
        priority: new.priority,
        is_active: new.is_active,
        base_url: base.as_str().to_owned(),
        origin: base.origin().to_owned(),
        allowed_models: new.allowed_models,
        limits: new.limits.into(),
        fallback: new.fallback,
        fingerprint: None,
        sealed: None,
        record_version: 1,
        health: KeyHealth::default(),
        created_at: now,
        updated_at: now,
    };
    seal(console, &mut key, new.api_key.as_ref()).await?;
    console.store.create_provider_key(&key).await?;
    console.put_in_force().await;
    let hint = hint(key.provider, new.api_key.as_ref());
    Ok(ProviderKeyReply::of(key, &*console.data_plane).with_hint(hint))
}

/// The key is as `change` asks, stored and in force. Somebody else's change in between is taken into account once.
pub(crate) async fn change(
    console: &Console,
    workspace: WorkspaceId,
    id: ProviderKeyId,
    change: &ProviderKeyChange,
) -> Result<ProviderKeyReply, ApiError> {
    let new_key = match &change.api_key {
        Change::Set(secret) => Some(secret),
        Change::Keep | Change::Clear => None,
    };
    if new_key.is_some() {
        must_allow_own_keys(console, workspace).await?;
    }
    let mut outcome = Err(PortError::Conflict(NOUN));
    for _ in 0..TRIES {
        let mut key = find(console, workspace, id).await?;
        let from_version = key.record_version;
        freshen(&mut key, console.data_plane.health(id).as_ref());
        apply(console, &mut key, change).await?;
        outcome = console
            .store
            .update_provider_key(&key, from_version)
            .await
            .map(|()| key);
        if !matches!(outcome, Err(PortError::Conflict(_))) {
            break;
        }
    }
    let key = outcome.map_err(|error| match error {
        PortError::Missing(_) => ApiError::not_found(NOUN),
        other => other.into(),
    })?;
    console.put_in_force().await;
    let hint = hint(key.provider, new_key);
    Ok(ProviderKeyReply::of(key, &*console.data_plane).with_hint(hint))
}

/// The provider key, if the workspace has it.
pub(crate) async fn find(
    console: &Console,
    workspace: WorkspaceId,
    id: ProviderKeyId,
) -> Result<ProviderKey, ApiError> {
    let found = console.store.provider_key(workspace, id).await?;
    found.ok_or_else(|| ApiError::not_found(NOUN))
}

/// `key` as `change` asks for, sealed anew where the secret changes.
async fn apply(console: &Console, key: &mut ProviderKey, change: &ProviderKeyChange) -> Result<(), ApiError> {
    let kind = key.provider;
    if change.provider.is_some_and(|asked| asked != kind) {
        let message = format!(
            "`provider` can never change; this is a key of {kind}. Store the other one as a new key."
        );
        return Err(ApiError::invalid("provider", message));
    }
    match &change.name {
        Change::Keep => {}
        Change::Clear => key.name = name_of(kind, None)?,
        Change::Set(name) => key.name = name_of(kind, Some(name.clone()))?,
    }
    match &change.label {
        Change::Keep => {}
        Change::Clear => key.label = None,
        Change::Set(label) => key.label = Some(label.clone()).filter(|label| !label.is_empty()),
    }
    match &change.allowed_models {
        Change::Keep => {}
        Change::Clear => key.allowed_models.clear(),
        Change::Set(patterns) => key.allowed_models.clone_from(patterns),
    }
    match &change.limits {
        Change::Keep => {}
        Change::Clear => key.limits = Default::default(),
        Change::Set(limits) => key.limits = limits.clone().into(),
    }
    match change.fallback {
        Change::Keep => {}
        Change::Clear => key.fallback = None,
        Change::Set(policy) => key.fallback = Some(policy),
    }
    key.priority = change.priority.unwrap_or(key.priority);
    key.is_active = change.is_active.unwrap_or(key.is_active);
    key.updated_at = console.now();
    apply_secret(console, key, change).await
}

/// The part of a change that what is known of the key does not survive: its secret and its destination.
async fn apply_secret(
    console: &Console,
    key: &mut ProviderKey,
    change: &ProviderKeyChange,
) -> Result<(), ApiError> {
    let kind = key.provider;
    let base = match &change.base_url {
        Change::Keep => None,
        Change::Clear => Some(destination(&console.egress, kind, None)?),
        Change::Set(text) => Some(destination(&console.egress, kind, Some(text))?),
    };
    // The same place in other words is no move.
    let base = base.filter(|base| base.as_str() != key.base_url);
    let keeps_secret = matches!(change.api_key, Change::Keep);
    if base.is_some() && keeps_secret && key.sealed.is_some() {
        return Err(ApiError::new(
            Code::ApiKeyRequired,
            "A stored key is bound to its destination. Send it again as `api_key` together with the new `base_url`.",
        )
        .about("api_key"));
    }
    if matches!(change.api_key, Change::Clear) && kind.needs_api_key() {
        let message = format!(
            "`api_key` cannot be null; a key of {kind} is nothing without it. Delete it, or send `is_active: false`."
        );
        return Err(ApiError::invalid("api_key", message));
    }
    if base.is_none() && keeps_secret {
        return Ok(());
    }
    if let Some(base) = base {
        base.as_str().clone_into(&mut key.base_url);
        base.origin().clone_into(&mut key.origin);
    }
    key.record_version += 1;
    key.health = KeyHealth {
        last_used_at: key.health.last_used_at,
        ..KeyHealth::default()
    };
    match &change.api_key {
        // Only a key without a secret gets here; there is nothing to seal anew.
        Change::Keep => Ok(()),
        Change::Clear => seal(console, key, None).await,
        Change::Set(secret) => seal(console, key, Some(secret)).await,
    }
}

/// `key` holds `secret` sealed for its place, and nothing else.
async fn seal(console: &Console, key: &mut ProviderKey, secret: Option<&Secret>) -> Result<(), ApiError> {
    let Some(secret) = secret else {
        (key.sealed, key.fingerprint) = (None, None);
        return Ok(());
    };
    let mut sealed = sealed_for(console, key, secret);
    if let Err(SealError::NoDataKey(workspace)) = sealed {
        data_key_must_be_loaded(console, workspace).await?;
        sealed = sealed_for(console, key, secret);
    }
    key.sealed = Some(sealed?);
    key.fingerprint = Some(console.keyring.fingerprint(secret));
    Ok(())
}

fn sealed_for(console: &Console, key: &ProviderKey, secret: &Secret) -> Result<SealedSecret, SealError> {
    console
        .keyring
        .seal_provider_key(&ProviderKeyBinding::from(key), secret, &*console.entropy)
}

/// The workspace's data key is in the keyring: it may have been made by another node, or, for the platform, not yet at all.
async fn data_key_must_be_loaded(console: &Console, workspace: WorkspaceId) -> Result<(), ApiError> {
    for _ in 0..TRIES {
        if load_data_keys(console, workspace).await? {
            return Ok(());
        }
        if workspace != WorkspaceId::PLATFORM {
            break;
        }
        let data_key = console.keyring.create_data_key(workspace, 1, &*console.entropy)?;
        match console.store.add_data_key(&data_key).await {
            // Another node was faster: its key is the one, and is read in the next round.
            Ok(()) | Err(PortError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // Not the platform's and without a data key: it was deleted while this request was running.
    Err(ApiError::not_found("workspace"))
}

/// Every data key of the workspace that is stored is in the keyring; false if none is stored.
async fn load_data_keys(console: &Console, workspace: WorkspaceId) -> Result<bool, ApiError> {
    let directory = console.store.load_directory().await?;
    let mut found = false;
    for data_key in directory
        .data_keys
        .iter()
        .filter(|data_key| data_key.workspace == workspace)
    {
        found = true;
        if let Err(error) = console.keyring.load(data_key) {
            tracing::error!(error = &error as &dyn std::error::Error, %workspace, "a data key does not open");
            return Err(ApiError::internal());
        }
    }
    Ok(found)
}

/// What models of the key are called by.
fn name_of(kind: ProviderKind, given: Option<String>) -> Result<String, ApiError> {
    let own = kind.as_str();
    let Some(name) = given.filter(|name| name != own) else {
        return Ok(own.to_owned());
    };
    if !kind.may_be_named() {
        let message = format!(
            "`name` can be chosen for `openai-compatible` and `anthropic-compatible` only; leave it out for {own}."
        );
        return Err(ApiError::invalid("name", message));
    }
    if ProviderKind::ALL.iter().any(|kind| kind.as_str() == name) {
        return Err(ApiError::invalid(
            "name",
            "`name` is the name of a kind of provider; choose one of your own.",
        ));
    }
    Ok(name)
}

/// The workspace's plan lets it store keys of its own. The platform asks nobody.
async fn must_allow_own_keys(console: &Console, workspace: WorkspaceId) -> Result<(), ApiError> {
    if workspace == WorkspaceId::PLATFORM {
        return Ok(());
    }
    let workspace = crate::api::workspaces::find(console, workspace).await?;
    let book = console.plan_book().await?;
    let name = &workspace.plan;
    if book.get(name).is_some_and(|(_, plan)| plan.byok) {
        return Ok(());
    }
    let (way_out, remedies) = match book.with_own_keys_above(name) {
        Some(plan) => {
            let url = book.get(name).and_then(|(_, own)| own.upgrade_url.clone());
            let remedy = Remedy::Upgrade {
                plan: plan.name.clone(),
                url,
                would_allow: true,
            };
            (format!("The plan `{}` does.", plan.name), vec![remedy])
        }
        None => ("No plan does; ask the operator.".to_owned(), Vec::new()),
    };
    let message =
        format!("The plan `{name}` does not let a workspace store provider keys of its own. {way_out}");
    Err(ApiError::new(Code::ByokNotInPlan, message).with_remedies(name, remedies))
}

/// What its owner should know about the key that was sent; no part of it.
fn hint(kind: ProviderKind, secret: Option<&Secret>) -> Option<String> {
    let KeyHint {
        provider,
        certainty,
        note,
    } = guess_provider(secret?)?;
    // Somebody's own endpoint may take any form of key.
    let takes_any = kind.may_be_named() || !kind.needs_api_key();
    match note {
        Some(KeyNote::CompatibleService(_)) if kind.may_be_named() => None,
        Some(note) => Some(note.sentence()),
        None if takes_any => None,
        None => provider.filter(|other| *other != kind).map(|other| {
            let degree = match certainty {
                Certainty::Likely => "looks like",
                Certainty::Ambiguous => "may be",
            };
            format!("This {degree} a key of {other}, and it was stored as one of {kind}. If calls fail, store it as {other}.")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hinted(kind: ProviderKind, key: &str) -> Option<String> {
        hint(kind, Some(&Secret::from_text(key.to_owned())))
    }

    #[test]
    fn a_key_of_another_provider_is_hinted_at_and_one_that_fits_is_not() {
        assert!(hinted(ProviderKind::Openai, "gsk_0a1b2c").is_some_and(|hint| hint.contains("groq")));
        assert_eq!(hinted(ProviderKind::Groq, "gsk_0a1b2c"), None);
        assert_eq!(hinted(ProviderKind::OpenaiCompatible, "gsk_0a1b2c"), None);
        assert_eq!(hinted(ProviderKind::Openai, "whatever"), None);
        let ambiguous = "0a1b".repeat(8);
        assert!(
            hinted(ProviderKind::Groq, &ambiguous)
                .is_some_and(|hint| hint.contains("may be a key of mistral"))
        );
    }

    #[test]
    fn a_key_that_cannot_run_inference_is_hinted_at_everywhere() {
        for kind in [
            ProviderKind::Anthropic,
            ProviderKind::Openai,
            ProviderKind::AnthropicCompatible,
        ] {
            assert!(
                hinted(kind, "sk-ant-admin01-abc").is_some_and(|hint| hint.contains("admin key")),
                "{kind}"
            );
        }
        assert!(hinted(ProviderKind::Openai, "fh_abc").is_some_and(|hint| hint.contains("this gateway")));
        assert_eq!(hinted(ProviderKind::OpenaiCompatible, "tgp_v1_abc"), None);
        assert!(
            hinted(ProviderKind::Openai, "tgp_v1_abc").is_some_and(|hint| hint.contains("openai-compatible"))
        );
    }

    #[test]
    fn only_the_compatible_kinds_may_be_named_and_not_like_another_kind() {
        let named = |kind, name: &str| name_of(kind, Some(name.to_owned())).ok();
        assert_eq!(
            named(ProviderKind::OpenaiCompatible, "together").as_deref(),
            Some("together")
        );
        assert_eq!(named(ProviderKind::OpenaiCompatible, "openai"), None);
        assert_eq!(named(ProviderKind::Openai, "mine"), None);
        assert_eq!(named(ProviderKind::Openai, "openai").as_deref(), Some("openai"));
        assert_eq!(
            name_of(ProviderKind::AnthropicCompatible, None).unwrap(),
            "anthropic-compatible"
        );
    }
}
