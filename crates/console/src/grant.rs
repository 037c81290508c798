//! No one hands out what they do not have: a key made with another key can do at most what that one can.

use std::collections::BTreeSet;

use freehold_domain::key::{Scope, VirtualKey, VirtualKeyLimits, model_matches};
use freehold_domain::time::Timestamp;

use crate::error::{ApiError, Code};
use crate::vocabulary::scope_name;

/// What a virtual key may do, by every measure there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) scopes: BTreeSet<Scope>,
    pub(crate) allowed_models: Vec<String>,
    pub(crate) limits: VirtualKeyLimits,
    pub(crate) expires_at: Option<Timestamp>,
}

impl Grant {
    /// The grant as the bearer of `maker` may hand it out: what is left open is closed where `maker` is.
    ///
    /// # Errors
    /// If it asks for more than `maker` has; the field is named.
    pub(crate) fn within(mut self, maker: &VirtualKey) -> Result<Self, ApiError> {
        if let Some(missing) = self.scopes.difference(&maker.scopes).next() {
            let name = scope_name(*missing);
            return Err(ApiError::new(
                Code::InsufficientScope,
                format!("A key without the scope `{name}` cannot make a key that has it. Leave it out, or use a key that has it."),
            )
            .about("scopes"));
        }
        if self.allowed_models.is_empty() {
            self.allowed_models.clone_from(&maker.allowed_models);
        } else if !self
            .allowed_models
            .iter()
            .all(|pattern| any_covers(&maker.allowed_models, pattern))
        {
            return Err(too_wide("allowed_models", &maker.allowed_models.join(", ")));
        }
        self.expires_at = narrower("expires_at", self.expires_at, maker.expires_at)?;
        let (mine, theirs) = (&mut self.limits, &maker.limits);
        mine.requests_per_minute = narrower(
            "limits.requests_per_minute",
            mine.requests_per_minute,
            theirs.requests_per_minute,
        )?;
        mine.tokens_per_minute = narrower(
            "limits.tokens_per_minute",
            mine.tokens_per_minute,
            theirs.tokens_per_minute,
        )?;
        mine.concurrent_requests = narrower(
            "limits.concurrent_requests",
            mine.concurrent_requests,
            theirs.concurrent_requests,
        )?;
        mine.max_input_tokens = narrower(
            "limits.max_input_tokens",
            mine.max_input_tokens,
            theirs.max_input_tokens,
        )?;
        mine.max_output_tokens = narrower(
            "limits.max_output_tokens",
            mine.max_output_tokens,
            theirs.max_output_tokens,
        )?;
        mine.max_credits_per_request = narrower(
            "limits.max_credits_per_request",
            mine.max_credits_per_request,
            theirs.max_credits_per_request,
        )?;
        Ok(self)
    }
}

/// The limit asked for, or the maker's where none is asked for; refused where it lies above the maker's.
fn narrower<T: PartialOrd + Copy + std::fmt::Display>(
    field: &'static str,
    asked: Option<T>,
    makers: Option<T>,
) -> Result<Option<T>, ApiError> {
    match (asked, makers) {
        (Some(asked), Some(most)) if asked > most => Err(too_wide(field, &most.to_string())),
        (Some(asked), _) => Ok(Some(asked)),
        (None, makers) => Ok(makers),
    }
}

fn too_wide(field: &'static str, most: &str) -> ApiError {
    ApiError::new(
        Code::ExceedsOwnGrant,
        format!("`{field}` goes beyond what the key that makes this one has itself, which is {most}. Ask for that or less."),
    )
    .about(field)
}

fn any_covers(wide: &[String], narrow: &str) -> bool {
    wide.is_empty() || wide.iter().any(|wide| covers(wide, narrow))
}

/// Whether every model that matches `narrow` also matches `wide`. Says no where it cannot tell.
///
/// A star in `narrow` stands for anything, and is matched here as one character that only a star in `wide` can take. That
/// is exact for plain patterns. It takes a second look where `wide` has no slash and so is held against what follows a
/// model's first slash: then `narrow` must not begin with something in which a star hides a slash.
fn covers(wide: &str, narrow: &str) -> bool {
    let hides_a_slash = !wide.contains('/')
        && narrow
            .split_once('/')
            .is_some_and(|(provider, _)| provider.contains('*'));
    model_matches(wide, narrow) && (!hides_a_slash || wide == "*")
}

#[cfg(test)]
mod tests {
    use freehold_domain::id::{VirtualKeyId, WorkspaceId};
    use freehold_domain::key::model_is_allowed;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn maker(grant: Grant) -> VirtualKey {
        VirtualKey {
            id: VirtualKeyId::from_uuid(Uuid::nil()),
            workspace: WorkspaceId::from_uuid(Uuid::nil()),
            label: String::new(),
            public_id: String::new(),
            hash: [0; 32],
            scopes: grant.scopes,
            allowed_models: grant.allowed_models,
            limits: grant.limits,
            expires_at: grant.expires_at,
            created_at: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn patterns_cover_as_people_expect() {
        for (wide, narrow, expected) in [
            ("*", "openai/*", true),
            ("*", "*/gpt", true),
            ("openai/*", "openai/gpt-5", true),
            ("openai/*", "openai/*", true),
            ("openai/gpt*", "openai/*", false),
            ("openai/*", "*", false),
            ("openai/*", "gpt-5", false),
            ("gpt-5*", "openai/gpt-5-mini", true),
            ("gpt-5*", "gpt-5-mini*", true),
            ("gpt-5", "open*/gpt-5", false),
            ("meta/*", "nvidia/meta/*", false),
        ] {
            assert_eq!(covers(wide, narrow), expected, "{wide} over {narrow}");
        }
    }

    fn pattern() -> impl Strategy<Value = String> {
        // Few signs and short, so that patterns meet models and each other often.
        "[a*/]{1,4}"
    }

    fn limit() -> impl Strategy<Value = Option<u64>> {
        proptest::option::of(1_u64..4)
    }

    prop_compose! {
        fn grant()(
            scopes in proptest::collection::btree_set(prop_oneof![Just(Scope::Inference), Just(Scope::Manage), Just(Scope::Read)], 1..4),
            allowed_models in proptest::collection::vec(pattern(), 0..3),
            expiry in proptest::option::of(1_i64..4),
            requests in limit(), tokens in limit(), concurrent in limit(), input in limit(), output in limit(),
            credits in proptest::option::of(1_i64..4),
        ) -> Grant {
            Grant {
                scopes,
                allowed_models,
                limits: VirtualKeyLimits {
                    requests_per_minute: requests,
                    tokens_per_minute: tokens,
                    concurrent_requests: concurrent,
                    max_input_tokens: input,
                    max_output_tokens: output,
                    max_credits_per_request: credits.map(freehold_domain::money::Credits::from_units),
                },
                expires_at: expiry.map(Timestamp::from_micros),
            }
        }
    }

    /// Whether `value` passes a limit, absent meaning that everything does.
    fn passes<T: PartialOrd>(limit: Option<T>, value: T) -> bool {
        limit.is_none_or(|limit| value <= limit)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn a_key_made_with_a_key_can_do_nothing_that_one_cannot(
            parent in grant(),
            asked in grant(),
            model in "a{1,2}/[a/]{1,3}",
            value in 1_u64..5,
        ) {
            let parent = maker(parent);
            let Ok(child) = asked.within(&parent) else { return Ok(()) };
            prop_assert!(child.scopes.is_subset(&parent.scopes));
            if model_is_allowed(&child.allowed_models, &model) {
                prop_assert!(model_is_allowed(&parent.allowed_models, &model), "{:?} over {:?}", parent.allowed_models, child.allowed_models);
            }
            let moment = Timestamp::from_micros(i64::try_from(value).unwrap());
            let credits = freehold_domain::money::Credits::from_units(i64::try_from(value).unwrap());
            for (child, parent) in [
                (passes(child.limits.requests_per_minute, value), passes(parent.limits.requests_per_minute, value)),
                (passes(child.limits.tokens_per_minute, value), passes(parent.limits.tokens_per_minute, value)),
                (passes(child.limits.concurrent_requests, value), passes(parent.limits.concurrent_requests, value)),
                (passes(child.limits.max_input_tokens, value), passes(parent.limits.max_input_tokens, value)),
                (passes(child.limits.max_output_tokens, value), passes(parent.limits.max_output_tokens, value)),
                (passes(child.limits.max_credits_per_request, credits), passes(parent.limits.max_credits_per_request, credits)),
                (passes(child.expires_at, moment), passes(parent.expires_at, moment)),
            ] {
                prop_assert!(!child || parent);
            }
        }

        #[test]
        fn a_pattern_that_covers_another_matches_all_that_one_matches(
            wide in pattern(),
            narrow in pattern(),
            model in "a{1,2}/[a/]{1,3}",
        ) {
            if covers(&wide, &narrow) && model_matches(&narrow, &model) {
                prop_assert!(model_matches(&wide, &model), "{wide} over {narrow} at {model}");
            }
        }
    }

    #[test]
    fn the_same_again_is_always_allowed() {
        let all = Grant {
            scopes: BTreeSet::from([Scope::Inference, Scope::Manage]),
            allowed_models: vec!["openai/*".to_owned(), "gpt*".to_owned()],
            limits: VirtualKeyLimits {
                requests_per_minute: Some(3),
                ..VirtualKeyLimits::default()
            },
            expires_at: Some(Timestamp::from_micros(9)),
        };
        assert_eq!(all.clone().within(&maker(all.clone())).unwrap(), all);
    }
}
