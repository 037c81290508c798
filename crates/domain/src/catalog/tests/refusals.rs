//! A table that is not right is refused whole, with the row and the field by name.

use super::*;

fn refusal(row: &str) -> String {
    Catalogue::parse(&table(&[r#"{"id":"fine","mode":"chat"}"#, row]))
        .unwrap_err()
        .to_string()
}

fn priced(price: &str) -> String {
    refusal(&format!(r#"{{"id":"m","mode":"chat","price":{price}}}"#))
}

#[track_caller]
fn assert_tells(refusal: &str, parts: &[&str]) {
    for part in parts {
        assert!(refusal.contains(part), "{refusal:?} does not tell {part:?}");
    }
}

#[test]
fn a_field_that_is_not_known_is_refused_by_name() {
    assert_tells(
        &refusal(r#"{"id":"m","mode":"chat","contxt":1}"#),
        &["row 2", "\"m\"", "contxt"],
    );
    assert_tells(
        &priced(r#"{"tokens":{"input":"1","outptu":"2"}}"#),
        &["row 2", "\"m\"", "outptu"],
    );
    assert_tells(
        &refusal(r#"{"id":"m","mode":"chat","can":["fly"]}"#),
        &["row 2", "fly"],
    );
}

#[test]
fn a_price_is_a_decimal_string_and_not_negative() {
    let tokens = |input| priced(&format!(r#"{{"tokens":{{"input":{input},"output":"1"}}}}"#));
    assert_tells(
        &tokens(r#""-1""#),
        &["row 2", "\"m\"", "price.tokens.input", "negative"],
    );
    for not_text in ["1", "-1", "0.5", "true", "[1]", r#"{"a":1}"#] {
        assert_tells(
            &tokens(not_text),
            &["row 2", "price.tokens.input", "decimal string"],
        );
    }
    assert_tells(
        &tokens(r#""free""#),
        &["price.tokens.input", "\"free\"", "decimal"],
    );
    assert_tells(&tokens(r#""0.0000000001""#), &["price.tokens.input", "places"]);
    assert_tells(&tokens(r#""99999999999""#), &["price.tokens.input", "too large"]);
    let tier = priced(
        r#"{"tokens":{"input":"1","output":"1"},"tiers":[{"above":5,"tokens":{"input":"1","output":"x"}}]}"#,
    );
    assert_tells(&tier, &["price.tiers[0].tokens.output", "\"x\""]);
    let image = priced(r#"{"units":{"images":[{"size":"1x1","price":"-2"}]}}"#);
    assert_tells(&image, &["price.units.images[0].price", "negative"]);
}

#[test]
fn prices_are_whole() {
    assert_tells(&priced("{}"), &["price", "leave it out"]);
    assert_tells(
        &priced(r#"{"tokens":{"output":"1"}}"#),
        &["price.tokens", "input"],
    );
    assert_tells(
        &priced(r#"{"tokens":{"input":"1"}}"#),
        &["price.tokens", "output"],
    );
    let tier = r#"{"tokens":{"input":"1","output":"1"},"service_tiers":{"flex":{"output":"1"}}}"#;
    assert_tells(&priced(tier), &["price.service_tiers.flex", "input"]);
    let orphan = r#"{"units":{"image":"1"},"service_tiers":{"flex":{"input":"1"}}}"#;
    assert_tells(&priced(orphan), &["price.tokens"]);
}

#[test]
fn thresholds_ascend() {
    let tiers = |first, second| {
        let tier = |above| format!(r#"{{"above":{above},"tokens":{{"input":"1","output":"1"}}}}"#);
        priced(&format!(
            r#"{{"tokens":{{"input":"1","output":"1"}},"tiers":[{},{}]}}"#,
            tier(first),
            tier(second)
        ))
    };
    assert_tells(&tiers(200, 100), &["price.tiers[1].above", "ascend"]);
    assert_tells(&tiers(200, 200), &["price.tiers[1].above", "ascend"]);
    assert_tells(&tiers(0, 200), &["price.tiers[0].above"]);
}

#[test]
fn windows_and_factors_make_sense() {
    let window = |weekdays, hours| {
        priced(&format!(
            r#"{{"tokens":{{"input":"1","output":"1"}},"schedules":[{{"name":"n","tokens":{{"input":"1"}},"windows":[{{"weekdays":{weekdays},"hours":{hours}}}]}}]}}"#
        ))
    };
    assert_tells(
        &window("[8]", r#"["01:00-02:00"]"#),
        &["price.schedules[0].windows", "weekday 8"],
    );
    assert_tells(
        &window("[1]", r#"["02:00-01:00"]"#),
        &["price.schedules[0].windows", "02:00-01:00"],
    );
    assert_tells(
        &window("[]", "[]"),
        &["price.schedules[0].windows", "needs a window"],
    );
    for factor in ["0", "101", "1.00001", "-1", "x"] {
        let region = format!(r#"{{"tokens":{{"input":"1","output":"1"}},"regions":{{"us":"{factor}"}}}}"#);
        assert_tells(&priced(&region), &["price.regions.us"]);
    }
}

#[test]
fn two_models_never_share_a_name() {
    assert_tells(
        &refusal(r#"{"id":"fine","mode":"chat"}"#),
        &["row 2", "id", "twice"],
    );
    assert_tells(
        &refusal(r#"{"id":"m","mode":"chat","aliases":["fine"]}"#),
        &["openai", "two models named \"fine\""],
    );
    assert_tells(
        &refusal(r#"{"id":"m","mode":"chat","aliases":["n","n"]}"#),
        &["two models named \"n\""],
    );
    assert_tells(
        &refusal(r#"{"id":"m","mode":"chat","aliases":["m"]}"#),
        &["two models named \"m\""],
    );
}

#[test]
fn names_and_matches_make_sense() {
    assert_tells(&refusal(r#"{"id":"","mode":"chat"}"#), &["row 2", "id"]);
    assert_tells(
        &refusal(r#"{"id":"a b","mode":"chat"}"#),
        &["row 2", "id", "spaces"],
    );
    assert_tells(&refusal(r#"{"id":"*","mode":"chat"}"#), &["row 2", "match"]);
    assert_tells(
        &refusal(r#"{"id":"m","mode":"chat","match":"any"}"#),
        &["row 2", "match"],
    );
    assert_tells(
        &refusal(r#"{"id":"m","mode":"chat","match":"prefix","aliases":["n"]}"#),
        &["aliases"],
    );
    assert_tells(&refusal(r#"{"id":"m"}"#), &["row 2", "mode"]);
    assert_tells(&refusal(r#"{"mode":"chat"}"#), &["row 2", "id"]);
    assert_tells(
        &refusal(r#"{"id":"m","mode":"chat","can":["pdf"],"cannot":["pdf"]}"#),
        &["cannot"],
    );
    assert_tells(
        &refusal(r#"{"id":"m","mode":"chat","limits":{"output":0}}"#),
        &["limits.output"],
    );
    assert_tells(
        &refusal(r#"{"id":"m","mode":"chat","retires":"2026-02-30"}"#),
        &["row 2", "2026-02-30"],
    );
}

#[test]
fn a_table_in_another_format_or_unit_is_refused_as_such() {
    let table = table(&[]);
    let refused = |from: &str, to: &str| {
        Catalogue::parse(&table.replace(from, to))
            .unwrap_err()
            .to_string()
    };
    assert_tells(
        &refused("prices/1", "prices/2"),
        &["freehold-prices/2", "freehold-prices/1"],
    );
    assert_tells(&refused("USD", "EUR"), &["currency", "EUR", "USD"]);
    assert_tells(
        &refused("million_tokens", "thousand_tokens"),
        &["unit", "thousand_tokens"],
    );
    assert_tells(&refused("as_of", "asof"), &["asof"]);
    assert!(Catalogue::parse("[]").is_err());
    assert!(Catalogue::parse("").is_err());
}

#[test]
fn a_row_says_whose_model_it_is_if_the_table_does_not() {
    let nameless = table(&[r#"{"id":"m","mode":"chat"}"#]).replace(r#""provider":"openai","#, "");
    assert_tells(
        &Catalogue::parse(&nameless).unwrap_err().to_string(),
        &["row 1", "provider"],
    );
}
