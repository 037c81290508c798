//! The most a request can cost before it is sent, so that what is held for it is never too little.

use super::price::{FACTOR_PARTS, PriceCard, settle};
use super::rates::TokenClass;
use crate::money::Nanodollars;

/// What is known before a request is sent of the conditions it will be billed under.
///
/// What the caller did not ask for cannot be billed, so each restriction lowers the worst case without making it wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Possible<'a> {
    /// Which service tiers the provider may put the request into.
    pub service_tiers: PossibleTiers<'a>,
    /// Which regions the work may be pinned to.
    pub region: PossibleRegion<'a>,
    /// Which writes to the provider's cache may be billed.
    pub cache_writes: PossibleCacheWrites,
}

/// Service tiers that a provider may bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PossibleTiers<'a> {
    /// Any that the card lists.
    #[default]
    Any,
    /// The ordinary one alone.
    Ordinary,
    /// The named one as the caller asked for it, or the ordinary one where the provider steps down.
    ///
    /// `auto` leaves the choice to the settings of the provider's account, which may say priority.
    Named(&'a str),
}

/// Regions that a provider may bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PossibleRegion<'a> {
    /// Any that the card lists.
    #[default]
    Any,
    /// None.
    Unpinned,
    /// The named one.
    Named(&'a str),
}

/// Cache writes that a provider may bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum PossibleCacheWrites {
    /// None.
    None,
    /// At the short lifetime.
    Short,
    /// At either lifetime.
    #[default]
    Long,
}

impl PriceCard {
    /// The most that up to `input_tokens_bound` tokens in and `output_tokens` tokens out can cost under any conditions.
    ///
    /// Nothing if the model has no price per token, or the sum does not fit.
    #[must_use]
    pub fn worst_case(&self, input_tokens_bound: u64, output_tokens: u64) -> Option<Nanodollars> {
        self.worst_case_of(input_tokens_bound, output_tokens, &Possible::default())
    }

    /// The most that up to `input_tokens_bound` tokens in and `output_tokens` tokens out can cost under `possible` conditions.
    ///
    /// Every schedule counts, since a request may cross into one. A tier or region that the card does not list counts as
    /// any of those it does. Nothing if the model has no price per token, or the sum does not fit.
    #[must_use]
    pub fn worst_case_of(
        &self,
        input_tokens_bound: u64,
        output_tokens: u64,
        possible: &Possible<'_>,
    ) -> Option<Nanodollars> {
        let tokens = self.tokens.as_ref()?;
        let named_tier = match possible.service_tiers {
            PossibleTiers::Any => None,
            PossibleTiers::Ordinary => Some(0),
            PossibleTiers::Named(name) if name.eq_ignore_ascii_case("auto") => {
                tokens.service_tier(Some("priority"), false).or(Some(0))
            }
            PossibleTiers::Named(name) => tokens.service_tier(Some(name), false),
        };
        let counts_as_input = |class: TokenClass| match class {
            TokenClass::CacheWrite => possible.cache_writes >= PossibleCacheWrites::Short,
            TokenClass::CacheWriteLong => possible.cache_writes >= PossibleCacheWrites::Long,
            _ => !class.is_output(),
        };
        let mut highest: i128 = 0;
        let service_tiers = (0..=tokens.service_tiers.len())
            .filter(|tier| *tier == 0 || named_tier.is_none_or(|named| named == *tier));
        for service_tier in service_tiers {
            for schedule in 0..=tokens.schedules.len() {
                for tier in 0..=tokens.tier_of(input_tokens_bound) {
                    let rates = tokens.sheet(service_tier, schedule, tier)?;
                    let input = i128::from(input_tokens_bound) * i128::from(rates.highest(counts_as_input));
                    let output = i128::from(output_tokens) * i128::from(rates.highest(TokenClass::is_output));
                    highest = highest.max(input.checked_add(output)?);
                }
            }
        }
        settle(highest, self.highest_region_factor(possible.region))
    }

    fn highest_region_factor(&self, possible: PossibleRegion<'_>) -> u32 {
        let listed = match possible {
            PossibleRegion::Any => None,
            PossibleRegion::Unpinned => Some(FACTOR_PARTS),
            PossibleRegion::Named(name) => self.region_factor(Some(name)),
        };
        listed.unwrap_or_else(|| {
            self.regions
                .iter()
                .map(|(_, factor)| *factor)
                .fold(FACTOR_PARTS, u32::max)
        })
    }
}
