//! Costs to the nanodollar. Dollars per million tokens times a thousand are nanodollars per token.

use super::*;

fn cost_of(
    provider: ProviderKind,
    model: &str,
    usage: &TokenUsage,
    conditions: &PriceConditions<'_>,
) -> Cost {
    let catalogue = built_in();
    let price = catalogue.lookup(provider, model).unwrap().price.as_ref().unwrap();
    price.cost(usage, conditions).unwrap()
}

fn ordinary(provider: ProviderKind, model: &str, usage: &TokenUsage) -> i64 {
    let cost = cost_of(provider, model, usage, &PriceConditions::ordinary(tuesday()));
    assert_eq!(cost.doubt, None);
    cost.total.units()
}

const NONE: TokenUsage = TokenUsage {
    input: 0,
    cache_read: 0,
    cache_write: 0,
    cache_write_long: 0,
    output: 0,
    reasoning: 0,
    audio_input: 0,
    audio_output: 0,
};

/// Every class of Anthropic at once.
const CACHED: TokenUsage = TokenUsage {
    input: 12,
    cache_read: 4096,
    cache_write: 2048,
    cache_write_long: 1000,
    output: 60,
    reasoning: 20,
    ..NONE
};

#[test]
fn plain_tokens_cost_what_is_listed() {
    let usage = TokenUsage {
        input: 1234,
        output: 567,
        ..NONE
    };
    assert_eq!(
        ordinary(ProviderKind::Openai, "gpt-4o", &usage),
        1234 * 2_500 + 567 * 10_000
    );
}

#[test]
fn the_grounds_of_a_cost_are_told() {
    let cost = cost_of(
        ProviderKind::Openai,
        "gpt-4o",
        &NONE,
        &PriceConditions::ordinary(tuesday()),
    );
    assert_eq!(cost.total, Nanodollars::ZERO);
    assert_eq!(cost.price_date.to_string(), "2026-11-12");
    assert!(cost.price_source.contains("LiteLLM"), "{}", cost.price_source);
}

#[test]
fn cached_reads_are_cheaper_where_a_discount_is_listed() {
    let usage = TokenUsage {
        input: 10,
        cache_read: 1000,
        output: 1,
        ..NONE
    };
    assert_eq!(
        ordinary(ProviderKind::Openai, "gpt-4o", &usage),
        10 * 2_500 + 1000 * 1_250 + 10_000
    );
}

#[test]
fn cached_reads_and_writes_cost_as_input_where_nothing_else_is_listed() {
    let usage = TokenUsage {
        input: 10,
        cache_read: 20,
        cache_write: 30,
        cache_write_long: 40,
        output: 1,
        ..NONE
    };
    assert_eq!(
        ordinary(ProviderKind::Openai, "gpt-4", &usage),
        100 * 30_000 + 60_000
    );
}

#[test]
fn both_lifetimes_of_a_cache_write_have_their_own_price() {
    let expected = 12 * 5_000 + 4096 * 500 + 2048 * 6_250 + 1000 * 10_000 + 60 * 25_000;
    assert_eq!(expected, 26_408_000);
    assert_eq!(
        ordinary(ProviderKind::Anthropic, "claude-opus-4-8", &CACHED),
        expected
    );
}

#[test]
fn above_a_threshold_every_token_costs_more() {
    let at_threshold = TokenUsage {
        input: 59_000,
        cache_read: 41_000,
        output: 1000,
        ..NONE
    };
    let haiku = |usage| ordinary(ProviderKind::Anthropic, "claude-haiku-5-5", &usage);
    assert_eq!(haiku(at_threshold), 59_000 * 100 + 41_000 * 10 + 1000 * 500);
    let above = TokenUsage {
        input: 59_001,
        ..at_threshold
    };
    assert_eq!(haiku(above), 59_001 * 500 + 41_000 * 50 + 1000 * 2_500);
    let gemini = TokenUsage {
        input: 200_001,
        output: 1000,
        ..NONE
    };
    assert_eq!(
        ordinary(ProviderKind::Google, "gemini-3.1-pro-preview", &gemini),
        200_001 * 4_000 + 1000 * 18_000
    );
}

#[test]
fn deepseek_costs_half_outside_its_peak_hours() {
    let usage = TokenUsage {
        input: 1000,
        cache_read: 2000,
        output: 500,
        ..NONE
    };
    let peak = 1000 * 1_320 + 2000 * 44 + 500 * 3_960;
    for (moment, expected) in [
        ("2026-11-17T00:59:59.999999Z", peak / 2),
        ("2026-11-17T01:00:00Z", peak),
        ("2026-11-17T03:59:59Z", peak),
        ("2026-11-17T04:00:00Z", peak / 2),
        ("2026-11-17T06:00:00Z", peak),
        ("2026-11-17T10:00:00Z", peak / 2),
        ("2026-11-20T09:59:59Z", peak),
        ("2026-11-21T02:00:00Z", peak / 2),
        ("2026-11-22T08:00:00Z", peak / 2),
        ("2026-11-23T08:00:00Z", peak),
    ] {
        let conditions = PriceConditions::ordinary(at(moment));
        let cost = cost_of(ProviderKind::Deepseek, "deepseek-v4-pro", &usage, &conditions);
        assert_eq!(cost.total.units(), expected, "{moment}");
    }
}

#[test]
fn a_service_tier_has_its_own_prices() {
    let usage = TokenUsage {
        input: 1000,
        cache_read: 500,
        output: 100,
        ..NONE
    };
    let with = |service_tier| {
        let conditions = PriceConditions {
            service_tier,
            ..PriceConditions::ordinary(tuesday())
        };
        cost_of(ProviderKind::Openai, "gpt-6.1-sol", &usage, &conditions)
    };
    let standard = 1000 * 2_000 + 500 * 100 + 100 * 10_000;
    for name in [None, Some("default"), Some("auto"), Some("Standard")] {
        assert_eq!((with(name).total.units(), with(name).doubt), (standard, None));
    }
    assert_eq!(
        with(Some("flex")).total.units(),
        1000 * 1_000 + 500 * 50 + 100 * 5_000
    );
    assert_eq!(
        with(Some("batch")).total.units(),
        1000 * 1_000 + 500 * 50 + 100 * 5_000
    );
    assert_eq!(
        with(Some("priority")).total.units(),
        1000 * 4_000 + 500 * 200 + 100 * 20_000
    );
    assert_eq!(with(Some("PRIORITY")).total, with(Some("priority")).total);
    assert_eq!(
        with(Some("fast")).total,
        with(Some("priority")).total,
        "the caller's word for it"
    );
    assert_eq!(
        with(Some("ultrafast")).total.units(),
        1000 * 12_000 + 500 * 600 + 100 * 60_000
    );
}

#[test]
fn a_service_tier_without_a_price_is_charged_as_ordinary_and_doubted() {
    let usage = TokenUsage { input: 1000, ..NONE };
    let conditions = PriceConditions {
        service_tier: Some("scale"),
        ..PriceConditions::ordinary(tuesday())
    };
    let cost = cost_of(ProviderKind::Openai, "gpt-6.1-sol", &usage, &conditions);
    assert_eq!(
        (cost.total.units(), cost.doubt),
        (1000 * 2_000, Some(Doubt::ServiceTierNotListed))
    );
}

#[test]
fn a_service_tier_and_a_threshold_multiply() {
    let usage = TokenUsage {
        input: 200_001,
        cache_read: 10,
        output: 1000,
        ..NONE
    };
    let conditions = PriceConditions {
        service_tier: Some("priority"),
        ..PriceConditions::ordinary(tuesday())
    };
    let cost = cost_of(
        ProviderKind::Google,
        "gemini-3.1-pro-preview",
        &usage,
        &conditions,
    );
    // 1.8 times the ordinary price of a long prompt: 7.2, 0.72 and 32.4 dollars per million.
    assert_eq!(cost.total.units(), 200_001 * 7_200 + 10 * 720 + 1000 * 32_400);
}

#[test]
fn the_faster_speed_moves_the_cache_prices_it_does_not_name() {
    let conditions = PriceConditions {
        fast: true,
        ..PriceConditions::ordinary(tuesday())
    };
    let cost = cost_of(ProviderKind::Anthropic, "claude-opus-4-8", &CACHED, &conditions);
    assert_eq!((cost.total.units(), cost.doubt), (2 * 26_408_000, None));
    let slow_only = cost_of(ProviderKind::Anthropic, "claude-haiku-4-5", &CACHED, &conditions);
    assert_eq!(slow_only.doubt, Some(Doubt::ServiceTierNotListed));
}

#[test]
fn a_region_multiplies_everything() {
    let with = |model, geo| {
        let conditions = PriceConditions {
            geo: Some(geo),
            ..PriceConditions::ordinary(tuesday())
        };
        let cost = cost_of(ProviderKind::Anthropic, model, &CACHED, &conditions);
        (cost.total.units(), cost.doubt)
    };
    assert_eq!(with("claude-opus-4-8", "us"), (29_048_800, None));
    assert_eq!(with("claude-opus-4-8", "global"), (26_408_000, None));
    assert_eq!(
        with("claude-opus-4-8", "mars"),
        (26_408_000, Some(Doubt::RegionNotListed))
    );
    // Older models cost the same everywhere.
    assert_eq!(with("claude-haiku-4-5", "us").1, None);
}

#[test]
fn audio_costs_more_than_text() {
    let usage = TokenUsage {
        input: 100,
        audio_input: 40,
        output: 50,
        audio_output: 30,
        ..NONE
    };
    let expected = 60 * 2_500 + 40 * 32_000 + 20 * 10_000 + 30 * 64_000;
    assert_eq!(ordinary(ProviderKind::Openai, "gpt-audio-1.5", &usage), expected);
    // Where audio has no price of its own it is text.
    assert_eq!(
        ordinary(ProviderKind::Openai, "gpt-4o", &usage),
        100 * 2_500 + 50 * 10_000
    );
}

#[test]
fn what_an_image_or_speech_model_makes_is_not_text() {
    let usage = TokenUsage {
        input: 10,
        output: 100,
        reasoning: 20,
        ..NONE
    };
    let image = ordinary(ProviderKind::Google, "gemini-3-pro-image", &usage);
    assert_eq!(image, 10 * 2_000 + 80 * 120_000 + 20 * 12_000);
    let speech = ordinary(ProviderKind::Google, "gemini-3.8-flash-tts", &usage);
    assert_eq!(speech, 10 * 500 + 100 * 9_000);
}

#[test]
fn reasoning_has_its_own_price_only_where_one_is_listed() {
    let usage = TokenUsage {
        output: 100,
        reasoning: 30,
        ..NONE
    };
    let with_own =
        card(r#"{"id":"m","mode":"chat","price":{"tokens":{"input":"1","output":"2","reasoning":"3"}}}"#);
    let cost = with_own
        .price
        .unwrap()
        .cost(&usage, &PriceConditions::ordinary(tuesday()))
        .unwrap();
    assert_eq!(cost.total.units(), 70 * 2_000 + 30 * 3_000);
    assert_eq!(ordinary(ProviderKind::Openai, "gpt-4o", &usage), 100 * 10_000);
}

#[test]
fn counts_above_their_whole_are_held_at_the_whole() {
    let usage = TokenUsage {
        input: 10,
        audio_input: 99,
        output: 10,
        reasoning: 99,
        audio_output: 99,
        ..NONE
    };
    let expected = 10 * 32_000 + 10 * 10_000;
    assert_eq!(ordinary(ProviderKind::Openai, "gpt-audio-1.5", &usage), expected);
}

#[test]
fn a_cost_is_rounded_up_once_and_not_by_class() {
    // A thousandth of a nanodollar for every token.
    let tiny = r#"{"id":"m","mode":"chat","price":{"regions":{"us":"1.1"},
        "tokens":{"input":"0.000001","cache_read":"0.000001","output":"0.000001"}}}"#;
    let price = card(tiny).price.unwrap();
    let cost = |usage: &TokenUsage, geo| {
        let conditions = PriceConditions {
            geo,
            ..PriceConditions::ordinary(tuesday())
        };
        price.cost(usage, &conditions).unwrap().total.units()
    };
    assert_eq!(
        cost(
            &TokenUsage {
                input: 1,
                cache_read: 1,
                output: 1,
                ..NONE
            },
            None
        ),
        1
    );
    assert_eq!(cost(&TokenUsage { input: 1000, ..NONE }, None), 1);
    assert_eq!(
        cost(
            &TokenUsage {
                input: 1000,
                output: 1,
                ..NONE
            },
            None
        ),
        2
    );
    assert_eq!(
        cost(&TokenUsage { input: 909, ..NONE }, Some("us")),
        1,
        "999.9 thousandths"
    );
    assert_eq!(
        cost(&TokenUsage { input: 910, ..NONE }, Some("us")),
        2,
        "1001 thousandths"
    );
    assert_eq!(cost(&NONE, Some("us")), 0);
}

#[test]
fn a_cost_that_does_not_fit_is_an_error_and_not_a_smaller_cost() {
    let dear =
        card(r#"{"id":"m","mode":"chat","price":{"tokens":{"input":"9223372036","output":"9223372036"}}}"#);
    let price = dear.price.unwrap();
    let conditions = PriceConditions::ordinary(tuesday());
    let all = TokenUsage {
        input: u64::MAX,
        output: u64::MAX,
        ..NONE
    };
    assert_eq!(price.cost(&all, &conditions), Err(CostError::TooLarge));
    let two_million = TokenUsage {
        input: 2_000_000,
        ..NONE
    };
    assert_eq!(price.cost(&two_million, &conditions), Err(CostError::TooLarge));
    let almost = TokenUsage {
        input: 1_000_000,
        ..NONE
    };
    assert_eq!(
        price.cost(&almost, &conditions).unwrap().total.to_string(),
        "9223372036"
    );
}

#[test]
fn what_is_billed_by_the_piece_has_no_price_per_token_and_says_so() {
    let catalogue = built_in();
    let whisper = catalogue
        .lookup(ProviderKind::Openai, "whisper-1")
        .unwrap()
        .price
        .as_ref()
        .unwrap();
    let usage = TokenUsage { input: 1, ..NONE };
    assert_eq!(
        whisper.cost(&usage, &PriceConditions::ordinary(tuesday())),
        Err(CostError::NoTokenPrice)
    );
    assert_eq!(whisper.worst_case(1, 1), None);
    // Ten seconds at 0.006 dollars a minute.
    assert_eq!(
        whisper.units().cost(Unit::AudioMillisecond, 10_000),
        Some(nanodollars(1_000_000))
    );
    // An hour at 0.111 dollars.
    let groq = catalogue
        .lookup(ProviderKind::Groq, "whisper-large-v3")
        .unwrap()
        .price
        .as_ref()
        .unwrap();
    assert_eq!(
        groq.units().cost(Unit::AudioMillisecond, 3_600_000),
        Some(nanodollars(111_000_000))
    );
}
