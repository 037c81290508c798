//! Streams of each provider, as the caller gets them, however the network cuts them.

use bytes::Bytes;
use freehold_domain::tokens::TokenUsage;
use freehold_wire::StreamFault;
use freehold_wire::adapter::{ReplyContext, StreamProgress};

use crate::fixtures::{Case, cases, request, shown};

/// All that can be seen of a stream.
#[derive(Debug, PartialEq)]
struct Seen {
    output: Vec<u8>,
    result: Result<(), StreamFault>,
    finished: bool,
    progress: StreamProgress,
    trailer: Bytes,
}

fn play<'p>(case: &Case, include_usage: bool, pieces: impl IntoIterator<Item = &'p [u8]>) -> Seen {
    let request = request(
        if case.name.contains("two-choices") { 2 } else { 1 },
        include_usage,
    );
    let context = ReplyContext {
        request: &request,
        created_seconds: 1_800_000_000,
    };
    let mut decoder = case.adapter().chat_stream(&context);
    let mut out = Vec::new();
    let mut result = Ok(());
    for piece in pieces {
        result = decoder.push(Bytes::copy_from_slice(piece), &mut out);
        if result.is_err() {
            break;
        }
    }
    let result = result.and_then(|()| decoder.end(&mut out));
    let counted = TokenUsage {
        input: 1,
        output: 2,
        ..TokenUsage::default()
    };
    Seen {
        output: out.concat(),
        result,
        finished: decoder.finished(),
        progress: decoder.progress().clone(),
        trailer: decoder.trailer(r#"{"request_id":"req_1"}"#, Some(&counted)),
    }
}

fn described(seen: &Seen) -> String {
    let result = match &seen.result {
        Ok(()) => "whole".to_owned(),
        Err(fault) => format!("{fault}\n{}", shown(&fault.clone().into_upstream())),
    };
    format!(
        "{}--- trailer\n{}--- {result}\n{:#?}\n",
        visible(&seen.output),
        visible(&seen.trailer),
        seen.progress
    )
}

fn visible(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).unwrap().replace('\r', "␍")
}

#[test]
fn a_stream_comes_as_chunks_and_ends_with_metadata() {
    for case in cases("streams") {
        let stream = case.read("stream.txt");
        for (name, include_usage) in [("with-usage", true), ("without-usage", false)] {
            let seen = play(&case, include_usage, [&*stream]);
            case.assert_snapshot(name, &described(&seen));
        }
    }
}

#[test]
fn a_stream_means_the_same_in_single_bytes() {
    for case in cases("streams") {
        let stream = case.read("stream.txt");
        for include_usage in [true, false] {
            let whole = play(&case, include_usage, [&*stream]);
            assert_eq!(
                play(&case, include_usage, stream.chunks(1)),
                whole,
                "{}",
                case.name
            );
        }
    }
}

#[test]
fn a_stream_means_the_same_cut_in_two_at_any_byte() {
    for case in cases("streams") {
        let stream = case.read("stream.txt");
        for include_usage in [true, false] {
            let whole = play(&case, include_usage, [&*stream]);
            for cut in 0..=stream.len() {
                let pieces = [&stream[..cut], &stream[cut..]];
                assert_eq!(
                    play(&case, include_usage, pieces),
                    whole,
                    "{} at {cut}",
                    case.name
                );
            }
        }
    }
}

#[test]
fn a_stream_means_the_same_cut_in_three() {
    for case in cases("streams") {
        let stream = case.read("stream.txt");
        let whole = play(&case, true, [&*stream]);
        // Strides without a common factor meet every kind of pair without trying each.
        for first in (0..=stream.len()).step_by(7) {
            for second in (first..=stream.len()).step_by(31) {
                let pieces = [&stream[..first], &stream[first..second], &stream[second..]];
                assert_eq!(
                    play(&case, true, pieces),
                    whole,
                    "{} at {first} and {second}",
                    case.name
                );
            }
        }
    }
}

#[test]
fn what_the_caller_gets_reads_as_chunks_that_no_sdk_stumbles_over() {
    for case in cases("streams") {
        for include_usage in [true, false] {
            let seen = play(&case, include_usage, [&*case.read("stream.txt")]);
            let mut text = visible(&seen.output).replace("␍\n", "\n").replace('␍', "\n");
            text.push_str(&visible(&seen.trailer));
            let events: Vec<&str> = text
                .lines()
                .filter_map(|line| line.trim_start_matches('\u{feff}').strip_prefix("data:"))
                .collect();
            let (last, chunks) = events.split_last().unwrap();
            assert_eq!(last.trim(), "[DONE]", "{}", case.name);
            if case.name == "compatible-mixed-lines" {
                // It holds an event on two lines, which is right and which this reading by lines does not join.
                continue;
            }
            for chunk in chunks {
                let chunk: serde_json::Value = serde_json::from_str(chunk).unwrap();
                let only_usage = chunk["choices"].as_array().is_some_and(Vec::is_empty);
                assert!(
                    include_usage || !only_usage,
                    "{}: nobody asked for {chunk}",
                    case.name
                );
            }
            let metadata = text.matches("freehold_metadata").count();
            assert_eq!(metadata, 1, "{}", case.name);
        }
    }
}

#[test]
fn no_event_waits_for_the_next_one_unless_it_may_be_the_last() {
    for name in [
        "openai-text",
        "openai-tools",
        "compatible-usage-in-every-chunk",
        "anthropic-text",
        "ollama-text",
    ] {
        let case = cases("streams")
            .into_iter()
            .find(|case| case.name == name)
            .unwrap();
        let request = request(1, true);
        let context = ReplyContext {
            request: &request,
            created_seconds: 1,
        };
        let mut decoder = case.adapter().chat_stream(&context);
        let stream = case.read("stream.txt");
        let end = if name.starts_with("ollama") { "\n" } else { "\n\n" };
        for event in std::str::from_utf8(&stream).unwrap().split_inclusive(end) {
            let mut out = Vec::new();
            decoder
                .push(Bytes::copy_from_slice(event.as_bytes()), &mut out)
                .unwrap();
            let speaks = ["\"content\":\"", "\"arguments\":\"", "\"text_delta\""];
            if speaks.iter().any(|mark| event.contains(mark)) && !event.contains("\"done\": true") {
                assert!(!out.is_empty(), "{name} holds back {event}");
            }
        }
    }
}

#[test]
fn a_stream_that_we_end_gets_a_finish_for_every_open_choice() {
    for case in cases("streams")
        .iter()
        .filter(|case| case.name.ends_with("-text"))
    {
        let stream = case.read("stream.txt");
        let request = request(2, false);
        let context = ReplyContext {
            request: &request,
            created_seconds: 1,
        };
        let mut decoder = case.adapter().chat_stream(&context);
        let mut out = Vec::new();
        decoder.push(stream.slice(..stream.len() / 2), &mut out).unwrap();
        out.clear();
        decoder.cut_off(&mut out);
        let text = String::from_utf8(out.concat()).unwrap();
        assert_eq!(text.matches(r#""finish_reason":"length""#).count(), 2, "{text}");
        out.clear();
        decoder.push(stream.slice(stream.len() / 2..), &mut out).unwrap();
        decoder.end(&mut out).unwrap();
        assert_eq!(out, Vec::<Bytes>::new(), "what comes after our end is nobody's");
        decoder.cut_off(&mut out);
        assert_eq!(out, Vec::<Bytes>::new(), "nothing ends twice");
    }
}

#[test]
fn an_event_beyond_a_mebibyte_passes_unread_and_is_never_kept() {
    let case = cases("streams")
        .into_iter()
        .find(|case| case.name == "openai-text")
        .unwrap();
    let stream = case.read("stream.txt");
    let long = [
        b"data: {\"choices\":[{\"delta\":{\"content\":\"",
        "x".repeat(3 << 20).as_bytes(),
        b"\"}}]}\n\n",
    ]
    .concat();
    let all = [&long, &*stream].concat();
    let whole = play(&case, false, [&*all]);
    assert!(whole.output.starts_with(&long));
    assert!(whole.progress.output_bytes >= 3 << 20);
    assert_eq!(play(&case, false, all.chunks(10_007)), whole);

    let request = request(1, false);
    let context = ReplyContext {
        request: &request,
        created_seconds: 1,
    };
    let mut decoder = case.adapter().chat_stream(&context);
    let mut kept = 0;
    for piece in long.chunks(65_536) {
        let mut out = Vec::new();
        decoder.push(Bytes::copy_from_slice(piece), &mut out).unwrap();
        kept += piece.len();
        kept -= out.iter().map(Bytes::len).sum::<usize>();
        assert!(kept <= (1 << 20) + 65_536, "{kept} bytes are kept");
    }
}
