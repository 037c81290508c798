//! The shape of a price table as a file: strict about its fields, and still as written about its figures.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::capability::Capability;
use super::card::{
    Effort, Endpoint, Hosting, Limits, Matching, Mode, OutputCapField, Status, ThinkingBudget, Tokenizer,
};
use super::error::{CatalogueError, RowName};
use crate::provider::ProviderKind;

/// The name of the format, raised with every change that an older reader would misunderstand.
pub(super) const SCHEMA: &str = "freehold-prices/1";
const CURRENCY: &str = "USD";
const UNIT: &str = "million_tokens";

/// A price table: what holds for all of it, and its rows.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table<'a> {
    #[serde(rename = "schema")]
    _schema: IgnoredAny,
    /// The day on which the figures were gathered.
    pub(super) as_of: Day,
    currency: String,
    unit: String,
    /// Whose models these are, unless a row says otherwise.
    pub(super) provider: Option<ProviderKind>,
    /// Who listed the figures, unless a row says otherwise.
    pub(super) source: Option<String>,
    /// Where the sources were read, for people.
    #[serde(default, rename = "sources")]
    _sources: BTreeMap<String, String>,
    #[serde(borrow)]
    models: Vec<&'a RawValue>,
}

impl<'a> Table<'a> {
    /// The table in `text`, its rows still unread.
    pub(super) fn read(text: &'a str) -> Result<Self, CatalogueError> {
        #[derive(serde::Deserialize)]
        struct Label {
            schema: String,
        }
        // The label is read first, so that a table of a later format is called that and not a jumble of unknown fields.
        let label: Label = serde_json::from_str(text).map_err(CatalogueError::Table)?;
        if label.schema != SCHEMA {
            return Err(CatalogueError::Schema {
                found: label.schema,
                expected: SCHEMA,
            });
        }
        let table: Self = serde_json::from_str(text).map_err(CatalogueError::Table)?;
        for (field, found, expected) in [
            ("currency", &table.currency, CURRENCY),
            ("unit", &table.unit, UNIT),
        ] {
            if found != expected {
                return Err(CatalogueError::Unit {
                    field,
                    found: found.clone(),
                    expected,
                });
            }
        }
        Ok(table)
    }

    /// The rows, each with its name for errors.
    pub(super) fn rows(&self) -> impl Iterator<Item = Result<(RowName, Row), CatalogueError>> {
        self.models.iter().enumerate().map(|(place, text)| {
            #[derive(serde::Deserialize)]
            struct Id {
                id: Option<String>,
            }
            let number = place + 1;
            let shape = |source| {
                let id = serde_json::from_str::<Id>(text.get()).ok().and_then(|row| row.id);
                CatalogueError::Shape {
                    row: RowName { number, id },
                    source,
                }
            };
            let row: Row = serde_json::from_str(text.get()).map_err(shape)?;
            Ok((
                RowName {
                    number,
                    id: Some(row.id.clone()),
                },
                row,
            ))
        })
    }
}

/// One model as a table lists it. Only `id` must be there; `mode` must be as well unless the row refines another.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) provider: Option<ProviderKind>,
    #[serde(rename = "match")]
    pub(super) matching: Option<Matching>,
    pub(super) aliases: Option<Vec<String>>,
    pub(super) name: Option<String>,
    pub(super) mode: Option<Mode>,
    pub(super) status: Option<Status>,
    pub(super) released: Option<Day>,
    pub(super) retires: Option<Day>,
    pub(super) hosting: Option<Hosting>,
    pub(super) limits: Option<Limits>,
    pub(super) can: Option<Vec<Capability>>,
    pub(super) cannot: Option<Vec<Capability>>,
    pub(super) endpoints: Option<Vec<Endpoint>>,
    pub(super) efforts: Option<Vec<Effort>>,
    pub(super) thinking_budget: Option<ThinkingBudget>,
    pub(super) cache_min_tokens: Option<u64>,
    pub(super) embedding_dimensions: Option<u32>,
    pub(super) output_cap_field: Option<OutputCapField>,
    pub(super) tokenizer: Option<Tokenizer>,
    pub(super) price: Option<ListedPrice>,
    /// For people: where sources differ, what is doubtful.
    #[serde(default, rename = "note")]
    _note: Option<String>,
}

/// All prices of one model.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListedPrice {
    pub(super) tokens: Option<ListedTokens>,
    #[serde(default)]
    pub(super) tiers: Vec<ListedTier>,
    #[serde(default)]
    pub(super) schedules: Vec<ListedSchedule>,
    #[serde(default)]
    pub(super) service_tiers: BTreeMap<String, ListedTokens>,
    #[serde(default)]
    pub(super) regions: BTreeMap<String, Figure>,
    pub(super) units: Option<ListedUnits>,
    pub(super) source: Option<String>,
    pub(super) as_of: Option<Day>,
}

impl ListedPrice {
    /// Whether it lists prices that only make sense next to ordinary token prices.
    pub(super) fn has_variants(&self) -> bool {
        let Self {
            tiers,
            schedules,
            service_tiers,
            regions,
            ..
        } = self;
        !(tiers.is_empty() && schedules.is_empty() && service_tiers.is_empty() && regions.is_empty())
    }
}

/// Token prices in dollars per million, by class.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListedTokens {
    pub(super) input: Option<Figure>,
    pub(super) cache_read: Option<Figure>,
    pub(super) cache_write: Option<Figure>,
    pub(super) cache_write_long: Option<Figure>,
    pub(super) audio_input: Option<Figure>,
    pub(super) audio_cache_read: Option<Figure>,
    pub(super) image_input: Option<Figure>,
    pub(super) image_cache_read: Option<Figure>,
    pub(super) video_input: Option<Figure>,
    pub(super) output: Option<Figure>,
    pub(super) reasoning: Option<Figure>,
    pub(super) audio_output: Option<Figure>,
    pub(super) image_output: Option<Figure>,
}

/// Prices that hold above a number of input tokens.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListedTier {
    pub(super) above: u64,
    pub(super) tokens: ListedTokens,
}

/// Prices that hold in windows of the week.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListedSchedule {
    pub(super) name: String,
    pub(super) windows: Vec<ListedWindow>,
    pub(super) tokens: ListedTokens,
}

/// Hours (`"06:00-10:00"`, UTC) on weekdays (1 is Monday).
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListedWindow {
    pub(super) weekdays: Vec<u8>,
    pub(super) hours: Vec<String>,
}

/// Prices by the piece in dollars.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListedUnits {
    pub(super) audio_minute: Option<Figure>,
    pub(super) audio_hour: Option<Figure>,
    pub(super) million_characters: Option<Figure>,
    pub(super) image: Option<Figure>,
    pub(super) image_read: Option<Figure>,
    pub(super) thousand_pages: Option<Figure>,
    pub(super) thousand_annotated_pages: Option<Figure>,
    pub(super) thousand_web_searches: Option<Figure>,
    pub(super) query: Option<Figure>,
    #[serde(default)]
    pub(super) images: Vec<ListedImage>,
}

/// The price of one image of a size and quality.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListedImage {
    pub(super) quality: Option<String>,
    pub(super) size: String,
    pub(super) price: Figure,
}

/// A calendar day, `2026-11-12`.
#[derive(Clone, Copy)]
pub(super) struct Day(pub(super) Date);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map(Day)
            .map_err(|_| D::Error::custom(format_args!("{text:?} is not a day like 2026-11-12")))
    }
}

/// A figure as written. Only decimal strings count; anything else is kept so that the error can name its field.
pub(super) enum Figure {
    Text(String),
    NotText,
}

impl<'de> Deserialize<'de> for Figure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyFigure;
        impl<'de> Visitor<'de> for AnyFigure {
            type Value = Figure;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a decimal string")
            }
            fn visit_str<E>(self, text: &str) -> Result<Figure, E> {
                Ok(Figure::Text(text.to_owned()))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Figure, E> {
                Ok(Figure::NotText)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Figure, E> {
                Ok(Figure::NotText)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Figure, E> {
                Ok(Figure::NotText)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Figure, E> {
                Ok(Figure::NotText)
            }
            fn visit_unit<E>(self) -> Result<Figure, E> {
                Ok(Figure::NotText)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Figure, A::Error> {
                while sequence.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Figure::NotText)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Figure, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Figure::NotText)
            }
        }
        deserializer.deserialize_any(AnyFigure)
    }
}
