//! What the catalogue must hold to, worked out by hand.

mod built_in;
mod costs;
mod overlays;
mod refusals;
mod worst_cases;

use std::sync::LazyLock;

use super::*;
use crate::money::Nanodollars;
use crate::time::Timestamp;
use crate::tokens::TokenUsage;

static BUILT_IN_ONCE: LazyLock<Catalogue> = LazyLock::new(built_in);

fn built_in() -> Catalogue {
    Catalogue::built_in().unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// A moment when nothing special holds anywhere: a Tuesday, 02:00 UTC, peak hours.
fn tuesday() -> Timestamp {
    at("2026-11-17T02:00:00Z")
}

fn nanodollars(units: i64) -> Nanodollars {
    Nanodollars::from_units(units)
}

/// A table of ours with these rows, each a JSON object.
fn table(rows: &[&str]) -> String {
    let models = rows.join(",");
    format!(
        r#"{{"schema":"freehold-prices/1","provider":"openai","as_of":"2026-11-12","currency":"USD","unit":"million_tokens","models":[{models}]}}"#
    )
}

/// The only card of a table with one row.
fn card(row: &str) -> ModelCard {
    Catalogue::parse(&table(&[row]))
        .unwrap()
        .all()
        .next()
        .unwrap()
        .clone()
}
