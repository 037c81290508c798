//! What traffic shows about provider keys: status, times, and whether to pause one that keeps failing.
//!
//! Kept in memory beside the snapshot and written to the store once a second, a change of status at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use freehold_domain::id::ProviderKeyId;
use freehold_domain::key::{KeyEvidence, KeyHealth};
use freehold_domain::time::Timestamp;

use crate::breaker::Breaker;

/// One key at one record version, as this node knows it. A rotated key begins a new life.
pub(crate) struct KeyLife {
    pub(crate) id: ProviderKeyId,
    pub(crate) record_version: u64,
    state: Mutex<State>,
}

struct State {
    health: KeyHealth,
    /// Whether `health` differs from what the store holds.
    unsaved: bool,
    breaker: Breaker,
}

impl KeyLife {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // The state is plain data that is whole after every statement, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key's health as this node knows it.
    pub(crate) fn health(&self) -> KeyHealth {
        self.state().health.clone()
    }

    /// Whether the provider refused the key last.
    pub(crate) fn is_refused(&self) -> bool {
        self.state().health.status.is_refused()
    }

    /// What one contact showed is noted; answers whether the status changed.
    pub(crate) fn note(
        &self,
        now: Timestamp,
        evidence: KeyEvidence,
        reason: Option<&str>,
        used: bool,
    ) -> bool {
        let mut state = self.state();
        let before = state.health.status;
        let health = &mut state.health;
        health.status = before.after(evidence);
        if evidence != KeyEvidence::Undecided {
            health.last_validated_at = Some(now);
        }
        if evidence == KeyEvidence::Accepted {
            if health.status_reason.is_some() {
                health.status_reason = None;
            }
        } else if let Some(reason) = reason {
            health.status_reason = Some(reason.to_owned());
        }
        if used {
            health.last_used_at = Some(now);
        }
        state.unsaved = true;
        state.health.status != before
    }

    /// Runs `decide` on the key's breaker.
    pub(crate) fn breaker<T>(&self, decide: impl FnOnce(&mut Breaker) -> T) -> T {
        decide(&mut self.state().breaker)
    }
}

/// The lives of all keys this node has met.
#[derive(Default)]
pub(crate) struct HealthBook {
    lives: Mutex<HashMap<ProviderKeyId, Arc<KeyLife>>>,
}

impl HealthBook {
    fn lives(&self) -> std::sync::MutexGuard<'_, HashMap<ProviderKeyId, Arc<KeyLife>>> {
        self.lives.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a key; a new one, beginning with what is `stored`, if the key is new here or was rotated.
    pub(crate) fn life(&self, id: ProviderKeyId, record_version: u64, stored: &KeyHealth) -> Arc<KeyLife> {
        let mut lives = self.lives();
        let life = lives
            .get(&id)
            .filter(|life| life.record_version == record_version);
        if let Some(life) = life {
            return Arc::clone(life);
        }
        let state = State {
            health: stored.clone(),
            unsaved: false,
            breaker: Breaker::default(),
        };
        let life = Arc::new(KeyLife {
            id,
            record_version,
            state: Mutex::new(state),
        });
        lives.insert(id, Arc::clone(&life));
        life
    }

    /// The freshest health of a key; nothing if this node has not met it.
    pub(crate) fn health(&self, id: ProviderKeyId) -> Option<KeyHealth> {
        self.lives().get(&id).map(|life| life.health())
    }

    /// Keys that are no longer in the directory are forgotten.
    pub(crate) fn retain(&self, is_there: impl Fn(ProviderKeyId) -> bool) {
        self.lives().retain(|id, _| is_there(*id));
    }

    /// What the store does not know yet; it counts as saved from here on.
    pub(crate) fn take_unsaved(&self) -> Vec<(ProviderKeyId, u64, KeyHealth)> {
        let lives: Vec<_> = self.lives().values().cloned().collect();
        let mut notes = Vec::new();
        for life in lives {
            let mut state = life.state();
            if std::mem::take(&mut state.unsaved) {
                notes.push((life.id, life.record_version, state.health.clone()));
            }
        }
        notes
    }

    /// What could not be saved is marked again.
    pub(crate) fn mark_unsaved(&self, ids: impl Iterator<Item = ProviderKeyId>) {
        let lives = self.lives();
        for life in ids.filter_map(|id| lives.get(&id)) {
            life.state().unsaved = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use freehold_domain::key::KeyStatus;

    #[test]
    fn a_rotated_key_begins_a_new_life() {
        let book = HealthBook::default();
        let id = ProviderKeyId::from_uuid(uuid::Uuid::from_u128(1));
        let first = book.life(id, 1, &KeyHealth::default());
        first.note(
            Timestamp::from_micros(5),
            KeyEvidence::Rejected,
            Some("refused"),
            true,
        );
        assert_eq!(
            book.life(id, 1, &KeyHealth::default()).health().status,
            KeyStatus::Invalid
        );
        let second = book.life(id, 2, &KeyHealth::default());
        assert_eq!(second.health().status, KeyStatus::Unknown);
    }

    #[test]
    fn news_is_handed_out_once_unless_it_could_not_be_saved() {
        let book = HealthBook::default();
        let id = ProviderKeyId::from_uuid(uuid::Uuid::from_u128(1));
        let life = book.life(id, 1, &KeyHealth::default());
        assert!(book.take_unsaved().is_empty());
        life.note(Timestamp::from_micros(5), KeyEvidence::Accepted, None, true);
        assert_eq!(book.take_unsaved().len(), 1);
        assert!(book.take_unsaved().is_empty());
        book.mark_unsaved([id].into_iter());
        assert_eq!(book.take_unsaved().len(), 1);
    }
}
