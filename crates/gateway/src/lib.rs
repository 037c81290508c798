//! The data plane: every inference request, from the first header to the record on disk.
//!
//! Read `pipeline.rs` first: it is the way of a request, one call per stage, one file per stage.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::allow_attributes,
        clippy::cast_possible_truncation,
        reason = "tests may be blunt"
    )
)]

mod answer;
mod authenticate;
mod authorize;
mod breaker;
mod case;
mod control;
mod dispatch;
mod error;
mod estimate;
mod fault;
mod headers;
mod health;
mod limit;
mod metadata;
mod meter;
mod metrics;
mod model;
mod models;
mod openapi;
mod pipeline;
mod quota;
mod read;
mod recall;
mod receive;
mod relay;
mod remedy;
mod reserve;
mod route;
mod sandbox;
mod settings;
mod settle;
mod snapshot;
mod unlock;
pub mod upstream;
mod validate;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use freehold_domain::catalog::Catalogue;
use freehold_domain::id::IdSource;
use freehold_domain::key::{ProviderKey, VirtualKey};
use freehold_domain::plan::Plan;
use freehold_domain::port::{PortError, Store};
use freehold_domain::time::Clock;
use freehold_vault::Keyring;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use answer::ReplyBody;
pub use openapi::openapi;
pub use settings::GatewaySettings;

use crate::estimate::Estimator;
use crate::health::HealthBook;
use crate::limit::RateBook;
use crate::metrics::Metrics;
use crate::snapshot::Snapshot;
use crate::upstream::UpstreamClient;

/// What a gateway is built from.
pub struct GatewayParts {
    /// Where records, credits and the directory are kept.
    pub store: Arc<dyn Store>,
    /// Opens provider keys and recognises virtual keys.
    pub keyring: Arc<Keyring>,
    /// Models and prices.
    pub catalogue: Arc<Catalogue>,
    /// The way out.
    pub upstream: UpstreamClient,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn IdSource>,
    /// Plans of the configuration; plans made at run time come from the store and win.
    pub plans: Vec<Plan>,
    /// Platform keys of the configuration, sealed under the platform's data key.
    pub platform_keys: Vec<ProviderKey>,
    /// Limits and deadlines.
    pub settings: GatewaySettings,
}

/// The running data plane.
pub struct Gateway {
    store: Arc<dyn Store>,
    keyring: Arc<Keyring>,
    catalogue: Arc<Catalogue>,
    upstream: UpstreamClient,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    plans: Vec<Plan>,
    platform_keys: Vec<ProviderKey>,
    settings: GatewaySettings,
    snapshot: ArcSwap<Snapshot>,
    refreshing: tokio::sync::Mutex<()>,
    health: HealthBook,
    rates: RateBook,
    estimator: Estimator,
    metrics: Metrics,
    tasks: TaskTracker,
    draining: AtomicBool,
    stopping: CancellationToken,
}

impl Gateway {
    /// A gateway that serves what the store's directory holds now.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub async fn start(parts: GatewayParts) -> Result<Arc<Self>, PortError> {
        let gateway = Arc::new(Self {
            store: parts.store,
            keyring: parts.keyring,
            catalogue: parts.catalogue,
            upstream: parts.upstream,
            clock: parts.clock,
            ids: parts.ids,
            plans: parts.plans,
            platform_keys: parts.platform_keys,
            settings: parts.settings,
            snapshot: ArcSwap::from_pointee(Snapshot::default()),
            refreshing: tokio::sync::Mutex::new(()),
            health: HealthBook::default(),
            rates: RateBook::default(),
            estimator: Estimator::default(),
            metrics: Metrics::default(),
            tasks: TaskTracker::new(),
            draining: AtomicBool::new(false),
            stopping: CancellationToken::new(),
        });
        gateway.reload().await?;
        Ok(gateway)
    }

    /// From here on new requests are refused.
    pub fn refuse_new_requests(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Running requests are ended where they stand; what was made is settled.
    pub fn end_running_requests(&self) {
        self.stopping.cancel();
    }

    /// New requests are refused; returns when every running one is settled.
    pub async fn drain(&self) {
        self.refuse_new_requests();
        self.tasks.close();
        self.tasks.wait().await;
        self.flush_health().await;
    }

    /// Whether new requests are refused because the process is stopping.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// The virtual key of this public id, as it is in force on this node.
    #[must_use]
    pub fn virtual_key(&self, public_id: &str) -> Option<Arc<VirtualKey>> {
        self.snapshot
            .load()
            .caller(public_id)
            .map(|known| Arc::clone(&known.key))
    }

    /// Adds the data plane's metrics to `registry`.
    pub fn register_metrics(&self, registry: &mut prometheus_client::registry::Registry) {
        self.metrics.register(registry);
    }
}
