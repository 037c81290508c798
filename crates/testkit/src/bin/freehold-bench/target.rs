//! What is measured: the provider itself, the bare proxy before it, and the gateway before it.

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use bytes::Bytes;
use freehold_testkit::client::{Answer, Request};
use freehold_testkit::freehold::{Freehold, Options};
use freehold_testkit::simulator::VALID_KEY;
use serde_json::{Value, json};

use crate::flags::{Flags, Store};

/// Requests that the gateway answers before anything is measured.
pub(crate) const PROBES: u64 = 1;
/// Most records that a page may hold.
const PAGE: u64 = 200;
/// What the prompt is made of.
const SENTENCE: &str = "Pack my box with five dozen liquor jugs, then say how many of them are left. ";
/// Characters of the prompt.
const PROMPT: usize = 1024;

/// Which target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// No gateway.
    Direct,
    Bare,
    Freehold,
}

impl Name {
    pub(crate) const ALL: [Self; 3] = [Self::Direct, Self::Bare, Self::Freehold];

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Bare => "bare proxy",
            Self::Freehold => "freehold",
        }
    }
}

/// A target, ready to be loaded.
pub(crate) struct Target {
    pub(crate) name: Name,
    pub(crate) address: SocketAddr,
    /// Whose processor time is measured; nobody's for the provider itself.
    pub(crate) process: Option<u32>,
    token: String,
    prefix: &'static str,
}

impl Target {
    pub(crate) fn direct(provider: SocketAddr) -> Self {
        Self {
            name: Name::Direct,
            address: provider,
            process: None,
            token: VALID_KEY.to_owned(),
            prefix: "",
        }
    }

    pub(crate) fn bare(address: SocketAddr, process: u32) -> Self {
        Self {
            name: Name::Bare,
            address,
            process: Some(process),
            token: "replaced-on-the-way".to_owned(),
            prefix: "",
        }
    }

    /// A request for the canned answer of `model`, whole or as a stream, ready to be written to a connection.
    pub(crate) fn request(&self, model: &str, stream: bool) -> Bytes {
        let Self {
            prefix,
            token,
            address,
            ..
        } = self;
        let mut body = json!({
            "model": format!("{prefix}{model}"),
            "messages": [{"role": "user", "content": prompt()}],
            "max_tokens": 128,
            "temperature": 0.2,
        });
        if stream {
            body["stream"] = true.into();
            body["stream_options"] = json!({"include_usage": true});
        }
        let body = body.to_string();
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
            user-agent: freehold-bench\r\naccept: */*\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        Bytes::from(head + &body)
    }
}

fn prompt() -> String {
    SENTENCE.chars().cycle().take(PROMPT).collect()
}

/// The gateway as its users run it, with one stored key of the provider at `provider`, after its first answer.
///
/// # Errors
/// If it does not start, does not take the key or does not answer.
pub(crate) async fn gateway(
    flags: &Flags,
    executable: &Path,
    provider: SocketAddr,
) -> io::Result<(Freehold, Target)> {
    if flags.store == Store::Postgres {
        return Err(io::Error::other("PostgreSQL is not measured yet"));
    }
    let options = Options::new(executable).private_target(&provider.to_string());
    let server = Freehold::try_start(options).await.map_err(io::Error::other)?;
    let key = json!({
        "provider": "openai-compatible", "name": "canned", "api_key": VALID_KEY,
        "base_url": format!("http://{provider}/v1"),
    });
    expect(&server.post("/v1/byok/providers", &key).await, &[200, 201])?;
    let probe = json!({"model": "canned/sim-canned", "messages": [{"role": "user", "content": "Hello"}]});
    expect(&server.post("/v1/chat/completions", &probe).await, &[200])?;
    let target = Target {
        name: Name::Freehold,
        address: (Ipv4Addr::LOCALHOST, server.port()).into(),
        process: Some(server.process_id()),
        token: server.virtual_key().to_owned(),
        prefix: "canned/",
    };
    Ok((server, target))
}

fn expect(answer: &Answer, statuses: &[u16]) -> io::Result<()> {
    if statuses.contains(&answer.status) {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "the gateway answered {}: {}",
        answer.status,
        answer.text()
    )))
}

/// How many requests stand in the gateway's books, each counted once, and each answered well.
///
/// # Errors
/// If the list cannot be read, or holds a request that was not answered well.
pub(crate) async fn count_records(server: &Freehold) -> io::Result<u64> {
    let mut seen = HashSet::new();
    let mut cursor: Option<String> = None;
    loop {
        let from = cursor
            .map(|cursor| format!("&cursor={cursor}"))
            .unwrap_or_default();
        let url = server.url(&format!("/v1/usage/records?limit={PAGE}{from}"));
        let answer = Request::get(url)
            .bearer(server.virtual_key())
            .try_send()
            .await
            .map_err(io::Error::other)?;
        expect(&answer, &[200])?;
        let page = answer.json();
        for record in page["data"].as_array().into_iter().flatten() {
            if record["outcome"] != "ok" || record["usage_source"] != "provider" {
                return Err(io::Error::other(format!("a record of no good answer: {record}")));
            }
            seen.insert(record["request_id"].as_str().unwrap_or_default().to_owned());
        }
        cursor = match &page["next_cursor"] {
            Value::String(next) => Some(next.clone()),
            _ => return Ok(seen.len() as u64),
        };
    }
}
