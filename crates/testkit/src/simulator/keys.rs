//! The accounts of a simulated provider: which keys it takes, and how each account stands at this moment.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// The key that every simulator takes from the start, unless it was started with keys of its own.
pub const VALID_KEY: &str = "sk-sim-valid-A7dQ2mXc9ZtR4bYw8LpK3nVs6HfJ1gEu";

/// How an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// Calls are answered.
    Valid,
    /// The key was withdrawn: refused like an unknown one.
    Revoked,
    /// The key is real and the money is gone.
    OutOfMoney,
    /// The key is real and may not do this.
    Forbidden,
    /// Calls are refused as too fast until this moment, then answered again.
    RateLimitedUntil(Instant),
}

/// All accounts of one simulator.
#[derive(Debug)]
pub(super) struct Accounts {
    by_key: Mutex<HashMap<String, Account>>,
    /// Whether a call without any key is answered, as a local Ollama does.
    open: bool,
}

impl Accounts {
    pub(super) fn new(open: bool) -> Self {
        Self {
            by_key: Mutex::new(HashMap::new()),
            open,
        }
    }

    pub(super) fn set(&self, key: &str, account: Account) {
        self.lock().insert(key.to_owned(), account);
    }

    /// The name of the fault that a call with `presented` meets at the door, if it does not get in.
    pub(super) fn refusal(&self, presented: Option<&str>) -> Option<&'static str> {
        let accounts = self.lock();
        if self.open && accounts.is_empty() {
            return None;
        }
        match presented.and_then(|key| accounts.get(key)) {
            None | Some(Account::Revoked) => Some("auth_invalid"),
            Some(Account::Valid) => None,
            Some(Account::OutOfMoney) => Some("billing"),
            Some(Account::Forbidden) => Some("auth_forbidden"),
            Some(Account::RateLimitedUntil(end)) => (Instant::now() < *end).then_some("rate_limited"),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Account>> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
