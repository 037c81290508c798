//! Simulated providers: small servers on loopback that answer, meter, refuse and fail like the real ones, on demand.
//!
//! What is played is decided, in this order, by the script (one entry per request), the standing behaviour, a directive
//! `[[sim-…]]` in what the user said last, and the name of the model. Names that do not begin with `sim-` are models of
//! the provider's catalogue and answer well; unknown ones are refused as the provider refuses them.

mod answer;
mod anthropic;
mod ask;
mod behaviour;
mod canned;
mod connection;
mod dialect;
mod fault;
mod journal;
mod keys;
mod oddity;
mod ollama;
mod openai;
mod play;
mod reply;
mod schema;
mod serve;
mod stream;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

pub use behaviour::{Behaviour, WORDS};
pub use fault::{Class, Fault, faults};
pub use journal::{Outcome, Recorded, Usage};
pub use keys::{Account, VALID_KEY};

use dialect::Dialect;
use journal::Journal;
use keys::Accounts;

/// How long the waiting functions wait before they fail the test.
const PATIENCE: Duration = Duration::from_secs(15);

/// Which provider is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// `POST …/chat/completions`, `GET …/models`.
    OpenAi,
    /// `POST /v1/messages`, `POST /v1/messages/count_tokens`, `GET /v1/models`.
    Anthropic,
    /// `POST /api/chat`, `GET /api/tags`, `GET /api/version`.
    Ollama,
}

impl Shape {
    /// The shape of this name: `openai`, `anthropic` or `ollama`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "openai" => Some(Self::OpenAi),
            "anthropic" => Some(Self::Anthropic),
            "ollama" => Some(Self::Ollama),
            _ => None,
        }
    }

    fn dialect(self) -> &'static dyn Dialect {
        match self {
            Self::OpenAi => &openai::OpenAi,
            Self::Anthropic => &anthropic::Anthropic,
            Self::Ollama => &ollama::Ollama,
        }
    }

    /// Models of the catalogue that answer well without any `sim-` name.
    fn models(self) -> &'static [&'static str] {
        match self {
            Self::OpenAi => &[
                "gpt-4o",
                "gpt-4o-mini",
                "gpt-4.1-mini",
                "gpt-5-mini",
                "gpt-5.4-mini",
                "gpt-6-luna",
                "o3",
            ],
            Self::Anthropic => &[
                "claude-haiku-4-5",
                "claude-sonnet-4-5",
                "claude-sonnet-4-6",
                "claude-opus-4-8",
                "claude-haiku-5-5",
                "claude-sonnet-5-5",
            ],
            Self::Ollama => &[
                "llama3.1",
                "deepseek-v4.1-flash",
                "llama3:8b",
                "gpt-oss:20b",
                "mistral",
            ],
        }
    }
}

/// A running simulated provider. It stops when it is dropped.
#[derive(Debug)]
pub struct Simulator {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    /// Of its own, so that a test that blocks does not stop the provider with it.
    runtime: Option<Runtime>,
}

/// What all connections of a simulator work on.
#[derive(Debug)]
struct Shared {
    shape: Shape,
    accounts: Accounts,
    journal: Arc<Journal>,
    models: Mutex<BTreeSet<String>>,
    script: Mutex<VecDeque<Behaviour>>,
    standing: Mutex<Option<Behaviour>>,
    by_model: Mutex<HashMap<String, Behaviour>>,
    redirect_to: Mutex<String>,
    strict: AtomicBool,
}

impl Simulator {
    /// A simulator of this shape listens on a free port and takes [`VALID_KEY`]; an Ollama takes calls without a key
    /// until it is told one.
    ///
    /// # Panics
    /// If no port can be had.
    #[must_use]
    pub fn start(shape: Shape) -> Self {
        let simulator =
            Self::bind(shape, SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port on loopback");
        if shape != Shape::Ollama {
            simulator.accept(VALID_KEY);
        }
        simulator
    }

    /// A simulator of this shape listens at `address` and takes no key yet.
    ///
    /// # Errors
    /// If the address cannot be had.
    pub fn bind(shape: Shape, address: SocketAddr) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("simulator")
            .enable_all()
            .build()?;
        let shared = Arc::new(Shared {
            shape,
            accounts: Accounts::new(shape == Shape::Ollama),
            journal: Journal::new(),
            models: Mutex::new(shape.models().iter().map(|&name| name.to_owned()).collect()),
            script: Mutex::default(),
            standing: Mutex::default(),
            by_model: Mutex::default(),
            redirect_to: Mutex::new("/redirected".to_owned()),
            strict: AtomicBool::new(true),
        });
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        runtime.spawn(connection::accept(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            runtime: Some(runtime),
        })
    }

    /// The base URL to store with a provider key of this provider.
    #[must_use]
    pub fn base_url(&self) -> String {
        match self.shared.shape {
            Shape::OpenAi => format!("http://{}/v1", self.address),
            Shape::Anthropic | Shape::Ollama => format!("http://{}", self.address),
        }
    }

    /// Calls with `key` are answered from now on.
    pub fn accept(&self, key: &str) {
        self.shared.accounts.set(key, Account::Valid);
    }

    /// Calls with `key` are answered as its account stands from now on.
    pub fn set_account(&self, key: &str, account: Account) {
        self.shared.accounts.set(key, account);
    }

    /// Calls with `key` are refused as too fast for `duration`.
    pub fn rate_limit(&self, key: &str, duration: Duration) {
        self.set_account(key, Account::RateLimitedUntil(Instant::now() + duration));
    }

    /// The next requests for an answer are played like this, one entry each; later ones as if there were no script.
    ///
    /// # Panics
    /// If a name is unknown.
    pub fn script<'a>(&self, names: impl IntoIterator<Item = &'a str>) {
        let behaviours = names.into_iter().map(behaviour);
        lock(&self.shared.script).extend(behaviours);
    }

    /// Every request is played like this until [`Self::behave_normally`], whatever model it names.
    ///
    /// # Panics
    /// If the name is unknown.
    pub fn behave(&self, name: &str) {
        *lock(&self.shared.standing) = Some(behaviour(name));
    }

    /// Model names decide again; script and standing behaviour are forgotten.
    pub fn behave_normally(&self) {
        *lock(&self.shared.standing) = None;
        lock(&self.shared.script).clear();
        lock(&self.shared.by_model).clear();
    }

    /// The catalogue has `model`, and it behaves like this.
    ///
    /// # Panics
    /// If the name of the behaviour is unknown.
    pub fn add_model(&self, model: &str, name: &str) {
        lock(&self.shared.models).insert(model.to_owned());
        lock(&self.shared.by_model).insert(model.to_owned(), behaviour(name));
    }

    /// Redirects lead to this URL.
    pub fn redirect_to(&self, url: &str) {
        url.clone_into(&mut lock(&self.shared.redirect_to));
    }

    /// Takes requests that the real provider would refuse, from now on: clones of it are less strict.
    pub fn be_lenient(&self) {
        self.shared.strict.store(false, Ordering::SeqCst);
    }

    /// All requests so far, oldest first. Those of the canned models are counted, not kept.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.journal.all()
    }

    /// The requests for an answer so far, without looks at the catalogue.
    #[must_use]
    pub fn inferences(&self) -> Vec<Recorded> {
        let all = self.requests().into_iter();
        all.filter(Recorded::is_inference).collect()
    }

    /// The last request.
    ///
    /// # Panics
    /// If there was none.
    #[must_use]
    pub fn last(&self) -> Recorded {
        self.requests().pop().expect("the simulator saw a request")
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.shared.journal.clear();
    }

    /// How many requests came in since the start, canned ones included.
    #[must_use]
    pub fn served(&self) -> u64 {
        self.shared.journal.served()
    }

    /// How many requests are being answered now.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.shared.journal.in_flight()
    }

    /// Waits until `condition` holds for the requests so far.
    ///
    /// # Panics
    /// If it does not come to hold within fifteen seconds.
    pub async fn until(&self, condition: impl Fn(&[Recorded]) -> bool) {
        let mut changes = self.shared.journal.changes();
        let waiting = async {
            while !condition(&self.requests()) {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!(
                "what the test waits for did not happen; the simulator saw {:#?}",
                self.requests()
            );
        }
    }

    /// Waits until no request is being answered.
    ///
    /// # Panics
    /// If one still is after fifteen seconds.
    pub async fn idle(&self) {
        self.until(|_| self.in_flight() == 0).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // On a thread of its own, because a runtime must not be waited for from within another.
            let ending = std::thread::spawn(move || runtime.shutdown_timeout(Duration::from_secs(2)));
            drop(ending.join());
        }
    }
}

fn behaviour(name: &str) -> Behaviour {
    Behaviour::named(name).unwrap_or_else(|| panic!("{name:?} is no behaviour of a simulator"))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
