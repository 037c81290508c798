//! What the tests share: one running server, workspaces of a test's own, and readers of answers.

pub(crate) mod answer;
pub(crate) mod command;
pub(crate) mod connection;
pub(crate) mod tenant;

use std::time::{Duration, Instant};

use freehold_testkit::freehold::{Freehold, Options};
use freehold_testkit::postgres::Postgres;
use tokio::sync::OnceCell;

pub(crate) use tenant::Tenant;

/// The executable under test.
pub(crate) const EXECUTABLE: &str = env!("CARGO_BIN_EXE_freehold");

/// How long [`eventually`] waits.
const PATIENCE: Duration = Duration::from_secs(15);

/// The operator token of every server but those that make their own.
pub(crate) const OPERATOR_TOKEN: &str = "an-operator-token-of-sufficient-length-0123456789";

/// A server that may call anything on 127.0.0.1, so that each test can bring its own providers.
pub(crate) fn options() -> Options {
    options_without_token().environment("FREEHOLD_ADMIN_TOKEN", OPERATOR_TOKEN)
}

/// The same, and the first start makes an operator token and prints it.
pub(crate) fn options_without_token() -> Options {
    Options::new(EXECUTABLE).private_target("127.0.0.1/32:*")
}

/// The server that tests share which neither stop nor configure it.
pub(crate) async fn server() -> &'static Freehold {
    static SERVER: OnceCell<Freehold> = OnceCell::const_new();
    SERVER.get_or_init(|| Freehold::start(options())).await
}

/// The same server on PostgreSQL.
async fn server_on_postgres() -> &'static Freehold {
    static SERVER: OnceCell<Freehold> = OnceCell::const_new();
    SERVER.get_or_init(|| Freehold::start(on_postgres())).await
}

/// The shared servers of both stores, for what must hold on either.
pub(crate) async fn servers() -> [&'static Freehold; 2] {
    [server().await, server_on_postgres().await]
}

/// A server of each store, for what must hold on either.
pub(crate) fn stores() -> [Options; 2] {
    [options(), on_postgres()]
}

fn on_postgres() -> Options {
    options().database(Postgres::shared().database())
}

/// What `look` finds, as soon as it finds something.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(
            Instant::now() < end,
            "{what} did not come to be within {PATIENCE:?}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
