//! Answers without any thought, for measuring: the body is searched for a name instead of parsed, the answer lies
//! ready. `sim-canned` answers 0.9 KB of JSON, or 104 events 10 ms apart; `sim-canned-fast` streams without pauses; a
//! number at the end (`sim-canned-50`) is the silence in milliseconds before either.

use std::io;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response};
use memchr::memmem;

use super::connection::Line;
use super::journal::Entry;
use super::reply::{Player, Step};

/// Events of a canned stream, all counted.
const EVENTS: usize = 104;

static WHOLE: LazyLock<Bytes> = LazyLock::new(|| {
    let text = "The quick brown fox jumps over the lazy dog while the gateway counts every token it sees. ";
    let body = format!(
        "{{\"id\":\"chatcmpl-canned\",\"object\":\"chat.completion\",\"created\":1763683200,\"model\":\"sim-canned\",\
        \"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"{}\",\"refusal\":null}},\
        \"logprobs\":null,\"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":256,\"completion_tokens\":100,\
        \"total_tokens\":356,\"prompt_tokens_details\":{{\"cached_tokens\":0}},\
        \"completion_tokens_details\":{{\"reasoning_tokens\":0}}}},\"system_fingerprint\":\"fp_simulated\"}}",
        text.repeat(5).trim_end()
    );
    Bytes::from(body)
});

static STREAM: LazyLock<Vec<Bytes>> = LazyLock::new(|| {
    let chunk = |choices: &str, usage: &str| {
        Bytes::from(format!(
            "data: {{\"id\":\"chatcmpl-canned\",\"object\":\"chat.completion.chunk\",\"created\":1763683200,\
            \"model\":\"sim-canned\",\"choices\":[{choices}],\"usage\":{usage}}}\n\n"
        ))
    };
    let choice = |delta: &str, finish: &str| {
        format!("{{\"index\":0,\"delta\":{{{delta}}},\"logprobs\":null,\"finish_reason\":{finish}}}")
    };
    let mut events = vec![chunk(
        &choice("\"role\":\"assistant\",\"content\":\"\"", "null"),
        "null",
    )];
    events.resize(
        EVENTS - 3,
        chunk(&choice("\"content\":\"token \"", "null"), "null"),
    );
    events.push(chunk(&choice("", "\"stop\""), "null"));
    events.push(chunk(
        "",
        "{\"prompt_tokens\":256,\"completion_tokens\":100,\"total_tokens\":356}",
    ));
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
});

/// A canned answer that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Canned {
    stream: bool,
    silence: Duration,
    pace: Duration,
}

impl Canned {
    /// The canned answer that `body` asks for, if it does.
    pub(super) fn asked(body: &[u8]) -> Option<Self> {
        let start = memmem::find(body, b"\"sim-canned")?;
        let rest = body.get(start + b"\"sim-canned".len()..)?;
        let name = rest.get(..memchr::memchr(b'"', rest)?)?;
        let (silence, pace) = match name.strip_prefix(b"-") {
            None if name.is_empty() => (0, 10),
            Some(b"fast") => (0, 0),
            Some(millis) => (std::str::from_utf8(millis).ok()?.parse().ok()?, 10),
            None => return None,
        };
        let stream = [&b"\"stream\":true"[..], b"\"stream\": true"]
            .iter()
            .any(|wanted| memmem::find(body, wanted).is_some());
        Some(Self {
            stream,
            silence: Duration::from_millis(silence),
            pace: Duration::from_millis(pace),
        })
    }

    pub(super) async fn answer(self, entry: Entry, line: Arc<Line>) -> io::Result<Response<Player>> {
        if !self.silence.is_zero() {
            tokio::time::sleep(self.silence).await;
        }
        let (steps, kind) = if self.stream {
            (self.steps(), "text/event-stream")
        } else {
            (vec![Step::Send(WHOLE.clone(), 100)], "application/json")
        };
        let mut response = Response::new(Player::new(steps, !self.stream, entry, line));
        response
            .headers_mut()
            .insert("content-type", HeaderValue::from_static(kind));
        Ok(response)
    }

    fn steps(self) -> Vec<Step> {
        let mut steps = Vec::with_capacity(EVENTS * 2);
        for (event, number) in STREAM.iter().zip(0..) {
            steps.push(if self.pace.is_zero() {
                Step::Flush
            } else {
                Step::At(self.pace * number)
            });
            let tokens = u64::from((1..=100).contains(&number));
            steps.push(Step::Send(event.clone(), tokens));
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canned_answers_have_the_sizes_they_promise() {
        assert!((850..950).contains(&WHOLE.len()), "{}", WHOLE.len());
        assert!(serde_json::from_slice::<serde_json::Value>(&WHOLE).is_ok());
        assert_eq!(STREAM.len(), EVENTS);
    }

    #[test]
    fn a_canned_answer_is_found_without_parsing() {
        let asked = Canned::asked(br#"{"model":"sim-canned-50","stream":true}"#).unwrap();
        assert_eq!((asked.stream, asked.silence), (true, Duration::from_millis(50)));
        assert_eq!(Canned::asked(br#"{"model":"sim-ok"}"#), None);
    }
}
