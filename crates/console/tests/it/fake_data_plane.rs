//! A data plane that shows what it was refreshed with, and says of keys what a test wants it to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use freehold_console::CallerLookup;
use freehold_domain::id::{ProviderKeyId, WorkspaceId};
use freehold_domain::key::{KeyHealth, VirtualKey};
use freehold_domain::port::{DataPlane, Directory as _, PortError, ValidateError, Validation};

use crate::fake_store::FakeStore;

pub(crate) struct FakeDataPlane {
    store: Arc<FakeStore>,
    callers: Mutex<HashMap<String, Arc<VirtualKey>>>,
    health: Mutex<HashMap<ProviderKeyId, KeyHealth>>,
    verdict: Mutex<Option<Validation>>,
    refreshes: AtomicU32,
    is_stuck: AtomicBool,
}

impl FakeDataPlane {
    pub(crate) fn new(store: Arc<FakeStore>) -> Self {
        Self {
            store,
            callers: Mutex::default(),
            health: Mutex::default(),
            verdict: Mutex::default(),
            refreshes: AtomicU32::new(0),
            is_stuck: AtomicBool::new(false),
        }
    }

    /// How often it was told of a change.
    pub(crate) fn refreshes(&self) -> u32 {
        self.refreshes.load(Ordering::SeqCst)
    }

    /// From now on it cannot be refreshed.
    pub(crate) fn get_stuck(&self) {
        self.is_stuck.store(true, Ordering::SeqCst);
    }

    /// This is the freshest it knows of the key.
    pub(crate) fn know(&self, id: &str, health: KeyHealth) {
        self.health.lock().unwrap().insert(id.parse().unwrap(), health);
    }

    /// This is what the next checks find.
    pub(crate) fn judge(&self, verdict: Validation) {
        *self.verdict.lock().unwrap() = Some(verdict);
    }
}

#[async_trait]
impl DataPlane for FakeDataPlane {
    async fn refresh(&self) -> Result<(), PortError> {
        if self.is_stuck.load(Ordering::SeqCst) {
            return Err(PortError::Unavailable("stuck".into()));
        }
        let directory = self.store.load_directory().await?;
        let keys = directory
            .virtual_keys
            .into_iter()
            .map(|key| (key.public_id.clone(), Arc::new(key)));
        *self.callers.lock().unwrap() = keys.collect();
        self.refreshes.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn validate(&self, _: WorkspaceId, key: ProviderKeyId) -> Result<Validation, ValidateError> {
        self.verdict
            .lock()
            .unwrap()
            .clone()
            .ok_or(ValidateError::Missing(key))
    }

    fn health(&self, key: ProviderKeyId) -> Option<KeyHealth> {
        self.health.lock().unwrap().get(&key).cloned()
    }
}

impl CallerLookup for FakeDataPlane {
    fn virtual_key(&self, public_id: &str) -> Option<Arc<VirtualKey>> {
        self.callers.lock().unwrap().get(public_id).cloned()
    }
}
