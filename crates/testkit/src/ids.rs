//! Identifiers that are the same in every run.

use std::sync::Mutex;
use std::sync::PoisonError;

use freehold_domain::id::{IdSource, uuid_v7};
use freehold_domain::time::{Clock, Timestamp};
use uuid::Uuid;

use crate::chance::Chance;
use crate::clock::FakeClock;

/// Hands out version 7 identifiers that ascend: each is a millisecond older than the last, or as old as the clock says
/// if that is later.
#[derive(Debug)]
pub struct SeededIds {
    chance: Chance,
    clock: FakeClock,
    last: Mutex<Timestamp>,
}

impl SeededIds {
    /// The identifiers of this seed, beginning where [`FakeClock::default`] stands.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with_clock(seed, FakeClock::default())
    }

    /// The identifiers of this seed, born when `clock` says.
    #[must_use]
    pub fn with_clock(seed: u64, clock: FakeClock) -> Self {
        Self {
            chance: Chance::seeded(seed),
            clock,
            last: Mutex::new(Timestamp::from_micros(0)),
        }
    }
}

impl IdSource for SeededIds {
    fn next_uuid(&self) -> Uuid {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = last.plus_millis(1).max(self.clock.now());
        let mut chance = [0; 10];
        self.chance.fill(&mut chance);
        uuid_v7(*last, chance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_and_repeat_with_their_seed() {
        let (one, same, other) = (SeededIds::new(3), SeededIds::new(3), SeededIds::new(4));
        let ids: Vec<Uuid> = (0..100).map(|_| one.next_uuid()).collect();
        assert!(ids.is_sorted_by(|earlier, later| earlier < later));
        assert_eq!(ids[0], same.next_uuid());
        assert_ne!(ids[0], other.next_uuid());
    }
}
