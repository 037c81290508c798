//! PostgreSQL's side of a session: prepared statements on one connection or in one transaction.

use bytes::BytesMut;
use deadpool_postgres::GenericClient;
use freehold_domain::port::PortError;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};
use uuid::Uuid;

use crate::engine::{Failure, Session};
use crate::value::{Row, Value};

/// A connection or a transaction for the length of one operation.
pub(super) struct PostgresSession<'c, C>(pub(super) &'c C);

/// The error for callers: trying again may help.
pub(super) fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> PortError {
    PortError::Unavailable(Box::new(error))
}

/// What went wrong between us and the database, without the details in which PostgreSQL repeats the content of rows.
#[derive(Debug, thiserror::Error)]
pub(super) enum SqlError {
    /// The database said no.
    #[error("{message} (SQLSTATE {})", code.code())]
    Refused {
        /// Why, as a code.
        code: SqlState,
        /// Why, in the database's words.
        message: String,
    },
    /// The connection failed, or what came over it made no sense.
    #[error("the connection to the database failed")]
    Broken(#[source] tokio_postgres::Error),
}

impl From<tokio_postgres::Error> for SqlError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(refusal) => Self::Refused {
                code: refusal.code().clone(),
                message: refusal.message().to_owned(),
            },
            None => Self::Broken(error),
        }
    }
}

/// The error for callers where a statement failed.
pub(super) fn failed(error: tokio_postgres::Error) -> PortError {
    unavailable(SqlError::from(error))
}

fn failure(error: tokio_postgres::Error) -> Failure {
    match error.code() {
        Some(code) if *code == SqlState::UNIQUE_VIOLATION => Failure::Taken,
        Some(code) if *code == SqlState::FOREIGN_KEY_VIOLATION => Failure::Dangling,
        _ => Failure::Other(failed(error)),
    }
}

fn parameters<'v>(values: &'v [Value<'_>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// The rows that the statement answers.
pub(super) async fn run<C: GenericClient>(
    client: &C,
    statement: &str,
    values: &[Value<'_>],
) -> Result<Vec<tokio_postgres::Row>, tokio_postgres::Error> {
    let statement = client.prepare_cached(statement).await?;
    client.query(&statement, &parameters(values)).await
}

impl<C: GenericClient> Session for PostgresSession<'_, C> {
    async fn execute(&mut self, statement: &'static str, values: &[Value<'_>]) -> Result<u64, Failure> {
        let statement = self.0.prepare_cached(statement).await.map_err(failure)?;
        let executed = self.0.execute(&statement, &parameters(values)).await;
        executed.map_err(failure)
    }

    async fn query<T: Send + 'static>(
        &mut self,
        statement: &'static str,
        values: &[Value<'_>],
        read: fn(&dyn Row) -> Result<T, PortError>,
    ) -> Result<Vec<T>, PortError> {
        let rows = run(self.0, statement, values).await.map_err(failed)?;
        rows.iter().map(|row| read(row)).collect()
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(integer) => integer.to_sql_checked(kind, out),
            Self::Text(text) => text.as_ref().to_sql_checked(kind, out),
            Self::Bytes(bytes) => bytes.to_sql_checked(kind, out),
            Self::Id(id) => id.to_sql_checked(kind, out),
            Self::Flag(flag) => flag.to_sql_checked(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        // Each variant says for itself which types it fits, when it is written.
        true
    }

    fn to_sql_checked(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        self.to_sql(kind, out)
    }
}

/// One column of one row.
fn column<'r, T: FromSql<'r>>(row: &'r tokio_postgres::Row, column: usize) -> Result<Option<T>, String> {
    row.try_get(column).map_err(|why| why.to_string())
}

impl Row for tokio_postgres::Row {
    fn integer(&self, at: usize) -> Result<Option<i64>, String> {
        column(self, at)
    }

    fn text(&self, at: usize) -> Result<Option<&str>, String> {
        column(self, at)
    }

    fn bytes(&self, at: usize) -> Result<Option<&[u8]>, String> {
        column(self, at)
    }

    fn id(&self, at: usize) -> Result<Option<Uuid>, String> {
        column(self, at)
    }

    fn flag(&self, at: usize) -> Result<Option<bool>, String> {
        column(self, at)
    }
}
