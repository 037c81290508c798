//! Reports of usage with every trap that is known, and what is booked from them.

use bytes::Bytes;
use freehold_domain::provider::ProviderKind;
use freehold_domain::tokens::TokenUsage;
use freehold_wire::ReportedUsage;
use freehold_wire::adapter::{ReplyContext, adapter};

use crate::fixtures::request;

fn read(kind: ProviderKind, body: String) -> Option<ReportedUsage> {
    let request = request(1, true);
    let context = ReplyContext {
        request: &request,
        created_seconds: 1,
    };
    adapter(kind)
        .unwrap()
        .chat_reply(&context, Bytes::from(body))
        .unwrap()
        .usage
}

fn openai(usage: &str) -> Option<ReportedUsage> {
    let choices = r#""choices":[{"index":0,"message":{"content":"x"},"finish_reason":"stop"}]"#;
    read(
        ProviderKind::OpenaiCompatible,
        format!(r#"{{{choices},"usage":{usage}}}"#),
    )
}

fn anthropic(usage: &str) -> Option<ReportedUsage> {
    let content = r#""type":"message","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn""#;
    read(
        ProviderKind::Anthropic,
        format!(r#"{{{content},"usage":{usage}}}"#),
    )
}

fn ollama(counts: &str) -> Option<ReportedUsage> {
    let message = r#""message":{"role":"assistant","content":"x"},"done":true,"done_reason":"stop""#;
    read(ProviderKind::Ollama, format!("{{{message}{counts}}}"))
}

/// Input, cache read, cache write, long cache write, output, reasoning.
fn tokens(counts: [u64; 6]) -> TokenUsage {
    let [
        input,
        cache_read,
        cache_write,
        cache_write_long,
        output,
        reasoning,
    ] = counts;
    TokenUsage {
        input,
        cache_read,
        cache_write,
        cache_write_long,
        output,
        reasoning,
        ..TokenUsage::default()
    }
}

#[test]
fn openais_figures_and_those_of_its_imitators() {
    for (usage, expected) in [
        (
            r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}"#,
            Some([10, 0, 0, 0, 5, 0]),
        ),
        // Cache reads and writes are parts of the prompt, reasoning is a part of the completion.
        (
            r#"{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,"prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":30},"completion_tokens_details":{"reasoning_tokens":40}}"#,
            Some([10, 60, 30, 0, 50, 40]),
        ),
        // Details may be null.
        (
            r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":null,"completion_tokens_details":null}"#,
            Some([10, 0, 0, 0, 5, 0]),
        ),
        // Zero is an answer.
        (
            r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#,
            Some([0; 6]),
        ),
        // DeepSeek's hit and miss.
        (
            r#"{"prompt_tokens":100,"completion_tokens":5,"total_tokens":105,"prompt_cache_hit_tokens":64,"prompt_cache_miss_tokens":36}"#,
            Some([36, 64, 0, 0, 5, 0]),
        ),
        (
            r#"{"prompt_tokens":100,"completion_tokens":5,"num_cached_tokens":64}"#,
            Some([36, 64, 0, 0, 5, 0]),
        ),
        (
            r#"{"prompt_tokens":100,"completion_tokens":5,"cached_tokens":64}"#,
            Some([36, 64, 0, 0, 5, 0]),
        ),
        // More cached than prompt: the cache stands beside the prompt.
        (
            r#"{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":64}}"#,
            Some([10, 64, 0, 0, 5, 0]),
        ),
        // More written than is left: nothing goes below zero.
        (
            r#"{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":8,"cache_write_tokens":9}}"#,
            Some([0, 8, 2, 0, 5, 0]),
        ),
        // More reasoning than output cannot be.
        (
            r#"{"prompt_tokens":10,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":9}}"#,
            Some([10, 0, 0, 0, 5, 5]),
        ),
        // One figure may follow from the total.
        (
            r#"{"prompt_tokens":10,"total_tokens":15}"#,
            Some([10, 0, 0, 0, 5, 0]),
        ),
        (
            r#"{"completion_tokens":5,"total_tokens":15}"#,
            Some([10, 0, 0, 0, 5, 0]),
        ),
        (
            r#"{"prompt_tokens":10.0,"completion_tokens":5.0}"#,
            Some([10, 0, 0, 0, 5, 0]),
        ),
        // What cannot be trusted is no report.
        (r#"{"prompt_tokens":10}"#, None),
        (r#"{}"#, None),
        (r#"null"#, None),
        (r#""none""#, None),
        (
            r#"{"prompt_tokens":-10,"completion_tokens":5,"total_tokens":15}"#,
            None,
        ),
        (
            r#"{"prompt_tokens":10,"completion_tokens":-5,"total_tokens":5}"#,
            None,
        ),
        (r#"{"prompt_tokens":10,"completion_tokens":5.5}"#, None),
        (r#"{"prompt_tokens":"10","completion_tokens":5}"#, None),
        (
            r#"{"prompt_tokens":99999999999999999999,"completion_tokens":5}"#,
            None,
        ),
        (
            r#"{"prompt_tokens":9999999999999999,"completion_tokens":5}"#,
            None,
        ),
        (r#"{"prompt_tokens":1e400,"completion_tokens":5}"#, None),
        (
            r#"{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":-1}}"#,
            None,
        ),
    ] {
        let report = openai(usage);
        assert_eq!(
            report.as_ref().map(|report| report.tokens),
            expected.map(tokens),
            "{usage}"
        );
        if let Some(report) = report {
            assert_eq!(&*report.raw, usage, "the provider's own words are kept");
        }
    }
}

#[test]
fn the_tier_and_the_cost_are_kept() {
    let body = r#"{"service_tier":"priority","choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":1,"completion_tokens":1,"cost":0.00014}}"#;
    let report = read(ProviderKind::Openai, body.to_owned()).unwrap();
    assert_eq!(report.service_tier.as_deref(), Some("priority"));
    assert!(report.fast);
    assert_eq!(report.cost_usd.as_deref(), Some("0.00014"));
}

#[test]
fn anthropics_figures_stand_beside_each_other() {
    for (usage, expected) in [
        (
            r#"{"input_tokens":10,"output_tokens":5}"#,
            Some([10, 0, 0, 0, 5, 0]),
        ),
        (
            r#"{"input_tokens":10,"cache_creation_input_tokens":20,"cache_read_input_tokens":30,"output_tokens":5,"output_tokens_details":{"thinking_tokens":3}}"#,
            Some([10, 30, 20, 0, 5, 3]),
        ),
        (
            r#"{"input_tokens":10,"cache_creation_input_tokens":20,"cache_creation":{"ephemeral_5m_input_tokens":5,"ephemeral_1h_input_tokens":15},"output_tokens":5}"#,
            Some([10, 0, 5, 15, 5, 0]),
        ),
        // The split alone is enough, and one that exceeds the sum is believed.
        (
            r#"{"input_tokens":10,"cache_creation_input_tokens":4,"cache_creation":{"ephemeral_5m_input_tokens":5,"ephemeral_1h_input_tokens":15},"output_tokens":5}"#,
            Some([10, 0, 5, 15, 5, 0]),
        ),
        (r#"{"input_tokens":0,"output_tokens":0}"#, Some([0; 6])),
        (
            r#"{"input_tokens":10,"cache_read_input_tokens":null,"output_tokens":5}"#,
            Some([10, 0, 0, 0, 5, 0]),
        ),
        (r#"{"input_tokens":10}"#, None),
        (r#"{"output_tokens":5}"#, None),
        (r#"{"input_tokens":10,"output_tokens":-5}"#, None),
        (
            r#"{"input_tokens":10,"output_tokens":5,"cache_read_input_tokens":-1}"#,
            None,
        ),
        (r#"[]"#, None),
    ] {
        assert_eq!(
            anthropic(usage).map(|report| report.tokens),
            expected.map(tokens),
            "{usage}"
        );
    }
}

#[test]
fn ollama_leaves_out_a_prompt_that_was_cached() {
    for (counts, expected) in [
        (
            r#","prompt_eval_count":26,"eval_count":8"#,
            Some([26, 0, 0, 0, 8, 0]),
        ),
        (r#","eval_count":8"#, Some([0, 0, 0, 0, 8, 0])),
        ("", None),
        (r#","prompt_eval_count":26"#, None),
        (r#","prompt_eval_count":-1,"eval_count":8"#, None),
        (
            r#","prompt_eval_count":26,"eval_count":0"#,
            Some([26, 0, 0, 0, 0, 0]),
        ),
    ] {
        assert_eq!(
            ollama(counts).map(|report| report.tokens),
            expected.map(tokens),
            "{counts}"
        );
    }
}

#[test]
fn in_a_stream_the_last_report_counts_and_reports_are_not_added() {
    let event = |usage: &str| format!("data: {{\"choices\":[],\"usage\":{usage}}}\n\n");
    let request = request(1, true);
    let context = ReplyContext {
        request: &request,
        created_seconds: 1,
    };
    for (reports, expected) in [
        (
            &[
                r#"{"prompt_tokens":1,"completion_tokens":1}"#,
                r#"{"prompt_tokens":1,"completion_tokens":7}"#,
            ][..],
            [1, 0, 0, 0, 7, 0],
        ),
        // A broken report does not wipe out a good one.
        (
            &[
                r#"{"prompt_tokens":1,"completion_tokens":7}"#,
                r#"{"prompt_tokens":-1,"completion_tokens":7}"#,
            ],
            [1, 0, 0, 0, 7, 0],
        ),
    ] {
        let mut decoder = adapter(ProviderKind::Openai).unwrap().chat_stream(&context);
        let mut out = Vec::new();
        for report in reports {
            decoder.push(Bytes::from(event(report)), &mut out).unwrap();
        }
        decoder
            .push(Bytes::from_static(b"data: [DONE]\n\n"), &mut out)
            .unwrap();
        // What comes after the end marker is nobody's.
        decoder
            .push(
                Bytes::from(event(r#"{"prompt_tokens":99,"completion_tokens":99}"#)),
                &mut out,
            )
            .unwrap();
        assert_eq!(
            decoder.progress().usage.as_ref().unwrap().tokens,
            tokens(expected)
        );
        assert_eq!(out, Vec::<Bytes>::new());
    }
}
