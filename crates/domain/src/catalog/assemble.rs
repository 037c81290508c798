//! From a row as listed to a card that can be trusted: every field checked, and refused by name if it is not right.

use std::sync::Arc;

use jiff::civil::Date;

use super::capability::Capabilities;
use super::card::{Matching, ModelCard};
use super::error::{CatalogueError, RowName};
use super::pricing::price_card;
use super::table::{Figure, Row};
use crate::money::{AmountError, Nanodollars};

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
    pub(super) fn amount(&self, field: &str, figure: &Figure) -> Result<i64, CatalogueError> {
        let Figure::Text(text) = figure else {
            return Err(self.refuse(field, "write the figure as a decimal string, \"0.15\""));
        };
        let amount: Nanodollars = text
            .parse()
            .map_err(|error: AmountError| self.refuse(field, error.to_string()))?;
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
        card.price = Some(price_card(&listed, card.mode, context)?);
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
