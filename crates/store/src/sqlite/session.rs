//! SQLite's side of a session: statements run at once, so its futures are ready when they are made.

use std::future::{self, Future};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use freehold_domain::port::PortError;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, ffi};
use uuid::Uuid;

use crate::engine::{Failure, Session};
use crate::value::{Row, Value};

/// A connection for the length of one operation.
pub(super) struct SqliteSession<'c>(pub(super) &'c mut Connection);

/// What an operation answers. Its future is ready at once, because every future of [`SqliteSession`] is.
pub(super) fn complete<T>(operation: impl Future<Output = Result<T, PortError>>) -> Result<T, PortError> {
    match pin!(operation).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(PortError::Unavailable(
            "an operation waited for something other than the database".into(),
        )),
    }
}

/// The error for callers: trying again may help.
pub(super) fn unavailable(error: rusqlite::Error) -> PortError {
    PortError::Unavailable(Box::new(error))
}

fn failure(error: rusqlite::Error) -> Failure {
    match error.sqlite_error().map(|cause| cause.extended_code) {
        Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => Failure::Taken,
        Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => Failure::Dangling,
        _ => Failure::Other(unavailable(error)),
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Integer(integer) => ValueRef::Integer(*integer),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
            Value::Id(id) => ValueRef::Blob(id.as_bytes()),
            Value::Flag(flag) => ValueRef::Integer(i64::from(*flag)),
        }))
    }
}

impl Row for rusqlite::Row<'_> {
    fn integer(&self, column: usize) -> Result<Option<i64>, String> {
        let value = self.get_ref(column).map_err(|why| why.to_string())?;
        value.as_i64_or_null().map_err(|why| why.to_string())
    }

    fn text(&self, column: usize) -> Result<Option<&str>, String> {
        let value = self.get_ref(column).map_err(|why| why.to_string())?;
        value.as_str_or_null().map_err(|why| why.to_string())
    }

    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, String> {
        let value = self.get_ref(column).map_err(|why| why.to_string())?;
        value.as_blob_or_null().map_err(|why| why.to_string())
    }

    fn id(&self, column: usize) -> Result<Option<Uuid>, String> {
        let bytes = Row::bytes(self, column)?;
        let id = bytes.map(Uuid::from_slice).transpose();
        id.map_err(|why| why.to_string())
    }

    fn flag(&self, column: usize) -> Result<Option<bool>, String> {
        Ok(Row::integer(self, column)?.map(|flag| flag != 0))
    }
}

impl SqliteSession<'_> {
    fn execute_now(&self, statement: &str, values: &[Value<'_>]) -> rusqlite::Result<usize> {
        let mut statement = self.0.prepare_cached(statement)?;
        statement.execute(rusqlite::params_from_iter(values))
    }

    fn query_now<T>(
        &self,
        statement: &str,
        values: &[Value<'_>],
        read: fn(&dyn Row) -> Result<T, PortError>,
    ) -> Result<Vec<T>, PortError> {
        let mut statement = self.0.prepare_cached(statement).map_err(unavailable)?;
        let mut rows = statement
            .query(rusqlite::params_from_iter(values))
            .map_err(unavailable)?;
        let mut read_back = Vec::new();
        while let Some(row) = rows.next().map_err(unavailable)? {
            read_back.push(read(row)?);
        }
        Ok(read_back)
    }
}

impl Session for SqliteSession<'_> {
    fn execute(
        &mut self,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<u64, Failure>> + Send {
        let changed = self.execute_now(statement, values);
        future::ready(changed.map(|rows| rows as u64).map_err(failure))
    }

    fn query<T: Send + 'static>(
        &mut self,
        statement: &'static str,
        values: &[Value<'_>],
        read: fn(&dyn Row) -> Result<T, PortError>,
    ) -> impl Future<Output = Result<Vec<T>, PortError>> + Send {
        future::ready(self.query_now(statement, values, read))
    }
}
