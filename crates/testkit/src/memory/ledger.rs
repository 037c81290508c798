//! The credit ledger in memory.

use async_trait::async_trait;
use freehold_domain::id::WorkspaceId;
use freehold_domain::ledger::{Balance, Grant, GrantOutcome, Reservation, ReserveOutcome, Settlement};
use freehold_domain::port::{Ledger, PortError};
use freehold_domain::record::UsageRecord;
use freehold_domain::time::Timestamp;

use super::{MemoryStore, Stage, State};

#[async_trait]
impl Ledger for MemoryStore {
    async fn grant(&self, grant: &Grant) -> Result<GrantOutcome, PortError> {
        let mut state = self.state();
        if !state.workspaces.contains_key(&grant.workspace) {
            return Ok(GrantOutcome::NoWorkspace);
        }
        let earlier = state.grants.values().find(|earlier| {
            earlier.idempotency_key.is_some()
                && earlier.idempotency_key == grant.idempotency_key
                && earlier.workspace == grant.workspace
        });
        if let Some(earlier) = earlier {
            let same = earlier.credits == grant.credits && earlier.reason == grant.reason;
            let (id, replayed) = (earlier.id, true);
            return Ok(match same {
                true => GrantOutcome::Booked { id, replayed },
                false => GrantOutcome::Mismatch,
            });
        }
        if state.grants.contains_key(&(grant.workspace, grant.id)) {
            return Err(PortError::Conflict("credit entry"));
        }
        state.grants.insert((grant.workspace, grant.id), grant.clone());
        let account = state.accounts.entry(grant.workspace).or_default();
        account.granted = account
            .granted
            .checked_add(grant.credits)
            .expect("tests grant small sums");
        let (id, replayed) = (grant.id, false);
        Ok(GrantOutcome::Booked { id, replayed })
    }

    async fn balance(&self, workspace: WorkspaceId) -> Result<Balance, PortError> {
        Ok(self.state().accounts.get(&workspace).copied().unwrap_or_default())
    }

    async fn reserve(&self, reservation: &Reservation) -> Result<ReserveOutcome, PortError> {
        let mut state = self.state();
        if let Some((kept, stage)) = state.reservations.get(&reservation.request_id) {
            let same = kept.workspace == reservation.workspace && kept.credits == reservation.credits;
            return match same && *stage == Stage::Pending {
                true => Ok(ReserveOutcome::Reserved),
                false => Err(PortError::Conflict("reservation")),
            };
        }
        let asked = reservation.credits.units();
        let account = state.accounts.get_mut(&reservation.workspace);
        let Some(account) = account else {
            let none = Balance::default();
            return Ok(match asked > 0 {
                true => ReserveOutcome::Exhausted(none),
                false => ReserveOutcome::Held(none),
            });
        };
        let left = account.granted.units() - account.posted.units();
        if asked > left {
            return Ok(ReserveOutcome::Exhausted(*account));
        }
        if asked > left - account.held.units() {
            return Ok(ReserveOutcome::Held(*account));
        }
        account.held = account.held.saturating_add(reservation.credits);
        let kept = (*reservation, Stage::Pending);
        state.reservations.insert(reservation.request_id, kept);
        Ok(ReserveOutcome::Reserved)
    }

    async fn expire_reservations(&self, now: Timestamp) -> Result<u64, PortError> {
        let mut state = self.state();
        let due: Vec<_> = state
            .reservations
            .values()
            .filter(|(kept, stage)| *stage == Stage::Pending && kept.expires_at < now)
            .map(|(kept, _)| kept.request_id)
            .collect();
        for request_id in &due {
            state.end(*request_id);
        }
        Ok(u64::try_from(due.len()).expect("fits"))
    }
}

impl State {
    /// The request's hold is given back, if there is one.
    fn end(&mut self, request_id: freehold_domain::id::RequestId) {
        if let Some((kept, stage)) = self.reservations.get_mut(&request_id)
            && *stage == Stage::Pending
        {
            *stage = Stage::Ended;
            let account = self.accounts.entry(kept.workspace).or_default();
            account.held = account.held.saturating_sub(kept.credits);
        }
    }

    /// The record's reservation ends as `settlement` says.
    pub(super) fn settle(&mut self, record: &UsageRecord, settlement: Settlement) {
        if settlement == Settlement::None {
            return;
        }
        let kept = self.reservations.get(&record.request_id);
        if kept.is_some_and(|(kept, _)| kept.workspace == record.workspace_id) {
            self.end(record.request_id);
        }
        if settlement == Settlement::Post {
            let account = self.accounts.entry(record.workspace_id).or_default();
            account.posted = account.posted.saturating_add(record.credits_charged);
        }
    }
}
