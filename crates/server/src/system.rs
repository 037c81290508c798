//! The real clock and real ids.

use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use freehold_domain::id::{IdSource, uuid_v7};
use freehold_domain::time::{Clock, Timestamp};
use freehold_vault::{Entropy, SystemEntropy};
use uuid::Uuid;

/// The computer's clock.
#[derive(Debug, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // This is the one place that reads the wall clock; everything else is told.
        #[expect(
            clippy::disallowed_methods,
            reason = "the executable is where the time comes in"
        )]
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// The memory of this process goes into no core dump, and no debugger of the same user can read it.
pub(crate) fn keep_memory_private() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(error = %error, "core dumps could not be switched off");
    }
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(error = %error, "the process could not be closed to debuggers");
    }
}

/// How many ids' worth of chance is fetched at once.
const BATCH: usize = 128;

/// UUIDs v7 that grow strictly, also within a millisecond and when the clock steps back.
pub(crate) struct SystemIds {
    clock: SystemClock,
    entropy: SystemEntropy,
    state: Mutex<State>,
}

struct State {
    last: Uuid,
    chance: [u8; BATCH * 10],
    used: usize,
}

impl Default for SystemIds {
    fn default() -> Self {
        Self {
            clock: SystemClock,
            entropy: SystemEntropy::default(),
            state: Mutex::new(State {
                last: Uuid::nil(),
                chance: [0; BATCH * 10],
                used: BATCH,
            }),
        }
    }
}

impl IdSource for SystemIds {
    fn next_uuid(&self) -> Uuid {
        let mut state = self
            .state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if state.used == BATCH {
            // Ids need to be different, not secret: if the system has no chance to give, the old one is used again,
            // and the growth below keeps ids apart.
            let _ = self.entropy.fill(&mut state.chance);
            state.used = 0;
        }
        let from = state.used * 10;
        let mut chance = [0; 10];
        chance.copy_from_slice(&state.chance[from..from + 10]);
        state.used += 1;
        let fresh = uuid_v7(self.clock.now(), chance);
        let next = if fresh > state.last {
            fresh
        } else {
            after(state.last)
        };
        state.last = next;
        next
    }
}

/// The next UUID after `last` of the same form: the low 62 bits count up.
fn after(last: Uuid) -> Uuid {
    let value = last.as_u128();
    let low_mask = (1_u128 << 62) - 1;
    let (high, low) = (value & !low_mask, (value + 1) & low_mask);
    // When they are used up the millisecond grows; version and variant stay as they are.
    Uuid::from_u128(if low == 0 { high + (1 << 80) } else { high | low })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_strictly_within_a_millisecond() {
        let ids = SystemIds::default();
        let mut last = Uuid::nil();
        for _ in 0..10_000 {
            let next = ids.next_uuid();
            assert!(next > last);
            assert_eq!(next.get_version_num(), 7);
            last = next;
        }
    }

    #[test]
    fn the_id_after_the_last_of_a_millisecond_is_of_the_next_one() {
        let last = uuid_v7(Timestamp::from_micros(5_000_000), [0xff; 10]);
        let next = after(last);
        assert!(next > last);
        assert_eq!(next.get_version_num(), 7);
    }
}
