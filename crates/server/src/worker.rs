//! Work beside the requests: following other nodes, saving what traffic showed, giving back what ran out.

use std::sync::Arc;
use std::time::Duration;

use freehold_domain::port::Store;
use freehold_domain::time::Clock;
use freehold_gateway::Gateway;
use tokio::task::JoinSet;

/// How often other nodes' changes are looked for: a revoked key is refused everywhere within a second.
const FOLLOW: Duration = Duration::from_millis(250);
/// How often the health of keys is saved.
const SAVE_HEALTH: Duration = Duration::from_secs(1);
/// How often reservations that ran out are given back.
const EXPIRE: Duration = Duration::from_secs(2);

/// The workers run until the set is shut down.
pub(crate) fn start(gateway: &Arc<Gateway>, store: &Arc<dyn Store>, clock: &Arc<dyn Clock>) -> JoinSet<()> {
    let mut workers = JoinSet::new();
    let follower = Arc::clone(gateway);
    workers.spawn(async move {
        loop {
            tokio::time::sleep(FOLLOW).await;
            if let Err(error) = follower.follow_directory().await {
                tracing::warn!(error = %error, "changes of the directory cannot be followed; the last known state serves on");
            }
        }
    });
    let saver = Arc::clone(gateway);
    workers.spawn(async move {
        loop {
            tokio::time::sleep(SAVE_HEALTH).await;
            saver.flush_health().await;
        }
    });
    let (store, clock) = (Arc::clone(store), Arc::clone(clock));
    workers.spawn(async move {
        loop {
            match store.expire_reservations(clock.now()).await {
                Ok(0) => {}
                Ok(count) => tracing::info!(reservations = count, "reservations ran out and were given back"),
                Err(error) => {
                    tracing::warn!(error = %error, "reservations that ran out could not be given back")
                }
            }
            tokio::time::sleep(EXPIRE).await;
        }
    });
    workers
}
