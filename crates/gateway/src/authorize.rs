//! Stage 4: what exactly this caller may do with this request. The rules themselves are in `domain::gate`.

use std::sync::Arc;

use freehold_domain::catalog::{ModelCard, Possible, PossibleTiers};
use freehold_domain::denial::{Denial, DenialCode, Remedy};
use freehold_domain::gate::{Bounds, Size, Subject};
use freehold_domain::money::Credits;
use freehold_domain::plan::Plan;
use freehold_domain::provider::ProviderKind;
use freehold_domain::tokens::TokenUsage;
use freehold_wire::openai::chat::ChatRequest;

use crate::case::Case;
use crate::limit;
use crate::metadata::Adjusted;
use crate::model::{self, Resolved};
use crate::remedy;

/// Tokens that one picture or piece of sound may cost beyond its bytes.
const PICTURE_TOKENS_MAX: u64 = 20_000;
/// Tokens that one file may cost beyond its bytes: it may be given by id, and be a book.
const FILE_TOKENS_MAX: u64 = 500_000;

/// A request that may run.
pub(crate) struct Grant {
    pub(crate) asked: ChatRequest,
    pub(crate) resolved: Resolved,
    /// What it will probably take.
    pub(crate) expected: TokenUsage,
    /// The output tokens it is held to, where that is not what the caller said.
    pub(crate) output_tokens: Option<u64>,
}

/// The request may run on the model it names, within plan, key and its own ceiling; its share of the rates is taken.
///
/// # Errors
/// Every refusal that needs no look at money or candidates, each with remedies that were seen to pass.
pub(crate) fn authorize(case: &mut Case, asked: ChatRequest) -> Result<Grant, Denial> {
    case.model_requested = Arc::from(asked.model());
    case.stream = asked.stream();
    let gateway = Arc::clone(&case.gateway);
    let resolved = model::resolve(&gateway.catalogue, &case.caller, asked.model())?;
    let full_name = resolved.full_name();
    let expected = gateway.estimator.expect(full_name, &asked);
    let (card, pays_itself, kind) = gateway.facts(&case.caller, &resolved);
    let size = size(&asked, &expected, kind);
    let plan = Arc::clone(&case.caller.workspace.plan);
    let bounds = bounds(case, &plan)?;
    let admitted = bounds
        .admit(&size, &subject(full_name, card, &asked, &plan, pays_itself))
        .map_err(|denial| remedy::add(case, &asked, &resolved, &size, denial))?;
    let tokens = expected.total();
    let entered = if case.rehearsal {
        limit::rehearse(&case.caller, case.received.at, tokens).map(|()| None)
    } else {
        limit::enter(&case.caller, case.received.at, tokens).map(Some)
    };
    case.share = entered.map_err(|denial| remedy::add_larger_plan(case, denial))?;
    let output_tokens = admitted.output_tokens.filter(|_| admitted.adjusted);
    if let Some(to) = output_tokens {
        case.adjusted = Some(Adjusted {
            param: "max_tokens",
            to,
        });
    }
    Ok(Grant {
        asked,
        resolved,
        expected,
        output_tokens,
    })
}

/// The limits of the caller, and of the request itself.
pub(crate) fn bounds<'a>(case: &'a Case, plan: &'a Plan) -> Result<Bounds<'a>, Denial> {
    let max_credits = match case.received.max_credits.as_deref() {
        None => None,
        Some(text) => Some(
            text.parse::<Credits>()
                .ok()
                .filter(|credits| *credits >= Credits::ZERO)
                .ok_or_else(|| {
                    Denial::new(
                        DenialCode::InvalidRequest,
                        format!(
                            "The header x-freehold-max-credits must be a number of credits, not {text:?}."
                        ),
                    )
                    .with_param("x-freehold-max-credits")
                })?,
        ),
    };
    Ok(Bounds {
        plan,
        key: &case.caller.key,
        max_credits,
        rate: case.gateway.settings.credit_rate,
    })
}

/// How large the request is.
pub(crate) fn size(asked: &ChatRequest, expected: &TokenUsage, kind: Option<ProviderKind>) -> Size {
    let attached = asked.attachments();
    let beyond = u64::from(attached.images + attached.sounds) * PICTURE_TOKENS_MAX
        + u64::from(attached.files) * FILE_TOKENS_MAX
        + kind
            .and_then(freehold_wire::adapter::adapter)
            .map_or(0, |adapter| adapter.added_input_tokens(asked));
    Size {
        input_tokens_bound: asked.input_bytes().saturating_add(beyond),
        input_tokens: expected.input,
        choices: u64::from(asked.choices()),
        output_tokens: asked.max_output_tokens(),
    }
}

/// The model as the gate sees it.
pub(crate) fn subject<'a>(
    full_name: &'a str,
    card: Option<&'a ModelCard>,
    asked: &'a ChatRequest,
    plan: &Plan,
    pays_itself: bool,
) -> Subject<'a> {
    Subject {
        full_name,
        output_tokens_max: card.and_then(|card| card.limits.output),
        price: card.and_then(|card| card.price.as_ref()),
        possible: Possible {
            // Without a word of the caller the settings of the provider's account choose.
            service_tiers: PossibleTiers::Named(asked.service_tier().unwrap_or("auto")),
            ..Possible::default()
        },
        markup_basis_points: if pays_itself {
            0
        } else {
            plan.platform_markup_basis_points
        },
    }
}

/// The ways on that own keys open: none of the limits on money is about them.
pub(crate) fn own_key_remedy(resolved: &Resolved, plan: &Plan) -> Option<Remedy> {
    let kind = resolved.provider().parse::<ProviderKind>().ok()?;
    let served = freehold_wire::adapter::adapter(kind).is_some() && kind != ProviderKind::Sandbox;
    (plan.byok && served).then(|| Remedy::UseOwnKey {
        provider: resolved.provider().to_owned(),
        would_allow: true,
    })
}
