//! Keys: the provider keys people store with us, and the virtual keys we issue.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::{ProviderKeyId, VirtualKeyId, WorkspaceId};
use crate::money::Nanodollars;
use crate::provider::ProviderKind;
use crate::time::Timestamp;
use crate::workspace::FallbackPolicy;

/// What is known about a provider key, from evidence only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyStatus {
    /// No evidence yet.
    #[default]
    Unknown,
    /// The provider accepted it last.
    Valid,
    /// The provider refused it, and never accepted it before.
    Invalid,
    /// The provider refused it after it had worked.
    Revoked,
}

/// What one contact with the provider says about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEvidence {
    /// The provider accepted the key.
    Accepted,
    /// The provider said that the key itself is no good.
    Rejected,
    /// Nothing about the key: time-outs, 429 and 5xx never decide.
    Undecided,
}

impl KeyStatus {
    /// The status's name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Revoked => "revoked",
        }
    }

    /// The status after `evidence`. A key that worked and is refused was revoked; one that never worked is invalid.
    #[must_use]
    pub const fn after(self, evidence: KeyEvidence) -> Self {
        match (evidence, self) {
            (KeyEvidence::Accepted, _) => Self::Valid,
            (KeyEvidence::Undecided, status) => status,
            (KeyEvidence::Rejected, Self::Valid | Self::Revoked) => Self::Revoked,
            (KeyEvidence::Rejected, Self::Unknown | Self::Invalid) => Self::Invalid,
        }
    }

    /// Whether a key of this status is worth trying before others.
    #[must_use]
    pub const fn is_refused(self) -> bool {
        matches!(self, Self::Invalid | Self::Revoked)
    }
}

/// The living part of a provider key: what traffic and checks have shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyHealth {
    /// What is known.
    pub status: KeyStatus,
    /// Why, in words for the owner; never a provider's text on a refused key.
    pub status_reason: Option<String>,
    /// When the provider last confirmed or refused it.
    pub last_validated_at: Option<Timestamp>,
    /// When a request was last sent with it.
    pub last_used_at: Option<Timestamp>,
}

/// Limits its owner sets on one provider key. Absent means none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderKeyLimits {
    /// Requests in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// Tokens in a minute, in and out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// Spend in a calendar month of the workspace's time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_spend_usd: Option<Nanodollars>,
}

/// The sealed form of a secret: ciphertext that opens only for its workspace, record, provider and origin.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SealedSecret(pub Vec<u8>);

impl std::fmt::Debug for SealedSecret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "SealedSecret({} bytes)", self.0.len())
    }
}

/// A provider's secret at rest, with all that is known and decided about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderKey {
    /// Its id, kept through rotation.
    pub id: ProviderKeyId,
    /// Whose it is; [`WorkspaceId::PLATFORM`] for the platform's own.
    pub workspace: WorkspaceId,
    /// What kind of provider it belongs to.
    pub provider: ProviderKind,
    /// What its models are called by: the kind's name, or a slug for the compatible kinds.
    pub name: String,
    /// What its owner calls it.
    pub label: Option<String>,
    /// Smaller is tried first; equal ones in order of creation.
    pub priority: i32,
    /// Whether it may be used at all.
    pub is_active: bool,
    /// Where requests go, without a trailing slash.
    pub base_url: String,
    /// `scheme://host:port` of `base_url`, which the ciphertext is bound to.
    pub origin: String,
    /// Patterns of models it may be used for; empty means all.
    pub allowed_models: Vec<String>,
    /// Limits its owner set.
    pub limits: ProviderKeyLimits,
    /// Overrides the workspace's policy where set.
    pub fallback: Option<FallbackPolicy>,
    /// Keyed hash by which to recognise the same secret; nothing where there is no secret.
    pub fingerprint: Option<String>,
    /// The secret; nothing for providers that ask for none.
    pub sealed: Option<SealedSecret>,
    /// Grows with every change of the secret; the ciphertext is bound to it.
    pub record_version: u64,
    /// What evidence has shown.
    pub health: KeyHealth,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When its owner last changed it.
    pub updated_at: Timestamp,
}

/// What the bearer of a virtual key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Call models.
    Inference,
    /// Change keys and settings of the workspace.
    Manage,
    /// Read settings, records and figures of the workspace.
    Read,
}

/// Limits on one virtual key; they can only be narrower than the plan's. Absent means the plan's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VirtualKeyLimits {
    /// Requests in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// Tokens in a minute, in and out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// Requests at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent_requests: Option<u64>,
    /// Input tokens of one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_input_tokens: Option<u64>,
    /// Output tokens of one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
    /// Credits of one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_credits_per_request: Option<crate::money::Credits>,
}

/// A key we issue to callers. The secret is shown once; only its keyed hash is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualKey {
    /// Its id.
    pub id: VirtualKeyId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// What its owner calls it.
    pub label: String,
    /// The readable part of the secret, by which it is looked up.
    pub public_id: String,
    /// Keyed hash of the whole secret.
    pub hash: [u8; 32],
    /// What its bearer may do.
    pub scopes: BTreeSet<Scope>,
    /// Patterns of models it may call; empty means all the plan allows.
    pub allowed_models: Vec<String>,
    /// Limits narrower than the plan's.
    pub limits: VirtualKeyLimits,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl VirtualKey {
    /// Whether the key still works at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expiry| now < expiry)
    }
}

/// Whether `model` (written `provider/model`) matches `pattern`, in which `*` stands for any run of characters.
///
/// A pattern without a slash is held against the part after the provider's name.
#[must_use]
pub fn model_matches(pattern: &str, model: &str) -> bool {
    let subject = match (pattern.contains('/'), model.split_once('/')) {
        (false, Some((_, bare))) => bare,
        _ => model,
    };
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| subject.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for piece in pieces {
        if let Some(previous) = last.replace(piece) {
            let Some(at) = rest.find(previous) else {
                return false;
            };
            rest = &rest[at + previous.len()..];
        }
    }
    last.map_or(rest.is_empty(), |tail| rest.ends_with(tail))
}

/// Whether `model` is allowed by `patterns`; none at all allow everything.
#[must_use]
pub fn model_is_allowed(patterns: &[String], model: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| model_matches(pattern, model))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_never_worked_is_invalid_and_one_that_did_is_revoked() {
        let fresh = KeyStatus::Unknown;
        assert_eq!(fresh.after(KeyEvidence::Rejected), KeyStatus::Invalid);
        let worked = fresh.after(KeyEvidence::Accepted);
        assert_eq!(worked, KeyStatus::Valid);
        assert_eq!(worked.after(KeyEvidence::Rejected), KeyStatus::Revoked);
        assert_eq!(
            worked.after(KeyEvidence::Rejected).after(KeyEvidence::Rejected),
            KeyStatus::Revoked
        );
        assert_eq!(
            worked.after(KeyEvidence::Rejected).after(KeyEvidence::Accepted),
            KeyStatus::Valid
        );
    }

    #[test]
    fn a_timeout_never_changes_what_is_known_of_a_key() {
        for status in [
            KeyStatus::Unknown,
            KeyStatus::Valid,
            KeyStatus::Invalid,
            KeyStatus::Revoked,
        ] {
            assert_eq!(status.after(KeyEvidence::Undecided), status);
        }
    }

    #[test]
    fn patterns_match_as_people_write_them() {
        for (pattern, model, expected) in [
            ("*", "openai/gpt-5", true),
            ("openai/*", "openai/gpt-5", true),
            ("openai/*", "anthropic/claude", false),
            ("gpt-5*", "openai/gpt-5-mini", true),
            ("gpt-5", "openai/gpt-5-mini", false),
            ("*mini", "openai/gpt-5-mini", true),
            ("openai/*-mini*", "openai/gpt-5-mini-2026", true),
            ("a*a", "x/a", false),
            ("nvidia/meta/*", "nvidia/meta/llama", true),
            ("meta/*", "nvidia/meta/llama", false),
        ] {
            assert_eq!(
                model_matches(pattern, model),
                expected,
                "{pattern} against {model}"
            );
        }
    }
}
