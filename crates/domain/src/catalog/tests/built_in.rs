//! The tables that come with the executable: complete, reachable by every name, and unknown where they should be.

use super::*;

/// How many models and how many further names each table has. A row that goes missing is noticed here.
const COUNTS: [(ProviderKind, usize, usize); 10] = [
    (ProviderKind::Openai, 145, 36),
    (ProviderKind::Anthropic, 19, 5),
    (ProviderKind::Google, 51, 0),
    (ProviderKind::Mistral, 84, 10),
    (ProviderKind::Groq, 16, 0),
    (ProviderKind::Deepseek, 6, 0),
    (ProviderKind::Nvidia, 97, 0),
    (ProviderKind::Xai, 22, 7),
    (ProviderKind::Ollama, 50, 24),
    (ProviderKind::Sandbox, 1, 0),
];

#[test]
fn no_row_and_no_name_has_gone_missing() {
    let catalogue = built_in();
    for (provider, models, aliases) in COUNTS {
        assert_eq!(catalogue.models(provider).count(), models, "{provider}");
        assert_eq!(
            catalogue
                .models(provider)
                .map(|card| card.aliases.len())
                .sum::<usize>(),
            aliases,
            "{provider}"
        );
    }
    assert_eq!(
        catalogue.all().count(),
        COUNTS.iter().map(|(_, models, _)| models).sum::<usize>()
    );
}

#[test]
fn every_id_and_every_alias_leads_to_its_own_card() {
    let catalogue = built_in();
    for card in catalogue.all() {
        for name in std::iter::once(&card.id).chain(&card.aliases) {
            let found = catalogue.lookup(card.provider, name).unwrap();
            assert_eq!((&found.id, found.provider), (&card.id, card.provider));
        }
    }
}

#[test]
fn the_longest_prefix_has_the_say() {
    let catalogue = built_in();
    let id = |model| {
        catalogue
            .lookup(ProviderKind::Openai, model)
            .map(|card| &*card.id)
    };
    assert_eq!(id("ft:gpt-3.5-turbo:acme::1"), Some("ft:gpt-3.5-turbo"));
    assert_eq!(id("ft:gpt-3.5-turbo-0125:acme::1"), Some("ft:gpt-3.5-turbo-0125"));
    assert_eq!(id("ft:gpt-9:acme::1"), None);
}

#[test]
fn a_model_that_no_row_answers_to_is_not_known() {
    let catalogue = built_in();
    for provider in ProviderKind::ALL {
        let takes_any = matches!(provider, ProviderKind::Ollama | ProviderKind::Sandbox);
        assert_eq!(
            catalogue.lookup(provider, "no-such-model").is_some(),
            takes_any,
            "{provider}"
        );
    }
    assert!(
        catalogue.lookup(ProviderKind::Openai, "GPT-4o").is_none(),
        "names are exact"
    );
    assert!(
        catalogue
            .lookup(ProviderKind::OpenaiCompatible, "gpt-4o")
            .is_none()
    );
}

#[test]
fn a_bare_name_finds_everyone_who_lists_it() {
    let catalogue = built_in();
    let providers = |model| catalogue.providers_with(model).collect::<Vec<_>>();
    assert_eq!(providers("gpt-4o"), [ProviderKind::Openai]);
    assert_eq!(
        providers("openai/gpt-oss-20b"),
        [ProviderKind::Groq, ProviderKind::Nvidia]
    );
    assert_eq!(
        providers("deepseek-v4-pro"),
        [ProviderKind::Deepseek, ProviderKind::Ollama]
    );
    assert_eq!(
        providers("ft:gpt-4o-mini-2024-07-18:acme::1"),
        [ProviderKind::Openai]
    );
    assert_eq!(providers("no-such-model"), []);
}

#[test]
fn what_is_free_is_known_to_be_free_and_what_is_unknown_is_not() {
    let catalogue = built_in();
    let price = |provider, model| {
        catalogue
            .lookup(provider, model)
            .and_then(|card| card.price.as_ref())
    };
    for (provider, model) in [
        (ProviderKind::Ollama, "anything:7b"),
        (ProviderKind::Sandbox, "echo"),
        (ProviderKind::Nvidia, "meta/llama-3.2-11b-vision-instruct"),
    ] {
        let price = price(provider, model).unwrap();
        assert!(price.is_free(), "{provider}/{model}");
        assert_eq!(price.worst_case(u64::MAX, u64::MAX), Some(Nanodollars::ZERO));
    }
    assert!(
        catalogue
            .lookup(ProviderKind::Openai, "gpt-image-2.6-flare")
            .is_some()
    );
    assert_eq!(price(ProviderKind::Openai, "gpt-image-2.6-flare"), None);
    assert!(!price(ProviderKind::Openai, "gpt-4o").unwrap().is_free());
    assert!(
        !price(ProviderKind::Openai, "whisper-1").unwrap().is_free(),
        "billed by the minute"
    );
}

#[test]
fn a_local_server_runs_models_that_its_cloud_sells() {
    let catalogue = built_in();
    let local = |model| {
        catalogue
            .lookup_local(ProviderKind::Ollama, model)
            .unwrap()
            .price
            .as_ref()
            .unwrap()
    };
    let sold = catalogue
        .lookup(ProviderKind::Ollama, "deepseek-v4-flash")
        .unwrap();
    assert_eq!(sold.hosting, Some(Hosting::Cloud));
    assert!(!sold.price.as_ref().unwrap().is_free());
    assert!(local("deepseek-v4-flash").is_free());
    assert!(
        !local("deepseek-v4-flash:cloud").is_free(),
        "served through the local server, paid in the cloud"
    );
    assert!(local("codegeex4").is_free());
}

#[test]
fn a_model_is_retired_from_the_day_its_provider_shuts_it_down() {
    let catalogue = built_in();
    let gpt = catalogue.lookup(ProviderKind::Openai, "gpt-4o").unwrap();
    assert_eq!(gpt.retires.unwrap().to_string(), "2027-01-14");
    assert_eq!(gpt.status_at(at("2027-01-13T23:59:59Z")), Status::Deprecated);
    assert_eq!(gpt.status_at(at("2027-01-14T00:00:00Z")), Status::Retired);
}

#[test]
fn what_a_model_can_do_is_kept_in_three_values() {
    let catalogue = built_in();
    let opus = catalogue
        .lookup(ProviderKind::Anthropic, "claude-opus-5-5")
        .unwrap();
    assert_eq!(opus.has(Capability::SamplingParams), Some(false));
    assert_eq!(opus.has(Capability::ForcedToolChoice), Some(false));
    assert_eq!(opus.has(Capability::Tools), Some(true));
    assert_eq!(opus.has(Capability::ParallelTools), None);
    assert_eq!(
        opus.limits,
        Limits {
            context: Some(1_000_000),
            input: None,
            output: Some(128_000)
        }
    );
    let o3 = catalogue.lookup(ProviderKind::Openai, "o3").unwrap();
    assert_eq!(o3.output_cap_field, Some(OutputCapField::MaxCompletionTokens));
    assert_eq!(
        catalogue
            .lookup(ProviderKind::Openai, "gpt-4o")
            .unwrap()
            .output_cap_field,
        None
    );
    let pro = catalogue.lookup(ProviderKind::Openai, "gpt-5.4-pro").unwrap();
    assert_eq!(pro.serves(Endpoint::Responses), Some(true));
    assert_eq!(pro.serves(Endpoint::ChatCompletions), Some(false));
    assert_eq!(opus.serves(Endpoint::ChatCompletions), None);
}

#[test]
fn no_discount_is_dearer_than_what_it_discounts() {
    let catalogue = built_in();
    for card in catalogue.all() {
        let Some(price) = card.price.as_ref().filter(|price| price.has_token_price()) else {
            continue;
        };
        let rate = |class| price.rate(class).unwrap();
        assert!(
            rate(TokenClass::CacheRead) <= rate(TokenClass::Input),
            "{}",
            card.id
        );
        assert!(
            rate(TokenClass::CacheWrite) >= rate(TokenClass::Input),
            "{}",
            card.id
        );
        assert!(
            rate(TokenClass::CacheWriteLong) >= rate(TokenClass::CacheWrite),
            "{}",
            card.id
        );
    }
}
