//! What passes the gate, what does not, and that every remedy does.

use proptest::prelude::*;

use super::*;
use crate::catalog::Catalogue;
use crate::id::{VirtualKeyId, WorkspaceId};
use crate::key::VirtualKeyLimits;
use crate::provider::ProviderKind;
use crate::time::Timestamp;

fn key() -> VirtualKey {
    VirtualKey {
        id: VirtualKeyId::from_uuid(uuid::Uuid::from_u128(1)),
        workspace: WorkspaceId::from_uuid(uuid::Uuid::from_u128(2)),
        label: String::new(),
        public_id: String::new(),
        hash: [0; 32],
        scopes: std::collections::BTreeSet::new(),
        allowed_models: Vec::new(),
        limits: VirtualKeyLimits::default(),
        expires_at: None,
        created_at: Timestamp::from_micros(0),
    }
}

fn plan(ceiling: Option<i64>, input: Option<u64>, output: Option<u64>) -> Plan {
    Plan {
        name: "test".to_owned(),
        max_credits_per_request: ceiling.map(|credits| Credits::from_units(credits * 1_000_000)),
        max_input_tokens: input,
        max_output_tokens: output,
        ..Plan::default()
    }
}

fn bounds<'a>(plan: &'a Plan, key: &'a VirtualKey) -> Bounds<'a> {
    Bounds {
        plan,
        key,
        max_credits: None,
        rate: CreditRate::default(),
    }
}

/// A model of the built-in table with a plain price, so that sums can be followed by hand.
fn subject(catalogue: &Catalogue) -> Subject<'_> {
    let card = catalogue
        .models(ProviderKind::Openai)
        .find(|card| {
            card.price
                .as_ref()
                .is_some_and(|price| price.has_token_price() && !price.is_free())
        })
        .unwrap();
    Subject {
        full_name: "openai/any",
        output_tokens_max: Some(100_000),
        price: card.price.as_ref(),
        possible: Possible::default(),
        markup_basis_points: 0,
    }
}

const SMALL: Size = Size {
    input_tokens_bound: 400,
    input_tokens: 100,
    choices: 1,
    output_tokens: None,
};

#[test]
fn without_limits_nothing_is_changed() {
    let (catalogue, plan, key) = (Catalogue::built_in().unwrap(), plan(None, None, None), key());
    let admitted = bounds(&plan, &key).admit(&SMALL, &subject(&catalogue)).unwrap();
    assert_eq!((admitted.output_tokens, admitted.adjusted), (None, false));
}

#[test]
fn an_open_output_is_set_to_what_the_plan_allows() {
    let (catalogue, plan, key) = (Catalogue::built_in().unwrap(), plan(None, None, Some(500)), key());
    let admitted = bounds(&plan, &key).admit(&SMALL, &subject(&catalogue)).unwrap();
    assert_eq!((admitted.output_tokens, admitted.adjusted), (Some(500), true));
}

#[test]
fn an_output_above_the_plan_is_refused_with_the_number_that_passes() {
    let (catalogue, plan, key) = (Catalogue::built_in().unwrap(), plan(None, None, Some(500)), key());
    let size = Size {
        output_tokens: Some(501),
        ..SMALL
    };
    let denial = bounds(&plan, &key)
        .admit(&size, &subject(&catalogue))
        .unwrap_err();
    assert_eq!(denial.code, DenialCode::OutputTokensExceeded);
    assert_eq!(
        denial.remedies,
        [Remedy::Reduce {
            param: "max_tokens",
            to: 500,
            would_allow: true
        }]
    );
}

#[test]
fn a_prompt_whose_bytes_fit_is_never_counted() {
    let (catalogue, plan, key) = (Catalogue::built_in().unwrap(), plan(None, Some(400), None), key());
    let by_bytes = Size {
        input_tokens: u64::MAX,
        ..SMALL
    };
    assert!(bounds(&plan, &key).admit(&by_bytes, &subject(&catalogue)).is_ok());
    let too_long = Size {
        input_tokens_bound: 2_000,
        input_tokens: 401,
        ..SMALL
    };
    let denial = bounds(&plan, &key)
        .admit(&too_long, &subject(&catalogue))
        .unwrap_err();
    assert_eq!(denial.code, DenialCode::InputTokensExceeded);
}

#[test]
fn an_unknown_price_is_refused_where_a_ceiling_must_hold_and_passes_where_none_does() {
    let (catalogue, key) = (Catalogue::built_in().unwrap(), key());
    let unpriced = Subject {
        price: None,
        ..subject(&catalogue)
    };
    let capped = plan(Some(10), None, None);
    assert_eq!(
        bounds(&capped, &key).admit(&SMALL, &unpriced).unwrap_err().code,
        DenialCode::PriceUnknown
    );
    let open = plan(None, None, None);
    assert!(bounds(&open, &key).admit(&SMALL, &unpriced).is_ok());
}

#[test]
fn a_key_can_only_be_narrower_than_its_plan() {
    let (catalogue, plan, mut key) = (Catalogue::built_in().unwrap(), plan(None, None, Some(500)), key());
    key.limits.max_output_tokens = Some(9_000);
    assert_eq!(
        bounds(&plan, &key)
            .admit(&SMALL, &subject(&catalogue))
            .unwrap()
            .output_tokens,
        Some(500)
    );
    key.limits.max_output_tokens = Some(50);
    assert_eq!(
        bounds(&plan, &key)
            .admit(&SMALL, &subject(&catalogue))
            .unwrap()
            .output_tokens,
        Some(50)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_admitted_cannot_pass_its_ceiling_and_every_remedy_passes(
        ceiling in 0_i64..2_000,
        output_limit in proptest::option::of(1_u64..200_000),
        asked in proptest::option::of(1_u64..300_000),
        input in 1_u64..2_000_000,
        choices in 1_u64..8,
    ) {
        static CATALOGUE: std::sync::LazyLock<Catalogue> = std::sync::LazyLock::new(|| Catalogue::built_in().unwrap());
        let (subject, key) = (subject(&CATALOGUE), key());
        let plan = plan(Some(ceiling), None, output_limit);
        let bounds = bounds(&plan, &key);
        let size = Size { input_tokens_bound: input, input_tokens: input / 4, choices, output_tokens: asked };
        match bounds.admit(&size, &subject) {
            Ok(admitted) => {
                prop_assert!(admitted.worst.unwrap() <= bounds.credits().unwrap());
                if let (Some(output), Some(limit)) = (admitted.output_tokens, output_limit) {
                    prop_assert!(output <= limit);
                }
            }
            Err(denial) => for remedy in denial.remedies {
                let Remedy::Reduce { to, .. } = remedy else { panic!("{remedy:?}") };
                let reduced = Size { output_tokens: Some(to), ..size };
                prop_assert!(bounds.admit(&reduced, &subject).is_ok());
            },
        }
    }
}
