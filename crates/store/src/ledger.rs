//! The credit ledger: grants, balances and holds. How they end is part of appending a record, see the engines.

use std::sync::Arc;

use freehold_domain::id::{EntryId, WorkspaceId};
use freehold_domain::ledger::{Balance, Grant, GrantOutcome, Reservation, ReserveOutcome};
use freehold_domain::money::Credits;
use freehold_domain::port::PortError;

use crate::engine::{Operation, Session};
use crate::sql::common as sql;
use crate::value::{Columns, Row, Value};
use crate::workspace;

const RESERVATION: &str = "reservation";

fn read_balance(row: &dyn Row) -> Result<Balance, PortError> {
    let mut columns = Columns::of(row, "account");
    Ok(Balance {
        granted: Credits::from_units(columns.integer()?),
        posted: Credits::from_units(columns.integer()?),
        held: Credits::from_units(columns.integer()?),
    })
}

/// See [`freehold_domain::port::Ledger::balance`].
pub(crate) struct BalanceOf(pub(crate) WorkspaceId);

impl Operation for BalanceOf {
    type Output = Balance;

    async fn run<S: Session>(&self, session: &mut S) -> Result<Balance, PortError> {
        let values = [Value::Id(self.0.as_uuid())];
        let balance = session
            .query_one(sql::ACCOUNT_BALANCE, &values, read_balance)
            .await?;
        Ok(balance.unwrap_or_default())
    }
}

/// See [`freehold_domain::port::Ledger::grant`].
pub(crate) struct Give(pub(crate) Grant);

/// The part of a booked grant that a second grant under the same key must equal.
struct Booked {
    id: EntryId,
    credits: Credits,
    reason: Option<String>,
}

fn read_booked(row: &dyn Row) -> Result<Booked, PortError> {
    let mut columns = Columns::of(row, "credit entry");
    Ok(Booked {
        id: EntryId::from_uuid(columns.id()?),
        credits: Credits::from_units(columns.integer()?),
        reason: columns.optional_string()?,
    })
}

impl Operation for Give {
    type Output = GrantOutcome;

    async fn run<S: Session>(&self, session: &mut S) -> Result<GrantOutcome, PortError> {
        let grant = &self.0;
        if workspace::ById(grant.workspace).run(session).await?.is_none() {
            return Ok(GrantOutcome::NoWorkspace);
        }
        let owner = Value::Id(grant.workspace.as_uuid());
        let credits = Value::Integer(grant.credits.units());
        let key = Value::optional_text(grant.idempotency_key.as_deref());
        let values = [
            Value::Id(grant.id.as_uuid()),
            owner.clone(),
            credits.clone(),
            Value::text(&grant.reason),
            key.clone(),
            Value::moment(grant.at),
        ];
        let booked = session.execute(sql::CREDIT_ENTRY_GRANT, &values).await;
        if booked.map_err(|failure| failure.about("credit entry", "workspace"))? > 0 {
            session.execute(sql::ACCOUNT_GRANT, &[owner, credits]).await?;
            let (id, replayed) = (grant.id, false);
            return Ok(GrantOutcome::Booked { id, replayed });
        }
        let earlier = session
            .query_one(sql::CREDIT_ENTRY_BY_KEY, &[owner, key], read_booked)
            .await?;
        Ok(match earlier {
            Some(earlier)
                if earlier.credits == grant.credits
                    && earlier.reason.as_deref().map(Value::text) == Some(Value::text(&grant.reason)) =>
            {
                let (id, replayed) = (earlier.id, true);
                GrantOutcome::Booked { id, replayed }
            }
            _ => GrantOutcome::Mismatch,
        })
    }
}

/// See [`freehold_domain::port::Ledger::reserve`].
pub(crate) struct Reserve {
    pub(crate) reservation: Reservation,
    /// Which node the request runs on, so that the node's next life finds what this one left behind.
    pub(crate) node: Arc<str>,
}

/// A reservation as it is stored, as far as a second attempt to reserve must know it.
struct Stored {
    workspace: WorkspaceId,
    credits: Credits,
    pending: bool,
}

fn read_stored(row: &dyn Row) -> Result<Stored, PortError> {
    let mut columns = Columns::of(row, RESERVATION);
    Ok(Stored {
        workspace: WorkspaceId::from_uuid(columns.id()?),
        credits: Credits::from_units(columns.integer()?),
        pending: columns.text()? == "pending",
    })
}

impl Operation for Reserve {
    type Output = ReserveOutcome;
    // On one node a hold ends with the process, so there is nothing to keep for after a loss of power.
    const DURABLE: bool = false;

    async fn run<S: Session>(&self, session: &mut S) -> Result<ReserveOutcome, PortError> {
        if let Some(outcome) = self.earlier(session).await? {
            return outcome;
        }
        let asked = &self.reservation;
        let credits = Value::Integer(asked.credits.units());
        let owner = Value::Id(asked.workspace.as_uuid());
        let hold = [credits, owner];
        if session.execute(sql::ACCOUNT_HOLD, &hold).await? == 0 {
            let balance = BalanceOf(asked.workspace).run(session).await?;
            return Ok(refusal(balance, asked.credits));
        }
        let [credits, owner] = hold.clone();
        let values = [
            Value::Id(asked.request_id.as_uuid()),
            owner,
            credits,
            Value::text(&self.node),
            Value::moment(asked.at),
            Value::moment(asked.expires_at),
        ];
        if session.execute(sql::RESERVATION_INSERT, &values).await? > 0 {
            return Ok(ReserveOutcome::Reserved);
        }
        // Another call for the same request was faster.
        session.execute(sql::ACCOUNT_RELEASE, &hold).await?;
        let earlier = self.earlier(session).await?;
        earlier.unwrap_or(Err(PortError::Conflict(RESERVATION)))
    }
}

impl Reserve {
    /// The answer for a request that has reserved before; nothing for one that has not.
    async fn earlier<S: Session>(
        &self,
        session: &mut S,
    ) -> Result<Option<Result<ReserveOutcome, PortError>>, PortError> {
        let asked = &self.reservation;
        let request = [Value::Id(asked.request_id.as_uuid())];
        let stored = session
            .query_one(sql::RESERVATION_BY_ID, &request, read_stored)
            .await?;
        Ok(stored.map(|stored| {
            let same = stored.workspace == asked.workspace && stored.credits == asked.credits;
            match stored.pending && same {
                true => Ok(ReserveOutcome::Reserved),
                false => Err(PortError::Conflict(RESERVATION)),
            }
        }))
    }
}

/// Why `credits` could not be held: whether it would fit once running requests are settled.
pub(crate) fn refusal(balance: Balance, credits: Credits) -> ReserveOutcome {
    if balance.granted.saturating_sub(balance.posted) < credits {
        ReserveOutcome::Exhausted(balance)
    } else {
        ReserveOutcome::Held(balance)
    }
}
