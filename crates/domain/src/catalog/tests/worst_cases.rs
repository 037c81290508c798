//! What is held for a request is never less than what it costs.

use proptest::prelude::*;

use super::*;

/// A usage with up to `input` tokens in and `output` tokens out, cut up by the other numbers.
fn usage(input: u64, output: u64, cuts: [u64; 6]) -> TokenUsage {
    let [read, write, long, reasoning, audio_in, audio_out] = cuts;
    let mut left = input;
    let mut take = |wanted: u64| {
        let taken = wanted.min(left);
        left -= taken;
        taken
    };
    let (cache_read, cache_write, cache_write_long) = (take(read), take(write), take(long));
    TokenUsage {
        input: left,
        cache_read,
        cache_write,
        cache_write_long,
        output,
        reasoning: reasoning.min(output),
        audio_input: audio_in.min(left),
        audio_output: audio_out.min(output),
    }
}

const TIERS: [&str; 8] = [
    "default",
    "auto",
    "flex",
    "priority",
    "ultrafast",
    "batch",
    "fast",
    "unheard-of",
];
const REGIONS: [&str; 4] = ["us", "eu", "global", "unheard-of"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_request_costs_more_than_its_worst_case_on_any_card(
        bound in 0_u64..2_000_000,
        unused in 0_u64..1000,
        output in 0_u64..400_000,
        cuts in prop::array::uniform6(0_u64..1_000_000),
        tier in prop::option::of(prop::sample::select(&TIERS[..])),
        region in prop::option::of(prop::sample::select(&REGIONS[..])),
        fast in any::<bool>(),
        micros in 0_i64..4_000_000_000_000_000,
    ) {
        let usage = usage(bound.saturating_sub(unused), output, cuts);
        let conditions = PriceConditions { at: Timestamp::from_micros(micros), service_tier: tier, fast, geo: region };
        let writes = match (usage.cache_write, usage.cache_write_long) {
            (0, 0) => PossibleCacheWrites::None,
            (_, 0) => PossibleCacheWrites::Short,
            _ => PossibleCacheWrites::Long,
        };
        let service_tiers = match tier {
            _ if fast => PossibleTiers::Named("fast"),
            Some(name) => PossibleTiers::Named(name),
            None => PossibleTiers::Ordinary,
        };
        let possible = Possible {
            service_tiers,
            region: region.map_or(PossibleRegion::Unpinned, PossibleRegion::Named),
            cache_writes: writes,
        };
        for card in BUILT_IN_ONCE.all() {
            let Some(price) = card.price.as_ref().filter(|price| price.has_token_price()) else { continue };
            let cost = price.cost(&usage, &conditions).unwrap().total;
            let restricted = price.worst_case_of(bound, output, &possible).unwrap();
            let worst = price.worst_case(bound, output).unwrap();
            prop_assert!(cost <= restricted, "{}: {cost} > {restricted}", card.id);
            prop_assert!(restricted <= worst, "{}: {restricted} > {worst}", card.id);
        }
    }
}

#[test]
fn the_worst_case_is_the_dearest_combination_and_no_more() {
    let catalogue = built_in();
    let worst = |provider, model, input, output, possible: &Possible<'_>| {
        let price = catalogue.lookup(provider, model).unwrap().price.as_ref().unwrap();
        price.worst_case_of(input, output, possible).unwrap().units()
    };
    let plain = Possible {
        service_tiers: PossibleTiers::Ordinary,
        region: PossibleRegion::Unpinned,
        cache_writes: PossibleCacheWrites::None,
    };
    let opus =
        |possible: &Possible<'_>| worst(ProviderKind::Anthropic, "claude-opus-4-8", 1000, 100, possible);
    assert_eq!(opus(&plain), 1000 * 5_000 + 100 * 25_000);
    let writes = |cache_writes| Possible {
        cache_writes,
        ..plain
    };
    assert_eq!(
        opus(&writes(PossibleCacheWrites::Short)),
        1000 * 6_250 + 100 * 25_000
    );
    assert_eq!(
        opus(&writes(PossibleCacheWrites::Long)),
        1000 * 10_000 + 100 * 25_000
    );
    // Fast, with writes at the long lifetime, pinned to the United States.
    assert_eq!(
        opus(&Possible::default()),
        (1000 * 20_000 + 100 * 50_000) * 11 / 10
    );
    // A threshold counts only once the bound is above it.
    let haiku = |input| worst(ProviderKind::Anthropic, "claude-haiku-5-5", input, 0, &plain);
    assert_eq!(haiku(100_000), 100_000 * 100);
    assert_eq!(haiku(100_001), 100_001 * 500);
    // Peak hours always count.
    assert_eq!(
        worst(ProviderKind::Deepseek, "deepseek-v4-pro", 1000, 0, &plain),
        1000 * 1_320
    );
    // An account may turn `auto` into priority, never into what has to be asked for.
    let auto = Possible {
        service_tiers: PossibleTiers::Named("auto"),
        ..plain
    };
    assert_eq!(
        worst(ProviderKind::Openai, "gpt-6.1-sol", 1000, 0, &auto),
        1000 * 4_000
    );
    assert_eq!(opus(&auto), opus(&plain));
}

#[test]
fn a_worst_case_that_does_not_fit_is_no_number() {
    let catalogue = built_in();
    let price = catalogue
        .lookup(ProviderKind::Openai, "gpt-4o")
        .unwrap()
        .price
        .as_ref()
        .unwrap();
    assert_eq!(price.worst_case(u64::MAX, u64::MAX), None);
    assert_eq!(price.worst_case(0, 0), Some(Nanodollars::ZERO));
}
