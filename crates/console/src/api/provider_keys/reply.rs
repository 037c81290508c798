//! Provider keys as they are shown: all that is known about a key, and nothing of the key.

use freehold_domain::id::{ProviderKeyId, WorkspaceId};
use freehold_domain::key::{KeyHealth, ProviderKey};
use freehold_domain::port::DataPlane;
use freehold_domain::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::limits::SpendLimits;
use crate::vocabulary::{FallbackName, FindingName, KeyStatusName, ProviderName};

/// What kind of thing a provider key is called in replies.
pub(crate) const OBJECT: &str = "provider_key";

/// A stored provider key. The key itself is never shown, nor any part of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProviderKey, example = json!({
    "id": "pk_0192f0c1e2a37b4c8d5e6f7081920a1a", "object": "provider_key",
    "workspace_id": "ws_0192f0c1e2a37b4c8d5e6f7081920a1b", "provider": "openai", "name": "openai",
    "label": "Production key", "priority": 0, "is_active": true, "status": "valid", "status_reason": null,
    "last_validated_at": "2026-11-21T09:00:00Z", "last_used_at": "2026-11-21T09:30:00Z",
    "fingerprint": "9f86d081884c7d65", "base_url": "https://api.openai.com/v1", "allowed_models": [],
    "limits": {"monthly_spend_usd": "250"}, "fallback": null,
    "created_at": "2026-11-20T09:00:00Z", "updated_at": "2026-11-20T09:00:00Z"
}))]
pub(crate) struct ProviderKeyReply {
    /// Its id, kept through rotation.
    #[schema(value_type = String)]
    id: ProviderKeyId,
    /// Always `provider_key`.
    object: &'static str,
    /// The workspace it belongs to.
    #[schema(value_type = String)]
    workspace_id: WorkspaceId,
    /// Kind of provider.
    #[schema(value_type = ProviderName)]
    provider: &'static str,
    /// What its models are called by: `together/llama-…`.
    name: String,
    /// What its owner calls it.
    #[schema(required = true)]
    label: Option<String>,
    /// Smaller is tried first; equal ones in order of creation.
    priority: i32,
    /// Whether it may be used at all.
    is_active: bool,
    /// What evidence says.
    #[schema(value_type = KeyStatusName)]
    status: &'static str,
    /// Why, in words.
    #[schema(required = true)]
    status_reason: Option<String>,
    /// When the provider last confirmed or refused it.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    last_validated_at: Option<Timestamp>,
    /// When a request was last sent with it.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    last_used_at: Option<Timestamp>,
    /// By which to recognise the same key again; null where there is no key. Cannot be computed from the key alone.
    #[schema(required = true)]
    fingerprint: Option<String>,
    /// Where requests go.
    base_url: String,
    /// Models or patterns it may be used for; empty means all.
    allowed_models: Vec<String>,
    /// Limits its owner set.
    limits: SpendLimits,
    /// Overrides the workspace's policy where set.
    #[schema(value_type = Option<FallbackName>, required = true)]
    fallback: Option<&'static str>,
    /// When it was stored.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When its owner last changed it.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// A hint where the key looks like another provider's or cannot run inference. Only in answer to a new key.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// What the check found. Only in answer to `validate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    validation: Option<ValidationReply>,
}

/// What a check of a key found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Validation)]
pub(crate) struct ValidationReply {
    /// What happened.
    #[schema(value_type = FindingName)]
    pub(crate) result: &'static str,
    /// Whether the provider gave a verdict this time; where it did not, the status stays as it was.
    pub(crate) decided: bool,
}

impl ProviderKeyReply {
    /// The key with the freshest that this node knows of its health.
    pub(crate) fn of(mut key: ProviderKey, data_plane: &dyn DataPlane) -> Self {
        let live = data_plane.health(key.id);
        freshen(&mut key, live.as_ref());
        key.into()
    }

    /// The same with a hint about the key that was sent.
    pub(crate) fn with_hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }

    /// The same with what a check found.
    pub(crate) fn with_validation(self, validation: ValidationReply) -> Self {
        Self {
            validation: Some(validation),
            ..self
        }
    }
}

impl From<ProviderKey> for ProviderKeyReply {
    fn from(key: ProviderKey) -> Self {
        Self {
            id: key.id,
            object: OBJECT,
            workspace_id: key.workspace,
            provider: key.provider.as_str(),
            name: key.name,
            label: key.label,
            priority: key.priority,
            is_active: key.is_active,
            status: key.health.status.as_str(),
            status_reason: key.health.status_reason,
            last_validated_at: key.health.last_validated_at,
            last_used_at: key.health.last_used_at,
            fingerprint: key.fingerprint,
            base_url: key.base_url,
            allowed_models: key.allowed_models,
            limits: key.limits.into(),
            fallback: key.fallback.map(|policy| policy.as_str()),
            created_at: key.created_at,
            updated_at: key.updated_at,
            hint: None,
            validation: None,
        }
    }
}

/// `key` with what this node knows of it laid over what is stored, part by part, where it is newer.
///
/// What was learned before the key last changed is about another secret or place, and is left aside.
pub(crate) fn freshen(key: &mut ProviderKey, live: Option<&KeyHealth>) {
    let Some(live) = live else { return };
    let stored = &mut key.health;
    stored.last_used_at = stored.last_used_at.max(live.last_used_at);
    let is_newer = live.last_validated_at > stored.last_validated_at;
    let is_about_this_one = live.last_validated_at >= Some(key.updated_at);
    if is_newer && is_about_this_one {
        stored.status = live.status;
        stored.status_reason.clone_from(&live.status_reason);
        stored.last_validated_at = live.last_validated_at;
    }
}

#[cfg(test)]
mod tests {
    use freehold_domain::key::{KeyStatus, ProviderKeyLimits};
    use freehold_domain::provider::ProviderKind;
    use uuid::Uuid;

    use super::*;

    fn at(second: i64) -> Option<Timestamp> {
        Some(Timestamp::from_micros(second * 1_000_000))
    }

    fn key(updated_at: i64, health: KeyHealth) -> ProviderKey {
        ProviderKey {
            id: ProviderKeyId::from_uuid(Uuid::nil()),
            workspace: WorkspaceId::from_uuid(Uuid::nil()),
            provider: ProviderKind::Openai,
            name: "openai".to_owned(),
            label: None,
            priority: 0,
            is_active: true,
            base_url: String::new(),
            origin: String::new(),
            allowed_models: Vec::new(),
            limits: ProviderKeyLimits::default(),
            fallback: None,
            fingerprint: None,
            sealed: None,
            record_version: 1,
            health,
            created_at: Timestamp::from_micros(0),
            updated_at: Timestamp::from_micros(updated_at * 1_000_000),
        }
    }

    fn health(status: KeyStatus, validated: Option<Timestamp>, used: Option<Timestamp>) -> KeyHealth {
        KeyHealth {
            status,
            status_reason: None,
            last_validated_at: validated,
            last_used_at: used,
        }
    }

    #[test]
    fn what_traffic_showed_since_is_shown_before_it_is_stored() {
        let mut key = key(1, health(KeyStatus::Unknown, None, None));
        freshen(&mut key, Some(&health(KeyStatus::Valid, at(5), at(6))));
        assert_eq!(key.health, health(KeyStatus::Valid, at(5), at(6)));
    }

    #[test]
    fn what_is_stored_stays_where_it_is_newer() {
        let stored = health(KeyStatus::Revoked, at(9), at(4));
        let mut key = key(1, stored);
        freshen(&mut key, Some(&health(KeyStatus::Valid, at(5), at(6))));
        assert_eq!(key.health, health(KeyStatus::Revoked, at(9), at(6)));
    }

    #[test]
    fn evidence_from_before_a_rotation_says_nothing_about_the_new_key() {
        let mut key = key(7, health(KeyStatus::Unknown, None, None));
        freshen(&mut key, Some(&health(KeyStatus::Revoked, at(5), at(6))));
        assert_eq!(key.health, health(KeyStatus::Unknown, None, at(6)));
    }
}
