//! What is refused before anything is spent, and that nothing makes the reader fall over.

use bytes::Bytes;
use freehold_wire::openai::chat::ChatRequest;
use freehold_wire::splice_metadata;
use proptest::prelude::*;

fn parse(body: &str) -> Result<ChatRequest, freehold_wire::RequestFault> {
    ChatRequest::parse(Bytes::copy_from_slice(body.as_bytes()))
}

const MESSAGES: &str = r#""messages":[{"role":"user","content":"x"}]"#;

/// A sound body with `members` in front.
fn with(members: &str) -> String {
    format!(r#"{{{members},"model":"m",{MESSAGES}}}"#)
}

#[test]
fn a_sound_body_is_read() {
    let request = parse(&with(
        r#""stream":true,"stream_options":{"include_usage":true},"max_tokens":7,"n":3,"tools":[{}],"service_tier":"flex""#,
    ))
    .unwrap();
    assert_eq!(request.model(), "m");
    assert!(request.stream() && request.wants_usage() && request.has_tools());
    assert_eq!((request.max_output_tokens(), request.choices()), (Some(7), 3));
    assert_eq!(request.max_output_tokens_field(), "max_tokens");
    assert_eq!(request.service_tier(), Some("flex"));
    let bare = parse(&format!(r#"{{"model":"m",{MESSAGES}}}"#)).unwrap();
    assert!(!bare.stream() && !bare.wants_usage() && !bare.has_tools() && !bare.has_images());
    assert_eq!((bare.max_output_tokens(), bare.choices()), (None, 1));
}

#[test]
fn null_is_as_good_as_missing() {
    let request = parse(&with(
        r#""stream":null,"stream_options":null,"max_tokens":null,"n":null,"tools":null,"response_format":null,"service_tier":null"#,
    ))
    .unwrap();
    assert_eq!(
        (request.stream(), request.max_output_tokens(), request.choices()),
        (false, None, 1)
    );
}

#[test]
fn usage_is_for_streams_only() {
    assert!(
        !parse(&with(r#""stream_options":{"include_usage":true}"#))
            .unwrap()
            .wants_usage()
    );
}

#[test]
fn attachments_are_counted_and_images_are_no_text() {
    let image = format!("data:image/png;base64,{}", "A".repeat(10_000));
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":[{{"type":"text","text":"x"}},{{"type":"image_url","image_url":{{"url":"{image}"}}}},{{"type":"im\u0061ge_url","image_url":{{"url":"http://h"}}}},{{"type":"input_audio","input_audio":{{}}}},{{"type":"file","file":{{}}}}]}}]}}"#
    );
    let request = parse(&body).unwrap();
    let attachments = request.attachments();
    assert_eq!(
        (attachments.images, attachments.sounds, attachments.files),
        (2, 1, 1)
    );
    assert!(request.has_images());
    assert!(request.input_bytes() < 400, "{}", request.input_bytes());
    assert!(request.input_bytes() > 100);
}

#[test]
fn each_refusal_names_its_field() {
    let deep = format!(r#""x":{}{}"#, "[".repeat(64), "]".repeat(64));
    let long = format!(r#"{{"model":"{}",{MESSAGES}}}"#, "m".repeat(513));
    for (body, param) in [
        (String::new(), None),
        ("null".into(), None),
        ("[]".into(), None),
        ("\"text\"".into(), None),
        ("{".into(), None),
        ("{} {}".into(), None),
        (format!(r#"{{"model":"m",{MESSAGES}}} x"#), None),
        (format!(r#"{{"model":"m",{MESSAGES},}}"#), None),
        (with(&deep), None),
        (format!("{{{MESSAGES}}}"), Some("model")),
        (format!(r#"{{"model":"",{MESSAGES}}}"#), Some("model")),
        (format!(r#"{{"model":null,{MESSAGES}}}"#), Some("model")),
        (format!(r#"{{"model":7,{MESSAGES}}}"#), Some("model")),
        (format!(r#"{{"model":"a\u0000b",{MESSAGES}}}"#), Some("model")),
        (format!(r#"{{"model":"\ud800",{MESSAGES}}}"#), Some("model")),
        (long, Some("model")),
        (with(r#""model":"x""#), Some("model")),
        (with(r#""mod\u0065l":"x""#), Some("model")),
        (r#"{"model":"m"}"#.into(), Some("messages")),
        (r#"{"model":"m","messages":[]}"#.into(), Some("messages")),
        (r#"{"model":"m","messages":null}"#.into(), Some("messages")),
        (r#"{"model":"m","messages":"hi"}"#.into(), Some("messages")),
        (
            r#"{"model":"m","messages":{"role":"user"}}"#.into(),
            Some("messages"),
        ),
        (r#"{"model":"m","messages":[7]}"#.into(), Some("messages[0]")),
        (
            r#"{"model":"m","messages":[{"role":"user"},[]]}"#.into(),
            Some("messages[1]"),
        ),
        (
            r#"{"model":"m","messages":[{"content":"x"}]}"#.into(),
            Some("messages[0].role"),
        ),
        (
            r#"{"model":"m","messages":[{"role":1}]}"#.into(),
            Some("messages[0].role"),
        ),
        (
            r#"{"model":"m","messages":[{"role":"user","role":"system"}]}"#.into(),
            Some("messages[0].role"),
        ),
        (
            r#"{"model":"m","messages":[{"role":"user","content":{}}]}"#.into(),
            Some("messages[0].content"),
        ),
        (
            r#"{"model":"m","messages":[{"role":"user","content":"a","content":"b"}]}"#.into(),
            Some("messages[0].content"),
        ),
        (
            r#"{"model":"m","messages":[{"role":"user","content":["x"]}]}"#.into(),
            Some("messages[0].content[0]"),
        ),
        (
            r#"{"model":"m","messages":[{"role":"user","content":[{"text":"x"}]}]}"#.into(),
            Some("messages[0].content[0].type"),
        ),
        (
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","type":"image_url"}]}]}"#
                .into(),
            Some("messages[0].content[0].type"),
        ),
        (with(r#""stream":"yes""#), Some("stream")),
        (with(r#""stream":1"#), Some("stream")),
        (with(r#""stream":true,"stream":false"#), Some("stream")),
        (with(r#""stream_options":[]"#), Some("stream_options")),
        (
            with(r#""stream_options":{"include_usage":1}"#),
            Some("stream_options.include_usage"),
        ),
        (
            with(r#""stream_options":{"include_usage":true,"include_usage":false}"#),
            Some("stream_options.include_usage"),
        ),
        (with(r#""max_tokens":0"#), Some("max_tokens")),
        (with(r#""max_tokens":-1"#), Some("max_tokens")),
        (with(r#""max_tokens":1.5"#), Some("max_tokens")),
        (with(r#""max_tokens":1e3"#), Some("max_tokens")),
        (with(r#""max_tokens":1e309"#), Some("max_tokens")),
        (with(r#""max_tokens":"12""#), Some("max_tokens")),
        (with(r#""max_tokens":true"#), Some("max_tokens")),
        (with(r#""max_tokens":18446744073709551616"#), Some("max_tokens")),
        (with(r#""max_tokens":1000000001"#), Some("max_tokens")),
        (
            with(r#""max_completion_tokens":-5"#),
            Some("max_completion_tokens"),
        ),
        (with(r#""max_tokens":5,"max_tokens":6"#), Some("max_tokens")),
        (
            with(r#""max_tokens":5,"max_completion_tokens":6"#),
            Some("max_tokens"),
        ),
        (with(r#""n":0"#), Some("n")),
        (with(r#""n":129"#), Some("n")),
        (with(r#""n":-1"#), Some("n")),
        (with(r#""n":2.0"#), Some("n")),
        (with(r#""tools":{}"#), Some("tools")),
        (with(r#""functions":"f""#), Some("functions")),
        (with(r#""response_format":"json""#), Some("response_format")),
        (with(r#""service_tier":1"#), Some("service_tier")),
    ] {
        let fault = parse(&body).map(|_| ()).expect_err(&body);
        assert_eq!(fault.param.as_deref(), param, "{body}: {}", fault.message);
        assert!(!fault.message.is_empty());
    }
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    for body in [&b"\xff\xfe"[..], b"{\"model\":\"\xc3\x28\"}", b"\xef\xbb\xbf{}"] {
        assert!(ChatRequest::parse(Bytes::copy_from_slice(body)).is_err());
    }
}

#[test]
fn sixty_four_levels_are_not_too_deep() {
    let deep = format!(r#""x":{}{}"#, "[".repeat(63), "]".repeat(63));
    assert!(parse(&with(&deep)).is_ok());
}

#[test]
fn a_million_brackets_end_in_a_refusal() {
    let deep = format!(r#"{{"model":"m","messages":{}"#, "[".repeat(1_000_000));
    assert!(parse(&deep).is_err());
}

/// Everything that is done with a request, so that a panic anywhere shows.
fn exercise(body: Bytes) {
    use freehold_domain::provider::ProviderKind;
    use freehold_wire::adapter::{ChatTarget, adapter};
    let Ok(request) = ChatRequest::parse(body.clone()) else {
        return;
    };
    assert!(request.choices() >= 1 && !request.model().is_empty());
    assert!(request.input_bytes() <= body.len() as u64);
    for kind in ProviderKind::ALL {
        let target = ChatTarget {
            model: "up",
            max_output_tokens: Some(9),
            ..ChatTarget::default()
        };
        if let Some(Ok(outbound)) = adapter(kind).map(|adapter| adapter.chat(&request, &target)) {
            let written: serde_json::Value =
                serde_json::from_slice(&outbound.body).expect("valid JSON is written");
            assert_eq!(written["model"], "up");
        }
    }
    assert!(!freehold_wire::sandbox::chat(&body, 1).steps.is_empty());
}

fn valid_body() -> impl Strategy<Value = Vec<u8>> {
    let bodies: Vec<Vec<u8>> = crate::fixtures::cases("requests")
        .iter()
        .map(|case| case.read("input.json").to_vec())
        .collect();
    prop::sample::select(bodies)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_read_without_panic(body in prop::collection::vec(any::<u8>(), 0..400)) {
        exercise(Bytes::from(body));
    }

    #[test]
    fn any_soup_of_json_is_read_without_panic(
        body in r#"\{("model":"m"|"messages":\[\{"role":"user"\}\]|"n":|[\[\]{}:,"\\0-9eE.+-]|null|true|"max_tokens"|\\ud8|,){0,30}\}?"#
    ) {
        exercise(Bytes::from(body));
    }

    #[test]
    fn a_sound_body_with_bytes_changed_is_read_without_panic(
        body in valid_body(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..6),
    ) {
        let mut body = body;
        for (at, byte, what) in changes {
            let at = at.index(body.len());
            match what {
                0 => body[at] = byte,
                1 => { body.remove(at); if body.is_empty() { body.push(byte); } }
                _ => body.insert(at, byte),
            }
        }
        exercise(Bytes::from(body));
    }

    #[test]
    fn a_sound_body_cut_anywhere_is_refused(body in valid_body(), at in any::<prop::sample::Index>()) {
        let trimmed = body.trim_ascii_end().len();
        let cut = at.index(trimmed);
        prop_assert!(ChatRequest::parse(Bytes::copy_from_slice(&body[..cut])).is_err());
    }

    #[test]
    fn metadata_keeps_any_reply_valid(
        members in prop::collection::btree_map("\\PC{0,8}", any::<i64>(), 0..5),
        space in "[ \n\t]{0,3}",
    ) {
        let body = serde_json::to_string(&members).unwrap() + &space;
        let spliced = splice_metadata(&Bytes::from(body), r#"{"a":[1,{"b":2}]}"#).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&spliced).unwrap();
        prop_assert_eq!(&value["freehold_metadata"]["a"][1]["b"], &serde_json::json!(2));
        prop_assert!(spliced.ends_with(space.as_bytes()));
    }
}
