//! The threads that read: each has a read-only connection, all take from one bounded queue.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use freehold_domain::port::PortError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::open::SqliteOpenError;
use super::session::{SqliteSession, complete, unavailable};
use super::writer::{Joining, stopped};
use crate::engine::Operation;

/// How many reads may wait before callers wait to be let in.
const QUEUE: usize = 256;

/// After how many steps of SQLite's machine a read is asked whether it takes too long; some tenths of a millisecond.
const STEPS: i32 = 20_000;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// The reading threads. They end when this is dropped.
pub(super) struct Readers {
    jobs: mpsc::Sender<Job>,
    _threads: Vec<Joining>,
}

impl Readers {
    /// One thread for each of the connections.
    pub(super) fn start(connections: Vec<Connection>, patience: Duration) -> Result<Self, SqliteOpenError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        let threads = connections
            .into_iter()
            .map(|connection| start(connection, Arc::clone(&queue), patience).map(Joining::from))
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
    patience: Duration,
) -> Result<JoinHandle<()>, SqliteOpenError> {
    let began = Arc::new(Mutex::new(Instant::now()));
    let beginning = Arc::clone(&began);
    let too_long = move || {
        let began = *beginning.lock().unwrap_or_else(PoisonError::into_inner);
        began.elapsed() > patience
    };
    connection.progress_handler(STEPS, Some(too_long))?;
    std::thread::Builder::new()
        .name("freehold-read".to_owned())
        .spawn(move || {
            loop {
                // One thread waits for the queue, the others wait for that one; the lock is free again before the job runs.
                let job = queue
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .blocking_recv();
                let Some(job) = job else {
                    return;
                };
                *began.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
                job(&mut connection);
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
