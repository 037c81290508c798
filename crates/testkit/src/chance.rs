//! Chance that repeats itself: the same seed gives the same numbers, so that a failing run can be run again.

use std::sync::atomic::{AtomicU64, Ordering};

/// A source of numbers that look like chance. Shared between threads, each number is given once.
#[derive(Debug)]
pub struct Chance(AtomicU64);

/// The odd number by which the state moves: it visits every state before it repeats one.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Chance {
    /// The source of this seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next number.
    pub fn next(&self) -> u64 {
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number below `bound`; 0 if that is 0.
    pub fn below(&self, bound: u64) -> u64 {
        // The high half of the product favours no number by more than 2^-32 for bounds below 2^32.
        let product = u128::from(self.next()) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or_default()
    }

    /// True once in `times` on average.
    pub fn once_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of `choices`.
    ///
    /// # Panics
    /// If there is none.
    pub fn pick<'a, T>(&self, choices: &'a [T]) -> &'a T {
        let index = self.below(u64::try_from(choices.len()).unwrap_or(u64::MAX));
        choices
            .get(usize::try_from(index).unwrap_or_default())
            .expect("something to pick from")
    }

    /// Fills `bytes`.
    pub fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            for (byte, fresh) in chunk.iter_mut().zip(self.next().to_le_bytes()) {
                *byte = fresh;
            }
        }
    }

    /// So many letters and digits.
    pub fn text(&self, length: usize) -> String {
        const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..length).map(|_| char::from(*self.pick(DIGITS))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself_and_another_does_not() {
        assert_eq!(Chance::seeded(7).text(40), Chance::seeded(7).text(40));
        assert_ne!(Chance::seeded(7).text(40), Chance::seeded(8).text(40));
    }

    #[test]
    fn numbers_stay_below_their_bound_and_reach_all_of_it() {
        let chance = Chance::seeded(1);
        let mut seen = [0_u32; 6];
        for _ in 0..6000 {
            seen[usize::try_from(chance.below(6)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&count| (800..1200).contains(&count)), "{seen:?}");
    }
}
