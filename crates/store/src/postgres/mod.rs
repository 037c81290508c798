//! PostgreSQL: the truth that several nodes share.

mod append;
mod borrowed;
mod month;
mod open;
mod session;

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use freehold_domain::ledger::{Reservation, ReserveOutcome, Settlement};
use freehold_domain::port::PortError;
use freehold_domain::record::UsageRecord;
use freehold_domain::time::Timestamp;
use tokio_postgres::IsolationLevel;
use tokio_postgres::error::SqlState;

use crate::engine::{Engine, Failure, Operation, Session};
use crate::ledger::Reserve;
use crate::sql::postgres as sql;
use crate::store::SqlStore;
use crate::value::Value;

use append::Appender;
use borrowed::Borrowed;
pub use open::PostgresConnectError;
use session::{PostgresSession, SqlError, failed, run, unavailable};

/// How often an operation is run again when PostgreSQL undid it for another's sake.
const RUNS: u32 = 4;

/// How a PostgreSQL store is reached.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// A name for this node that no other has and that stays through restarts. What its earlier life left held is given
    /// back on connecting; without a name it is given back when it expires.
    pub node: Option<String>,
    /// How many connections are held at most, besides the one that appends.
    pub connections: usize,
    /// How many records may wait for the appending task before callers wait to be let in.
    pub queue: usize,
    /// How long an operation may take, the wait for a connection included.
    pub patience: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            node: None,
            connections: 8,
            queue: 4_096,
            patience: Duration::from_secs(15),
        }
    }
}

/// The store for several nodes: everything in one PostgreSQL database.
pub type PostgresStore = SqlStore<Postgres>;

/// A PostgreSQL database at work.
pub struct Postgres {
    pool: Pool,
    appender: Appender,
    node: Arc<str>,
    patience: Duration,
}

impl PostgresStore {
    /// The store in the database that `url` names, with the schema of this build.
    ///
    /// `url` is `postgres://user:password@host:port/database`. Connections are encrypted if it asks for that with
    /// `sslmode=require` (or `verify-full`, which is the same: the certificate is always verified, against the roots that
    /// the system trusts), and with `sslmode=prefer` if the server can.
    pub async fn connect(url: &str, options: &PostgresOptions) -> Result<Self, PostgresConnectError> {
        let pool = open::pool(url, options.connections, options.patience)?;
        open::migrate(&pool).await?;
        let engine = Postgres {
            appender: Appender::start(open::pool(url, 1, options.patience)?, options),
            node: Arc::from(options.node.as_deref().unwrap_or_default()),
            patience: options.patience,
            pool,
        };
        if options.node.is_some() {
            engine.give_back().await?;
        }
        Ok(Self { engine })
    }

    /// Every record that was handed in is written. Records after this are refused, and so is every other operation.
    pub async fn close(&self) -> Result<(), PortError> {
        let closed = self.engine.appender.close().await;
        self.engine.pool.close();
        closed
    }
}

impl Postgres {
    async fn borrow(&self) -> Result<Borrowed, PortError> {
        Borrowed::from(&self.pool).await
    }

    /// What `work` answers, if it does in time. Work that is cut off is undone by the server.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, PortError>>) -> Result<T, PortError> {
        tokio::time::timeout(self.patience, work)
            .await
            .unwrap_or_else(|late| Err(unavailable(late)))
    }

    async fn change_once<O: Operation>(&self, operation: &O) -> Result<O::Output, PortError> {
        let mut borrowed = self.borrow().await?;
        let connection = borrowed.connection()?;
        let result = transact(connection, operation).await;
        borrowed.give_back();
        result
    }

    /// What an earlier life of this node left held is free again: its requests ended with it.
    async fn give_back(&self) -> Result<(), PortError> {
        let node = [Value::text(&self.node)];
        let voided = self.count(sql::RESERVATION_VOID, &node).await?;
        if voided > 0 {
            tracing::warn!(
                voided,
                node = &*self.node,
                "gave back the reservations that an earlier life left behind"
            );
        }
        Ok(())
    }

    /// The number that the statement answers, in a transaction of its own.
    async fn count(&self, statement: &'static str, values: &[Value<'_>]) -> Result<u64, PortError> {
        let mut attempt = 1;
        loop {
            let counted = self.in_time(async {
                let mut borrowed = self.borrow().await?;
                let connection = borrowed.connection()?;
                let rows = run(connection, statement, values).await;
                borrowed.give_back();
                let rows = rows.map_err(failed)?;
                let count = rows.first().map_or(Ok(0), |row| row.try_get::<_, i64>(0));
                Ok(count.map_err(failed)?.unsigned_abs())
            });
            match counted.await {
                Err(error) if attempt < RUNS && was_undone(&error) => attempt += 1,
                counted => return counted,
            }
        }
    }
}

/// The operation ran in one transaction, which is on disk, or nothing changed.
async fn transact<O: Operation>(connection: &mut Object, operation: &O) -> Result<O::Output, PortError> {
    let transaction = connection.transaction().await.map_err(failed)?;
    let output = operation.run(&mut PostgresSession(&transaction)).await?;
    transaction.commit().await.map_err(failed)?;
    Ok(output)
}

/// What the operation, which only reads, answers when everything it reads is of one moment.
async fn look_at_one_moment<O: Operation>(
    connection: &mut Object,
    operation: &O,
) -> Result<O::Output, PortError> {
    let moment = connection
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true);
    let transaction = moment.start().await.map_err(failed)?;
    operation.run(&mut PostgresSession(&transaction)).await
}

/// Whether PostgreSQL undid a transaction that may pass if it is run again.
fn was_undone(error: &PortError) -> bool {
    let PortError::Unavailable(source) = error else {
        return false;
    };
    matches!(
        source.downcast_ref(),
        Some(SqlError::Refused { code, .. })
            if *code == SqlState::T_R_DEADLOCK_DETECTED || *code == SqlState::T_R_SERIALIZATION_FAILURE
    )
}

impl Engine for Postgres {
    async fn change<O: Operation>(&self, operation: O) -> Result<O::Output, PortError> {
        let mut attempt = 1;
        loop {
            match self.in_time(self.change_once(&operation)).await {
                Err(error) if attempt < RUNS && was_undone(&error) => attempt += 1,
                result => return result,
            }
        }
    }

    async fn look<O: Operation>(&self, operation: O) -> Result<O::Output, PortError> {
        self.in_time(async {
            let mut borrowed = self.borrow().await?;
            let connection = borrowed.connection()?;
            let output = if O::SNAPSHOT {
                look_at_one_moment(connection, &operation).await
            } else {
                operation.run(&mut PostgresSession(connection)).await
            };
            borrowed.give_back();
            output
        })
        .await
    }

    async fn append(&self, record: Box<UsageRecord>, settlement: Settlement) -> Result<(), PortError> {
        self.appender.append(record, settlement).await
    }

    /// One statement where the credits are there; the long way round only to say why not.
    async fn reserve(&self, reservation: Reservation) -> Result<ReserveOutcome, PortError> {
        let values = [
            Value::Integer(reservation.credits.units()),
            Value::Id(reservation.workspace.as_uuid()),
            Value::Id(reservation.request_id.as_uuid()),
            Value::text(&self.node),
            Value::moment(reservation.at),
            Value::moment(reservation.expires_at),
        ];
        let reserved = self.in_time(async {
            let mut borrowed = self.borrow().await?;
            let connection = borrowed.connection()?;
            let reserved = PostgresSession(connection).execute(sql::RESERVE, &values).await;
            borrowed.give_back();
            match reserved {
                Ok(rows) => Ok(rows > 0),
                Err(Failure::Taken) => Ok(false),
                Err(failure) => Err(failure.into()),
            }
        });
        if reserved.await? {
            return Ok(ReserveOutcome::Reserved);
        }
        let node = Arc::clone(&self.node);
        self.change(Reserve { reservation, node }).await
    }

    async fn expire_reservations(&self, now: Timestamp) -> Result<u64, PortError> {
        self.count(sql::RESERVATION_EXPIRE, &[Value::moment(now)]).await
    }
}
