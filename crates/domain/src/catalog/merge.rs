//! From tables to cards: the first table makes them, later ones refine them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::assemble::{Context, refine};
use super::card::ModelCard;
use super::error::CatalogueError;
use super::table::Table;
use crate::provider::ProviderKind;

/// What a row may do to one that is already there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlap {
    /// Two rows of one id are a mistake.
    Refused,
    /// The later row has the say.
    Replaces,
}

/// `cards` with the rows of the table in `text`.
pub(super) fn extend(
    mut cards: Vec<ModelCard>,
    text: &str,
    overlap: Overlap,
) -> Result<Vec<ModelCard>, CatalogueError> {
    let table = Table::read(text)?;
    let mut places: HashMap<(ProviderKind, Box<str>), usize> = HashMap::new();
    let mut aliased: HashMap<(ProviderKind, Box<str>), usize> = HashMap::new();
    for (place, card) in cards.iter().enumerate() {
        places.insert((card.provider, card.id.clone()), place);
        for alias in &card.aliases {
            aliased.insert((card.provider, alias.clone()), place);
        }
    }
    let mut sources: BTreeSet<Arc<str>> = BTreeSet::new();
    let mut given: HashMap<(ProviderKind, Box<str>), usize> = HashMap::new();
    for row in table.rows() {
        let (name, row) = row?;
        let source = row
            .price
            .as_ref()
            .and_then(|price| price.source.as_deref())
            .or(table.source.as_deref());
        let source = interned(&mut sources, source.unwrap_or("operator"));
        let date = row
            .price
            .as_ref()
            .and_then(|price| price.as_of)
            .unwrap_or(table.as_of)
            .0;
        let context = Context {
            row: &name,
            source,
            date,
        };
        let provider = row.provider.or(table.provider).ok_or_else(|| {
            context.refuse("provider", "neither the row nor the table says whose model it is")
        })?;
        let key = (provider, Box::<str>::from(row.id.as_str()));
        if given.insert(key.clone(), name.number).is_some() {
            return Err(context.refuse("id", "the table has this row twice"));
        }
        let known = places.get(&key).copied().filter(|_| overlap == Overlap::Replaces);
        let base = known.or_else(|| {
            aliased
                .get(&key)
                .copied()
                .filter(|_| overlap == Overlap::Replaces)
        });
        let base = match base.and_then(|place| cards.get(place)) {
            Some(card) if known.is_some() => card.clone(),
            Some(card) => ModelCard {
                id: key.1.clone(),
                aliases: Box::default(),
                ..card.clone()
            },
            None => {
                let mode = row.mode.ok_or_else(|| {
                    context.refuse("mode", "a new model needs its mode, \"chat\" for instance")
                })?;
                ModelCard::blank(provider, &row.id, mode)
            }
        };
        let card = refine(base, row, &context)?;
        if overlap == Overlap::Replaces {
            give_up_aliases(&mut cards, &card, known, &aliased);
        }
        match known.and_then(|place| cards.get_mut(place)) {
            Some(place) => *place = card,
            None => cards.push(card),
        }
    }
    Ok(cards)
}

/// Takes the names of `card` from the aliases of every other model of its provider.
fn give_up_aliases(
    cards: &mut [ModelCard],
    card: &ModelCard,
    known: Option<usize>,
    aliased: &HashMap<(ProviderKind, Box<str>), usize>,
) {
    for name in std::iter::once(&card.id).chain(&card.aliases) {
        let holder = aliased
            .get(&(card.provider, name.clone()))
            .copied()
            .filter(|place| Some(*place) != known);
        if let Some(other) = holder.and_then(|place| cards.get_mut(place)) {
            other.aliases = other
                .aliases
                .iter()
                .filter(|alias| *alias != name)
                .cloned()
                .collect();
        }
    }
}

fn interned(sources: &mut BTreeSet<Arc<str>>, source: &str) -> Arc<str> {
    if let Some(known) = sources.get(source) {
        return Arc::clone(known);
    }
    let new: Arc<str> = source.into();
    sources.insert(Arc::clone(&new));
    new
}
