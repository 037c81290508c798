//! Ways on for a refused request: each was put through the same gate before it is offered.

use freehold_domain::denial::{Denial, DenialCode, Quantity, Remedy};
use freehold_domain::gate::Size;
use freehold_domain::plan::Plan;
use freehold_domain::rate::RateLimits;
use freehold_wire::openai::chat::ChatRequest;

use crate::authorize::{bounds, subject};
use crate::case::Case;
use crate::model::Resolved;

/// Other models that are offered at most.
const MODELS_MAX: usize = 3;
/// Other models that are looked at, at most: a refusal must not cost more than an answer.
const MODELS_LOOKED_AT_MAX: usize = 200;
/// Plans that are looked at, at most: a circle of plans must not be walked for ever.
const PLANS_MAX: usize = 8;

/// The denial with models and plans on which the same request would pass.
pub(crate) fn add(
    case: &Case,
    asked: &ChatRequest,
    resolved: &Resolved,
    size: &Size,
    mut denial: Denial,
) -> Denial {
    if !matches!(
        denial.code,
        DenialCode::ModelNotAllowed
            | DenialCode::InputTokensExceeded
            | DenialCode::OutputTokensExceeded
            | DenialCode::RequestCeilingExceeded
            | DenialCode::PriceUnknown
    ) {
        return denial;
    }
    let mut models = Vec::new();
    for (name, card, pays_itself) in case.gateway.callable(&case.caller).take(MODELS_LOOKED_AT_MAX) {
        let subject = subject(&name, Some(card), asked, &case.caller.workspace.plan, pays_itself);
        let passes = bounds(case, &case.caller.workspace.plan)
            .is_ok_and(|bounds| bounds.admit(size, &subject).is_ok());
        if passes && name != resolved.full_name() {
            let same_provider = name
                .split_once('/')
                .is_some_and(|(provider, _)| provider == resolved.provider());
            models.push((!same_provider, name));
        }
    }
    models.sort();
    denial.remedies.extend(
        models
            .into_iter()
            .take(MODELS_MAX)
            .map(|(_, model)| Remedy::SwitchModel {
                model,
                would_allow: true,
            }),
    );
    let (card, pays_itself, _) = case.gateway.facts(&case.caller, resolved);
    let larger = larger_plans(case).into_iter().find(|plan| {
        let subject = subject(resolved.full_name(), card, asked, plan, pays_itself);
        bounds(case, plan).is_ok_and(|bounds| bounds.admit(size, &subject).is_ok())
    });
    denial.remedies.extend(larger.map(|plan| upgrade(case, &plan)));
    denial
}

/// The denial with the next plan whose rates are wider than those of the caller's.
pub(crate) fn add_larger_plan(case: &Case, mut denial: Denial) -> Denial {
    let name = denial.limit.as_ref().map(|limit| limit.name);
    let rate = |plan: &Plan| {
        let limits = RateLimits {
            requests_per_minute: plan.requests_per_minute,
            tokens_per_minute: plan.tokens_per_minute,
            concurrent_requests: plan.concurrent_requests,
        };
        let limit = match name {
            Some("requests_per_minute") => limits.requests_per_minute,
            Some("tokens_per_minute") => limits.tokens_per_minute,
            _ => limits.concurrent_requests,
        };
        limit.unwrap_or(u64::MAX)
    };
    // A limit of the key stays when the plan grows.
    let of_plan = Quantity::of(rate(&case.caller.workspace.plan));
    if denial.limit.as_ref().is_none_or(|limit| limit.allowed != of_plan) {
        return denial;
    }
    let own = rate(&case.caller.workspace.plan);
    let larger = larger_plans(case).into_iter().find(|plan| rate(plan) > own);
    denial.remedies.extend(larger.map(|plan| upgrade(case, &plan)));
    denial
}

/// The plans that the caller's leads to, nearest first.
fn larger_plans(case: &Case) -> Vec<std::sync::Arc<Plan>> {
    let mut plans: Vec<std::sync::Arc<Plan>> = Vec::new();
    let mut next = case.caller.workspace.plan.upgrade_to.clone();
    while let Some(plan) = next.and_then(|name| case.caller.snapshot.plan(&name)) {
        if plans.len() == PLANS_MAX || plans.iter().any(|known| known.name == plan.name) {
            break;
        }
        next = plan.upgrade_to.clone();
        plans.push(plan);
    }
    plans
}

fn upgrade(case: &Case, plan: &Plan) -> Remedy {
    Remedy::Upgrade {
        plan: plan.name.clone(),
        url: case.caller.workspace.plan.upgrade_url.clone(),
        would_allow: true,
    }
}
