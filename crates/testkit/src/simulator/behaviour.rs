//! What a simulated provider can play, and the names by which it is asked for.
//!
//! A name is `sim-` and one or more words joined by `+`, each of which changes one thing about a good answer:
//! `sim-ok`, `sim-drip-50`, `sim-parallel-tools+crlf`, `sim-reasoning+no-usage`. A number at the end of a word is its
//! argument.

use std::time::Duration;

/// One way to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behaviour {
    name: String,
    pub(super) content: Content,
    pub(super) failure: Option<Failure>,
    pub(super) report: Report,
    pub(super) framing: Framing,
    pub(super) echo: Option<Echo>,
    /// Silence before the first byte, head included.
    pub(super) silence: Duration,
    /// Signs of life instead of silence, so long, before the answer.
    pub(super) keep_alive: Duration,
    /// Between the pieces of an answer.
    pub(super) pace: Duration,
}

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Repeats what the user said last, or fills the format that was asked for.
    Plain,
    /// Calls the first tool, once.
    Tools,
    /// Calls two tools at once, or the only one twice.
    ParallelTools,
    /// Thinks before it speaks.
    Reasoning,
    /// A JSON object, whether asked for or not.
    Json,
    /// So many tokens, as far as the caller's limit allows.
    Long(u64),
    /// Goes on until the caller leaves, whatever limit was set.
    Endless,
    /// A good answer whose input was partly in a prompt cache.
    Cached,
    /// Declines.
    Refusal,
    /// Says nothing at all.
    Empty,
    /// Thinks before it speaks and shows it in the fields of those who came after, where the dialect itself hides it.
    ShownReasoning,
    /// Refuses images, else as `Plain`.
    Blind,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// An error of the provider's own shape with this status.
    Status(u16),
    /// A row of the table of faults, by name.
    Fault(String),
    Hang,
    HangMidStream,
    Reset,
    ResetMidStream,
    /// The connection closes in the middle.
    Cut,
    /// A well-formed end of the body where the end marker is missing.
    CutClean,
    ErrorIn200,
    ErrorMidStream,
    InvalidJson,
    Html200,
    Html502,
    Empty500,
    Redirect(u16),
    /// One event or string of so many MiB.
    HugeEvent(u64),
    /// A compressed body that nobody asked for, of so many MiB when opened.
    GzipBomb(u64),
    /// The presented key in a header, an SSE comment and an error text of a failed answer.
    EchoKey,
    Raw(Raw),
}

/// Answers that are no correct HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Raw {
    Garbage,
    HalfHead,
    BadChunk,
    ShortLength,
    LongLength,
    InformationalFlood,
    HeaderBomb,
}

/// How usage is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Report {
    Proper,
    Late,
    Missing,
    Zero,
    Negative,
    Huge,
    Text,
    Twice,
    EveryPiece,
    AfterEnd,
}

/// Where the key that was presented is repeated in an answer that is good otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Echo {
    /// In what is said.
    Text,
    /// In what is said, four characters at a time.
    Pieces,
    /// In a header field.
    Header,
    /// In a comment between events.
    Comment,
    /// In an error event half-way.
    Error,
}

/// How a stream is cut into lines and packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// An event per packet, lines end with LF.
    Plain,
    CrLf,
    Cr,
    /// `data:` without the space.
    NoSpace,
    /// Comments and blank lines between events.
    Comments,
    /// A packet per byte.
    Bytewise,
    /// Everything at once.
    OnePacket,
    /// A payload over several `data:` lines, where the payload may be broken.
    SplitData,
}

/// The words without an argument, and those whose argument has a default, with what they do: the help text of the
/// command line, and the catalogue that a simulator lists.
pub const WORDS: &[(&str, &str)] = &[
    (
        "ok",
        "repeats what the user said last; fills a JSON schema; calls a tool where it must",
    ),
    ("tools", "calls the first tool"),
    ("parallel-tools", "calls two tools at once"),
    ("reasoning", "thinks before it speaks"),
    (
        "shown-reasoning",
        "thinks, and shows it as `reasoning_content` where the provider itself hides it",
    ),
    ("json", "answers a JSON object"),
    ("long", "says N tokens, default 1000, within the caller's limit"),
    (
        "never-stops",
        "goes on until the caller leaves, whatever limit was set",
    ),
    ("cached", "reports input read from and written to a prompt cache"),
    ("refusal", "declines"),
    ("empty", "says nothing"),
    ("blind", "refuses images"),
    ("echo-key", "says the key that it was called with"),
    ("echo-key-pieces", "says the key, four characters at a time"),
    (
        "echo-key-header",
        "repeats the key in a header field of a good answer",
    ),
    ("echo-key-comment", "repeats the key in a comment of a stream"),
    ("echo-key-error", "repeats the key in an error event half-way"),
    (
        "canned",
        "the same answer every time, made for speed; N is the silence in ms before it",
    ),
    ("canned-fast", "the same stream without pauses"),
    ("status", "an error with status N"),
    ("fault", "an exact error body: `fault-<name>`, names by `--list`"),
    ("hang", "never answers"),
    ("hang-mid-stream", "stops half-way and keeps the connection"),
    ("reset", "resets the connection before the answer"),
    ("reset-mid-stream", "resets the connection half-way"),
    ("cut", "closes the connection half-way"),
    ("cut-clean", "ends the body properly, but without the end marker"),
    ("error-in-200", "an error body with status 200"),
    ("error-mid-stream", "an error event half-way"),
    (
        "error-echo-key",
        "an error that repeats the key in body and headers",
    ),
    ("invalid-json", "JSON that ends too early"),
    ("html-200", "a page with status 200"),
    ("html-502", "a page with status 502"),
    ("empty-500", "status 500 without a body"),
    ("redirect", "a redirect with status N, default 307"),
    ("huge-event", "one event of N MiB, default 16"),
    ("gzip-bomb", "a compressed body of N MiB, default 64"),
    ("garbage", "bytes that are no HTTP"),
    ("half-head", "closes within the head"),
    ("bad-chunk", "a chunk size that is none"),
    ("short-length", "fewer bytes than the length says"),
    ("long-length", "more bytes than the length says: another response"),
    (
        "informational-flood",
        "10000 informational responses before the answer",
    ),
    ("header-bomb", "a head of 2 MiB"),
    ("late-usage", "usage comes 300 ms after the last piece"),
    ("no-usage", "usage never comes"),
    ("usage-zero", "usage is zero"),
    ("usage-negative", "usage is below zero"),
    ("usage-huge", "usage is absurdly high"),
    ("usage-text", "usage is words"),
    ("usage-twice", "usage comes twice"),
    ("usage-every-piece", "usage so far comes with every piece"),
    ("usage-after-end", "usage comes after the end marker"),
    ("crlf", "lines of a stream end with CR LF"),
    ("cr", "lines of a stream end with CR"),
    ("no-space", "`data:` without the space"),
    ("comments", "comments and blank lines between events"),
    ("bytewise", "a packet per byte"),
    ("one-packet", "the stream in one packet"),
    ("split-data", "a payload over several data lines"),
    ("drip", "N ms between pieces, default 50"),
    (
        "silent-then-answer",
        "N ms of silence before the head, default 2000",
    ),
    (
        "keep-alive",
        "N ms of comments or blank lines before the answer, default 500",
    ),
];

impl Behaviour {
    /// A good answer, at once.
    #[must_use]
    pub fn ok() -> Self {
        Self {
            name: "sim-ok".to_owned(),
            content: Content::Plain,
            failure: None,
            report: Report::Proper,
            framing: Framing::Plain,
            echo: None,
            silence: Duration::ZERO,
            keep_alive: Duration::ZERO,
            pace: Duration::ZERO,
        }
    }

    /// The behaviour of this name, or nothing if a word of it is unknown.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut behaviour = Self::ok();
        for word in name.strip_prefix("sim-")?.split('+') {
            behaviour.take(word)?;
        }
        name.clone_into(&mut behaviour.name);
        Some(behaviour)
    }

    /// The name by which it was asked for.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn take(&mut self, word: &str) -> Option<()> {
        if let Some(fault) = word.strip_prefix("fault-") {
            self.failure = Some(Failure::Fault(fault.to_owned()));
            return Some(());
        }
        // A word may end in a number of its own (`html-502`), so the whole word is tried before its argument is cut off.
        self.take_word(word, None).or_else(|| {
            let (word, argument) = word.rsplit_once('-')?;
            self.take_word(word, Some(argument.parse().ok()?))
        })
    }

    fn take_word(&mut self, word: &str, argument: Option<u64>) -> Option<()> {
        let number = |default| argument.unwrap_or(default);
        let millis = |default| Duration::from_millis(number(default));
        match (word, argument) {
            ("long", _) => self.content = Content::Long(number(1000)),
            ("drip", _) => self.pace = millis(50),
            ("silent-then-answer", _) => self.silence = millis(2000),
            ("keep-alive", _) => self.keep_alive = millis(500),
            ("status", Some(status)) => self.failure = Some(Failure::Status(u16::try_from(status).ok()?)),
            ("redirect", _) => self.failure = Some(Failure::Redirect(u16::try_from(number(307)).ok()?)),
            ("huge-event", _) => self.failure = Some(Failure::HugeEvent(number(16))),
            ("gzip-bomb", _) => self.failure = Some(Failure::GzipBomb(number(64))),
            (word, None) => return self.take_plain(word),
            _ => return None,
        }
        Some(())
    }

    fn take_plain(&mut self, word: &str) -> Option<()> {
        if let Some(content) = content(word) {
            self.content = content;
        } else if let Some(failure) = failure(word) {
            self.failure = Some(failure);
        } else if let Some(report) = report(word) {
            self.report = report;
        } else if let Some(echo) = echo(word) {
            self.echo = Some(echo);
            if echo == Echo::Error {
                self.failure = Some(Failure::ErrorMidStream);
            }
        } else {
            self.framing = framing(word)?;
        }
        Some(())
    }
}

fn content(word: &str) -> Option<Content> {
    Some(match word {
        "ok" => Content::Plain,
        "tools" => Content::Tools,
        "parallel-tools" => Content::ParallelTools,
        "reasoning" => Content::Reasoning,
        "shown-reasoning" => Content::ShownReasoning,
        "json" => Content::Json,
        "never-stops" => Content::Endless,
        "cached" => Content::Cached,
        "refusal" => Content::Refusal,
        "empty" => Content::Empty,
        "blind" => Content::Blind,
        _ => return None,
    })
}

fn failure(word: &str) -> Option<Failure> {
    Some(match word {
        "hang" => Failure::Hang,
        "hang-mid-stream" => Failure::HangMidStream,
        "reset" => Failure::Reset,
        "reset-mid-stream" => Failure::ResetMidStream,
        "cut" => Failure::Cut,
        "cut-clean" => Failure::CutClean,
        "error-in-200" => Failure::ErrorIn200,
        "error-mid-stream" => Failure::ErrorMidStream,
        "error-echo-key" => Failure::EchoKey,
        "invalid-json" => Failure::InvalidJson,
        "html-200" => Failure::Html200,
        "html-502" => Failure::Html502,
        "empty-500" => Failure::Empty500,
        "garbage" => Failure::Raw(Raw::Garbage),
        "half-head" => Failure::Raw(Raw::HalfHead),
        "bad-chunk" => Failure::Raw(Raw::BadChunk),
        "short-length" => Failure::Raw(Raw::ShortLength),
        "long-length" => Failure::Raw(Raw::LongLength),
        "informational-flood" => Failure::Raw(Raw::InformationalFlood),
        "header-bomb" => Failure::Raw(Raw::HeaderBomb),
        _ => return None,
    })
}

fn report(word: &str) -> Option<Report> {
    Some(match word {
        "late-usage" => Report::Late,
        "no-usage" => Report::Missing,
        "usage-zero" => Report::Zero,
        "usage-negative" => Report::Negative,
        "usage-huge" => Report::Huge,
        "usage-text" => Report::Text,
        "usage-twice" => Report::Twice,
        "usage-every-piece" => Report::EveryPiece,
        "usage-after-end" => Report::AfterEnd,
        _ => return None,
    })
}

fn echo(word: &str) -> Option<Echo> {
    Some(match word {
        "echo-key" => Echo::Text,
        "echo-key-pieces" => Echo::Pieces,
        "echo-key-header" => Echo::Header,
        "echo-key-comment" => Echo::Comment,
        "echo-key-error" => Echo::Error,
        _ => return None,
    })
}

fn framing(word: &str) -> Option<Framing> {
    Some(match word {
        "crlf" => Framing::CrLf,
        "cr" => Framing::Cr,
        "no-space" => Framing::NoSpace,
        "comments" => Framing::Comments,
        "bytewise" => Framing::Bytewise,
        "one-packet" => Framing::OnePacket,
        "split-data" => Framing::SplitData,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_word_names_a_behaviour() {
        for (word, _) in WORDS {
            // These need an argument or never reach the composer.
            if !["status", "fault", "canned", "canned-fast"].contains(word) {
                assert!(Behaviour::named(&format!("sim-{word}")).is_some(), "{word}");
            }
        }
    }

    #[test]
    fn words_join_and_take_arguments() {
        let behaviour = Behaviour::named("sim-reasoning+no-usage+crlf+drip-7").unwrap();
        assert_eq!(behaviour.content, Content::Reasoning);
        assert_eq!(behaviour.report, Report::Missing);
        assert_eq!(behaviour.framing, Framing::CrLf);
        assert_eq!(behaviour.pace, Duration::from_millis(7));
        assert_eq!(
            Behaviour::named("sim-status-418").unwrap().failure,
            Some(Failure::Status(418))
        );
        assert_eq!(
            Behaviour::named("sim-html-502").unwrap().failure,
            Some(Failure::Html502)
        );
    }

    #[test]
    fn an_unknown_word_names_nothing() {
        assert_eq!(Behaviour::named("sim-nonsense"), None);
        assert_eq!(Behaviour::named("sim-ok+nonsense"), None);
        assert_eq!(Behaviour::named("gpt-4o"), None);
    }
}
