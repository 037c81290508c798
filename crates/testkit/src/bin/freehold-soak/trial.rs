//! One trial: load on a server, its death at a moment of chance, and the books after it came back.
//!
//! Every trial has two workspaces of its own, one that calls with its own provider key and one that pays with credits, so
//! that what is looked at afterwards is all that happened in it.

use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use freehold_testkit::chance::Chance;
use freehold_testkit::client::Request;
use freehold_testkit::freehold::{Freehold, Options};
use freehold_testkit::load::{Bound, Load, Report};
use freehold_testkit::simulator::{Shape, Simulator, VALID_KEY};
use http_body_util::Full;
use serde_json::{Value, json};

use super::books::{self, Account, Finding};

/// Connections that ask at the same time, half of them for streams.
const CONNECTIONS: usize = 8;
/// The server dies at most so long after a number of replies, at most this one, were seen whole.
const DELAY_MAX_MS: u64 = 300;
const REPLIES_MAX: u64 = 60;
/// How long those replies are waited for.
const LIFE_MAX: Duration = Duration::from_secs(20);
/// How soon a server must be ready again.
const READY_MAX: Duration = Duration::from_secs(5);
/// How soon after that nothing may be held any more.
const HELD_MAX: Duration = Duration::from_secs(5);
/// The operator token, so that nobody has to read what the first start prints.
const TOKEN: &str = "a-token-of-trials-with-sufficient-length-0123456789";
/// What each workspace that pays is given.
const CREDITS: &str = "100000";

/// A server that is killed again and again, with the provider that it calls.
pub(crate) struct Trials {
    server: Freehold,
    provider: Simulator,
    chance: Chance,
    number: u64,
    /// Workspaces of all trials so far, with what their callers saw.
    pub(crate) past: Vec<Account>,
}

/// What one trial saw.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial {
    /// How long the load lasted before the server died.
    pub(crate) life: Duration,
    /// Replies that were seen whole.
    pub(crate) acknowledged: usize,
    /// Requests of which nobody knows what became of them.
    pub(crate) broken: u64,
    /// How long the server took to be ready again.
    pub(crate) ready: Duration,
}

/// What a trial found wrong.
#[derive(Debug)]
pub(crate) struct Broken {
    /// Which trial.
    pub(crate) number: u64,
    /// Everything that was found.
    pub(crate) findings: Vec<Finding>,
}

impl fmt::Display for Broken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "trial {} broke a promise:", self.number)?;
        self.findings
            .iter()
            .try_for_each(|finding| write!(out, "\n  {finding}"))
    }
}

impl Trials {
    /// A server of these options, with a simulated provider, is ready for trials. The same seed gives the same moments.
    pub(crate) async fn start(options: Options, seed: u64) -> Self {
        let provider = Simulator::start(Shape::OpenAi);
        let options = options
            .platform_key("openai", VALID_KEY, &provider)
            .environment("FREEHOLD_ADMIN_TOKEN", TOKEN);
        Self {
            server: Freehold::start(options).await,
            provider,
            chance: Chance::seeded(seed),
            number: 0,
            past: Vec::new(),
        }
    }

    /// Load, death, return, and a look at the books.
    ///
    /// # Errors
    /// With everything that should not be.
    pub(crate) async fn next(&mut self) -> Result<Trial, Broken> {
        self.number += 1;
        let (own, paid) = (self.workspace(true).await, self.workspace(false).await);
        let running = self.load(&own, &paid).start();
        let began = Instant::now();
        let replies = usize::try_from(self.chance.below(REPLIES_MAX)).unwrap_or_default();
        let delay = Duration::from_micros(self.chance.below(DELAY_MAX_MS * 1_000));
        while running.seen() < replies && began.elapsed() < LIFE_MAX {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(delay).await;
        self.server.kill9();
        let life = began.elapsed();
        running.stop();
        let report = running.finish().await;
        self.provider.idle().await;
        let died = Instant::now();
        self.server.restart().await;
        let ready = died.elapsed();
        let (own, paid) = divide(report.clone(), own, paid);
        let mut findings = Vec::new();
        if ready > READY_MAX {
            findings.push(Finding::Slow(ready));
        }
        for account in [own, paid] {
            let books = books::read(&self.server, &account, HELD_MAX).await;
            findings.extend(books::judge(&account, &books));
            self.past.push(account);
        }
        if !findings.is_empty() {
            return Err(Broken {
                number: self.number,
                findings,
            });
        }
        Ok(Trial {
            life,
            acknowledged: report.acknowledged(200).len(),
            broken: report.broken,
            ready,
        })
    }

    /// The books of all trials so far, looked at once more: a later death must not undo an earlier record.
    ///
    /// # Errors
    /// With everything that should not be.
    pub(crate) async fn look_back(&self) -> Result<usize, Broken> {
        let mut findings = Vec::new();
        let mut records = 0;
        for account in &self.past {
            let books = books::read(&self.server, account, Duration::ZERO).await;
            records += books.records.len();
            findings.extend(books::judge(account, &books));
        }
        if findings.is_empty() {
            return Ok(records);
        }
        Err(Broken {
            number: self.number,
            findings,
        })
    }

    /// A new workspace, with a provider key of its own or with credits.
    async fn workspace(&self, own_key: bool) -> Account {
        let name = format!("trial-{}-{}", self.number, if own_key { "own" } else { "paid" });
        let body = json!({"name": name, "plan": "enterprise"});
        let made = self
            .server
            .admin_post("/admin/v1/workspaces", &body)
            .await
            .expect(201)
            .json();
        let id = made["id"].as_str().unwrap_or_default();
        let path = format!("/admin/v1/workspaces/{id}");
        let key = json!({"label": "trial", "scopes": ["inference", "manage", "read"]});
        let made = self
            .server
            .admin_post(&format!("{path}/virtual-keys"), &key)
            .await
            .expect(201)
            .json();
        let account = Account::new(made["key"].as_str().unwrap_or_default(), !own_key);
        if own_key {
            let body =
                json!({"provider": "openai", "api_key": VALID_KEY, "base_url": self.provider.base_url()});
            let stored = Request::post(self.server.url("/v1/byok/providers"))
                .bearer(&account.key)
                .json(&body);
            let _ = stored.send().await.expect(201);
        } else {
            let granted = Request::post(self.server.url(&format!("{path}/credits")))
                .bearer(TOKEN)
                .header("idempotency-key", name)
                .json(&json!({"credits": CREDITS, "reason": "a trial"}));
            let _ = granted.send().await.expect(201);
        }
        account
    }

    /// Requests of both workspaces in turn, whole and streamed, quick and slow.
    fn load(&self, own: &Account, paid: &Account) -> Load {
        let address = format!("127.0.0.1:{}", self.server.port());
        let (host, keys) = (address.clone(), [own.key.clone(), paid.key.clone()]);
        let bodies = [false, true].map(|stream| {
            ["sim-ok", "sim-long-12+drip-4", "sim-silent-then-answer-15"]
                .map(|behaviour| body(stream, behaviour))
        });
        Load::new(
            address,
            CONNECTIONS,
            Bound::For(Duration::from_secs(60)),
            move |number| {
                let pick = |bound: u64, by: u64| usize::try_from(number / by % bound).unwrap_or_default();
                let [key, kind, behaviour] = [pick(2, 1), pick(2, 2), pick(3, 4)];
                let request = http::Request::post("/v1/chat/completions")
                    .header("host", host.as_str())
                    .header(
                        "authorization",
                        format!("Bearer {}", keys.get(key).map_or("", String::as_str)),
                    )
                    .header("content-type", "application/json");
                let body = bodies
                    .get(kind)
                    .and_then(|bodies| bodies.get(behaviour))
                    .cloned()
                    .unwrap_or_default();
                request.body(Full::new(body)).unwrap_or_default()
            },
        )
    }
}

/// A question that the provider answers by this behaviour.
fn body(stream: bool, behaviour: &str) -> Bytes {
    let content = format!("What survives? [[{behaviour}]]");
    let mut body = json!({"model": "openai/gpt-4o-mini", "max_tokens": 64, "messages": [{"role": "user", "content": content}]});
    if stream {
        body["stream"] = Value::Bool(true);
    }
    Bytes::from(body.to_string())
}

/// What each workspace's caller saw whole: requests were theirs in turn.
fn divide(report: Report, mut own: Account, mut paid: Account) -> (Account, Account) {
    for seen in report.seen.into_iter().filter(|seen| seen.status == 200) {
        let account = if seen.number % 2 == 0 { &mut own } else { &mut paid };
        account.acknowledged.push(seen.request_id);
    }
    (own, paid)
}
