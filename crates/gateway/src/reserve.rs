//! Stage 7: credits for the worst case, held before anything is spent. Own keys need none.

use std::sync::Arc;

use freehold_domain::denial::{Denial, DenialCode, Limit, Quantity, Remedy};
use freehold_domain::gate::{OUTPUT_TOKENS_MIN, Size, price_unknown};
use freehold_domain::ledger::{Balance, Reservation, ReserveOutcome};
use freehold_domain::money::Credits;
use freehold_domain::plan::Plan;
use freehold_domain::record::{Attribution, Expected};

use crate::authorize::{Grant, own_key_remedy, size, subject};
use crate::case::Case;
use crate::error::Refusal;
use crate::metadata::Adjusted;
use crate::route::{Candidate, Routed};

/// Output asked for where neither the caller nor the catalogue says a number.
const OUTPUT_TOKENS_DEFAULT: u64 = 4_096;
/// When to come back while running requests hold the credits.
const HELD_RETRY_MS: u64 = 1_000;

/// A request that can be paid for, whichever candidate serves it.
pub(crate) struct Reserved {
    pub(crate) grant: Grant,
    pub(crate) candidates: Vec<Candidate>,
    /// Output tokens the platform's candidates are held to.
    pub(crate) platform_output_tokens: Option<u64>,
}

/// The request's worst case is held where credits pay; a request on own keys passes as it is.
///
/// # Errors
/// `CreditsExhausted`, `CreditsReserved`, `PriceUnknown`, each only if no own key is left.
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
    let gateway = Arc::clone(&case.gateway);
    let plan = Arc::clone(&case.caller.workspace.plan);
    let full_name = grant.resolved.full_name();
    let card = candidate.card(&gateway.catalogue, grant.resolved.model());
    let subject = subject(full_name, card, &grant.asked, &plan, false);
    let denied = |mut denial: Denial| {
        denial.remedies.extend(own_key_remedy(&grant.resolved, &plan));
        Refusal::from(denial)
    };
    if subject.price.is_none() {
        return Err(denied(price_unknown(full_name)));
    }
    let rate = gateway.settings.credit_rate;
    let size = size(&grant.asked, &grant.expected, Some(candidate.kind));
    let open = grant.asked.max_output_tokens().is_none();
    let most = [subject.output_tokens_max, plan.max_output_tokens]
        .into_iter()
        .flatten()
        .min();
    let mut output_tokens = grant
        .output_tokens
        .or(grant.asked.max_output_tokens())
        .unwrap_or_else(|| most.unwrap_or(OUTPUT_TOKENS_DEFAULT));
    let worst = |size: &Size, output_tokens| subject.worst(rate, size, output_tokens).unwrap_or(Credits::MAX);
    if worst(&size, output_tokens) == Credits::ZERO {
        return Ok(None);
    }
    loop {
        let credits = worst(&size, output_tokens);
        let reservation = Reservation {
            request_id: case.received.id,
            workspace: case.caller.workspace.workspace.id,
            credits,
            at: case.received.at,
            expires_at: case.received.at.plus_millis(gateway.settings.reservation_ms),
        };
        let outcome = if case.rehearsal {
            would_reserve(gateway.store.balance(reservation.workspace).await?, credits)
        } else {
            gateway.store.reserve(&reservation).await?
        };
        let balance = match outcome {
            ReserveOutcome::Reserved => {
                case.reservation = Some(reservation).filter(|_| !case.rehearsal);
                if open {
                    case.adjusted = Some(Adjusted {
                        param: "max_tokens",
                        to: output_tokens,
                    });
                }
                return Ok(Some(output_tokens));
            }
            ReserveOutcome::Held(balance) => return Err(denied(held(&plan, balance, credits))),
            ReserveOutcome::Exhausted(balance) => balance,
        };
        let affordable = subject.affordable(rate, &size, balance.available(), output_tokens);
        if !open || affordable < OUTPUT_TOKENS_MIN || affordable >= output_tokens {
            return Err(denied(exhausted(&plan, balance, credits, affordable)));
        }
        // The caller left it open how much may be generated: then as much as the balance pays for.
        output_tokens = affordable;
    }
}

/// What the ledger would answer now.
fn would_reserve(balance: Balance, credits: Credits) -> ReserveOutcome {
    if credits <= balance.available() {
        ReserveOutcome::Reserved
    } else if credits <= balance.granted.saturating_sub(balance.posted) {
        ReserveOutcome::Held(balance)
    } else {
        ReserveOutcome::Exhausted(balance)
    }
}

/// What the request will probably take on its first candidate.
fn expect(case: &Case, grant: &Grant, candidates: &[Candidate]) -> Expected {
    let gateway = &case.gateway;
    let tokens = &grant.expected;
    let card = candidates
        .first()
        .and_then(|first| first.card(&gateway.catalogue, grant.resolved.model()));
    let cost = card
        .and_then(|card| card.price.as_ref())
        .and_then(|price| crate::meter::price(price, tokens, None, case.received.at).map(|cost| cost.total));
    Expected {
        input_tokens: tokens.input,
        output_tokens: tokens.output,
        cost_usd: cost,
    }
}

fn exhausted(plan: &Plan, balance: Balance, needed: Credits, affordable: u64) -> Denial {
    let message = format!(
        "This request could cost {needed} credits and {} are left. Add credits, or store your own provider key.",
        balance.available()
    );
    let mut denial = limited(
        Denial::new(DenialCode::CreditsExhausted, message),
        plan,
        balance,
        needed,
    );
    if affordable >= OUTPUT_TOKENS_MIN {
        denial.remedies.push(Remedy::Reduce {
            param: "max_tokens",
            to: affordable,
            would_allow: true,
        });
    }
    denial
}

fn held(plan: &Plan, balance: Balance, needed: Credits) -> Denial {
    let message = format!(
        "This request could cost {needed} credits; running requests hold {} for now. Try again shortly.",
        balance.held
    );
    let mut denial = limited(
        Denial::new(DenialCode::CreditsReserved, message),
        plan,
        balance,
        needed,
    );
    denial.retry_after_ms = Some(HELD_RETRY_MS);
    denial.remedies.push(Remedy::Wait {
        retry_after_ms: HELD_RETRY_MS,
        would_allow: true,
    });
    denial
}

fn limited(denial: Denial, plan: &Plan, balance: Balance, needed: Credits) -> Denial {
    let limit = Limit {
        name: "credits",
        unit: "credits",
        allowed: Quantity::of(balance.available()),
        requested: Quantity::of(needed),
        resets_at: None,
    };
    Denial {
        tier: Some(plan.name.as_str().into()),
        limit: Some(Box::new(limit)),
        ..denial
    }
}
