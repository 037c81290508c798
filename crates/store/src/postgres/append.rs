//! Appending records: one task takes whatever has queued and writes it in one transaction, so that many requests share
//! one trip and one flush. It may write a batch twice, because a record that is there already changes nothing.

use std::collections::HashSet;
use std::time::Duration;

use deadpool_postgres::{GenericClient, Object, Pool};
use freehold_domain::id::{RequestId, WorkspaceId};
use freehold_domain::ledger::Settlement;
use freehold_domain::port::PortError;
use freehold_domain::record::UsageRecord;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_postgres::types::ToSql;

use super::PostgresOptions;
use super::borrowed::Borrowed;
use super::month::Months;
use super::session::{SqlError, unavailable};
use crate::record::{self, WIDTH};
use crate::sql::postgres as sql;
use crate::value::Value;

/// The most records that share a transaction.
const BATCH: usize = 256;

/// A record on its way to the database.
struct Append {
    record: Box<UsageRecord>,
    /// The record's JSON column.
    detail: String,
    settlement: Settlement,
    done: oneshot::Sender<Result<(), PortError>>,
}

enum Command {
    Append(Append),
    Close(oneshot::Sender<()>),
}

/// The way to the appending task, which ends when this is dropped, after writing what it was given.
pub(super) struct Appender(mpsc::Sender<Command>);

fn stopped() -> PortError {
    PortError::Unavailable("the database is closed".into())
}

impl Appender {
    /// The task runs on connections from the pool, which should be of one and its own.
    pub(super) fn start(pool: Pool, options: &PostgresOptions) -> Self {
        let (sender, queue) = mpsc::channel(options.queue.max(1));
        let desk = Desk {
            pool,
            queue,
            months: Months::default(),
            patience: options.patience,
        };
        tokio::spawn(desk.work());
        Self(sender)
    }

    /// See [`freehold_domain::port::Records::append`].
    pub(super) async fn append(
        &self,
        record: Box<UsageRecord>,
        settlement: Settlement,
    ) -> Result<(), PortError> {
        let detail = record::detail(&record)?;
        let (done, answer) = oneshot::channel();
        let append = Append {
            record,
            detail,
            settlement,
            done,
        };
        let sent = self.0.send(Command::Append(append)).await;
        sent.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Everything handed in before is written; nothing more is taken.
    pub(super) async fn close(&self) -> Result<(), PortError> {
        let (done, answer) = oneshot::channel();
        let sent = self.0.send(Command::Close(done)).await;
        sent.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())
    }
}

/// The appending task's state.
struct Desk {
    /// Of one connection, so that readers cannot keep it from writing.
    pool: Pool,
    queue: mpsc::Receiver<Command>,
    months: Months,
    patience: Duration,
}

impl Desk {
    async fn work(mut self) {
        let mut commands = Vec::with_capacity(BATCH);
        while self.queue.recv_many(&mut commands, BATCH).await > 0 {
            let mut batch = Vec::with_capacity(commands.len());
            let mut closing = Vec::new();
            for command in commands.drain(..) {
                match command {
                    Command::Append(append) => batch.push(append),
                    Command::Close(done) => closing.push(done),
                }
            }
            self.settle(batch).await;
            if !closing.is_empty() {
                self.queue.close();
            }
            for done in closing {
                // A caller that left needs no answer.
                let _ = done.send(());
            }
        }
    }

    /// Everyone in the batch knows what became of the record.
    ///
    /// If the database refuses the batch each record is tried alone, so that a bad one does not take others with it.
    async fn settle(&mut self, batch: Vec<Append>) {
        let written = self.write(&batch).await;
        let alone = batch.len() > 1 && matches!(&written, Err(Fault::Refused(_)));
        for append in batch {
            let result = match &written {
                Ok(()) => Ok(()),
                Err(_) if alone => self.write(std::slice::from_ref(&append)).await,
                Err(fault) => Err(fault.clone()),
            };
            // A caller that left needs no answer.
            let _ = append.done.send(result.map_err(unavailable));
        }
    }

    /// The batch is on disk. A fault that may pass is waited out as long as patience lasts.
    async fn write(&mut self, batch: &[Append]) -> Result<(), Fault> {
        if batch.is_empty() {
            return Ok(());
        }
        let end = Instant::now() + self.patience;
        let mut pause = Duration::from_millis(20);
        loop {
            let fault = match tokio::time::timeout_at(end, self.transact(batch)).await {
                Err(late) => return Err(Fault::Passing(late.to_string())),
                Ok(Ok(())) => return Ok(()),
                Ok(Err(refused @ Fault::Refused(_))) => return Err(refused),
                Ok(Err(fault)) => fault,
            };
            if Instant::now() + pause >= end {
                return Err(fault);
            }
            tracing::warn!(%fault, records = batch.len(), "records are written again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    async fn transact(&mut self, batch: &[Append]) -> Result<(), Fault> {
        let mut borrowed = Borrowed::from(&self.pool).await?;
        let connection = borrowed.connection()?;
        let ids = batch.iter().map(|append| append.record.request_id);
        let written = match self.months.make(connection, ids).await {
            Ok(()) => write_all(connection, batch).await,
            Err(error) => Err(error),
        };
        borrowed.give_back();
        Ok(written?)
    }
}

/// All records and their settlements are on disk, or none.
async fn write_all(connection: &mut Object, batch: &[Append]) -> Result<(), tokio_postgres::Error> {
    if batch.iter().all(|append| append.settlement == Settlement::None) {
        // One statement is a transaction by itself.
        return insert(connection, batch).await.map(drop);
    }
    let transaction = connection.transaction().await?;
    let fresh = insert(&transaction, batch).await?;
    settle(&transaction, batch, fresh).await?;
    transaction.commit().await
}

type Key = (WorkspaceId, RequestId);

/// The records are in the table; answers which of them were not there before.
async fn insert<C: GenericClient>(
    client: &C,
    batch: &[Append],
) -> Result<HashSet<Key>, tokio_postgres::Error> {
    let mut columns: [Vec<Value<'_>>; WIDTH] = std::array::from_fn(|_| Vec::with_capacity(batch.len()));
    for append in batch {
        let values = record::values(&append.record, &append.detail);
        for (column, value) in columns.iter_mut().zip(values) {
            column.push(value);
        }
    }
    let parameters: Vec<&(dyn ToSql + Sync)> = columns
        .iter()
        .map(|column| column as &(dyn ToSql + Sync))
        .collect();
    let statement = client.prepare_cached(sql::USAGE_RECORD_INSERT).await?;
    let rows = client.query(&statement, &parameters).await?;
    rows.iter()
        .map(|row| {
            let workspace = WorkspaceId::from_uuid(row.try_get(0)?);
            Ok((workspace, RequestId::from_uuid(row.try_get(1)?)))
        })
        .collect()
}

/// The reservations of the fresh records have ended. Of two records of one request the first one counts.
async fn settle<C: GenericClient>(
    client: &C,
    batch: &[Append],
    mut fresh: HashSet<Key>,
) -> Result<(), tokio_postgres::Error> {
    let mut workspaces = Vec::new();
    let mut requests = Vec::new();
    let mut states = Vec::new();
    let mut charges = Vec::new();
    let mut moments = Vec::new();
    for Append {
        record, settlement, ..
    } in batch
    {
        let is_fresh = fresh.remove(&(record.workspace_id, record.request_id));
        let state = match settlement {
            Settlement::Post => "settled",
            Settlement::Void => "voided",
            Settlement::None => continue,
        };
        if is_fresh {
            workspaces.push(record.workspace_id.as_uuid());
            requests.push(record.request_id.as_uuid());
            states.push(state);
            charges.push(record.credits_charged.units());
            moments.push(record.created_at.as_micros());
        }
    }
    if states.is_empty() {
        return Ok(());
    }
    let statement = client.prepare_cached(sql::SETTLE).await?;
    let parameters: [&(dyn ToSql + Sync); 5] = [&workspaces, &requests, &states, &charges, &moments];
    client.execute(&statement, &parameters).await?;
    Ok(())
}

/// Why records could not be written, for everyone who waits for one of them.
#[derive(Debug, Clone, thiserror::Error)]
enum Fault {
    /// The database is not there just now, or undid the transaction for another's sake.
    #[error("the records are not written: {0}")]
    Passing(String),
    /// The database does not take what it was given.
    #[error("the records are refused: {0}")]
    Refused(String),
}

impl From<PortError> for Fault {
    fn from(error: PortError) -> Self {
        Self::Passing(in_full(&error))
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        let error = SqlError::from(error);
        let passes = match &error {
            SqlError::Broken(_) => true,
            // Connection lost, undone for another's sake, resources short, shut down.
            SqlError::Refused { code, .. } => {
                let classes = ["08", "40", "53", "57"];
                classes.iter().any(|class| code.code().starts_with(class))
            }
        };
        let told = in_full(&error);
        if passes {
            Self::Passing(told)
        } else {
            Self::Refused(told)
        }
    }
}

/// The error with its causes, because it is told to many and can be kept by none.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}
