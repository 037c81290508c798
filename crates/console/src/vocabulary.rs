//! Words with a fixed set of values, and exact amounts, as the documentation describes them: taken from the rules themselves,
//! so that neither can have a value more than the other.

use freehold_domain::key::{KeyStatus, Scope};
use freehold_domain::provider::ProviderKind;
use freehold_domain::record::{Attribution, Outcome, VarianceCause};
use freehold_domain::tokens::UsageSource;
use freehold_domain::workspace::FallbackPolicy;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{RefOr, schema};
use utoipa::{PartialSchema, ToSchema};

use crate::plan_book::PlanSource;

/// Every policy of falling back to the platform's keys.
pub(crate) const FALLBACKS: [FallbackPolicy; 3] = [
    FallbackPolicy::Never,
    FallbackPolicy::WhenMissing,
    FallbackPolicy::OnFailure,
];

/// Every scope.
pub(crate) const SCOPES: [Scope; 3] = [Scope::Inference, Scope::Manage, Scope::Read];

/// Everyone who may pay.
pub(crate) const ATTRIBUTIONS: [Attribution; 3] =
    [Attribution::Byok, Attribution::Platform, Attribution::Cache];

const STATUSES: [KeyStatus; 4] = [
    KeyStatus::Unknown,
    KeyStatus::Valid,
    KeyStatus::Invalid,
    KeyStatus::Revoked,
];
const SOURCES: [UsageSource; 3] = [UsageSource::Provider, UsageSource::Estimated, UsageSource::None];
const PLAN_SOURCES: [PlanSource; 3] = [PlanSource::BuiltIn, PlanSource::Configured, PlanSource::Stored];
const CAUSES: [VarianceCause; 9] = [
    VarianceCause::None,
    VarianceCause::Tokenizer,
    VarianceCause::OutputLonger,
    VarianceCause::OutputShorter,
    VarianceCause::Cache,
    VarianceCause::Reasoning,
    VarianceCause::Retry,
    VarianceCause::Abort,
    VarianceCause::Price,
];
/// What a check of a key may find, in the words of [`freehold_domain::port::Validation`].
const FINDINGS: [&str; 8] = [
    "ok",
    "unauthorised",
    "not_found",
    "timeout",
    "tls_error",
    "refused_by_policy",
    "rate_limited",
    "bad_reply",
];

/// The scope's name in the API.
pub(crate) const fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Inference => "inference",
        Scope::Manage => "manage",
        Scope::Read => "read",
    }
}

fn one_of<const N: usize>(names: [&'static str; N], description: &str) -> RefOr<Schema> {
    let words = ObjectBuilder::new()
        .schema_type(schema::SchemaType::Type(Type::String))
        .enum_values(Some(names));
    RefOr::T(words.description(Some(description)).build().into())
}

macro_rules! words {
    ($(#[doc = $doc:literal])* $name:ident, $names:expr) => {
        $(#[doc = $doc])*
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                one_of($names, concat!($($doc),*).trim())
            }
        }

        impl ToSchema for $name {}
    };
}

words!(
    /// A kind of provider.
    ProviderName,
    ProviderKind::ALL.map(ProviderKind::as_str)
);
words!(
    /// When a request may be paid with the platform's key instead of the workspace's own.
    FallbackName,
    FALLBACKS.map(FallbackPolicy::as_str)
);
words!(
    /// What the bearer of a virtual key may do: call models, change keys, or see settings and records.
    ScopeName,
    SCOPES.map(scope_name)
);
words!(
    /// What evidence says of a provider key.
    KeyStatusName,
    STATUSES.map(KeyStatus::as_str)
);
words!(
    /// What a check of a provider key found.
    FindingName,
    FINDINGS
);
words!(
    /// How a request ended.
    OutcomeName,
    Outcome::ALL.map(Outcome::as_str)
);
words!(
    /// Who pays.
    AttributionName,
    ATTRIBUTIONS.map(Attribution::as_str)
);
words!(
    /// Where token counts come from.
    UsageSourceName,
    SOURCES.map(UsageSource::as_str)
);
words!(
    /// Why actual and expected differ.
    VarianceCauseName,
    CAUSES.map(VarianceCause::as_str)
);
words!(
    /// Where a plan comes from.
    PlanSourceName,
    PLAN_SOURCES.map(PlanSource::as_str)
);

/// An exact amount of money or credits.
pub(crate) struct DecimalAmount;

impl PartialSchema for DecimalAmount {
    fn schema() -> RefOr<Schema> {
        let amount = ObjectBuilder::new()
            .schema_type(schema::SchemaType::Type(Type::String))
            .pattern(Some(r"^-?[0-9]+(\.[0-9]{1,9})?$"))
            .examples(["12.5"])
            .description(Some(
                "An exact decimal number. Where it is sent, a JSON number is taken too.",
            ));
        RefOr::T(amount.build().into())
    }
}

impl ToSchema for DecimalAmount {}
