//! Builds the whole from its parts.

use std::sync::Arc;

use anyhow::Context;
use freehold_console::{Console, ConsoleParts};
use freehold_domain::catalog::Catalogue;
use freehold_domain::id::IdSource;
use freehold_domain::port::{DataPlane, Store};
use freehold_domain::time::Clock;
use freehold_gateway::upstream::{UpstreamClient, UpstreamSettings};
use freehold_gateway::{Gateway, GatewayParts};
use freehold_store::{PostgresOptions, PostgresStore, Sharing, SqliteOptions, SqliteStore};
use freehold_vault::{Entropy, SystemEntropy};

use crate::config::{Config, Database};
use crate::exit::Exit;
use crate::first_start::{self, News, Sources};
use crate::node::Node;
use crate::platform_keys;
use crate::routes::{no_route, other_method};
use crate::system::{SystemClock, SystemIds};

/// Name of the embedded database in the data directory.
pub(crate) const DATABASE_FILE: &str = "freehold.db";

/// Everything that runs.
pub(crate) struct Parts {
    pub(crate) store: Opened,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) console: axum::Router,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) news: News,
}

/// The store, of either kind, with the name that this process bears in it where it serves from it.
pub(crate) enum Opened {
    Sqlite(Arc<SqliteStore>),
    Postgres(
        Arc<PostgresStore>,
        #[expect(dead_code, reason = "the claim holds for as long as the store is open")] Option<Node>,
    ),
}

impl Opened {
    /// The ports.
    pub(crate) fn ports(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::clone(store) as Arc<dyn Store>,
            Self::Postgres(store, _) => Arc::clone(store) as Arc<dyn Store>,
        }
    }

    /// Everything written is on disk and the files are closed.
    pub(crate) async fn close(&self) -> anyhow::Result<()> {
        match self {
            Self::Sqlite(store) => store.close().await.context("the database cannot be closed"),
            Self::Postgres(store, _) => store.close().await.context("the database cannot be closed"),
        }
    }
}

/// Opens the store that the configuration names.
///
/// # Errors
/// When it cannot be opened, or holds a schema this program does not know.
pub(crate) async fn open_store(config: &Config, sharing: Sharing) -> anyhow::Result<Opened> {
    Ok(match &config.database {
        Database::Embedded => {
            let path = config.data_dir.join(DATABASE_FILE);
            let options = SqliteOptions {
                sharing,
                ..SqliteOptions::default()
            };
            let store = SqliteStore::open(&path, &options).with_context(|| path.display().to_string())?;
            Opened::Sqlite(Arc::new(store))
        }
        Database::Postgres(url) => {
            // A command beside a running server bears no name, and so takes nothing from it.
            let node = match sharing {
                Sharing::Sole => Some(Node::claim(config)?),
                Sharing::Beside => None,
            };
            let options = PostgresOptions {
                node: node.as_ref().map(|node| node.name.clone()),
                ..PostgresOptions::default()
            };
            let store = PostgresStore::connect(url.as_str(), &options)
                .await
                .context("PostgreSQL")?;
            Opened::Postgres(Arc::new(store), node)
        }
    })
}

/// Everything, built and ready to serve.
///
/// # Errors
/// Whatever keeps it from serving; nothing is left half-made that the next start would not mend.
pub(crate) async fn compose(config: &Config) -> Result<Parts, Exit> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids: Arc<dyn IdSource> = Arc::new(SystemIds::default());
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::default());
    let catalogue = Arc::new(Catalogue::built_in().context("the built-in price table")?);
    let store = open_store(config, Sharing::Sole).await?;
    let ports = store.ports();
    let sources = Sources {
        clock: Arc::clone(&clock),
        ids: Arc::clone(&ids),
        entropy: Arc::clone(&entropy),
    };
    let opened = first_start::open(config, &*ports, &sources).await?;
    let egress = Arc::new(config.egress.clone().with_own_addresses(&[config.listen]));
    let gateway = Gateway::start(GatewayParts {
        store: Arc::clone(&ports),
        keyring: Arc::clone(&opened.keyring),
        catalogue: Arc::clone(&catalogue),
        upstream: UpstreamClient::new(Arc::clone(&egress), UpstreamSettings::default()),
        clock: Arc::clone(&clock),
        ids: Arc::clone(&ids),
        plans: config.plans.clone(),
        platform_keys: platform_keys::seal(config, &opened.keyring, &*entropy).map_err(Exit::Usage)?,
        settings: config.gateway.clone(),
    })
    .await
    .context("the directory cannot be read")?;
    let console = Console::new(ConsoleParts {
        store: ports,
        keyring: opened.keyring,
        data_plane: Arc::clone(&gateway) as Arc<dyn DataPlane>,
        callers: Arc::new(Callers(Arc::clone(&gateway))),
        clock: Arc::clone(&clock),
        ids,
        entropy,
        egress,
        operator_token_hash: opened.operator_token_hash,
        configured_plans: config.plans.clone(),
    });
    Ok(Parts {
        store,
        gateway,
        console: console
            .router()
            .fallback(no_route)
            .method_not_allowed_fallback(other_method),
        clock,
        news: opened.news,
    })
}

/// The gateway's snapshot, as the console looks callers up in it.
struct Callers(Arc<Gateway>);

impl freehold_console::CallerLookup for Callers {
    fn virtual_key(&self, public_id: &str) -> Option<Arc<freehold_domain::key::VirtualKey>> {
        self.0.virtual_key(public_id)
    }
}
