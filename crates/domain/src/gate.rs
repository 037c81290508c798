//! The gate: whether a request may run, how much it may generate, and what it may cost at worst. Pure.
//!
//! The same function decides the real call and every remedy that is offered, so a remedy cannot be wrong about the rules.

use crate::catalog::{Possible, PriceCard};
use crate::denial::{Denial, DenialCode, Limit, Quantity, Remedy};
use crate::key::{VirtualKey, model_is_allowed};
use crate::money::{CreditRate, Credits};
use crate::plan::Plan;

/// Output assumed where neither the caller, the limits nor the catalogue says a number and money is at stake.
const OUTPUT_TOKENS_DEFAULT: u64 = 4_096;
/// Less than this is no answer worth sending for.
pub const OUTPUT_TOKENS_MIN: u64 = 16;

/// What a request is held to: each source can only be narrower than the plan.
#[derive(Debug, Clone, Copy)]
pub struct Bounds<'a> {
    /// The workspace's plan.
    pub plan: &'a Plan,
    /// The caller's key.
    pub key: &'a VirtualKey,
    /// A ceiling of the request's own.
    pub max_credits: Option<Credits>,
    /// What one credit is worth.
    pub rate: CreditRate,
}

/// How large a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// A bound that the input tokens cannot pass: a text of so many bytes has at most so many tokens.
    pub input_tokens_bound: u64,
    /// What the input probably is.
    pub input_tokens: u64,
    /// How many answers are asked for.
    pub choices: u64,
    /// The output tokens that the caller asked for, for each answer.
    pub output_tokens: Option<u64>,
}

/// What is known of the model that would answer.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// `provider/model`.
    pub full_name: &'a str,
    /// The most it can generate.
    pub output_tokens_max: Option<u64>,
    /// What it costs; nothing where that is unknown.
    pub price: Option<&'a PriceCard>,
    /// Under which conditions it may be billed.
    pub possible: Possible<'a>,
    /// What the platform adds to the price, in hundredths of a percent; nothing where the caller's own key pays.
    pub markup_basis_points: u32,
}

/// A request that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    /// The output tokens it is held to; nothing where nothing limits it.
    pub output_tokens: Option<u64>,
    /// Whether that was set here, because the caller left it open.
    pub adjusted: bool,
    /// The most it can cost; nothing where the price is unknown.
    pub worst: Option<Credits>,
}

impl Bounds<'_> {
    fn input_tokens(&self) -> Option<u64> {
        narrower(self.plan.max_input_tokens, self.key.limits.max_input_tokens)
    }

    fn output_tokens(&self) -> Option<u64> {
        narrower(self.plan.max_output_tokens, self.key.limits.max_output_tokens)
    }

    /// The ceiling on what one request may cost.
    #[must_use]
    pub fn credits(&self) -> Option<Credits> {
        let configured = narrower(
            self.plan.max_credits_per_request,
            self.key.limits.max_credits_per_request,
        );
        narrower(configured, self.max_credits)
    }

    /// Whether the request may run on `subject`.
    ///
    /// # Errors
    /// The first rule that it breaks, with the largest `max_tokens` that would pass as a remedy where there is one.
    pub fn admit(&self, size: &Size, subject: &Subject<'_>) -> Result<Admitted, Denial> {
        self.check_model(subject.full_name)?;
        self.check_input(size)?;
        let limit = self.output_tokens();
        let most = narrower(limit, subject.output_tokens_max);
        if let (Some(asked), Some(limit)) = (size.output_tokens, limit)
            && asked > limit
        {
            return Err(self.with_reduce(self.output_denial(asked, limit), size, subject, limit));
        }
        let ceiling = self.credits();
        let open = size.output_tokens.is_none();
        let mut output_tokens = size.output_tokens.or(if limit.is_some() { most } else { None });
        let priced = output_tokens.or(most).unwrap_or(OUTPUT_TOKENS_DEFAULT);
        let mut worst = subject.worst(self.rate, size, priced);
        if let Some(ceiling) = ceiling {
            if subject.price.is_none() {
                return Err(price_unknown(subject.full_name));
            }
            if worst.is_none_or(|worst| worst > ceiling) {
                let affordable = subject.affordable(self.rate, size, ceiling, priced);
                if !open || affordable < OUTPUT_TOKENS_MIN {
                    let denial = self.ceiling_denial(worst, ceiling);
                    return Err(self.with_reduce(denial, size, subject, affordable));
                }
                output_tokens = Some(affordable);
                worst = subject.worst(self.rate, size, affordable);
            }
        }
        Ok(Admitted {
            output_tokens,
            adjusted: open && output_tokens.is_some(),
            worst,
        })
    }

    /// Whether key and plan allow the model.
    ///
    /// # Errors
    /// `ModelNotAllowed`, with the patterns that are.
    pub fn check_model(&self, full_name: &str) -> Result<(), Denial> {
        for (patterns, whose) in [
            (&self.key.allowed_models, "this virtual key"),
            (&self.plan.allowed_models, "the workspace's plan"),
        ] {
            if !model_is_allowed(patterns, full_name) {
                let patterns = patterns.join(", ");
                let message =
                    format!("The model {full_name:?} is not among those {whose} allows: {patterns}.");
                return Err(Denial::new(DenialCode::ModelNotAllowed, message).with_param("model"));
            }
        }
        Ok(())
    }

    fn check_input(&self, size: &Size) -> Result<(), Denial> {
        let Some(allowed) = self.input_tokens() else {
            return Ok(());
        };
        // Most requests are so small that their bytes settle it.
        if size.input_tokens_bound <= allowed || size.input_tokens <= allowed {
            return Ok(());
        }
        let message = format!(
            "The prompt has about {} tokens; the plan {:?} allows {allowed}. Send a shorter one.",
            size.input_tokens, self.plan.name
        );
        let limit = limit("max_input_tokens", "tokens", allowed, size.input_tokens);
        Err(self.limited(
            Denial::new(DenialCode::InputTokensExceeded, message).with_param("messages"),
            limit,
        ))
    }

    fn output_denial(&self, asked: u64, allowed: u64) -> Denial {
        let message = format!(
            "`max_tokens` asks for {asked} output tokens; the plan {:?} allows {allowed}.",
            self.plan.name
        );
        let limit = limit("max_output_tokens", "tokens", allowed, asked);
        self.limited(
            Denial::new(DenialCode::OutputTokensExceeded, message).with_param("max_tokens"),
            limit,
        )
    }

    fn ceiling_denial(&self, worst: Option<Credits>, ceiling: Credits) -> Denial {
        let worst = worst.unwrap_or(Credits::MAX);
        let message = format!(
            "This request could cost {worst} credits; {ceiling} are allowed for one request on the plan {:?}.",
            self.plan.name
        );
        let limit = limit("max_credits_per_request", "credits", ceiling, worst);
        self.limited(
            Denial::new(DenialCode::RequestCeilingExceeded, message).with_param("max_tokens"),
            limit,
        )
    }

    fn limited(&self, denial: Denial, limit: Limit) -> Denial {
        Denial {
            tier: Some(self.plan.name.as_str().into()),
            limit: Some(Box::new(limit)),
            ..denial
        }
    }

    /// The denial with the remedy to ask for at most `to` output tokens, if that has been seen to pass.
    fn with_reduce(&self, mut denial: Denial, size: &Size, subject: &Subject<'_>, to: u64) -> Denial {
        let mut to = to;
        if let Some(ceiling) = self.credits() {
            to = to.min(subject.affordable(self.rate, size, ceiling, to));
        }
        let reduced = Size {
            output_tokens: Some(to),
            ..*size
        };
        if to >= OUTPUT_TOKENS_MIN && self.admit(&reduced, subject).is_ok() {
            denial.remedies.push(Remedy::Reduce {
                param: "max_tokens",
                to,
                would_allow: true,
            });
        }
        denial
    }
}

impl Subject<'_> {
    /// The most that `output_tokens` for each answer can cost; nothing where the price is unknown or the sum does not fit.
    #[must_use]
    pub fn worst(&self, rate: CreditRate, size: &Size, output_tokens: u64) -> Option<Credits> {
        let output_tokens = output_tokens.checked_mul(size.choices)?;
        let cost = self
            .price?
            .worst_case_of(size.input_tokens_bound, output_tokens, &self.possible)?;
        Some(rate.credits_for(cost, self.markup_basis_points))
    }

    /// The most output tokens for each answer, up to `most`, that `credits` pay for at worst.
    #[must_use]
    pub fn affordable(&self, rate: CreditRate, size: &Size, credits: Credits, most: u64) -> u64 {
        let (mut low, mut high) = (0, most);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if self
                .worst(rate, size, middle)
                .is_some_and(|worst| worst <= credits)
            {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        low
    }
}

/// The refusal where a limit on money must hold and the price is unknown: an unknown price is never zero.
#[must_use]
pub fn price_unknown(full_name: &str) -> Denial {
    Denial::new(
        DenialCode::PriceUnknown,
        format!(
            "The price of {full_name:?} is unknown, so no limit on its cost can hold. Use a model with a known price, \
             or ask the operator to add one."
        ),
    )
    .with_param("model")
}

fn limit(name: &'static str, unit: &'static str, allowed: impl ToString, requested: impl ToString) -> Limit {
    Limit {
        name,
        unit,
        allowed: Quantity::of(allowed),
        requested: Quantity::of(requested),
        resets_at: None,
    }
}

fn narrower<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests;
