//! Models and what they cost: a dated table, read once, asked on every request.

mod assemble;
mod capability;
mod card;
mod error;
mod merge;
mod price;
mod pricing;
mod rates;
mod schedule;
mod table;
mod units;
mod worst_case;

#[cfg(test)]
mod tests;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

pub use capability::{Capabilities, Capability};
pub use card::{
    Effort, Endpoint, Hosting, Limits, Matching, Mode, ModelCard, OutputCapField, Status, ThinkingBudget,
    Tokenizer,
};
pub use error::{CatalogueError, RowName};
pub use price::{Cost, CostError, Doubt, PriceCard, PriceConditions};
pub use rates::TokenClass;
pub use schedule::Schedule;
pub use units::{ImagePrice, Unit, UnitPrices};
pub use worst_case::{Possible, PossibleCacheWrites, PossibleRegion, PossibleTiers};

use crate::provider::ProviderKind;
use merge::{Overlap, extend};

/// The tables that come with the executable, one for every provider that publishes prices.
const BUILT_IN: [&str; 10] = [
    include_str!("../../data/prices/openai.json"),
    include_str!("../../data/prices/anthropic.json"),
    include_str!("../../data/prices/google.json"),
    include_str!("../../data/prices/mistral.json"),
    include_str!("../../data/prices/groq.json"),
    include_str!("../../data/prices/deepseek.json"),
    include_str!("../../data/prices/nvidia.json"),
    include_str!("../../data/prices/xai.json"),
    include_str!("../../data/prices/ollama.json"),
    include_str!("../../data/prices/sandbox.json"),
];

/// Every known model of every provider. Never changed in place: a new table makes a new catalogue.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    cards: Vec<ModelCard>,
    shelves: BTreeMap<ProviderKind, Shelf>,
}

/// Where the models of one provider are found. Numbers are places in `cards`.
#[derive(Debug, Clone, Default)]
struct Shelf {
    in_order: Vec<usize>,
    names: HashMap<Box<str>, usize>,
    /// Longest first, so that the first that fits is the closest.
    prefixes: Vec<usize>,
    any: Option<usize>,
}

impl Catalogue {
    /// The catalogue that comes with the executable.
    ///
    /// # Errors
    /// If a table that was built in is not valid, which the tests rule out.
    pub fn built_in() -> Result<Self, CatalogueError> {
        let mut cards = Vec::new();
        for text in BUILT_IN {
            cards = extend(cards, text, Overlap::Refused)?;
        }
        Self::index(cards)
    }

    /// The catalogue that `text`, one price table, describes by itself.
    ///
    /// # Errors
    /// Names the row and the field that are not valid.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        Self::index(extend(Vec::new(), text, Overlap::Refused)?)
    }

    /// This catalogue with the rows of `text`, a price table, laid over it.
    ///
    /// A row whose id is already known replaces the fields it gives and keeps the others; a row whose id was an alias
    /// starts from that model and takes the name over; any other row is added.
    ///
    /// # Errors
    /// Names the row and the field that are not valid.
    pub fn with_overlay(self, text: &str) -> Result<Self, CatalogueError> {
        Self::index(extend(self.cards, text, Overlap::Replaces)?)
    }

    /// What is known of `model` at `provider`: by id or alias, else by the longest prefix, else by the provider's row for any.
    #[must_use]
    pub fn lookup(&self, provider: ProviderKind, model: &str) -> Option<&ModelCard> {
        let shelf = self.shelves.get(&provider)?;
        self.named(shelf, model).or_else(|| self.cards.get(shelf.any?))
    }

    /// As [`Catalogue::lookup`], for a server that runs models on its owner's machine.
    ///
    /// A name that is the provider's cloud name as well means the local model there, whose price is that of any local one.
    #[must_use]
    pub fn lookup_local(&self, provider: ProviderKind, model: &str) -> Option<&ModelCard> {
        let shelf = self.shelves.get(&provider)?;
        // A local server reaches the cloud under the aliases of cloud models, never under their ids.
        let found = self
            .named(shelf, model)
            .filter(|card| card.hosting != Some(Hosting::Cloud) || *card.id != *model);
        found.or_else(|| self.cards.get(shelf.any?))
    }

    /// The providers that list `model` by id, alias or prefix, in the order of [`ProviderKind::ALL`].
    ///
    /// A provider that would take any name is not among them.
    pub fn providers_with<'a>(&'a self, model: &'a str) -> impl Iterator<Item = ProviderKind> + 'a {
        self.shelves
            .iter()
            .filter(move |(_, shelf)| self.named(shelf, model).is_some())
            .map(|(kind, _)| *kind)
    }

    /// The models of `provider` in the order of its table.
    pub fn models(&self, provider: ProviderKind) -> impl Iterator<Item = &ModelCard> {
        let places = self
            .shelves
            .get(&provider)
            .map(|shelf| shelf.in_order.as_slice())
            .unwrap_or_default();
        places.iter().filter_map(|place| self.cards.get(*place))
    }

    /// Every model of every provider.
    pub fn all(&self) -> impl Iterator<Item = &ModelCard> {
        self.cards.iter()
    }

    fn named(&self, shelf: &Shelf, model: &str) -> Option<&ModelCard> {
        let by_name = shelf.names.get(model).and_then(|place| self.cards.get(*place));
        by_name.or_else(|| {
            let mut prefixes = shelf.prefixes.iter().filter_map(|place| self.cards.get(*place));
            prefixes.find(|card| model.starts_with(&*card.id))
        })
    }

    fn index(cards: Vec<ModelCard>) -> Result<Self, CatalogueError> {
        let mut shelves: BTreeMap<ProviderKind, Shelf> = BTreeMap::new();
        for (place, card) in cards.iter().enumerate() {
            let shelf = shelves.entry(card.provider).or_default();
            shelf.in_order.push(place);
            match card.matching {
                Matching::Exact => {}
                Matching::Prefix => shelf.prefixes.push(place),
                Matching::Any => shelf.any = Some(place),
            }
            // Ids of every kind are entered, so that no two rows can have the same one.
            for name in std::iter::once(&card.id).chain(&card.aliases) {
                match shelf.names.entry(name.clone()) {
                    Entry::Vacant(free) => free.insert(place),
                    Entry::Occupied(taken) => {
                        return Err(CatalogueError::DuplicateName {
                            provider: card.provider,
                            name: name.to_string(),
                            first: cards
                                .get(*taken.get())
                                .map(|first| first.id.to_string())
                                .unwrap_or_default(),
                            second: card.id.to_string(),
                        });
                    }
                };
            }
        }
        for shelf in shelves.values_mut() {
            shelf.names.remove("*");
            shelf
                .prefixes
                .sort_by_key(|place| std::cmp::Reverse(cards.get(*place).map_or(0, |card| card.id.len())));
        }
        Ok(Self { cards, shelves })
    }
}
