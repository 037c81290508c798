//! The control plane: the management API by which workspaces, plans, keys and credits are seen and changed.
//!
//! `router.rs` has all routes on one screen, each with what its caller must be allowed. Nothing here knows SQL, the
//! gateway or providers' protocols.

mod access;
mod api;
mod body;
mod destination;
mod error;
mod fields;
mod grant;
mod openapi;
mod plan_book;
mod query;
mod reply;
mod router;
mod rule;
mod segment;
mod vocabulary;

use std::sync::Arc;

use freehold_domain::egress::EgressPolicy;
use freehold_domain::id::IdSource;
use freehold_domain::plan::Plan;
use freehold_domain::port::{DataPlane, Store};
use freehold_domain::time::{Clock, Timestamp};
use freehold_vault::{Entropy, Keyring};

pub use access::CallerLookup;
pub use openapi::openapi;

/// What the management API is made of. All of it comes from the executable.
#[derive(Clone)]
pub struct ConsoleParts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Seals provider keys, makes and recognises virtual keys.
    pub keyring: Arc<Keyring>,
    /// The gateway of this node: told of every change, asked for the health of keys.
    pub data_plane: Arc<dyn DataPlane>,
    /// Finds callers by the public id of their virtual key, in memory.
    pub callers: Arc<dyn CallerLookup>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub ids: Arc<dyn IdSource>,
    /// Makes salts, nonces and secrets.
    pub entropy: Arc<dyn Entropy>,
    /// Where provider keys may be sent.
    pub egress: Arc<EgressPolicy>,
    /// Keyed hash of the operator token.
    pub operator_token_hash: [u8; 32],
    /// Plans of the configuration file, which stand above the built-in ones and below those made at run time.
    pub configured_plans: Vec<Plan>,
}

/// The management API.
#[derive(Clone)]
pub struct Console {
    parts: ConsoleParts,
}

impl Console {
    /// The management API made of `parts`.
    #[must_use]
    pub fn new(parts: ConsoleParts) -> Self {
        Self { parts }
    }

    /// Every route of the management API. Has no fallback, so that it can be merged with other routers.
    pub fn router(self) -> axum::Router {
        router::routes().served_by(Arc::new(self))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What was just stored is in force on this node. If that fails the change still stands and comes into force a
    /// moment later, so the caller is told of success: told otherwise, they would do it twice.
    pub(crate) async fn put_in_force(&self) {
        if let Err(error) = self.data_plane.refresh().await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a stored change is not in force on this node yet"
            );
        }
    }
}

impl std::ops::Deref for Console {
    type Target = ConsoleParts;
    fn deref(&self) -> &ConsoleParts {
        &self.parts
    }
}
