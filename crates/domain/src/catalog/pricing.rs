//! From listed prices to a price card: every figure checked, every gap filled, every combination worked out once.

use std::sync::Arc;

use super::assemble::Context;
use super::card::Mode;
use super::error::CatalogueError;
use super::price::{FACTOR_PARTS, PriceCard, TokenPrices};
use super::rates::{ListedRates, TokenClass};
use super::schedule::{Schedule, window};
use super::table::{ListedPrice, ListedTokens, ListedUnits};
use super::units::{ImagePrice, Unit, UnitPrices};
use crate::money::Nanodollars;

/// More tiers, schedules or service tiers than this are a mistake, and would multiply.
const VARIANTS_MAX: usize = 8;
/// A factor above this is a mistake.
const FACTOR_MAX: u32 = 100 * FACTOR_PARTS;
const FACTOR_RULE: &str = "a factor is between 0.0001 and 100 with at most four places";

/// The prices that `listed` gives a model made for `mode`.
pub(super) fn price_card(
    listed: &ListedPrice,
    mode: Mode,
    context: &Context<'_>,
) -> Result<PriceCard, CatalogueError> {
    let tokens = match &listed.tokens {
        Some(standard) => Some(token_prices(listed, standard, mode, context)?),
        None if listed.has_variants() => {
            let problem =
                "tiers, schedules, service tiers and regions need ordinary token prices to differ from";
            return Err(context.refuse("price.tokens", problem));
        }
        None => None,
    };
    let units = match &listed.units {
        Some(units) => unit_prices(units, context)?,
        None => UnitPrices::default(),
    };
    if tokens.is_none() && units.is_empty() {
        return Err(context.refuse("price", "is empty; leave it out if the price is not known"));
    }
    let mut regions = Vec::with_capacity(listed.regions.len());
    for (name, figure) in &listed.regions {
        let field = format!("price.regions.{name}");
        let units_per_part = 1_000_000_000 / i64::from(FACTOR_PARTS);
        let units = context.amount(&field, figure)?;
        let parts = u32::try_from(units / units_per_part)
            .ok()
            .filter(|parts| (1..=FACTOR_MAX).contains(parts));
        match parts {
            Some(parts) if units % units_per_part == 0 => regions.push((name.as_str().into(), parts)),
            _ => return Err(context.refuse(field, FACTOR_RULE)),
        }
    }
    Ok(PriceCard {
        tokens,
        units,
        regions: regions.into_boxed_slice(),
        source: Arc::clone(&context.source),
        date: context.date,
    })
}

fn token_prices(
    listed: &ListedPrice,
    standard: &ListedTokens,
    mode: Mode,
    context: &Context<'_>,
) -> Result<TokenPrices, CatalogueError> {
    for (field, count) in [
        ("tiers", listed.tiers.len()),
        ("schedules", listed.schedules.len()),
        ("service_tiers", listed.service_tiers.len()),
    ] {
        if count > VARIANTS_MAX {
            let problem = format!("at most {VARIANTS_MAX} are allowed");
            return Err(context.refuse(format!("price.{field}"), problem));
        }
    }
    let standard = rates(standard, "price.tokens", context)?;
    if standard.complete().is_none() {
        let problem = "needs `input` and one of `output`, `audio_output`, `image_output`";
        return Err(context.refuse("price.tokens", problem));
    }
    // The ordinary rates stand at the head of each list, as the variant that changes nothing.
    let (mut tiers, mut schedules, mut services) = (vec![standard], vec![standard], vec![standard]);
    for (place, tier) in listed.tiers.iter().enumerate() {
        tiers.push(variant(
            &tier.tokens,
            format!("price.tiers[{place}].tokens"),
            context,
        )?);
    }
    for (place, schedule) in listed.schedules.iter().enumerate() {
        schedules.push(variant(
            &schedule.tokens,
            format!("price.schedules[{place}].tokens"),
            context,
        )?);
    }
    for (name, tokens) in &listed.service_tiers {
        services.push(variant(tokens, format!("price.service_tiers.{name}"), context)?);
    }
    let mut sheets = Vec::with_capacity(services.len() * schedules.len() * tiers.len());
    for service in &services {
        for schedule in &schedules {
            for tier in &tiers {
                let combined = [service, schedule, tier]
                    .into_iter()
                    .try_fold(standard, |rates, variant| rates.under(&standard, variant))
                    .and_then(|rates| rates.complete());
                let outgrown =
                    || context.refuse("price", "tiers and service tiers multiply to more than any price");
                sheets.push(combined.ok_or_else(outgrown)?);
            }
        }
    }
    Ok(TokenPrices {
        service_tiers: listed
            .service_tiers
            .keys()
            .map(|name| name.as_str().into())
            .collect(),
        schedules: weekly_schedules(listed, context)?,
        thresholds: thresholds(listed, context)?,
        sheets: sheets.into_boxed_slice(),
        chief_output: match mode {
            Mode::Image => TokenClass::ImageOutput,
            Mode::Speech => TokenClass::AudioOutput,
            _ => TokenClass::Output,
        },
    })
}

fn thresholds(listed: &ListedPrice, context: &Context<'_>) -> Result<Box<[u64]>, CatalogueError> {
    let mut thresholds: Vec<u64> = Vec::with_capacity(listed.tiers.len());
    for (place, tier) in listed.tiers.iter().enumerate() {
        if tier.above <= thresholds.last().copied().unwrap_or(0) {
            let field = format!("price.tiers[{place}].above");
            return Err(context.refuse(field, "thresholds start above 0 and ascend"));
        }
        thresholds.push(tier.above);
    }
    Ok(thresholds.into_boxed_slice())
}

fn weekly_schedules(listed: &ListedPrice, context: &Context<'_>) -> Result<Box<[Schedule]>, CatalogueError> {
    let mut schedules = Vec::with_capacity(listed.schedules.len());
    for (place, schedule) in listed.schedules.iter().enumerate() {
        let refuse = |problem: String| context.refuse(format!("price.schedules[{place}].windows"), problem);
        let mut windows = Vec::new();
        for listed_window in &schedule.windows {
            for weekday in &listed_window.weekdays {
                for hours in &listed_window.hours {
                    windows.push(window(*weekday, hours).ok_or_else(|| {
                        refuse(format!(
                            "weekday {weekday}, hours {hours:?}: weekdays are 1 (Monday) to 7, hours like \"06:00-10:00\""
                        ))
                    })?);
                }
            }
        }
        if windows.is_empty() {
            return Err(refuse("a schedule needs a window".to_owned()));
        }
        schedules.push(Schedule::new(&schedule.name, windows));
    }
    Ok(schedules.into_boxed_slice())
}

/// Rates that differ from the ordinary ones: at least those of the prompt.
fn variant(
    listed: &ListedTokens,
    field: String,
    context: &Context<'_>,
) -> Result<ListedRates, CatalogueError> {
    let rates = rates(listed, &field, context)?;
    if rates.get(TokenClass::Input).is_none() {
        return Err(context.refuse(field, "needs `input`, which the classes it leaves out follow"));
    }
    Ok(rates)
}

fn rates(listed: &ListedTokens, field: &str, context: &Context<'_>) -> Result<ListedRates, CatalogueError> {
    let mut rates = ListedRates::default();
    for (class, figure) in [
        (TokenClass::Input, &listed.input),
        (TokenClass::CacheRead, &listed.cache_read),
        (TokenClass::CacheWrite, &listed.cache_write),
        (TokenClass::CacheWriteLong, &listed.cache_write_long),
        (TokenClass::AudioInput, &listed.audio_input),
        (TokenClass::AudioCacheRead, &listed.audio_cache_read),
        (TokenClass::ImageInput, &listed.image_input),
        (TokenClass::ImageCacheRead, &listed.image_cache_read),
        (TokenClass::VideoInput, &listed.video_input),
        (TokenClass::Output, &listed.output),
        (TokenClass::Reasoning, &listed.reasoning),
        (TokenClass::AudioOutput, &listed.audio_output),
        (TokenClass::ImageOutput, &listed.image_output),
    ] {
        if let Some(figure) = figure {
            rates.set(class, Some(context.amount(&format!("{field}.{class}"), figure)?));
        }
    }
    Ok(rates)
}

fn unit_prices(listed: &ListedUnits, context: &Context<'_>) -> Result<UnitPrices, CatalogueError> {
    if listed.audio_minute.is_some() && listed.audio_hour.is_some() {
        let problem = "give the price of audio by the minute or by the hour, not both";
        return Err(context.refuse("price.units.audio_hour", problem));
    }
    #[rustfmt::skip]
    let figures = [
        (Unit::AudioMillisecond, 60_000, "audio_minute", &listed.audio_minute),
        (Unit::AudioMillisecond, 3_600_000, "audio_hour", &listed.audio_hour),
        (Unit::Character, 1_000_000, "million_characters", &listed.million_characters),
        (Unit::Image, 1, "image", &listed.image),
        (Unit::ImageRead, 1, "image_read", &listed.image_read),
        (Unit::Page, 1000, "thousand_pages", &listed.thousand_pages),
        (Unit::AnnotatedPage, 1000, "thousand_annotated_pages", &listed.thousand_annotated_pages),
        (Unit::WebSearch, 1000, "thousand_web_searches", &listed.thousand_web_searches),
        (Unit::Query, 1, "query", &listed.query),
    ];
    let mut by_unit = Vec::new();
    for (unit, per, name, figure) in figures {
        if let Some(figure) = figure {
            let amount = context.amount(&format!("price.units.{name}"), figure)?;
            by_unit.push((unit, Nanodollars::from_units(amount), per));
        }
    }
    let mut images = Vec::with_capacity(listed.images.len());
    for (place, image) in listed.images.iter().enumerate() {
        let amount = context.amount(&format!("price.units.images[{place}].price"), &image.price)?;
        images.push(ImagePrice {
            quality: image.quality.as_deref().map(Into::into),
            size: image.size.as_str().into(),
            price: Nanodollars::from_units(amount),
        });
    }
    Ok(UnitPrices {
        by_unit: by_unit.into_boxed_slice(),
        images: images.into_boxed_slice(),
    })
}
