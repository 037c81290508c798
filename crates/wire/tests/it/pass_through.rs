//! Between equal protocols nothing but the needed places changes.

use bytes::Bytes;
use freehold_domain::provider::ProviderKind;
use freehold_wire::adapter::{ChatTarget, adapter};
use freehold_wire::openai::chat::ChatRequest;
use proptest::prelude::*;

fn written(kind: ProviderKind, body: &str, target: &ChatTarget<'_>) -> String {
    let request = ChatRequest::parse(Bytes::copy_from_slice(body.as_bytes())).unwrap();
    let outbound = adapter(kind).unwrap().chat(&request, target).unwrap();
    String::from_utf8(outbound.body.to_vec()).unwrap()
}

const MESSAGES: &str = r#""messages" : [ {"role":"user","content":"a \u0041 \" ü 🙂" , "x":1e5} ]"#;

#[test]
fn only_the_needed_places_change_and_every_other_byte_stays() {
    let target = ChatTarget {
        model: "up/stream",
        max_output_tokens: Some(50),
        ..ChatTarget::default()
    };
    for (kind, before, after) in [
        // The caller's own field keeps its name and place.
        (
            ProviderKind::Openai,
            "{ \"model\" :\"a\",\n MSG ,\"max_tokens\":  900 , \"future_field\": {\"deep\":[1,  2.50]}}  ",
            "{ \"model\" :\"up/stream\",\n MSG ,\"max_tokens\":  50 , \"future_field\": {\"deep\":[1,  2.50]}}  ",
        ),
        // Without one, it becomes the first member, named as the provider likes.
        (
            ProviderKind::Openai,
            "{ \"model\":\"a\",MSG}",
            "{ \"max_completion_tokens\":50,\"model\":\"up/stream\",MSG}",
        ),
        (
            ProviderKind::OpenaiCompatible,
            "{\"model\":\"a\",MSG}",
            "{\"max_tokens\":50,\"model\":\"up/stream\",MSG}",
        ),
        // null counts as none.
        (
            ProviderKind::OpenaiCompatible,
            "{MSG,\"max_completion_tokens\":null,\"model\":\"a\"}",
            "{MSG,\"max_tokens\":50,\"model\":\"up/stream\"}",
        ),
        // A stream is asked for usage, whatever the caller said about it.
        (
            ProviderKind::OpenaiCompatible,
            "{\"stream\":true,\"model\":\"a\",\"max_tokens\":50,MSG}",
            "{\"stream_options\":{\"include_usage\":true},\"stream\":true,\"model\":\"up/stream\",\"max_tokens\":50,MSG}",
        ),
        (
            ProviderKind::Openai,
            "{\"model\":\"a\",\"max_tokens\":50,MSG,\"stream\":true,\"stream_options\":{ \"include_obfuscation\":false}}",
            "{\"model\":\"up/stream\",\"max_tokens\":50,MSG,\"stream\":true,\"stream_options\":{\"include_usage\":true, \"include_obfuscation\":false}}",
        ),
        (
            ProviderKind::Openai,
            "{\"model\":\"a\",\"max_tokens\":50,MSG,\"stream\":true,\"stream_options\":{\"include_usage\": false ,\"x\":1}}",
            "{\"model\":\"up/stream\",\"max_tokens\":50,MSG,\"stream\":true,\"stream_options\":{\"include_usage\": true ,\"x\":1}}",
        ),
        (
            ProviderKind::Openai,
            "{\"model\":\"a\",\"max_tokens\":50,MSG,\"stream\":true,\"stream_options\":null}",
            "{\"model\":\"up/stream\",\"max_tokens\":50,MSG,\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
        ),
        (
            ProviderKind::Openai,
            "{\"model\":\"a\",\"max_tokens\":50,MSG,\"stream\":true,\"stream_options\":{ }}",
            "{\"model\":\"up/stream\",\"max_tokens\":50,MSG,\"stream\":true,\"stream_options\":{\"include_usage\":true }}",
        ),
        // Names may be written with escapes.
        (
            ProviderKind::Openai,
            "{\"mod\\u0065l\":\"a\",MSG,\"max\\u005ftokens\":99}",
            "{\"mod\\u0065l\":\"up/stream\",MSG,\"max\\u005ftokens\":50}",
        ),
    ] {
        let (before, after) = (before.replace("MSG", MESSAGES), after.replace("MSG", MESSAGES));
        assert_eq!(written(kind, &before, &target), after);
    }
}

#[test]
fn a_body_that_needs_no_change_is_not_copied() {
    let body =
        Bytes::from_static(br#"{"model":"a","max_tokens":5,"messages":[{"role":"user","content":"x"}]}"#);
    let request = ChatRequest::parse(body.clone()).unwrap();
    let target = ChatTarget {
        model: "a",
        max_output_tokens: Some(5),
        ..ChatTarget::default()
    };
    let outbound = adapter(ProviderKind::Openai)
        .unwrap()
        .chat(&request, &target)
        .unwrap();
    assert_eq!(outbound.body.as_ptr(), body.as_ptr());
}

#[test]
fn a_reasoning_model_gets_the_limit_under_the_only_name_it_knows() {
    let target = |reasoning| ChatTarget {
        model: "o",
        max_output_tokens: Some(5),
        reasoning,
        ..ChatTarget::default()
    };
    let body = r#"{"model":"o","max_tokens":9,"messages":[{"role":"user","content":"x"}]}"#;
    let limit = |kind, reasoning| {
        let written = written(kind, body, &target(reasoning));
        written.split('"').nth(5).unwrap().to_owned()
    };
    assert_eq!(limit(ProviderKind::Openai, Some(true)), "max_completion_tokens");
    assert_eq!(limit(ProviderKind::Openai, Some(false)), "max_tokens");
    assert_eq!(limit(ProviderKind::Openai, None), "max_tokens");
    assert_eq!(limit(ProviderKind::OpenaiCompatible, Some(true)), "max_tokens");
}

fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i32>().prop_map(|value| value.to_string()),
        any::<String>().prop_map(|value| serde_json::to_string(&value).unwrap()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| format!("[ {}]", list.join(" , "))),
            prop::collection::vec(("[a-z]{1,6}", inner), 0..4).prop_map(|members| {
                let members: Vec<String> = members
                    .iter()
                    .map(|(name, value)| format!("\"{name}\" :{value}"))
                    .collect();
                format!("{{{}\n}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn members_that_nobody_knows_survive_in_any_shape(values in prop::collection::vec(json_text(), 0..5), at in 0_usize..6) {
        let mut members: Vec<String> =
            values.iter().enumerate().map(|(number, value)| format!("\"future_{number}\":  {value}")).collect();
        members.insert(at.min(members.len()), r#""model":"MODEL""#.to_owned());
        members.insert(at.min(members.len()), format!(r#""messages":[{{"role":"user","content":{}}}]"#, "\"x\""));
        members.push(r#""max_tokens":LIMIT"#.to_owned());
        let template = format!("{{{}}}", members.join(", "));
        let before = template.replace("MODEL", "a").replace("LIMIT", "1");
        let target = ChatTarget { model: "b", max_output_tokens: Some(2), ..ChatTarget::default() };
        let after = written(ProviderKind::Openai, &before, &target);
        prop_assert_eq!(after, template.replace("MODEL", "b").replace("LIMIT", "2"));
    }

    #[test]
    fn any_model_name_is_written_as_valid_json(model in "\\PC{1,40}", stream: bool, limit in 1_u64..1_000_000) {
        let body = format!(r#"{{"model":"a","stream":{stream},"messages":[{{"role":"user","content":"x"}}]}}"#);
        let target = ChatTarget { model: &model, max_output_tokens: Some(limit), ..ChatTarget::default() };
        let after: serde_json::Value = serde_json::from_str(&written(ProviderKind::Openai, &body, &target)).unwrap();
        prop_assert_eq!(after["model"].as_str(), Some(model.as_str()));
        prop_assert_eq!(after["max_completion_tokens"].as_u64(), Some(limit));
        prop_assert_eq!(after["stream_options"]["include_usage"].as_bool(), stream.then_some(true));
    }
}
