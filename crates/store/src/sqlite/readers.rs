//! The threads that read: each has a read-only connection, all take from one bounded queue.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use freehold_domain::port::PortError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::open::SqliteOpenError;
use super::session::{SqliteSession, complete, unavailable};
use super::writer::{Joining, stopped};
use crate::engine::Operation;

const QUEUE: usize = 256;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// The reading threads. They end when this is dropped.
pub(super) struct Readers {
    jobs: mpsc::Sender<Job>,
    _threads: Vec<Joining>,
}

impl Readers {
    /// One thread for each of the connections.
    pub(super) fn start(connections: Vec<Connection>) -> Result<Self, SqliteOpenError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        let threads = connections
            .into_iter()
            .map(|connection| start(connection, Arc::clone(&queue)).map(Joining::from))
            .collect::<Result<Vec<_>, _>>()?;
        let _threads = threads;
        Ok(Self { jobs, _threads })
    }

    /// What the operation, which only reads, answers.
    pub(super) async fn look<O: Operation>(&self, operation: O) -> Result<O::Output, PortError> {
        let (done, answer) = oneshot::channel();
        let job = Box::new(move |connection: &mut Connection| {
            // A caller that left needs no answer.
            let _ = done.send(read(connection, &operation));
        });
        self.jobs.send(job).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

fn start(
    mut connection: Connection,
    queue: Arc<Mutex<mpsc::Receiver<Job>>>,
) -> Result<JoinHandle<()>, SqliteOpenError> {
    std::thread::Builder::new()
        .name("freehold-read".to_owned())
        .spawn(move || {
            loop {
                // One thread waits for the queue, the others wait for that one; the lock is free again before the job runs.
                let job = queue
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .blocking_recv();
                match job {
                    Some(job) => job(&mut connection),
                    None => return,
                }
            }
        })
        .map_err(SqliteOpenError::Thread)
}

fn read<O: Operation>(connection: &mut Connection, operation: &O) -> Result<O::Output, PortError> {
    if O::SNAPSHOT {
        connection.execute_batch("BEGIN").map_err(unavailable)?;
    }
    let result = complete(operation.run(&mut SqliteSession(connection)));
    if O::SNAPSHOT {
        // It changed nothing, so either end will do.
        connection.execute_batch("COMMIT").map_err(unavailable)?;
    }
    result
}
