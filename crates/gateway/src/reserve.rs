//! Stage 7: credits for the worst case, held before anything is spent. Own keys need none.

use freehold_domain::catalog::{Possible, PossibleTiers, PriceCard};
use freehold_domain::denial::{Denial, DenialCode, Limit, Remedy};
use freehold_domain::ledger::{Balance, Reservation, ReserveOutcome};
use freehold_domain::money::Credits;
use freehold_domain::record::{Attribution, Expected};

use crate::authorize::Grant;
use crate::case::Case;
use crate::error::Refusal;
use crate::metadata::Adjusted;
use crate::route::{Candidate, Routed};

/// Output asked for where neither the caller nor the catalogue says a number.
const OUTPUT_TOKENS_DEFAULT: u64 = 4_096;
/// Tokens that pictures may add to a prompt beyond its bytes, when they are given by URL.
const IMAGE_TOKENS_MAX: u64 = 64_000;
/// Less than this is no answer worth paying for.
const OUTPUT_TOKENS_MIN: u64 = 16;

/// A request that can be paid for, whichever candidate serves it.
pub(crate) struct Reserved {
    pub(crate) grant: Grant,
    pub(crate) candidates: Vec<Candidate>,
    /// Output tokens the platform's candidates are held to.
    pub(crate) platform_output_tokens: Option<u64>,
}

/// The worst a request can cost on one platform candidate.
struct WorstCase<'a> {
    card: &'a PriceCard,
    /// What the caller did not ask for cannot be billed.
    possible: Possible<'a>,
    input_tokens: u64,
    choices: u64,
    markup_basis_points: u32,
    rate: freehold_domain::money::CreditRate,
}

impl WorstCase<'_> {
    /// Credits for `output_tokens` of each choice; nothing if the sum does not fit.
    fn credits(&self, output_tokens: u64) -> Option<Credits> {
        let output_tokens = output_tokens.checked_mul(self.choices)?;
        let cost = self
            .card
            .worst_case_of(self.input_tokens, output_tokens, &self.possible)?;
        Some(self.rate.credits_for(cost, self.markup_basis_points))
    }

    /// The most output tokens, up to `output_tokens_max`, that `credits` can pay for.
    fn affordable(&self, credits: Credits, output_tokens_max: u64) -> u64 {
        let (mut low, mut high) = (0, output_tokens_max);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if self.credits(middle).is_some_and(|needed| needed <= credits) {
                low = middle
            } else {
                high = middle - 1
            }
        }
        low
    }
}

/// The request's worst case is held where credits pay; a request on own keys passes as it is.
///
/// # Errors
/// `CreditsExhausted`, `CreditsReserved`, `RequestCeilingExceeded`, `PriceUnknown`, each only if no own key is left.
pub(crate) async fn reserve(case: &mut Case, routed: Routed) -> Result<Reserved, Refusal> {
    let Routed {
        grant,
        mut candidates,
    } = routed;
    case.expected = Some(expect(case, &grant, &candidates));
    let outcome = match candidates
        .iter()
        .find(|candidate| candidate.attribution == Attribution::Platform)
    {
        None => {
            return Ok(Reserved {
                grant,
                candidates,
                platform_output_tokens: None,
            });
        }
        Some(platform) => hold(case, &grant, platform).await,
    };
    let platform_output_tokens = match outcome {
        Ok(output_tokens) => output_tokens,
        // Own keys never depend on the platform's money: they are tried without it.
        Err(Refusal::Denied(_))
            if candidates
                .iter()
                .any(|candidate| candidate.attribution == Attribution::Byok) =>
        {
            candidates.retain(|candidate| candidate.attribution == Attribution::Byok);
            None
        }
        Err(refusal) => return Err(refusal),
    };
    Ok(Reserved {
        grant,
        candidates,
        platform_output_tokens,
    })
}

/// Credits for the worst case of `candidate` are held; answers the output tokens they pay for.
async fn hold(case: &mut Case, grant: &Grant, candidate: &Candidate) -> Result<Option<u64>, Refusal> {
    let gateway = std::sync::Arc::clone(&case.gateway);
    let plan = std::sync::Arc::clone(&case.caller.workspace.plan);
    let model = &grant.resolved.model;
    let card = candidate.card(&gateway.catalogue, model);
    let Some(price) = card.and_then(|card| card.price.as_ref()) else {
        return Err(Denial::new(
            DenialCode::PriceUnknown,
            format!("The price of {:?} is unknown, so it cannot be paid with credits. Use your own key for {}, or another model.",
                grant.resolved.full_name(), candidate.provider),
        )
        .with_param("model")
        .into());
    };
    let worst = WorstCase {
        card: price,
        possible: Possible {
            // Without a word of the caller the settings of the provider's account choose.
            service_tiers: PossibleTiers::Named(grant.asked.service_tier().unwrap_or("auto")),
            ..Possible::default()
        },
        input_tokens: grant.asked.input_bytes()
            + if grant.asked.has_images() {
                IMAGE_TOKENS_MAX
            } else {
                0
            },
        choices: u64::from(grant.asked.choices()),
        markup_basis_points: plan.platform_markup_basis_points,
        rate: gateway.settings.credit_rate,
    };
    let asked = grant.asked.max_output_tokens();
    let model_max = card.and_then(|card| card.limits.output);
    let most = [model_max, plan.max_output_tokens]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(OUTPUT_TOKENS_DEFAULT);
    let mut output_tokens = asked.unwrap_or(most);
    if worst.credits(output_tokens) == Some(Credits::ZERO) {
        return Ok(None);
    }
    if let Some(ceiling) = plan.max_credits_per_request
        && worst.credits(output_tokens).is_none_or(|needed| needed > ceiling)
    {
        let affordable = worst.affordable(ceiling, output_tokens);
        if asked.is_some() || affordable < OUTPUT_TOKENS_MIN {
            return Err(over_ceiling(&plan, ceiling, worst.credits(output_tokens), affordable).into());
        }
        output_tokens = affordable;
    }
    loop {
        let Some(credits) = worst.credits(output_tokens) else {
            return Err(exhausted(&plan, Balance::default(), Credits::MAX, 0).into());
        };
        let reservation = Reservation {
            request_id: case.received.id,
            workspace: case.caller.workspace.workspace.id,
            credits,
            at: case.received.at,
            expires_at: case.received.at.plus_millis(gateway.settings.reservation_ms),
        };
        let balance = match gateway.store.reserve(&reservation).await? {
            ReserveOutcome::Reserved => {
                case.reservation = Some(reservation);
                if asked.is_none() {
                    case.adjusted = Some(Adjusted {
                        param: "max_tokens",
                        to: output_tokens,
                    });
                }
                return Ok(Some(output_tokens));
            }
            ReserveOutcome::Held(balance) => return Err(held(&plan, balance, credits).into()),
            ReserveOutcome::Exhausted(balance) => balance,
        };
        let affordable = worst.affordable(balance.available(), output_tokens);
        if asked.is_some() || affordable < OUTPUT_TOKENS_MIN || affordable >= output_tokens {
            return Err(exhausted(&plan, balance, credits, affordable).into());
        }
        output_tokens = affordable;
    }
}

/// What the request will probably take on its first candidate.
fn expect(case: &Case, grant: &Grant, candidates: &[Candidate]) -> Expected {
    let gateway = &case.gateway;
    let tokens = gateway
        .estimator
        .expect(&grant.resolved.full_name(), &grant.asked);
    let card = candidates
        .first()
        .and_then(|first| first.card(&gateway.catalogue, &grant.resolved.model));
    let cost = card
        .and_then(|card| card.price.as_ref())
        .and_then(|price| crate::meter::price(price, &tokens, None, case.received.at).map(|cost| cost.total));
    Expected {
        input_tokens: tokens.input,
        output_tokens: tokens.output,
        cost_usd: cost,
    }
}

fn limited(denial: Denial, plan: &freehold_domain::plan::Plan, limit: Limit) -> Denial {
    Denial {
        tier: Some(plan.name.as_str().into()),
        limit: Some(Box::new(limit)),
        ..denial
    }
}

fn over_ceiling(
    plan: &freehold_domain::plan::Plan,
    ceiling: Credits,
    needed: Option<Credits>,
    affordable: u64,
) -> Denial {
    let needed = needed.unwrap_or(Credits::MAX);
    let denial = Denial::new(
        DenialCode::RequestCeilingExceeded,
        format!(
            "This request could cost {needed} credits; the plan {:?} allows {ceiling} for one request.",
            plan.name
        ),
    )
    .with_param("max_tokens");
    let limit = Limit {
        name: "max_credits_per_request",
        unit: "credits",
        allowed: ceiling.to_string(),
        requested: needed.to_string(),
        resets_at: None,
    };
    with_reduce(limited(denial, plan, limit), affordable)
}

fn exhausted(
    plan: &freehold_domain::plan::Plan,
    balance: Balance,
    needed: Credits,
    affordable: u64,
) -> Denial {
    let denial = Denial::new(
        DenialCode::CreditsExhausted,
        format!(
            "This request could cost {needed} credits and {} are left. Add credits, or store your own provider key.",
            balance.available()
        ),
    );
    with_reduce(limited(denial, plan, balance_limit(balance, needed)), affordable)
}

fn held(plan: &freehold_domain::plan::Plan, balance: Balance, needed: Credits) -> Denial {
    let denial = Denial::new(
        DenialCode::CreditsReserved,
        format!(
            "This request could cost {needed} credits; running requests hold {} for now. Try again shortly.",
            balance.held
        ),
    );
    let mut denial = limited(denial, plan, balance_limit(balance, needed));
    denial.retry_after_ms = Some(1_000);
    denial.remedies.push(Remedy::Wait {
        retry_after_ms: 1_000,
        would_allow: true,
    });
    denial
}

fn balance_limit(balance: Balance, needed: Credits) -> Limit {
    Limit {
        name: "credits",
        unit: "credits",
        allowed: balance.available().to_string(),
        requested: needed.to_string(),
        resets_at: None,
    }
}

fn with_reduce(mut denial: Denial, affordable: u64) -> Denial {
    if affordable >= OUTPUT_TOKENS_MIN {
        denial.remedies.push(Remedy::Reduce {
            param: "max_tokens",
            to: affordable,
            would_allow: true,
        });
    }
    denial
}
