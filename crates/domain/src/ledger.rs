//! Credits: balances, reservations and the entries that move them.

use serde::{Deserialize, Serialize};

use crate::id::{EntryId, RequestId, WorkspaceId};
use crate::money::Credits;
use crate::time::Timestamp;

/// What a workspace has, all in credits. `available` is what a new request could still reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balance {
    /// Sum of all grants and adjustments.
    pub granted: Credits,
    /// Sum of all that was charged.
    pub posted: Credits,
    /// Held by running requests.
    pub held: Credits,
}

impl Balance {
    /// What a new request could still reserve; never below zero.
    #[must_use]
    pub fn available(&self) -> Credits {
        let free = self.granted.saturating_sub(self.posted).saturating_sub(self.held);
        free.max(Credits::ZERO)
    }
}

/// What an entry of the credit ledger is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Credits given by the operator.
    Grant,
    /// Credits taken for a request.
    Charge,
}

impl EntryKind {
    /// The kind's name in the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Charge => "charge",
        }
    }
}

/// A gift of credits; the same `idempotency_key` gives once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Id of the entry it becomes.
    pub id: EntryId,
    /// To whom.
    pub workspace: WorkspaceId,
    /// How much; below zero takes credits back.
    pub credits: Credits,
    /// Why, in the operator's words.
    pub reason: String,
    /// Chosen by the caller; nothing means that every call gives.
    pub idempotency_key: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What became of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantOutcome {
    /// Booked now, or booked before under the same key with the same content; holds the entry's id.
    Booked {
        /// The entry.
        id: EntryId,
        /// Whether it was there before.
        replayed: bool,
    },
    /// The key was used before for another grant.
    Mismatch,
    /// There is no such workspace.
    NoWorkspace,
}

/// Credits held for one request until it is settled, voided or expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reservation {
    /// The request.
    pub request_id: RequestId,
    /// Whose credits.
    pub workspace: WorkspaceId,
    /// The most the request can cost.
    pub credits: Credits,
    /// When it was made.
    pub at: Timestamp,
    /// After this the ledger gives the credits back by itself.
    pub expires_at: Timestamp,
}

/// What became of an attempt to reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReserveOutcome {
    /// Held.
    Reserved,
    /// Would not fit even if nothing else were running.
    Exhausted(Balance),
    /// Would fit once running requests are settled.
    Held(Balance),
}

/// How a reservation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Settlement {
    /// There was no reservation.
    #[default]
    None,
    /// Charges the record's credits and gives back the rest.
    Post,
    /// Gives everything back.
    Void,
}
