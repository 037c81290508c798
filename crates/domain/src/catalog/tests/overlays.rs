//! A table of the operator's own, laid over the built-in ones.

use super::*;

#[test]
fn an_overlay_changes_what_it_names_and_keeps_the_rest() {
    let before = built_in();
    let overlay = table(&[
        r#"{"id":"gpt-4o","price":{"tokens":{"input":"2","output":"8"},"source":"our contract","as_of":"2026-12-01"}}"#,
    ]);
    let after = built_in().with_overlay(&overlay).unwrap();
    let old = before.lookup(ProviderKind::Openai, "gpt-4o").unwrap();
    // The aliases lead to the new price as well.
    let new = after.lookup(ProviderKind::Openai, "gpt-4o-2024-08-06").unwrap();
    let price = new.price.as_ref().unwrap();
    assert_eq!(price.rate(TokenClass::Input), Some("2".parse().unwrap()));
    assert_eq!(
        price.rate(TokenClass::CacheRead),
        Some("2".parse().unwrap()),
        "a price is replaced whole"
    );
    assert_eq!(
        (price.source(), price.date().to_string().as_str()),
        ("our contract", "2026-12-01")
    );
    assert_eq!(
        (new.limits, new.capabilities, &new.aliases),
        (old.limits, old.capabilities, &old.aliases)
    );
    assert_eq!(after.all().count(), before.all().count());
}

#[test]
fn an_overlay_adds_models_also_to_providers_without_a_table() {
    let overlay = table(&[
        r#"{"id":"gpt-99","mode":"chat"}"#,
        r#"{"id":"house-model","provider":"openai-compatible","mode":"chat","price":{"tokens":{"input":"0","output":"0"}}}"#,
    ]);
    let catalogue = built_in().with_overlay(&overlay).unwrap();
    assert_eq!(
        catalogue.lookup(ProviderKind::Openai, "gpt-99").unwrap().price,
        None
    );
    let house = catalogue
        .lookup(ProviderKind::OpenaiCompatible, "house-model")
        .unwrap();
    assert!(house.price.as_ref().unwrap().is_free());
    assert_eq!(house.price.as_ref().unwrap().source(), "operator");
}

#[test]
fn a_row_for_an_alias_becomes_a_model_of_its_own() {
    let overlay = table(&[
        r#"{"id":"gpt-4o-2024-08-06","name":"Frozen","price":{"tokens":{"input":"7","output":"9"}}}"#,
    ]);
    let catalogue = built_in().with_overlay(&overlay).unwrap();
    let frozen = catalogue
        .lookup(ProviderKind::Openai, "gpt-4o-2024-08-06")
        .unwrap();
    let gpt = catalogue.lookup(ProviderKind::Openai, "gpt-4o").unwrap();
    assert_eq!((&*frozen.id, frozen.limits), ("gpt-4o-2024-08-06", gpt.limits));
    assert!(frozen.aliases.is_empty());
    assert!(!gpt.aliases.iter().any(|alias| **alias == *frozen.id));
    assert_ne!(frozen.price, gpt.price);
}

#[test]
fn an_alias_of_the_overlay_is_taken_from_the_model_that_had_it_but_never_an_id() {
    let takes = table(&[r#"{"id":"mine","mode":"chat","aliases":["gpt-4o-2024-08-06"]}"#]);
    let catalogue = built_in().with_overlay(&takes).unwrap();
    assert_eq!(
        &*catalogue
            .lookup(ProviderKind::Openai, "gpt-4o-2024-08-06")
            .unwrap()
            .id,
        "mine"
    );
    let steals = table(&[r#"{"id":"mine","mode":"chat","aliases":["gpt-4o"]}"#]);
    let refused = built_in().with_overlay(&steals).unwrap_err().to_string();
    assert_eq!(
        refused,
        r#"openai has two models named "gpt-4o": "gpt-4o" and "mine""#
    );
}

#[test]
fn overlays_may_be_laid_over_each_other() {
    let first = table(&[r#"{"id":"mine","mode":"chat","aliases":["ours"],"limits":{"output":10}}"#]);
    let second = table(&[r#"{"id":"mine","limits":{"output":20}}"#]);
    let catalogue = built_in()
        .with_overlay(&first)
        .unwrap()
        .with_overlay(&second)
        .unwrap();
    let mine = catalogue.lookup(ProviderKind::Openai, "ours").unwrap();
    assert_eq!((mine.mode, mine.limits.output), (Mode::Chat, Some(20)));
}

#[test]
fn the_tables_shown_in_the_documentation_can_be_loaded() {
    let text = include_str!("../../../../../docs/PRICES.md");
    let tables: Vec<&str> = text
        .split("```json\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(tables.len(), 2);
    for table in tables {
        built_in().with_overlay(table).unwrap();
    }
}
