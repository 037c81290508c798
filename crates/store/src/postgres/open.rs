//! Reaching the database: its address, its encryption, its schema.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    BuildError, Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime,
};
use freehold_domain::port::PortError;
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::migration::{self, Migration, MigrationError};

/// Arbitrary, but the same on every node: only one migrates at a time.
const LOCK: i64 = 0x6672_6565_686f_6c00;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);

/// How long the other side may be silent about what was sent before the connection counts as lost.
const SILENCE: Duration = Duration::from_secs(10);

/// What every session is set to, with the patience in milliseconds in the place of `$`: what its caller has given up, the
/// server gives up too. A server that acknowledges before the disk has it is told to wait for the disk.
const SESSION: &str = "SELECT
    SET_CONFIG('statement_timeout', '$', FALSE),
    SET_CONFIG('idle_in_transaction_session_timeout', '$', FALSE),
    CASE WHEN CURRENT_SETTING('synchronous_commit') = 'off'
        THEN SET_CONFIG('synchronous_commit', 'on', FALSE)
    END";

/// Why a PostgreSQL store could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum PostgresConnectError {
    /// The address is not one.
    #[error("the database address is not of the form postgres://user:password@host:port/database")]
    Address(#[source] tokio_postgres::Error),
    /// Encryption was asked for and cannot be set up.
    #[error("encryption cannot be set up")]
    Encryption(#[source] rustls::Error),
    /// The connections cannot be managed.
    #[error("the pool of connections cannot be built")]
    Pool(#[from] BuildError),
    /// No connection.
    #[error("cannot connect to PostgreSQL")]
    Connect(#[from] PoolError),
    /// The database refused.
    #[error("PostgreSQL refused a statement while the store was opened")]
    Statement(#[from] tokio_postgres::Error),
    /// The schema is not one that this build can work with.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// A first operation failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Where to connect, and whether in the clear. Encryption is used only when the address speaks of it; then it is verified.
fn address(url: &str) -> Result<Config, PostgresConnectError> {
    // Both names ask for what is always done here once there is encryption at all.
    let url = url
        .replace("sslmode=verify-full", "sslmode=require")
        .replace("sslmode=verify-ca", "sslmode=require");
    let mut config = Config::from_str(&url).map_err(PostgresConnectError::Address)?;
    if !url.contains("sslmode=") {
        config.ssl_mode(SslMode::Disable);
    }
    if config.get_application_name().is_none() {
        config.application_name("freehold");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    Ok(config)
}

fn encryption() -> Result<MakeRustlsConnect, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// Up to `size` connections to the database; none is made yet.
pub(super) fn pool(url: &str, size: usize, patience: Duration) -> Result<Pool, PostgresConnectError> {
    let config = address(url)?;
    let reuse = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let manager = match config.get_ssl_mode() {
        SslMode::Disable => Manager::from_config(config, NoTls, reuse),
        _ => {
            let encryption = encryption().map_err(PostgresConnectError::Encryption)?;
            Manager::from_config(config, encryption, reuse)
        }
    };
    let session = SESSION.replace('$', &patience.as_millis().max(1).to_string());
    let settings = Hook::async_fn(move |client, _| {
        let session = session.clone();
        Box::pin(async move {
            let set = client.batch_execute(&session).await;
            set.map_err(HookError::Backend)
        })
    });
    Ok(Pool::builder(manager)
        .max_size(size.max(1))
        .wait_timeout(Some(patience))
        .create_timeout(Some(CONNECT * 2))
        .recycle_timeout(Some(CONNECT))
        .post_create(settings)
        .runtime(Runtime::Tokio1)
        .build()?)
}

/// The schema is that of this build; each missing step was applied whole, by one node.
pub(super) async fn migrate(pool: &Pool) -> Result<(), PostgresConnectError> {
    let mut connection = pool.get().await?;
    let transaction = connection.transaction().await?;
    // Other nodes wait here while one migrates, which may take longer than a statement otherwise may.
    transaction
        .batch_execute("SET LOCAL statement_timeout = 0")
        .await?;
    transaction
        .execute("SELECT PG_ADVISORY_XACT_LOCK($1)", &[&LOCK])
        .await?;
    transaction.batch_execute(migration::LEDGER).await?;
    let mut applied = BTreeMap::new();
    for row in transaction.query(migration::APPLIED, &[]).await? {
        applied.insert(row.try_get(0)?, row.try_get(1)?);
    }
    let text = |migration: &Migration| migration.postgres;
    for migration in migration::pending(&applied, text)? {
        transaction.batch_execute(migration.postgres).await?;
        let checksum = migration::checksum(migration.postgres);
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
            [&migration.version, &migration.name, &checksum];
        transaction.execute(migration::NOTE, &values).await?;
        tracing::info!(migration = migration.name, "schema migrated");
    }
    transaction.commit().await?;
    Ok(())
}
