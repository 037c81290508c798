//! Stage 11: what the answer took and what it costs. The provider's figures, else an estimate that says so.

use freehold_domain::catalog::{Cost, PriceCard, PriceConditions};
use freehold_domain::money::Credits;
use freehold_domain::record::{Attribution, Outcome, Variance, VarianceCause};
use freehold_domain::time::Timestamp;
use freehold_domain::tokens::{TokenUsage, UsageSource};
use freehold_wire::ReportedUsage;

use crate::case::Case;
use crate::estimate;
use crate::relay::{Ending, Relayed};

/// An answer with its figures.
pub(crate) struct Metered {
    pub(crate) relayed: Relayed,
    pub(crate) tokens: TokenUsage,
    pub(crate) source: UsageSource,
    pub(crate) cost: Option<Cost>,
    pub(crate) credits: Credits,
    pub(crate) variance: Option<Variance>,
}

/// The answer's tokens, cost, credits and how they differ from what was expected.
pub(crate) fn meter(case: &Case, relayed: Relayed) -> Metered {
    let (tokens, source) = match &relayed.usage {
        Some(usage) => finished(usage.tokens, &relayed),
        // Nothing came back: nothing is charged, whatever the prompt's length.
        None if relayed.output_bytes == 0 && relayed.ending != Ending::Complete => {
            (TokenUsage::default(), UsageSource::None)
        }
        None => {
            let input = relayed.input_so_far.unwrap_or_else(|| TokenUsage {
                input: case.expected.map_or(0, |expected| expected.input_tokens),
                ..TokenUsage::default()
            });
            let output = estimate::tokens_of_text(relayed.output_bytes);
            (TokenUsage { output, ..input }, UsageSource::Estimated)
        }
    };
    let card = relayed
        .candidate
        .card(&case.gateway.catalogue, relayed.resolved.model());
    let cost = card
        .and_then(|card| card.price.as_ref())
        .and_then(|card| price(card, &tokens, relayed.usage.as_ref(), case.received.at));
    let credits = match (relayed.candidate.attribution, &cost) {
        (Attribution::Platform, Some(cost)) => {
            let markup = case.caller.workspace.plan.platform_markup_basis_points;
            case.gateway.settings.credit_rate.credits_for(cost.total, markup)
        }
        _ => Credits::ZERO,
    };
    let variance = variance(case, &relayed, &tokens, cost.as_ref());
    Metered {
        relayed,
        tokens,
        source,
        cost,
        credits,
        variance,
    }
}

/// The provider's figures. Of an answer that broke off they may be those of its beginning: then what came counts.
fn finished(mut tokens: TokenUsage, relayed: &Relayed) -> (TokenUsage, UsageSource) {
    let generated = estimate::tokens_of_text(relayed.output_bytes);
    if relayed.ending == Ending::Complete || generated <= tokens.output {
        return (tokens, UsageSource::Provider);
    }
    tokens.output = generated;
    (tokens, UsageSource::Estimated)
}

/// What `tokens` cost on `card`, under the conditions the provider reported; nothing if they cannot be priced.
pub(crate) fn price(
    card: &PriceCard,
    tokens: &TokenUsage,
    reported: Option<&ReportedUsage>,
    at: Timestamp,
) -> Option<Cost> {
    let conditions = PriceConditions {
        at,
        service_tier: reported.and_then(|usage| usage.service_tier.as_deref()),
        fast: reported.is_some_and(|usage| usage.fast),
        geo: reported.and_then(|usage| usage.inference_geo.as_deref()),
    };
    card.cost(tokens, &conditions).ok()
}

/// Actual minus expected, and the largest reason.
fn variance(case: &Case, relayed: &Relayed, tokens: &TokenUsage, cost: Option<&Cost>) -> Option<Variance> {
    let expected = case.expected?;
    let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let input = signed(tokens.input_total()) - signed(expected.input_tokens);
    let output = signed(tokens.output) - signed(expected.output_tokens);
    let cost_usd = match (cost, expected.cost_usd) {
        (Some(cost), Some(expected)) => cost.total.checked_sub(expected),
        _ => None,
    };
    let cached = tokens.cache_read + tokens.cache_write + tokens.cache_write_long > 0;
    let cause = if input == 0 && output == 0 {
        VarianceCause::None
    } else if relayed.ending.outcome() != Outcome::Ok {
        VarianceCause::Abort
    } else if case.attempts.len() > 1 && output.abs() <= 1 && input.abs() <= 1 {
        VarianceCause::Retry
    } else if cached && signed(tokens.cache_read) >= output.abs() {
        VarianceCause::Cache
    } else if input.abs() > output.abs() {
        VarianceCause::Tokenizer
    } else if output > 0 && signed(tokens.reasoning) * 2 >= output {
        VarianceCause::Reasoning
    } else if output > 0 {
        VarianceCause::OutputLonger
    } else {
        VarianceCause::OutputShorter
    };
    Some(Variance {
        tokens: input.saturating_add(output),
        cost_usd,
        cause,
    })
}
