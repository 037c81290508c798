//! SQLite keeps every promise of the ports, and those of a single file.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use freehold_domain::ledger::{ReserveOutcome, Settlement};
use freehold_domain::port::{
    DataKey, Directory, InstallationStore, Ledger, PageRequest, PortError, RecordFilter, Records, Store,
};
use freehold_store::{MigrationError, Sharing, SqliteOpenError, SqliteOptions, SqliteStore};
use freehold_testkit::conformance::random::the_store_answers_as_the_oracle_does;
use freehold_testkit::conformance::sample::{BEGINNING, Sample, credits, founded, funded};
use tempfile::TempDir;

fn open_at(directory: &Path) -> SqliteStore {
    SqliteStore::open(&directory.join("freehold.db"), &SqliteOptions::default()).unwrap()
}

async fn open() -> (Arc<dyn Store>, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    (Arc::new(open_at(directory.path())), directory)
}

freehold_testkit::conformance!(open);

#[tokio::test]
async fn many_random_sequences_are_answered_as_the_oracle_does() {
    for seed in 100..112 {
        let (store, _directory) = open().await;
        the_store_answers_as_the_oracle_does(store, seed, 300).await;
    }
}

#[tokio::test]
async fn everything_is_there_after_the_store_was_closed_and_opened() {
    let directory = tempfile::tempdir().unwrap();
    let sample = Sample::new();
    let store: Arc<dyn Store> = Arc::new(open_at(directory.path()));
    let workspace = founded(&store, &sample, "acme").await.id;
    store
        .create_provider_key(&sample.provider_key(workspace))
        .await
        .unwrap();
    let before = store.load_directory().await.unwrap();
    drop(store);
    let store = open_at(directory.path());
    let after = store.load_directory().await.unwrap();
    assert_eq!(after.version, before.version);
    assert_eq!(after.provider_keys, before.provider_keys);
    store.close().await.unwrap();
    let log = fs::metadata(directory.path().join("freehold.db-wal")).map_or(0, |log| log.len());
    assert_eq!(log, 0, "closing leaves something in the log");
    let late = store.check().await;
    assert!(matches!(late, Err(PortError::Unavailable(_))), "{late:?}");
}

/// What another process would find on opening these files now: exactly what SIGKILL leaves behind.
fn as_after_a_kill(directory: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["freehold.db", "freehold.db-wal"] {
        fs::copy(directory.join(name), copy.path().join(name)).unwrap();
    }
    copy
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_record_outlives_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let sample = Sample::new();
    let store: Arc<dyn Store> = Arc::new(open_at(directory.path()));
    let workspace = funded(&store, &sample, credits(1_000)).await;
    for round in 1..=4 {
        let mut appends = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let reservation = sample.reservation(workspace, credits(2));
            let record = sample.record_of(&reservation, credits(1));
            let store = Arc::clone(&store);
            appends.spawn(async move {
                store.reserve(&reservation).await.unwrap();
                store.append(record, Settlement::Post).await.unwrap();
            });
        }
        appends.join_all().await;
        let copy = as_after_a_kill(directory.path());
        let next_life = open_at(copy.path());
        let page = next_life
            .records(workspace, &RecordFilter::default(), PageRequest::newest(200))
            .await
            .unwrap();
        assert_eq!(page.items.len(), round * 50);
        let balance = next_life.balance(workspace).await.unwrap();
        let charged = i64::try_from(round * 50).unwrap();
        assert_eq!((balance.posted, balance.held), (credits(charged), credits(0)));
    }
}

#[tokio::test]
async fn what_an_earlier_life_left_held_is_given_back() {
    let directory = tempfile::tempdir().unwrap();
    let sample = Sample::new();
    let store: Arc<dyn Store> = Arc::new(open_at(directory.path()));
    let workspace = funded(&store, &sample, credits(10)).await;
    let reservation = sample.reservation(workspace, credits(10));
    assert_eq!(
        store.reserve(&reservation).await.unwrap(),
        ReserveOutcome::Reserved
    );
    let copy = as_after_a_kill(directory.path());
    let next_life = open_at(copy.path());
    let balance = next_life.balance(workspace).await.unwrap();
    assert_eq!((balance.granted, balance.held), (credits(10), credits(0)));
    // The same request cannot hold again under its old name, and a new one finds everything.
    let again = next_life.reserve(&reservation).await;
    assert!(
        matches!(again, Err(PortError::Conflict("reservation"))),
        "{again:?}"
    );
    let fresh = sample.reservation(workspace, credits(10));
    assert_eq!(next_life.reserve(&fresh).await.unwrap(), ReserveOutcome::Reserved);
}

#[tokio::test]
async fn a_file_serves_one_process_and_lets_commands_in_beside_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("freehold.db");
    let sample = Sample::new();
    let store: Arc<dyn Store> = Arc::new(open_at(directory.path()));
    let workspace = funded(&store, &sample, credits(10)).await;
    let reservation = sample.reservation(workspace, credits(4));
    store.reserve(&reservation).await.unwrap();

    let second = SqliteStore::open(&path, &SqliteOptions::default()).err();
    assert!(matches!(second, Some(SqliteOpenError::InUse(_))), "{second:?}");
    let beside = SqliteOptions {
        sharing: Sharing::Beside,
        ..SqliteOptions::default()
    };
    let command = SqliteStore::open(&path, &beside).unwrap();
    let rewrapped = DataKey {
        root_generation: 2,
        ..sample.data_key(workspace, 1)
    };
    assert!(command.rewrap_data_key(&rewrapped, 1).await.unwrap());
    drop(command);
    let balance = store.balance(workspace).await.unwrap();
    assert_eq!(balance.held, credits(4), "the command took a running hold away");
    let state = store.load_directory().await.unwrap();
    assert_eq!((state.data_keys, state.version), (vec![rewrapped], 2));
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute("DELETE FROM schema_migration", []).unwrap();
    let newer_build = SqliteStore::open(&path, &beside).err();
    assert!(
        matches!(
            newer_build,
            Some(SqliteOpenError::Migration(MigrationError::Older(_)))
        ),
        "{newer_build:?}"
    );
}

#[tokio::test]
async fn a_command_with_no_server_beside_it_opens_the_file_for_itself() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("freehold.db");
    let beside = SqliteOptions {
        sharing: Sharing::Beside,
        ..SqliteOptions::default()
    };
    let command = SqliteStore::open(&path, &beside).unwrap();
    assert_eq!(command.directory_version().await.unwrap(), 0);
    let server = SqliteStore::open(&path, &SqliteOptions::default()).err();
    assert!(matches!(server, Some(SqliteOpenError::InUse(_))), "{server:?}");
    drop(command);
    open_at(directory.path());
}

#[tokio::test]
async fn a_read_that_takes_too_long_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("freehold.db");
    let hasty = SqliteOptions {
        patience: Duration::ZERO,
        ..SqliteOptions::default()
    };
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path, &hasty).unwrap());
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let mut appends = tokio::task::JoinSet::new();
    for _ in 0..3_000 {
        let (store, record) = (Arc::clone(&store), sample.bare_record(workspace));
        appends.spawn(async move { store.append(record, Settlement::None).await.unwrap() });
    }
    appends.join_all().await;
    let rare = RecordFilter {
        model: Some("no such model".to_owned()),
        ..RecordFilter::default()
    };
    let long = store.records(workspace, &rare, PageRequest::newest(1)).await;
    assert!(matches!(long, Err(PortError::Unavailable(_))), "{long:?}");
    let short = store
        .records(workspace, &RecordFilter::default(), PageRequest::newest(1))
        .await
        .unwrap();
    assert_eq!(short.items.len(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let (store, directory) = open().await;
    founded(&store, &Sample::new(), "acme").await;
    let mut names = Vec::new();
    for entry in fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(
        names,
        [
            "freehold.db",
            "freehold.db-shm",
            "freehold.db-wal",
            "freehold.db.lock"
        ]
    );
}

/// In how many of the directory's files the bytes are found.
fn files_with(directory: &Path, bytes: &[u8]) -> usize {
    let holds = |path: &Path| {
        let content = fs::read(path).unwrap();
        content.windows(bytes.len()).any(|window| window == bytes)
    };
    let entries = fs::read_dir(directory).unwrap();
    entries
        .filter(|entry| holds(&entry.as_ref().unwrap().path()))
        .count()
}

#[tokio::test]
async fn a_removed_secret_is_in_no_file() {
    let (store, directory) = open().await;
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let other = founded(&store, &sample, "other").await.id;
    let keys = [0; 6].map(|_| sample.provider_key(workspace));
    for key in &keys {
        store.create_provider_key(key).await.unwrap();
        store
            .create_provider_key(&sample.provider_key(other))
            .await
            .unwrap();
    }
    let secret = |at: usize| keys[at].sealed.as_ref().unwrap().0.as_slice();
    let found = |bytes: &[u8]| files_with(directory.path(), bytes);
    for at in 0..keys.len() {
        assert!(found(secret(at)) > 0, "the search would not find it");
    }

    store.delete_provider_key(workspace, keys[2].id).await.unwrap();
    assert_eq!(found(secret(2)), 0, "deleted");

    let mut rotated = keys[3].clone();
    rotated.sealed = sample.provider_key(workspace).sealed;
    rotated.record_version = 2;
    store.update_provider_key(&rotated, 1).await.unwrap();
    assert_eq!(found(secret(3)), 0, "rotated");
    assert!(found(&rotated.sealed.unwrap().0) > 0);

    let wrapped = |keys: Vec<DataKey>| {
        let own = keys.into_iter().find(|key| key.workspace == workspace);
        own.unwrap().wrapped.0
    };
    let before = wrapped(store.load_directory().await.unwrap().data_keys);
    let rewrapped = DataKey {
        root_generation: 2,
        ..sample.data_key(workspace, 1)
    };
    assert!(store.rewrap_data_key(&rewrapped, 1).await.unwrap());
    assert_eq!(found(&before), 0, "rewrapped");
    assert!(found(&rewrapped.wrapped.0) > 0);

    store.delete_workspace(workspace).await.unwrap();
    for at in 0..keys.len() {
        assert_eq!(found(secret(at)), 0, "the workspace is gone");
    }
    assert_eq!(found(&rewrapped.wrapped.0), 0, "the workspace is gone");
}

#[tokio::test]
async fn a_record_that_cannot_be_booked_is_refused_alone() {
    let (store, _directory) = open().await;
    super::a_record_that_cannot_be_booked_is_refused_alone(store).await;
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_take_its_record_along() {
    let (store, _directory) = open().await;
    let sample = Sample::new();
    let workspace = founded(&store, &sample, "acme").await.id;
    let record = sample.record(workspace);
    let request_id = record.request_id;
    {
        let mut append = store.append(record, Settlement::None);
        // Polled once, it has handed the record over; then its caller is gone.
        let once = std::future::poll_fn(|context| std::task::Poll::Ready(append.as_mut().poll(context)));
        assert!(once.await.is_pending() || store.record(workspace, request_id).await.unwrap().is_some());
    }
    store.check().await.unwrap();
    assert!(store.record(workspace, request_id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_writer_that_is_held_up_says_so_and_goes_on_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("freehold.db");
    let options = SqliteOptions {
        busy: Duration::from_millis(30),
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(&path, &options).unwrap();
    store.check().await.unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let held_up = store.check().await;
    assert!(matches!(held_up, Err(PortError::Unavailable(_))), "{held_up:?}");
    other.execute_batch("ROLLBACK").unwrap();
    store.check().await.unwrap();
}

#[test]
fn a_database_of_a_newer_build_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("freehold.db");
    drop(open_at(directory.path()));
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute("INSERT INTO schema_migration VALUES (9999, '9999_future', 1)", [])
        .unwrap();
    let refused = SqliteStore::open(&path, &SqliteOptions::default()).err();
    let Some(SqliteOpenError::Migration(why)) = refused else {
        panic!("{refused:?}");
    };
    assert!(why.to_string().contains("9999"), "{why}");
}

#[test]
fn something_that_is_no_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("freehold.db");
    fs::write(&path, [b'x'; 8_192]).unwrap();
    let refused = SqliteStore::open(&path, &SqliteOptions::default()).err();
    assert!(matches!(refused, Some(SqliteOpenError::Sqlite(_))), "{refused:?}");
    assert_eq!(fs::read(&path).unwrap(), [b'x'; 8_192], "it was changed");
}

/// Long enough for the log to be moved many times while records come and others read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stays_short_and_nothing_is_lost_while_it_is_moved() {
    const RECORDS: usize = 12_000;
    let (store, directory) = open().await;
    let sample = Arc::new(Sample::new());
    let workspace = founded(&store, &sample, "acme").await.id;
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (store, sample) = (Arc::clone(&store), Arc::clone(&sample));
        crowd.spawn(async move {
            for _ in 0..RECORDS / 8 {
                store
                    .append(sample.record(workspace), Settlement::None)
                    .await
                    .unwrap();
            }
        });
    }
    let mut longest = 0;
    while !crowd.is_empty() {
        let log = fs::metadata(directory.path().join("freehold.db-wal")).unwrap();
        longest = longest.max(log.len());
        store.expire_reservations(BEGINNING).await.unwrap();
        store.load_directory().await.unwrap();
        while crowd.try_join_next().is_some_and(|ended| ended.is_ok()) {}
    }
    assert!(longest < 64 << 20, "the log grew to {longest} bytes");
    let mut request = PageRequest::newest(200);
    let mut found = 0;
    loop {
        let page = store
            .records(workspace, &RecordFilter::default(), request)
            .await
            .unwrap();
        found += page.items.len();
        request.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    assert_eq!(found, RECORDS);
}
