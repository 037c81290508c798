//! Provider keys as they are sent: a new one, and a change of one that is there.

use freehold_domain::provider::ProviderKind;
use freehold_domain::workspace::FallbackPolicy;
use freehold_vault::Secret;
use utoipa::ToSchema;

use crate::api::limits::{self, SpendLimits};
use crate::body::Input;
use crate::error::ApiError;
use crate::fields::{Change, Fields};
use crate::rule;
use crate::vocabulary::{FALLBACKS, FallbackName, ProviderName};

const LABEL_CHARS_MAX: usize = 120;
const PRIORITY_MAX: i32 = 1_000_000;

/// A provider key to be stored.
#[derive(Debug, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "provider": "openai", "api_key": "sk-proj-…", "label": "Production key", "priority": 0,
    "limits": {"monthly_spend_usd": "250"}
}))]
pub(crate) struct NewProviderKey {
    /// Kind of provider.
    #[schema(value_type = ProviderName)]
    pub(crate) provider: ProviderKind,
    /// The key itself. Never shown again. Required, except for `ollama` and `sandbox`.
    #[schema(value_type = Option<String>, write_only, format = Password, max_length = 4096)]
    pub(crate) api_key: Option<Secret>,
    /// What its models are called by, for the two `-compatible` kinds: `together` makes `together/llama-…`. The kind's name if
    /// left out. Keys of one name are tried in turn.
    #[schema(pattern = "^[a-z0-9][a-z0-9-]{0,62}$")]
    pub(crate) name: Option<String>,
    /// What its owner calls it.
    #[schema(max_length = 120)]
    pub(crate) label: Option<String>,
    /// Smaller is tried first; equal ones in order of creation. 0 if left out.
    #[schema(value_type = Option<i32>, minimum = -1_000_000, maximum = 1_000_000)]
    pub(crate) priority: i32,
    /// Whether it may be used at all; true if left out.
    #[schema(value_type = Option<bool>)]
    pub(crate) is_active: bool,
    /// Where requests go. Required for `ollama` and the two `-compatible` kinds, the provider's own address if left out.
    pub(crate) base_url: Option<String>,
    /// Models or patterns it may be used for; all if left out.
    #[schema(value_type = Option<Vec<String>>)]
    pub(crate) allowed_models: Vec<String>,
    /// Limits on its use.
    #[schema(value_type = Option<SpendLimits>)]
    pub(crate) limits: SpendLimits,
    /// Overrides the workspace's policy.
    #[schema(value_type = Option<FallbackName>)]
    pub(crate) fallback: Option<FallbackPolicy>,
}

impl Input for NewProviderKey {
    const FIELDS: &'static [&'static str] = &[
        "provider",
        "api_key",
        "name",
        "label",
        "priority",
        "is_active",
        "base_url",
        "allowed_models",
        "limits",
        "fallback",
    ];

    fn read(fields: &mut Fields<'_>) -> Result<Self, ApiError> {
        Ok(Self {
            provider: fields.required("provider", rule::one_of(ProviderKind::ALL, ProviderKind::as_str))?,
            api_key: fields.optional("api_key", rule::secret)?,
            name: fields.optional("name", rule::slug)?,
            label: fields.optional("label", rule::text(0, LABEL_CHARS_MAX))?,
            priority: fields
                .optional("priority", rule::integer(-PRIORITY_MAX, PRIORITY_MAX))?
                .unwrap_or(0),
            is_active: fields.optional("is_active", rule::boolean)?.unwrap_or(true),
            base_url: fields.optional("base_url", rule::raw_text)?,
            allowed_models: fields
                .optional("allowed_models", rule::patterns)?
                .unwrap_or_default(),
            limits: limits::of(fields)?,
            fallback: fields.optional("fallback", rule::one_of(FALLBACKS, FallbackPolicy::as_str))?,
        })
    }
}

/// What is to change about a provider key. What is left out stays; `null` empties what can be empty.
#[derive(Debug, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"api_key": "sk-proj-…", "label": "Production key, second half of 2026"}))]
pub(crate) struct ProviderKeyChange {
    /// Kind of provider. Can be repeated and never changed.
    #[schema(value_type = Option<ProviderName>, nullable = false)]
    pub(crate) provider: Option<ProviderKind>,
    /// The new key itself: this rotates. `null` takes the key away from a kind that needs none.
    #[schema(value_type = Option<String>, write_only, format = Password, max_length = 4096)]
    pub(crate) api_key: Change<Secret>,
    /// What its models are called by, for the two `-compatible` kinds; `null` for the kind's name.
    #[schema(value_type = Option<String>, pattern = "^[a-z0-9][a-z0-9-]{0,62}$")]
    pub(crate) name: Change<String>,
    /// What its owner calls it; `null` for nothing.
    #[schema(value_type = Option<String>, max_length = 120)]
    pub(crate) label: Change<String>,
    /// Smaller is tried first.
    #[schema(nullable = false, minimum = -1_000_000, maximum = 1_000_000)]
    pub(crate) priority: Option<i32>,
    /// Whether it may be used at all.
    #[schema(nullable = false)]
    pub(crate) is_active: Option<bool>,
    /// Where requests go; `null` for the provider's own address. A stored key is bound to its destination, so a new one needs
    /// the key again, in `api_key`.
    #[schema(value_type = Option<String>)]
    pub(crate) base_url: Change<String>,
    /// Models or patterns it may be used for; `null` or an empty list for all.
    #[schema(value_type = Option<Vec<String>>)]
    pub(crate) allowed_models: Change<Vec<String>>,
    /// Limits on its use, all of them: what is left out inside does not limit. `null` for none.
    #[schema(value_type = Option<SpendLimits>)]
    pub(crate) limits: Change<SpendLimits>,
    /// Overrides the workspace's policy; `null` follows it.
    #[schema(value_type = Option<FallbackName>)]
    pub(crate) fallback: Change<FallbackPolicy>,
}

impl Input for ProviderKeyChange {
    const FIELDS: &'static [&'static str] = NewProviderKey::FIELDS;

    fn read(fields: &mut Fields<'_>) -> Result<Self, ApiError> {
        Ok(Self {
            provider: fields.replaced("provider", rule::one_of(ProviderKind::ALL, ProviderKind::as_str))?,
            api_key: fields.change("api_key", rule::secret)?,
            name: fields.change("name", rule::slug)?,
            label: fields.change("label", rule::text(0, LABEL_CHARS_MAX))?,
            priority: fields.replaced("priority", rule::integer(-PRIORITY_MAX, PRIORITY_MAX))?,
            is_active: fields.replaced("is_active", rule::boolean)?,
            base_url: fields.change("base_url", rule::raw_text)?,
            allowed_models: fields.change("allowed_models", rule::patterns)?,
            limits: limits::change_of(fields)?,
            fallback: fields.change("fallback", rule::one_of(FALLBACKS, FallbackPolicy::as_str))?,
        })
    }
}
