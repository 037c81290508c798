//! From the frames of an answer to the bytes of a stream: how they are cut, when they leave, and where it goes wrong.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::behaviour::{Behaviour, Failure, Framing, Report};
use super::reply::Step;

/// What a frame is in the course of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Opening,
    /// Text, reasoning, or a part of a call.
    Piece,
    Closing,
    Usage,
    /// The end marker.
    End,
}

/// One event of a stream before it is put into bytes.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) kind: Kind,
    /// The name in the `event:` line, in dialects that have one.
    pub(super) name: Option<&'static str>,
    pub(super) data: String,
    /// Output tokens that it carries.
    pub(super) tokens: u64,
}

impl Event {
    pub(super) fn new(kind: Kind, data: impl Into<String>) -> Self {
        Self {
            kind,
            name: None,
            data: data.into(),
            tokens: 0,
        }
    }

    pub(super) fn named(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    pub(super) fn worth(mut self, tokens: u64) -> Self {
        self.tokens = tokens;
        self
    }
}

/// How a dialect puts events into bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    /// Server-sent events.
    Sse,
    /// A JSON value per line.
    Lines,
}

impl Wire {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Sse => "text/event-stream; charset=utf-8",
            Self::Lines => "application/x-ndjson",
        }
    }

    fn encode(self, event: &Event, framing: Framing) -> String {
        let end = match framing {
            Framing::CrLf => "\r\n",
            Framing::Cr if self == Self::Sse => "\r",
            _ => "\n",
        };
        if self == Self::Lines {
            return format!("{}{end}", event.data);
        }
        let data = if framing == Framing::NoSpace {
            "data:"
        } else {
            "data: "
        };
        let name = event
            .name
            .map(|name| format!("event: {name}{end}"))
            .unwrap_or_default();
        let payload = match framing {
            // After the first brace, a line break changes nothing in JSON.
            Framing::SplitData => event.data.replacen('{', &format!("{{{end}{data}"), 1),
            _ => event.data.clone(),
        };
        format!("{name}{data}{payload}{end}{end}")
    }

    fn sign_of_life(self) -> &'static str {
        match self {
            Self::Sse => ": keep-alive\n\n",
            Self::Lines => "\n",
        }
    }
}

/// The steps that play `events` as `behaviour` has it. `error` is what the dialect sends when it fails half-way.
pub(super) fn play(behaviour: &Behaviour, wire: Wire, events: Vec<Event>, error: &Event) -> Vec<Step> {
    let mut steps = keep_alive(behaviour, wire);
    let events = arrange(behaviour.report, events);
    let pieces = events.iter().filter(|event| event.kind == Kind::Piece).count();
    let mut seen = 0;
    for event in &events {
        if event.kind == Kind::Usage && behaviour.report == Report::Late {
            steps.push(Step::Wait(Duration::from_millis(300)));
        }
        if event.kind == Kind::Piece {
            seen += 1;
            if seen > 1 && !behaviour.pace.is_zero() {
                steps.push(Step::Wait(behaviour.pace));
            }
        }
        if behaviour.failure == Some(Failure::CutClean) && event.kind == Kind::End {
            return steps;
        }
        if event.kind == Kind::Piece && seen == pieces / 2 + 1 {
            disturb(&mut steps, behaviour, wire, event);
            if fail(&mut steps, behaviour, wire, event, error) {
                return steps;
            }
        }
        send(&mut steps, behaviour.framing, wire, event);
    }
    if behaviour.framing == Framing::OnePacket {
        return join(steps);
    }
    steps
}

/// The same piece for ever, after everything that comes before the first one.
pub(super) fn play_endless(behaviour: &Behaviour, wire: Wire, events: &[Event]) -> Vec<Step> {
    let mut steps = keep_alive(behaviour, wire);
    for event in events {
        if event.kind == Kind::Piece {
            steps.push(Step::Repeat {
                bytes: wire.encode(event, behaviour.framing).into(),
                tokens: event.tokens,
                times: None,
                // Without any pause it would fill every buffer on the way within a moment.
                pause: behaviour.pace.max(Duration::from_millis(1)),
            });
            break;
        }
        send(&mut steps, behaviour.framing, wire, event);
    }
    steps
}

/// Signs of life before the answer, five of them in the time that was asked for.
pub(super) fn keep_alive(behaviour: &Behaviour, wire: Wire) -> Vec<Step> {
    if behaviour.keep_alive.is_zero() {
        return Vec::new();
    }
    vec![Step::Repeat {
        bytes: Bytes::from_static(wire.sign_of_life().as_bytes()),
        tokens: 0,
        times: Some(5),
        pause: behaviour.keep_alive / 5,
    }]
}

/// What a usage report says when it is made to lie.
pub(super) fn distort(report: Report, usage: Value) -> Value {
    match usage {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| (name, distort(report, value)))
                .collect::<Map<_, _>>(),
        ),
        Value::Number(number) => match report {
            Report::Zero => json!(0),
            Report::Negative => json!(-1 - number.as_i64().unwrap_or(0)),
            Report::Huge => json!(9_007_199_254_740_991_u64),
            Report::Text => json!("many"),
            _ => Value::Number(number),
        },
        other => other,
    }
}

fn arrange(report: Report, mut events: Vec<Event>) -> Vec<Event> {
    let Some(usage) = events.iter().position(|event| event.kind == Kind::Usage) else {
        return events;
    };
    match report {
        Report::Twice => events.insert(usage, events.get(usage).expect("it was just found").clone()),
        Report::AfterEnd => {
            let event = events.remove(usage);
            events.push(event);
        }
        _ => {}
    }
    events
}

/// What comes before `event`, half-way, in a stream that goes on afterwards.
fn disturb(steps: &mut Vec<Step>, behaviour: &Behaviour, wire: Wire, event: &Event) {
    match behaviour.failure {
        Some(Failure::InvalidJson) => {
            let mut broken = event.clone();
            broken
                .data
                .truncate(broken.data.floor_char_boundary(broken.data.len() / 2));
            send(steps, behaviour.framing, wire, &broken.worth(0));
        }
        Some(Failure::HugeEvent(mebibytes)) => {
            let (open, close) = match wire {
                Wire::Sse => ("data: {\"padding\":\"", "\"}\n\n"),
                Wire::Lines => ("{\"padding\":\"", "\"}\n"),
            };
            steps.push(Step::Send(Bytes::from_static(open.as_bytes()), 0));
            steps.push(padding(mebibytes));
            steps.push(Step::Send(Bytes::from_static(close.as_bytes()), 0));
        }
        _ => {}
    }
}

/// So many MiB of one letter.
pub(super) fn padding(mebibytes: u64) -> Step {
    Step::Repeat {
        bytes: Bytes::from(vec![b'x'; 64 * 1024]),
        tokens: 0,
        times: Some(mebibytes.saturating_mul(16)),
        pause: Duration::ZERO,
    }
}

/// Ends the stream in place of `event`, if that is where it fails.
fn fail(steps: &mut Vec<Step>, behaviour: &Behaviour, wire: Wire, event: &Event, error: &Event) -> bool {
    match behaviour.failure {
        Some(Failure::ErrorMidStream) => send(steps, behaviour.framing, wire, error),
        Some(Failure::HangMidStream) => steps.push(Step::Hang),
        Some(Failure::Cut) => {
            // Within an event, so that what arrives cannot be taken for whole.
            let whole = Bytes::from(wire.encode(event, behaviour.framing));
            let half = whole.slice(..whole.len() / 2);
            steps.extend([Step::Send(half, 0), Step::Flush, Step::Cut]);
        }
        Some(Failure::ResetMidStream) => {
            // A reset overtakes what has not been read; this gives the caller the time to read it.
            steps.extend([Step::Flush, Step::Wait(Duration::from_millis(20)), Step::Reset]);
        }
        _ => return false,
    }
    true
}

fn send(steps: &mut Vec<Step>, framing: Framing, wire: Wire, event: &Event) {
    let bytes = Bytes::from(wire.encode(event, framing));
    match framing {
        Framing::Bytewise => {
            let last = bytes.len().saturating_sub(1);
            for index in 0..bytes.len() {
                let tokens = if index == last { event.tokens } else { 0 };
                steps.push(Step::Send(bytes.slice(index..=index), tokens));
                steps.push(Step::Flush);
            }
        }
        Framing::Comments => {
            let idle = if wire == Wire::Sse {
                ": simulated\n\n\n"
            } else {
                "\n\n"
            };
            steps.push(Step::Send(Bytes::from_static(idle.as_bytes()), 0));
            steps.extend([Step::Send(bytes, event.tokens), Step::Flush]);
        }
        _ => steps.extend([Step::Send(bytes, event.tokens), Step::Flush]),
    }
}

fn join(steps: Vec<Step>) -> Vec<Step> {
    let mut whole = Vec::new();
    let mut tokens = 0;
    for step in steps {
        if let Step::Send(bytes, worth) = step {
            whole.extend_from_slice(&bytes);
            tokens += worth;
        }
    }
    vec![Step::Send(whole.into(), tokens)]
}
