//! The credit ledger: balances never fall below what is held and charged, whatever runs at the same time.

use async_trait::async_trait;

use super::PortError;
use crate::id::WorkspaceId;
use crate::ledger::{Balance, Grant, GrantOutcome, Reservation, ReserveOutcome};
use crate::time::Timestamp;

/// Keeps credits. Reservations are settled together with the usage record, see [`super::Records::append`].
#[async_trait]
pub trait Ledger: Send + Sync {
    /// The grant is booked once, however often it is asked for under one idempotency key.
    async fn grant(&self, grant: &Grant) -> Result<GrantOutcome, PortError>;

    /// What the workspace has; all zero for one that never had credits.
    async fn balance(&self, workspace: WorkspaceId) -> Result<Balance, PortError>;

    /// The credits are held, by one atomic command, or nothing changed. The same request reserves once.
    async fn reserve(&self, reservation: &Reservation) -> Result<ReserveOutcome, PortError>;

    /// Reservations that ran out before `now` have given their credits back; answers how many.
    async fn expire_reservations(&self, now: Timestamp) -> Result<u64, PortError>;
}
