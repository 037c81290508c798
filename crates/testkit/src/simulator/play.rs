//! Plays one behaviour for one request: the whole answer, the stream, or what goes wrong with either.

use bytes::Bytes;

use super::Shape;
use super::answer::Answer;
use super::ask::Ask;
use super::behaviour::{Behaviour, Content, Echo, Failure};
use super::dialect::{Refusal, Turn};
use super::fault::Fault;
use super::journal::Entry;
use super::oddity;
use super::reply::{Head, Reply, Step};
use super::stream;

/// A request, and how it is to be played.
pub(super) struct Scene<'a> {
    pub(super) shape: Shape,
    pub(super) behaviour: &'a Behaviour,
    pub(super) ask: &'a Ask,
    pub(super) key: &'a str,
    pub(super) redirect_to: String,
}

impl Scene<'_> {
    /// The reply, its usage noted in `entry`.
    pub(super) fn reply(&self, entry: &Entry) -> Result<Reply, Refusal> {
        if let Some(reply) = self.instead(entry.number)? {
            return Ok(reply);
        }
        if self.behaviour.content == Content::Blind && self.ask.images > 0 {
            return Err(Refusal::bad("This model does not support image input."));
        }
        let answer = Answer::compose(self.behaviour, self.ask, entry.number, self.key);
        entry.note(|recorded| recorded.usage = Some(answer.usage));
        let turn = Turn {
            number: entry.number,
            ask: self.ask,
            answer: &answer,
            report: self.behaviour.report,
            shows_reasoning: self.behaviour.content == Content::ShownReasoning,
        };
        let reply = if self.ask.stream {
            self.streamed(&turn)
        } else {
            self.whole(&turn)
        };
        Ok(match self.behaviour.echo {
            Some(Echo::Header) => reply.with("x-debug-key", self.key),
            _ => reply,
        })
    }

    /// What an error half-way says about the key, if it is to say so.
    fn indiscretion(&self) -> Option<String> {
        let tells = self.behaviour.echo == Some(Echo::Error);
        tells.then(|| format!("The worker refused the key {}.", self.key))
    }

    /// What is answered in place of the model's answer, if the behaviour has it so.
    fn instead(&self, number: u64) -> Result<Option<Reply>, Refusal> {
        let dialect = self.shape.dialect();
        let Some(failure) = &self.behaviour.failure else {
            return Ok(None);
        };
        Ok(Some(match failure {
            Failure::Status(status) => {
                let message = format!("The simulator was asked for status {status}.");
                Reply::json(
                    *status,
                    &dialect.error(&Refusal::status(*status, message), number),
                )
            }
            Failure::Fault(name) => match Fault::named(self.shape, name) {
                Some(row) => fault(row, &self.ask.model, self.key, number),
                None => return Err(Refusal::bad(format!("The simulator has no fault {name:?}."))),
            },
            Failure::Hang => Reply::Hang,
            Failure::Reset => Reply::Reset,
            Failure::ErrorIn200 => {
                let refusal = Refusal::status(500, "The provider failed after it had said yes.");
                Reply::json(200, &dialect.error(&refusal, number))
            }
            Failure::EchoKey => {
                let refusal = Refusal::bad(format!("Something is wrong with the key {}.", self.key));
                Reply::json(400, &dialect.error(&refusal, number))
                    .with("x-debug-key", self.key)
                    .with("www-authenticate", format!("Bearer error=\"{}\"", self.key))
            }
            Failure::Html200 => Reply::whole(200, "text/html", oddity::PAGE),
            Failure::Html502 => Reply::whole(502, "text/html", oddity::PAGE),
            Failure::Empty500 => Reply::Http(
                Head {
                    status: 500,
                    headers: Vec::new(),
                    sized: true,
                },
                Vec::new(),
            ),
            Failure::Redirect(status) => {
                Reply::whole(*status, "text/plain", "moved").with("location", self.redirect_to.clone())
            }
            Failure::GzipBomb(mebibytes) => {
                let kind = if self.ask.stream {
                    dialect.wire().content_type()
                } else {
                    "application/json"
                };
                Reply::whole(200, kind, oddity::gzip_bomb(*mebibytes)).with("content-encoding", "gzip")
            }
            Failure::Raw(raw) => Reply::Raw(oddity::raw(*raw)),
            _ => return Ok(None),
        }))
    }

    fn streamed(&self, turn: &Turn<'_>) -> Reply {
        let dialect = self.shape.dialect();
        let events = dialect.events(turn);
        let mut steps = if turn.answer.endless {
            stream::play_endless(self.behaviour, dialect.wire(), &events)
        } else {
            let error = dialect.error_event(self.indiscretion().as_deref());
            stream::play(self.behaviour, dialect.wire(), events, &error)
        };
        if self.behaviour.echo == Some(Echo::Comment) && dialect.wire() == stream::Wire::Sse {
            let comment = format!(": worker called with {}\n\n", self.key);
            steps.insert(0, Step::Send(comment.into(), 0));
        }
        let headers = [
            ("content-type", dialect.wire().content_type()),
            ("cache-control", "no-cache"),
        ];
        Reply::Http(
            Head {
                status: 200,
                headers: headers
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .to_vec(),
                sized: false,
            },
            steps,
        )
    }

    fn whole(&self, turn: &Turn<'_>) -> Reply {
        let dialect = self.shape.dialect();
        let tokens = turn.answer.usage.output;
        let body = Bytes::from(dialect.whole(turn).to_string());
        let (first, second) = (body.slice(..body.len() / 2), body.slice(body.len() / 2..));
        let mut steps = match &self.behaviour.failure {
            Some(Failure::InvalidJson) => vec![Step::Send(first, 0)],
            Some(Failure::ErrorMidStream) => {
                let usual = "The provider failed half-way.".to_owned();
                let refusal = Refusal::status(500, self.indiscretion().unwrap_or(usual));
                return Reply::json(200, &dialect.error(&refusal, turn.number));
            }
            Some(Failure::Cut | Failure::CutClean) => {
                vec![
                    Step::Send(first, 0),
                    Step::Flush,
                    Step::Cut,
                    Step::Send(second, tokens),
                ]
            }
            Some(Failure::ResetMidStream) => {
                vec![
                    Step::Send(first, 0),
                    Step::Flush,
                    Step::Reset,
                    Step::Send(second, tokens),
                ]
            }
            Some(Failure::HangMidStream) => {
                vec![
                    Step::Send(first, 0),
                    Step::Flush,
                    Step::Hang,
                    Step::Send(second, tokens),
                ]
            }
            Some(Failure::HugeEvent(mebibytes)) => vec![
                Step::Send(Bytes::from_static(b"{\"padding\":\""), 0),
                stream::padding(*mebibytes),
                Step::Send(Bytes::from_static(b"\","), 0),
                Step::Send(body.slice(1..), tokens),
            ],
            _ if !self.behaviour.pace.is_zero() => {
                vec![
                    Step::Send(first, 0),
                    Step::Flush,
                    Step::Wait(self.behaviour.pace),
                    Step::Send(second, tokens),
                ]
            }
            _ => vec![Step::Send(body, tokens)],
        };
        let alive = stream::keep_alive(self.behaviour, stream::Wire::Lines);
        let sized = alive.is_empty();
        steps.splice(0..0, alive);
        Reply::Http(
            Head {
                status: 200,
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                sized,
            },
            steps,
        )
    }
}

/// The answer that a row of the table of faults describes.
pub(super) fn fault(row: &Fault, model: &str, key: &str, number: u64) -> Reply {
    let kind = if row.is_json() {
        "application/json"
    } else {
        "text/plain"
    };
    let body = row
        .body
        .replace("{model}", &quoted(model))
        .replace("{key}", &quoted(key))
        .replace("{request}", &number.to_string());
    row.headers
        .iter()
        .fold(Reply::whole(row.status, kind, body), |reply, (name, value)| {
            reply.with(name, oddity::dated(value))
        })
}

/// `text` as it stands within a JSON string.
fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json.trim_matches('"').to_owned()
}
