//! Readers of answers: the text, the metadata, the refusal.

use freehold_testkit::client::Answer;
use serde_json::Value;

/// The text of an answer, whole or streamed.
#[track_caller]
pub(crate) fn text(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    if !is_stream(answer) {
        return answer.json()["choices"][0]["message"]["content"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
    }
    let pieces = chunks(answer).into_iter();
    pieces
        .filter_map(|chunk| {
            chunk["choices"][0]["delta"]["content"]
                .as_str()
                .map(str::to_owned)
        })
        .collect()
}

/// Whether the answer is a stream.
pub(crate) fn is_stream(answer: &Answer) -> bool {
    answer
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("text/event-stream"))
}

/// The chunks of a stream, without the end marker, which must be there.
#[track_caller]
pub(crate) fn chunks(answer: &Answer) -> Vec<Value> {
    let mut events = answer.events();
    assert_eq!(events.pop().as_deref(), Some("[DONE]"), "{}", answer.text());
    events
        .iter()
        .map(|event| serde_json::from_str(event).unwrap_or_else(|error| panic!("{error}: {event}")))
        .collect()
}

/// The metadata of an answer, wherever it stands.
#[track_caller]
pub(crate) fn metadata(answer: &Answer) -> Value {
    serde_json::from_str(&metadata_text(answer)).unwrap()
}

/// The metadata of an answer as it is written.
#[track_caller]
pub(crate) fn metadata_text(answer: &Answer) -> String {
    let text = answer.text();
    if let Some(comment) = text
        .lines()
        .find_map(|line| line.strip_prefix(": freehold_metadata "))
    {
        return comment.to_owned();
    }
    let (_, rest) = text
        .split_once("\"freehold_metadata\":")
        .unwrap_or_else(|| panic!("no metadata in {text}"));
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
    values.next().unwrap().unwrap();
    rest.get(..values.byte_offset()).unwrap().to_owned()
}

/// The digits of a number as they are written in the JSON text `text`, at its first member called `name`.
#[track_caller]
pub(crate) fn digits(text: &str, name: &str) -> String {
    let (_, rest) = text
        .split_once(&format!("\"{name}\":"))
        .unwrap_or_else(|| panic!("no {name} in {text}"));
    rest.chars().take_while(|c| !matches!(c, ',' | '}')).collect()
}

/// The code of a refusal, whose shape is checked on the way.
#[track_caller]
pub(crate) fn code(answer: &Answer) -> String {
    let body = answer.json();
    let error = &body["error"];
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty()),
        "{body}"
    );
    assert!(error["type"].is_string(), "{body}");
    error["code"]
        .as_str()
        .unwrap_or_else(|| panic!("no code in {body}"))
        .to_owned()
}

/// Status and code of a refusal.
#[track_caller]
pub(crate) fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, code(answer))
}

/// The names of an object's members, sorted.
pub(crate) fn members(value: &Value) -> Vec<String> {
    let mut names: Vec<String> = value
        .as_object()
        .map(|object| object.keys().cloned().collect())
        .unwrap_or_default();
    names.sort();
    names
}
