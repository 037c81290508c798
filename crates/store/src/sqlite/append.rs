//! Appending records, the hot path: one lean insert, and where money was held its settlement.

use freehold_domain::ledger::Settlement;
use freehold_domain::port::PortError;
use freehold_domain::record::UsageRecord;
use rusqlite::{CachedStatement, Connection, OptionalExtension};
use tokio::sync::oneshot;

use super::session::unavailable;
use crate::record;
use crate::sql::{common, sqlite as sql};
use crate::value::Value;

/// A record on its way to disk.
pub(super) struct Append {
    pub(super) record: Box<UsageRecord>,
    /// The record's JSON column.
    pub(super) detail: String,
    pub(super) settlement: Settlement,
    /// Why it could not be written, once that is known.
    pub(super) failure: Option<PortError>,
    pub(super) done: oneshot::Sender<Result<(), PortError>>,
}

impl Append {
    /// The record and its settlement are part of the transaction, both or neither.
    ///
    /// `insert` is the statement of [`prepare`]. A savepoint is taken only where a second step could fail.
    pub(super) fn run(
        &self,
        connection: &Connection,
        insert: &mut CachedStatement<'_>,
    ) -> rusqlite::Result<()> {
        if self.settlement == Settlement::None {
            return self.insert(insert).map(drop);
        }
        connection.prepare_cached("SAVEPOINT settlement")?.execute([])?;
        let settled = self.insert(insert).and_then(|fresh| match fresh {
            true => self.settle(connection),
            false => Ok(()),
        });
        if settled.is_err() && !connection.is_autocommit() {
            connection.prepare_cached("ROLLBACK TO settlement")?.execute([])?;
        }
        if !connection.is_autocommit() {
            connection.prepare_cached("RELEASE settlement")?.execute([])?;
        }
        settled
    }

    /// Whether the record is new.
    fn insert(&self, insert: &mut CachedStatement<'_>) -> rusqlite::Result<bool> {
        let values = record::values(&self.record, &self.detail);
        for (position, value) in (1_usize..).zip(&values) {
            insert.raw_bind_parameter(position, value)?;
        }
        insert.raw_execute().map(|rows| rows > 0)
    }

    fn settle(&self, connection: &Connection) -> rusqlite::Result<()> {
        let record = &self.record;
        let request = Value::Id(record.request_id.as_uuid());
        let owner = Value::Id(record.workspace_id.as_uuid());
        let state = match self.settlement {
            Settlement::None => return Ok(()),
            Settlement::Post => "settled",
            Settlement::Void => "voided",
        };
        let held: Option<i64> = connection
            .prepare_cached(sql::RESERVATION_END)?
            .query_row((Value::text(state), &request, &owner), |row| row.get(0))
            .optional()?;
        let held = Value::Integer(held.unwrap_or(0));
        if self.settlement == Settlement::Post {
            let charged = Value::Integer(record.credits_charged.units());
            connection
                .prepare_cached(sql::ACCOUNT_CHARGE)?
                .execute((&owner, &charged, held))?;
            connection.prepare_cached(sql::CREDIT_ENTRY_CHARGE)?.execute((
                request,
                owner,
                charged,
                Value::moment(record.created_at),
            ))?;
        } else {
            connection
                .prepare_cached(common::ACCOUNT_RELEASE)?
                .execute((held, owner))?;
        }
        Ok(())
    }
}

/// The statement that inserts a record, taken from the connection's cache once for many records.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<CachedStatement<'_>> {
    connection.prepare_cached(sql::USAGE_RECORD_INSERT)
}

impl Append {
    /// The caller knows what became of the record.
    pub(super) fn answer(self, committed: Result<(), PortError>) {
        let result = self.failure.map_or(committed, Err);
        // A caller that left needs no answer.
        let _ = self.done.send(result);
    }

    /// Why the record cannot be written, for later.
    pub(super) fn note(&mut self, failure: rusqlite::Error) {
        self.failure = Some(unavailable(failure));
    }
}
