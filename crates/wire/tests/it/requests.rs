//! One request, written for each kind of provider.

use freehold_domain::provider::ProviderKind;
use freehold_wire::RequestFault;
use freehold_wire::adapter::{ChatTarget, OutboundRequest, adapter};
use freehold_wire::openai::chat::ChatRequest;
use serde_json::Value;

use crate::fixtures::cases;

const KINDS: [ProviderKind; 5] = [
    ProviderKind::Openai,
    ProviderKind::OpenaiCompatible,
    ProviderKind::Anthropic,
    ProviderKind::AnthropicCompatible,
    ProviderKind::Ollama,
];

fn shown(outcome: Result<OutboundRequest, RequestFault>) -> String {
    match outcome {
        Err(fault) => format!("refused {}: {}\n", fault.param.unwrap_or_default(), fault.message),
        Ok(outbound) => {
            let headers: Vec<String> = outbound
                .headers
                .iter()
                .map(|(name, value)| format!("{name}: {value}"))
                .collect();
            let body: Value = serde_json::from_slice(&outbound.body).unwrap();
            let body = serde_json::to_string_pretty(&body).unwrap();
            format!("POST {}\n{}\n\n{body}\n", outbound.path, headers.join("\n"))
        }
    }
}

#[test]
fn a_request_is_written_in_each_providers_words_or_refused_by_name() {
    for case in cases("requests") {
        let request = ChatRequest::parse(case.read("input.json")).unwrap();
        for kind in KINDS {
            let target = ChatTarget {
                model: "claude-or-other",
                max_output_tokens: Some(3000),
                ..ChatTarget::default()
            };
            let outcome = adapter(kind).unwrap().chat(&request, &target);
            case.assert_snapshot(kind.as_str(), &shown(outcome));
        }
    }
}

fn anthropic(body: &str, target: &ChatTarget<'_>) -> Result<Value, RequestFault> {
    let request = ChatRequest::parse(body.as_bytes().to_vec().into()).unwrap();
    let outbound = adapter(ProviderKind::Anthropic).unwrap().chat(&request, target)?;
    Ok(serde_json::from_slice(&outbound.body).unwrap())
}

#[test]
fn anthropic_gets_the_limit_it_wants_from_the_grant_or_the_caller_or_the_model() {
    let bare = r#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#;
    let asked = r#"{"model":"m","max_tokens":77,"messages":[{"role":"user","content":"x"}]}"#;
    for (body, granted, model_max, expected) in [
        (asked, Some(50), Some(900), 50),
        (asked, None, Some(900), 77),
        (bare, None, Some(900), 900),
        (bare, None, None, 4096),
    ] {
        let target = ChatTarget {
            model: "claude",
            max_output_tokens: granted,
            model_max_output_tokens: model_max,
            ..ChatTarget::default()
        };
        assert_eq!(anthropic(body, &target).unwrap()["max_tokens"], expected);
    }
}

#[test]
fn models_that_refuse_sampling_get_its_defaults_left_out_and_the_rest_refused() {
    let body = |temperature: &str| {
        format!(r#"{{"model":"m","temperature":{temperature},"messages":[{{"role":"user","content":"x"}}]}}"#)
    };
    let target = ChatTarget {
        model: "claude-opus-5",
        sampling: Some(false),
        ..ChatTarget::default()
    };
    assert!(
        anthropic(&body("1"), &target)
            .unwrap()
            .get("temperature")
            .is_none()
    );
    let fault = anthropic(&body("0.2"), &target).unwrap_err();
    assert_eq!(fault.param.as_deref(), Some("temperature"));
}

#[test]
fn older_models_think_by_a_budget_that_leaves_half_of_the_limit() {
    let body = r#"{"model":"m","reasoning_effort":"high","messages":[{"role":"user","content":"x"}]}"#;
    let target = |model, limit| ChatTarget {
        model,
        max_output_tokens: Some(limit),
        ..ChatTarget::default()
    };
    let old = anthropic(body, &target("claude-haiku-4-5", 5000)).unwrap();
    assert_eq!(
        old["thinking"],
        serde_json::json!({ "type": "enabled", "budget_tokens": 2500 })
    );
    let fault = anthropic(body, &target("claude-haiku-4-5", 1000)).unwrap_err();
    assert_eq!(fault.param.as_deref(), Some("reasoning_effort"));
    let new = anthropic(body, &target("claude-sonnet-5", 1000)).unwrap();
    assert_eq!(new["output_config"]["effort"], "high");
    assert_eq!(new["thinking"]["type"], "adaptive");
}
