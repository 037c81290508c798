//! What one request costs: the rates that hold for it, every class of token at its own, rounded up once.

use std::sync::Arc;

use jiff::civil::Date;

use super::rates::{Rates, TokenClass};
use super::schedule::Schedule;
use super::units::UnitPrices;
use crate::money::{Nanodollars, div_ceil};
use crate::time::Timestamp;
use crate::tokens::TokenUsage;

/// Rates are per this many tokens.
const TOKENS_PER_RATE: i128 = 1_000_000;
/// Factors are in this many parts of one.
pub(super) const FACTOR_PARTS: u32 = 10_000;
/// Names under which providers report or take the tier that is not special.
const ORDINARY_TIERS: [&str; 6] = ["", "default", "standard", "auto", "on_demand", "standard_only"];
/// Names under which providers report that no region was asked for.
const ORDINARY_REGIONS: [&str; 3] = ["", "global", "not_available"];
/// The tier under which faster output of the same model is listed.
pub(super) const FAST_TIER: &str = "fast";

/// The dated prices of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceCard {
    pub(super) tokens: Option<TokenPrices>,
    pub(super) units: UnitPrices,
    /// Regions and what all token prices are multiplied by there, in parts of [`FACTOR_PARTS`].
    pub(super) regions: Box<[(Box<str>, u32)]>,
    pub(super) source: Arc<str>,
    pub(super) date: Date,
}

/// Token prices under every combination of conditions, each without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TokenPrices {
    /// Special service tiers by name.
    pub(super) service_tiers: Box<[Box<str>]>,
    pub(super) schedules: Box<[Schedule]>,
    /// Numbers of input tokens above which the next price holds, ascending.
    pub(super) thresholds: Box<[u64]>,
    /// By service tier (ordinary first), in it by schedule (none first), in it by threshold (none first).
    pub(super) sheets: Box<[Rates]>,
    /// What generated tokens are whose kind the provider does not tell.
    pub(super) chief_output: TokenClass,
}

/// What about a request decides which prices hold for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceConditions<'a> {
    /// When the provider took the request.
    pub at: Timestamp,
    /// The service tier that the provider reported.
    pub service_tier: Option<&'a str>,
    /// Whether the provider reported its faster speed.
    pub fast: bool,
    /// The region to which the provider says it pinned the work.
    pub geo: Option<&'a str>,
}

impl PriceConditions<'_> {
    /// Nothing special, at `at`.
    #[must_use]
    pub const fn ordinary(at: Timestamp) -> Self {
        Self {
            at,
            service_tier: None,
            fast: false,
            geo: None,
        }
    }
}

/// What tokens cost, and on what grounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// The sum, rounded up once.
    pub total: Nanodollars,
    /// Who listed the price.
    pub price_source: Arc<str>,
    /// The day on which it was listed.
    pub price_date: Date,
    /// Why the sum may be wrong, if the card has no price for something the provider reported.
    pub doubt: Option<Doubt>,
}

/// Something the provider reported that the card has no price for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// The service tier; the ordinary price was taken.
    ServiceTierNotListed,
    /// The region; no factor was taken.
    RegionNotListed,
}

/// Tokens could not be priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CostError {
    /// The model is billed by the piece, not by the token.
    #[error("the model has no price per token")]
    NoTokenPrice,
    /// The sum is above what an amount holds.
    #[error("the cost is above {max} dollars", max = Nanodollars::MAX)]
    TooLarge,
}

impl PriceCard {
    /// What `usage` costs under `conditions`: all tokens at the rates of the tier that the whole input falls into.
    ///
    /// Counts that say more than their whole (reasoning above output, audio above input) are held at the whole.
    ///
    /// # Errors
    /// If the model has no price per token, or the sum does not fit.
    pub fn cost(&self, usage: &TokenUsage, conditions: &PriceConditions<'_>) -> Result<Cost, CostError> {
        let tokens = self.tokens.as_ref().ok_or(CostError::NoTokenPrice)?;
        let service_tier = tokens.service_tier(conditions.service_tier, conditions.fast);
        let region = self.region_factor(conditions.geo);
        let rates = tokens
            .sheet(
                service_tier.unwrap_or(0),
                tokens.schedule_at(conditions.at),
                tokens.tier_of(usage.input_total()),
            )
            .ok_or(CostError::NoTokenPrice)?;
        let doubt = match (service_tier, region) {
            (None, _) => Some(Doubt::ServiceTierNotListed),
            (_, None) => Some(Doubt::RegionNotListed),
            _ => None,
        };
        let mut sum: i128 = 0;
        for (class, count) in split(usage, tokens.chief_output) {
            let part = i128::from(count) * i128::from(rates.of(class));
            sum = sum.checked_add(part).ok_or(CostError::TooLarge)?;
        }
        let total = settle(sum, region.unwrap_or(FACTOR_PARTS)).ok_or(CostError::TooLarge)?;
        Ok(Cost {
            total,
            price_source: Arc::clone(&self.source),
            price_date: self.date,
            doubt,
        })
    }

    /// The ordinary rate of `class` in dollars per million tokens; nothing if the model is not billed by the token.
    #[must_use]
    pub fn rate(&self, class: TokenClass) -> Option<Nanodollars> {
        Some(self.tokens.as_ref()?.sheets.first()?.dollars_per_million(class))
    }

    /// Prices by the piece.
    #[must_use]
    pub const fn units(&self) -> &UnitPrices {
        &self.units
    }

    /// Who listed the price.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The day on which it was listed.
    #[must_use]
    pub const fn date(&self) -> Date {
        self.date
    }

    /// Whether the model is known to cost nothing, whatever the conditions.
    #[must_use]
    pub fn is_free(&self) -> bool {
        let tokens_free = self
            .tokens
            .as_ref()
            .is_none_or(|tokens| tokens.sheets.iter().all(Rates::all_zero));
        tokens_free && self.units.all_zero()
    }

    /// Whether tokens have a price at all.
    #[must_use]
    pub const fn has_token_price(&self) -> bool {
        self.tokens.is_some()
    }

    /// The factor of `region` in parts of [`FACTOR_PARTS`]; nothing if regions matter to this card and this one is not on it.
    pub(super) fn region_factor(&self, region: Option<&str>) -> Option<u32> {
        let region = region.unwrap_or_default();
        if self.regions.is_empty() || is_one_of(&ORDINARY_REGIONS, region) {
            return Some(FACTOR_PARTS);
        }
        self.regions
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(region))
            .map(|(_, factor)| *factor)
    }
}

impl TokenPrices {
    /// Which block of sheets holds: 0 for the ordinary tier; nothing if the tier is special and not listed.
    pub(super) fn service_tier(&self, reported: Option<&str>, fast: bool) -> Option<usize> {
        let place = |name: &str| {
            Some(
                1 + self
                    .service_tiers
                    .iter()
                    .position(|tier| tier.eq_ignore_ascii_case(name))?,
            )
        };
        let reported = reported.unwrap_or_default();
        if fast || reported.eq_ignore_ascii_case(FAST_TIER) {
            // Where no faster speed is listed, `fast` is a caller's word for priority.
            return place(FAST_TIER).or_else(|| place("priority"));
        }
        if is_one_of(&ORDINARY_TIERS, reported) {
            Some(0)
        } else {
            place(reported)
        }
    }

    /// 0 outside every schedule, else the place of the first that holds.
    fn schedule_at(&self, at: Timestamp) -> usize {
        self.schedules
            .iter()
            .position(|schedule| schedule.contains(at))
            .map_or(0, |place| place + 1)
    }

    /// How many thresholds `input_tokens` is above.
    pub(super) fn tier_of(&self, input_tokens: u64) -> usize {
        self.thresholds
            .partition_point(|threshold| *threshold < input_tokens)
    }

    /// The rates of one combination.
    pub(super) fn sheet(&self, service_tier: usize, schedule: usize, tier: usize) -> Option<&Rates> {
        let (schedules, tiers) = (self.schedules.len() + 1, self.thresholds.len() + 1);
        self.sheets
            .get((service_tier * schedules + schedule) * tiers + tier)
    }
}

/// `usage` as classes that do not overlap.
fn split(usage: &TokenUsage, chief_output: TokenClass) -> [(TokenClass, u64); 8] {
    let audio_input = usage.audio_input.min(usage.input);
    let reasoning = usage.reasoning.min(usage.output);
    let audio_output = usage.audio_output.min(usage.output - reasoning);
    [
        (TokenClass::Input, usage.input - audio_input),
        (TokenClass::AudioInput, audio_input),
        (TokenClass::CacheRead, usage.cache_read),
        (TokenClass::CacheWrite, usage.cache_write),
        (TokenClass::CacheWriteLong, usage.cache_write_long),
        (TokenClass::Reasoning, reasoning),
        (TokenClass::AudioOutput, audio_output),
        (chief_output, usage.output - reasoning - audio_output),
    ]
}

/// Nanodollars for a sum of tokens times rates, times a factor, rounded up; nothing if it does not fit.
pub(super) fn settle(sum: i128, factor: u32) -> Option<Nanodollars> {
    let numerator = sum.checked_mul(i128::from(factor))?;
    let nanodollars = div_ceil(numerator, TOKENS_PER_RATE * i128::from(FACTOR_PARTS));
    i64::try_from(nanodollars).ok().map(Nanodollars::from_units)
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}
