//! The connections to one origin: one pool where each connection carries one request, several side by side where each
//! carries many.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use freehold_domain::egress::BaseUrl;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::Instant;

use super::body::RequestBody;
use super::connector::{Connector, Shared};
use super::error::UpstreamError;
use super::turnstile::Turnstile;

/// A connection of HTTP/2 takes about a hundred requests; the rest would queue unseen.
const REQUESTS_PER_SHARD: usize = 80;
/// With as many shards as this, requests queue on the one that has fewest.
const SHARDS_MAX: usize = 32;
/// Idle connections kept where each carries one request.
const IDLE_CONNECTIONS_MAX: usize = 1024;
const IDLE_LIMIT: Duration = Duration::from_secs(75);
/// An origin that nobody asked for so long is forgotten when another one comes.
const UNUSED_LIMIT: Duration = Duration::from_secs(10 * 60);
/// How often a shared connection with requests on it is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_LIMIT: Duration = Duration::from_secs(10);
/// How much may be on its way to us unread: a slow reader stops its own reply and not those beside it.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = STREAM_WINDOW_BYTES * 80;

/// One pool of connections.
pub(super) struct Shard {
    pub(super) client: Client<Connector, RequestBody>,
    turnstile: Arc<Turnstile>,
    in_flight: AtomicUsize,
}

/// A place among the requests of a shard, given back when the reply is done with.
pub(super) struct InFlight(Arc<Shard>);

impl InFlight {
    fn on(shard: &Arc<Shard>) -> Self {
        shard.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(shard))
    }

    pub(super) fn shard(&self) -> &Shard {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The connections to one origin.
pub(super) struct Origin {
    base: BaseUrl,
    shared: Arc<Shared>,
    shards: ArcSwap<Vec<Arc<Shard>>>,
    growing: Mutex<()>,
    /// Seconds from the client's beginning to the last use.
    used_at: AtomicU64,
}

impl Origin {
    fn new(base: &BaseUrl, shared: &Arc<Shared>) -> Self {
        Self {
            base: base.clone(),
            shards: ArcSwap::from_pointee(vec![shard(base, shared)]),
            shared: Arc::clone(shared),
            growing: Mutex::new(()),
            used_at: AtomicU64::new(0),
        }
    }

    /// A place for one more request, on the first shard that has room.
    pub(super) fn enter(&self) -> InFlight {
        let shards = self.shards.load();
        let Some(first) = shards.first() else {
            return InFlight::on(&shard(&self.base, &self.shared));
        };
        let has_room = |shard: &Shard| shard.in_flight.load(Ordering::Relaxed) < REQUESTS_PER_SHARD;
        if has_room(first) || first.turnstile.is_exclusive() {
            return InFlight::on(first);
        }
        match shards.iter().find(|shard| has_room(shard)) {
            Some(shard) => InFlight::on(shard),
            None => self.grow(shards.len()),
        }
    }

    /// A place on a new shard; on the emptiest of all where there are enough, or on the newest if others made one.
    fn grow(&self, seen: usize) -> InFlight {
        let _growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let shards = self.shards.load_full();
        if shards.len() < SHARDS_MAX && shards.len() == seen {
            let shard = shard(&self.base, &self.shared);
            let place = InFlight::on(&shard);
            let mut grown = Vec::clone(&shards);
            grown.push(shard);
            self.shards.store(Arc::new(grown));
            return place;
        }
        let emptiest = shards
            .iter()
            .min_by_key(|shard| shard.in_flight.load(Ordering::Relaxed));
        emptiest.map_or_else(|| InFlight::on(&shard(&self.base, &self.shared)), InFlight::on)
    }

    fn is_busy(&self) -> bool {
        self.shards
            .load()
            .iter()
            .any(|shard| shard.in_flight.load(Ordering::Relaxed) > 0)
    }
}

fn shard(base: &BaseUrl, shared: &Arc<Shared>) -> Arc<Shard> {
    let turnstile = Arc::new(Turnstile::new(base.scheme()));
    let connector = Connector {
        base: base.clone(),
        shared: Arc::clone(shared),
        turnstile: Arc::clone(&turnstile),
    };
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_LIMIT)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .http2_initial_stream_window_size(STREAM_WINDOW_BYTES)
        .http2_initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_keep_alive_interval(PING_INTERVAL)
        .http2_keep_alive_timeout(PING_LIMIT)
        .build(connector);
    Arc::new(Shard {
        client,
        turnstile,
        in_flight: AtomicUsize::new(0),
    })
}

/// All origins in use, at most so many.
pub(super) struct Origins {
    shared: Arc<Shared>,
    by_name: ArcSwap<HashMap<Box<str>, Arc<Origin>>>,
    changing: Mutex<()>,
    origins_max: usize,
    began: Instant,
}

impl Origins {
    pub(super) fn new(shared: Arc<Shared>, origins_max: usize) -> Self {
        Self {
            shared,
            by_name: ArcSwap::default(),
            changing: Mutex::new(()),
            origins_max,
            began: Instant::now(),
        }
    }

    /// A place for one more request to the origin of `base`, which is let out if the policy says so.
    pub(super) fn enter(&self, base: &BaseUrl, now: Instant) -> Result<InFlight, UpstreamError> {
        let age = now.saturating_duration_since(self.began).as_secs();
        if let Some(origin) = self.by_name.load().get(base.origin()) {
            origin.used_at.store(age, Ordering::Relaxed);
            return Ok(origin.enter());
        }
        self.shared.policy.check_url(base)?;
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.by_name.load_full();
        if let Some(origin) = known.get(base.origin()) {
            return Ok(origin.enter());
        }
        let mut kept = HashMap::clone(&known);
        self.forget_unused(&mut kept, age)?;
        let origin = Arc::new(Origin::new(base, &self.shared));
        origin.used_at.store(age, Ordering::Relaxed);
        let place = origin.enter();
        kept.insert(base.origin().into(), origin);
        self.by_name.store(Arc::new(kept));
        Ok(place)
    }

    /// Makes room for one more: those unused for long go, and if none is, the one unused for longest.
    fn forget_unused(
        &self,
        origins: &mut HashMap<Box<str>, Arc<Origin>>,
        age: u64,
    ) -> Result<(), UpstreamError> {
        let used_at = |origin: &Arc<Origin>| origin.used_at.load(Ordering::Relaxed);
        origins.retain(|_, origin| {
            origin.is_busy() || age.saturating_sub(used_at(origin)) < UNUSED_LIMIT.as_secs()
        });
        if origins.len() < self.origins_max {
            return Ok(());
        }
        let unused = origins
            .iter()
            .filter(|(_, origin)| !origin.is_busy())
            .min_by_key(|(_, origin)| used_at(origin));
        let name = unused
            .map(|(name, _)| name.clone())
            .ok_or(UpstreamError::TooManyOrigins(self.origins_max))?;
        origins.remove(&name);
        Ok(())
    }
}
