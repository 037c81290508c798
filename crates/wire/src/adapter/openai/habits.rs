//! How the providers that speak OpenAI's protocol differ. One row each.

use freehold_domain::provider::ProviderKind;

use super::OpenaiShaped;
use crate::adapter::AuthScheme;
use crate::adapter::classify::Forbidden;
use crate::openai::usage::UsageHabits;

/// What one provider does differently.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits {
    pub(super) kind: ProviderKind,
    pub(super) auth_scheme: AuthScheme,
    /// The field for a limit that the caller did not set.
    pub(super) limit_field: &'static str,
    /// Whether reasoning models refuse `max_tokens`, so that it must be renamed for them.
    pub(super) reasoning_renames_limit: bool,
    /// Whether `stream_options.include_usage` may be sent.
    pub(super) asks_for_usage: bool,
    /// Whether a stream that closes after its finish reason is whole although `[DONE]` is missing.
    pub(super) end_marker_optional: bool,
    pub(super) usage: UsageHabits,
    pub(super) validation_path: &'static str,
    pub(super) forbidden: Forbidden,
}

const OPENAI: Habits = Habits {
    kind: ProviderKind::Openai,
    auth_scheme: AuthScheme::Bearer,
    limit_field: "max_completion_tokens",
    reasoning_renames_limit: true,
    asks_for_usage: true,
    end_marker_optional: false,
    usage: UsageHabits {
        reasoning_outside: false,
    },
    validation_path: "/models",
    forbidden: Forbidden::KeyIsReal,
};

const COMPATIBLE: Habits = Habits {
    kind: ProviderKind::OpenaiCompatible,
    limit_field: "max_tokens",
    reasoning_renames_limit: false,
    end_marker_optional: true,
    forbidden: Forbidden::KeyIsRefused,
    ..OPENAI
};

pub(super) static TABLE: [OpenaiShaped; 3] = [
    OpenaiShaped { habits: OPENAI },
    OpenaiShaped { habits: COMPATIBLE },
    OpenaiShaped {
        habits: Habits {
            kind: ProviderKind::Sandbox,
            auth_scheme: AuthScheme::None,
            ..OPENAI
        },
    },
];
