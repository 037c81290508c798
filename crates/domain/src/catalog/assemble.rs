//! From a row as listed to a card that can be trusted: every figure checked, every gap filled, every combination worked out.

use std::sync::Arc;

use jiff::civil::Date;

use super::capability::Capabilities;
use super::card::{Matching, Mode, ModelCard};
use super::error::{CatalogueError, RowName};
use super::price::{FACTOR_PARTS, PriceCard, TokenPrices};
use super::rates::{ListedRates, TokenClass};
use super::schedule::{Schedule, window};
use super::table::{Figure, ListedPrice, ListedTokens, ListedUnits, Row};
use super::units::{ImagePrice, Unit, UnitPrices};
use crate::money::Nanodollars;

/// More tiers, schedules or service tiers than this are a mistake, and would multiply.
const VARIANTS_MAX: usize = 8;
/// A factor above this is a mistake.
const FACTOR_MAX: u32 = 100 * FACTOR_PARTS;
/// Names longer than this are a mistake.
const NAME_BYTES_MAX: usize = 256;

/// What an assembler knows besides the row.
pub(super) struct Context<'a> {
    pub(super) row: &'a RowName,
    pub(super) source: Arc<str>,
    pub(super) date: Date,
}

impl Context<'_> {
    pub(super) fn refuse(&self, field: impl Into<String>, problem: impl Into<String>) -> CatalogueError {
        CatalogueError::Field {
            row: self.row.clone(),
            field: field.into(),
            problem: problem.into(),
        }
    }

    /// A figure that is a decimal string and not negative.
    fn amount(&self, field: &str, figure: &Figure) -> Result<i64, CatalogueError> {
        let Figure::Text(text) = figure else {
            return Err(self.refuse(field, "write the figure as a decimal string, \"0.15\""));
        };
        let amount: Nanodollars = text
            .parse()
            .map_err(|error: crate::money::AmountError| self.refuse(field, error.to_string()))?;
        if amount < Nanodollars::ZERO {
            return Err(self.refuse(field, format!("{text:?} is negative")));
        }
        Ok(amount.units())
    }
}

/// `card` with every field that `row` gives in place of what it had.
pub(super) fn refine(
    mut card: ModelCard,
    row: Row,
    context: &Context<'_>,
) -> Result<ModelCard, CatalogueError> {
    if let Some(mode) = row.mode {
        card.mode = mode;
    }
    if let Some(matching) = row.matching {
        card.matching = matching;
    }
    if let Some(aliases) = row.aliases {
        for alias in &aliases {
            check_name(alias, "aliases", context)?;
        }
        card.aliases = aliases.into_iter().map(String::into_boxed_str).collect();
    }
    check_name(&row.id, "id", context)?;
    if (card.matching == Matching::Any) != (row.id == "*") {
        return Err(context.refuse(
            "match",
            "a row that matches any name has the id \"*\", and no other has",
        ));
    }
    if card.matching != Matching::Exact && !card.aliases.is_empty() {
        return Err(context.refuse("aliases", "only a row that matches exactly has aliases"));
    }
    replace(&mut card.name, row.name.map(String::into_boxed_str));
    replace(&mut card.released, row.released.map(|day| day.0));
    replace(&mut card.retires, row.retires.map(|day| day.0));
    replace(&mut card.hosting, row.hosting);
    replace(&mut card.thinking_budget, row.thinking_budget);
    replace(&mut card.cache_min_tokens, row.cache_min_tokens);
    replace(&mut card.embedding_dimensions, row.embedding_dimensions);
    replace(&mut card.output_cap_field, row.output_cap_field);
    replace(&mut card.tokenizer, row.tokenizer);
    card.status = row.status.unwrap_or(card.status);
    card.endpoints = row.endpoints.map_or(card.endpoints, Vec::into_boxed_slice);
    card.efforts = row.efforts.map_or(card.efforts, Vec::into_boxed_slice);
    if let Some(limits) = row.limits {
        let named = [
            ("context", limits.context),
            ("input", limits.input),
            ("output", limits.output),
        ];
        if let Some((field, _)) = named.into_iter().find(|(_, limit)| *limit == Some(0)) {
            return Err(context.refuse(
                format!("limits.{field}"),
                "a limit of 0 would allow nothing; leave it out if it is not known",
            ));
        }
        card.limits = limits;
    }
    if row.can.is_some() || row.cannot.is_some() {
        card.capabilities = Capabilities::new(&row.can.unwrap_or_default(), &row.cannot.unwrap_or_default())
            .ok_or_else(|| context.refuse("cannot", "a capability is in `can` and in `cannot`"))?;
    }
    if let Some(listed) = row.price {
        card.price = Some(price(&listed, card.mode, context)?);
    }
    Ok(card)
}

fn replace<T>(field: &mut Option<T>, given: Option<T>) {
    if given.is_some() {
        *field = given;
    }
}

fn check_name(name: &str, field: &str, context: &Context<'_>) -> Result<(), CatalogueError> {
    if name.is_empty()
        || name.len() > NAME_BYTES_MAX
        || name.chars().any(|c| c.is_whitespace() || c.is_control())
    {
        return Err(context.refuse(
            field,
            format!("{name:?} must be 1 to {NAME_BYTES_MAX} bytes without spaces"),
        ));
    }
    Ok(())
}

fn price(listed: &ListedPrice, mode: Mode, context: &Context<'_>) -> Result<PriceCard, CatalogueError> {
    let tokens = match &listed.tokens {
        Some(standard) => Some(token_prices(listed, standard, mode, context)?),
        None if listed.tiers.is_empty() && listed.schedules.is_empty() && listed.service_tiers.is_empty() => {
            None
        }
        None => {
            return Err(context.refuse(
                "price.tokens",
                "tiers, schedules and service tiers need ordinary prices to differ from",
            ));
        }
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
            _ => {
                return Err(context.refuse(
                    field,
                    "a factor is between 0.0001 and 100 with at most four places",
                ));
            }
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
            return Err(context.refuse(
                format!("price.{field}"),
                format!("at most {VARIANTS_MAX} are allowed"),
            ));
        }
    }
    let standard = rates(standard, "price.tokens", context)?;
    if standard.complete().is_none() {
        return Err(context.refuse(
            "price.tokens",
            "needs `input` and one of `output`, `audio_output`, `image_output`",
        ));
    }
    let mut thresholds: Vec<u64> = Vec::new();
    let mut tiers = vec![standard];
    for (place, tier) in listed.tiers.iter().enumerate() {
        if tier.above <= thresholds.last().copied().unwrap_or(0) {
            return Err(context.refuse(
                format!("price.tiers[{place}].above"),
                "thresholds start above 0 and ascend",
            ));
        }
        thresholds.push(tier.above);
        tiers.push(variant(
            &tier.tokens,
            format!("price.tiers[{place}].tokens"),
            context,
        )?);
    }
    let mut schedules = Vec::new();
    let mut hours = vec![standard];
    for (place, schedule) in listed.schedules.iter().enumerate() {
        let mut windows = Vec::new();
        for listed_window in &schedule.windows {
            for weekday in &listed_window.weekdays {
                for range in &listed_window.hours {
                    windows.push(window(*weekday, range).ok_or_else(|| {
                        let problem = format!("weekday {weekday}, hours {range:?}: weekdays are 1 (Monday) to 7, hours like \"06:00-10:00\"");
                        context.refuse(format!("price.schedules[{place}].windows"), problem)
                    })?);
                }
            }
        }
        if windows.is_empty() {
            return Err(context.refuse(
                format!("price.schedules[{place}].windows"),
                "a schedule needs a window",
            ));
        }
        schedules.push(Schedule::new(&schedule.name, windows));
        hours.push(variant(
            &schedule.tokens,
            format!("price.schedules[{place}].tokens"),
            context,
        )?);
    }
    let mut services = vec![standard];
    for (name, tokens) in &listed.service_tiers {
        services.push(variant(tokens, format!("price.service_tiers.{name}"), context)?);
    }
    let mut sheets = Vec::with_capacity(services.len() * hours.len() * tiers.len());
    for service in &services {
        for hour in &hours {
            for tier in &tiers {
                let combined = [service, hour, tier]
                    .into_iter()
                    .try_fold(standard, |rates, variant| rates.under(&standard, variant))
                    .and_then(|rates| rates.complete());
                sheets.push(
                    combined.ok_or_else(|| {
                        context.refuse("price", "tiers times service tiers outgrow any price")
                    })?,
                );
            }
        }
    }
    Ok(TokenPrices {
        service_tiers: listed
            .service_tiers
            .keys()
            .map(|name| name.as_str().into())
            .collect(),
        schedules: schedules.into_boxed_slice(),
        thresholds: thresholds.into_boxed_slice(),
        sheets: sheets.into_boxed_slice(),
        chief_output: match mode {
            Mode::Image => TokenClass::ImageOutput,
            Mode::Speech => TokenClass::AudioOutput,
            _ => TokenClass::Output,
        },
    })
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
    for (class, name, figure) in [
        (TokenClass::Input, "input", &listed.input),
        (TokenClass::CacheRead, "cache_read", &listed.cache_read),
        (TokenClass::CacheWrite, "cache_write", &listed.cache_write),
        (
            TokenClass::CacheWriteLong,
            "cache_write_long",
            &listed.cache_write_long,
        ),
        (TokenClass::AudioInput, "audio_input", &listed.audio_input),
        (
            TokenClass::AudioCacheRead,
            "audio_cache_read",
            &listed.audio_cache_read,
        ),
        (TokenClass::ImageInput, "image_input", &listed.image_input),
        (
            TokenClass::ImageCacheRead,
            "image_cache_read",
            &listed.image_cache_read,
        ),
        (TokenClass::VideoInput, "video_input", &listed.video_input),
        (TokenClass::Output, "output", &listed.output),
        (TokenClass::Reasoning, "reasoning", &listed.reasoning),
        (TokenClass::AudioOutput, "audio_output", &listed.audio_output),
        (TokenClass::ImageOutput, "image_output", &listed.image_output),
    ] {
        if let Some(figure) = figure {
            rates.set(class, Some(context.amount(&format!("{field}.{name}"), figure)?));
        }
    }
    Ok(rates)
}

fn unit_prices(listed: &ListedUnits, context: &Context<'_>) -> Result<UnitPrices, CatalogueError> {
    if listed.audio_minute.is_some() && listed.audio_hour.is_some() {
        return Err(context.refuse(
            "price.units.audio_hour",
            "give the price of audio by the minute or by the hour, not both",
        ));
    }
    let mut by_unit = Vec::new();
    for (unit, per, name, figure) in [
        (
            Unit::AudioMillisecond,
            60_000,
            "audio_minute",
            &listed.audio_minute,
        ),
        (
            Unit::AudioMillisecond,
            3_600_000,
            "audio_hour",
            &listed.audio_hour,
        ),
        (
            Unit::Character,
            1_000_000,
            "million_characters",
            &listed.million_characters,
        ),
        (Unit::Image, 1, "image", &listed.image),
        (Unit::ImageRead, 1, "image_read", &listed.image_read),
        (Unit::Page, 1000, "thousand_pages", &listed.thousand_pages),
        (
            Unit::AnnotatedPage,
            1000,
            "thousand_annotated_pages",
            &listed.thousand_annotated_pages,
        ),
        (
            Unit::WebSearch,
            1000,
            "thousand_web_searches",
            &listed.thousand_web_searches,
        ),
        (Unit::Query, 1, "query", &listed.query),
    ] {
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
