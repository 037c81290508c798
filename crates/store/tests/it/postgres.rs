//! PostgreSQL keeps every promise of the ports, and those of many nodes on one database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use freehold_domain::id::{RequestId, uuid_v7};
use freehold_domain::ledger::{ReserveOutcome, Settlement};
use freehold_domain::port::{InstallationStore, Ledger, PortError, Records, Store};
use freehold_domain::record::UsageRecord;
use freehold_domain::time::Timestamp;
use freehold_store::{PostgresConnectError, PostgresOptions, PostgresStore};
use freehold_testkit::conformance::directory;
use freehold_testkit::conformance::random::the_store_answers_as_the_oracle_does;
use freehold_testkit::conformance::sample::{Sample, credits, founded, funded};
use freehold_testkit::postgres::Postgres;
use tokio_postgres::NoTls;
use uuid::Uuid;

async fn connect(url: &str) -> PostgresStore {
    PostgresStore::connect(url, &PostgresOptions::default())
        .await
        .unwrap()
}

async fn open() -> (Arc<dyn Store>, ()) {
    let url = Postgres::shared().database();
    (Arc::new(connect(&url).await), ())
}

freehold_testkit::conformance!(open);

#[tokio::test]
async fn many_random_sequences_are_answered_as_the_oracle_does() {
    for seed in 200..206 {
        let (store, ()) = open().await;
        the_store_answers_as_the_oracle_does(store, seed, 300).await;
    }
}

/// A plain connection, past the store.
async fn client(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn a_record_that_cannot_be_booked_is_refused_alone() {
    let (store, ()) = open().await;
    super::a_record_that_cannot_be_booked_is_refused_alone(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_nodes_can_start_at_once() {
    let url = Postgres::shared().database();
    let mut nodes = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let url = url.clone();
        nodes.spawn(async move { connect(&url).await.check().await.unwrap() });
    }
    nodes.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_together_cannot_overspend() {
    let url = Postgres::shared().database();
    let nodes: [Arc<dyn Store>; 3] = [
        Arc::new(connect(&url).await),
        Arc::new(connect(&url).await),
        Arc::new(connect(&url).await),
    ];
    let sample = Sample::new();
    let workspace = funded(&nodes[0], &sample, credits(10)).await;
    let mut attempts = tokio::task::JoinSet::new();
    for number in 0..60 {
        let node = Arc::clone(&nodes[number % nodes.len()]);
        let reservation = sample.reservation(workspace, credits(1));
        attempts.spawn(async move { node.reserve(&reservation).await.unwrap() });
    }
    let outcomes = attempts.join_all().await;
    let reserved = outcomes
        .iter()
        .filter(|outcome| **outcome == ReserveOutcome::Reserved)
        .count();
    assert_eq!(reserved, 10);
    let balance = nodes[2].balance(workspace).await.unwrap();
    assert_eq!(balance.held, credits(10));
}

/// Each node settles for many workspaces in an order of its own, while holds expire.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_settle_at_once_do_not_block_each_other() {
    const ROUNDS: usize = 6;
    const WORKSPACES: usize = 8;
    let url = Postgres::shared().database();
    let first: Arc<dyn Store> = Arc::new(connect(&url).await);
    let second: Arc<dyn Store> = Arc::new(connect(&url).await);
    let sample = Arc::new(Sample::new());
    let mut workspaces = Vec::new();
    for number in 0..WORKSPACES {
        let workspace = founded(&first, &sample, &format!("workspace {number}")).await.id;
        let grant = sample.grant(workspace, credits(1_000));
        first.grant(&grant).await.unwrap();
        workspaces.push(workspace);
    }
    let mut crowd = tokio::task::JoinSet::new();
    for (number, node) in [&first, &second].into_iter().enumerate() {
        for at in 0..WORKSPACES * ROUNDS {
            let place = if number == 0 { at } else { WORKSPACES * ROUNDS - at };
            let workspace = workspaces[place % WORKSPACES];
            let (node, sample) = (Arc::clone(node), Arc::clone(&sample));
            crowd.spawn(async move {
                let mut reservation = sample.reservation(workspace, credits(2));
                if at % 5 == 0 {
                    reservation.expires_at = Timestamp::from_micros(0);
                }
                node.reserve(&reservation).await.unwrap();
                if at % 7 == 0 {
                    node.expire_reservations(Timestamp::from_micros(1)).await.unwrap();
                }
                let record = sample.record_of(&reservation, credits(1));
                node.append(record, Settlement::Post).await.unwrap();
            });
        }
    }
    crowd.join_all().await;
    for workspace in workspaces {
        let balance = second.balance(workspace).await.unwrap();
        let charged = i64::try_from(ROUNDS * 2).unwrap();
        assert_eq!((balance.posted, balance.held), (credits(charged), credits(0)));
    }
}

#[tokio::test]
async fn a_node_gives_back_what_its_own_earlier_life_left_held() {
    let url = Postgres::shared().database();
    let named = |name: &str| PostgresOptions {
        node: Some(name.to_owned()),
        ..PostgresOptions::default()
    };
    let first: Arc<dyn Store> = Arc::new(PostgresStore::connect(&url, &named("a")).await.unwrap());
    let second = PostgresStore::connect(&url, &named("b")).await.unwrap();
    let nameless = connect(&url).await;
    let sample = Sample::new();
    let workspace = funded(&first, &sample, credits(10)).await;
    for (node, amount) in [(&*first, 1), (&second as &dyn Store, 2), (&nameless, 4)] {
        let reservation = sample.reservation(workspace, credits(amount));
        let outcome = node.reserve(&reservation).await.unwrap();
        assert_eq!(outcome, ReserveOutcome::Reserved);
    }
    drop(first);
    connect(&url).await;
    let first = PostgresStore::connect(&url, &named("a")).await.unwrap();
    let balance = first.balance(workspace).await.unwrap();
    assert_eq!(balance.held, credits(6));
}

#[tokio::test]
async fn records_lie_in_the_part_of_their_month() {
    let url = Postgres::shared().database();
    let store = connect(&url).await;
    let sample = Sample::new();
    let workspace = sample.workspace("acme").id;
    let odd = RequestId::from_uuid(Uuid::from_u128(42));
    let mut ids = vec![odd];
    for day in [
        "2026-02-28T23:59:59.999Z",
        "2026-03-01T00:00:00Z",
        "2026-03-31T12:00:00Z",
    ] {
        let moment = Timestamp::parse(day).unwrap();
        ids.push(RequestId::from_uuid(uuid_v7(moment, [1; 10])));
    }
    for request_id in ids {
        let record = UsageRecord {
            request_id,
            ..*sample.record(workspace)
        };
        store.append(Box::new(record), Settlement::None).await.unwrap();
    }
    let rows = client(&url)
        .await
        .query(
            "SELECT tableoid::regclass::text, COUNT(*) FROM usage_record GROUP BY 1 ORDER BY 1",
            &[],
        )
        .await
        .unwrap();
    let parts: Vec<(String, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(
        parts,
        [
            ("usage_record_2026_02".to_owned(), 1),
            ("usage_record_2026_03".to_owned(), 2),
            ("usage_record_other".to_owned(), 1)
        ]
    );
}

#[tokio::test]
async fn names_sort_by_their_bytes_in_a_database_that_sorts_by_a_language() {
    let url = Postgres::shared().database();
    let (server, name) = url.rsplit_once('/').unwrap();
    let english = format!("{name}_english");
    client(&url)
        .await
        .batch_execute(&format!(
            "CREATE DATABASE {english} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
        ))
        .await
        .unwrap();
    let url = format!("{server}/{english}");
    let order = client(&url)
        .await
        .query_one("SELECT 'a' < 'B'", &[])
        .await
        .unwrap();
    assert!(
        order.get::<_, bool>(0),
        "this database does not sort by a language"
    );
    let store = Arc::new(connect(&url).await);
    directory::plans_are_listed_by_the_bytes_of_their_names(store).await;
}

#[tokio::test]
async fn a_database_of_a_newer_build_is_refused() {
    let url = Postgres::shared().database();
    drop(connect(&url).await);
    client(&url)
        .await
        .batch_execute("INSERT INTO schema_migration VALUES (9999, '9999_future', 1)")
        .await
        .unwrap();
    let refused = PostgresStore::connect(&url, &PostgresOptions::default()).await;
    let Some(PostgresConnectError::Migration(why)) = refused.err() else {
        panic!("it was not refused for its schema");
    };
    assert!(why.to_string().contains("9999"), "{why}");
}

#[tokio::test]
async fn encryption_that_was_asked_for_is_never_left_out() {
    let url = Postgres::shared().database();
    for mode in ["require", "verify-full", "verify-ca"] {
        let asked = format!("{url}?sslmode={mode}");
        let refused = PostgresStore::connect(&asked, &PostgresOptions::default()).await;
        assert!(
            matches!(refused.as_ref().err(), Some(PostgresConnectError::Connect(_))),
            "{mode}: {:?}",
            refused.err()
        );
    }
}

#[tokio::test]
async fn an_error_of_connecting_does_not_repeat_the_password() {
    let secret = "correct-horse-battery";
    for url in [
        format!("postgres://freehold:{secret}@127.0.0.1:1/none"),
        format!("postgres://freehold:{secret}@127.0.0.1:notaport/none"),
        format!("postgres://freehold:{secret}@127.0.0.1:1/none?nonsense={secret}"),
    ] {
        let refused = PostgresStore::connect(&url, &PostgresOptions::default()).await;
        let error = refused.err().expect("nothing answers there");
        let mut told = format!("{error:?} {error}");
        let mut cause = std::error::Error::source(&error);
        while let Some(source) = cause {
            told += &format!(" {source}");
            cause = source.source();
        }
        assert!(!told.contains(secret), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_records_outlive_a_crash_and_later_ones_wait_for_the_restart() {
    let mut server = Postgres::start_durable();
    let url = server.database();
    let store: Arc<dyn Store> = Arc::new(connect(&url).await);
    let sample = Sample::new();
    let workspace = funded(&store, &sample, credits(100)).await;
    let mut acknowledged = Vec::new();
    for _ in 0..20 {
        let reservation = sample.reservation(workspace, credits(2));
        store.reserve(&reservation).await.unwrap();
        let record = sample.record_of(&reservation, credits(1));
        acknowledged.push(record.request_id);
        store.append(record, Settlement::Post).await.unwrap();
    }
    server.crash();
    let late = sample.record(workspace);
    acknowledged.push(late.request_id);
    let waiting = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.append(late, Settlement::None).await }
    });
    let restart = tokio::task::spawn_blocking(move || {
        server.restart();
        server
    });
    let _server = restart.await.unwrap();
    waiting.await.unwrap().unwrap();
    for request_id in acknowledged {
        let kept = store.record(workspace, request_id).await.unwrap();
        assert!(kept.is_some(), "{request_id} is lost");
    }
    let balance = store.balance(workspace).await.unwrap();
    assert_eq!((balance.posted, balance.held), (credits(20), credits(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_stands_still_is_given_up_in_time() {
    let url = Postgres::shared().database();
    let options = PostgresOptions {
        patience: Duration::from_millis(700),
        ..PostgresOptions::default()
    };
    let store: Arc<dyn Store> = Arc::new(PostgresStore::connect(&url, &options).await.unwrap());
    let sample = Sample::new();
    let workspace = funded(&store, &sample, credits(10)).await;
    store
        .append(sample.record(workspace), Settlement::None)
        .await
        .unwrap();
    let other = client(&url).await;
    other
        .batch_execute("BEGIN; LOCK TABLE workspace, account, usage_record")
        .await
        .unwrap();
    let began = Instant::now();
    let reservation = sample.reservation(workspace, credits(1));
    let (read, reserved, appended) = tokio::join!(
        store.load_directory(),
        store.reserve(&reservation),
        store.append(sample.record(workspace), Settlement::None),
    );
    assert!(matches!(read, Err(PortError::Unavailable(_))), "{read:?}");
    assert!(matches!(reserved, Err(PortError::Unavailable(_))), "{reserved:?}");
    assert!(matches!(appended, Err(PortError::Unavailable(_))), "{appended:?}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    other.batch_execute("ROLLBACK").await.unwrap();
    store.load_directory().await.unwrap();
    store
        .append(sample.record(workspace), Settlement::None)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_closed_store_has_written_everything_and_takes_no_more() {
    let url = Postgres::shared().database();
    let store = Arc::new(connect(&url).await);
    let sample = Sample::new();
    let workspace = sample.workspace("acme").id;
    let mut appends = tokio::task::JoinSet::new();
    for _ in 0..300 {
        let (store, record) = (Arc::clone(&store), sample.record(workspace));
        appends.spawn(async move { store.append(record, Settlement::None).await });
    }
    tokio::task::yield_now().await;
    store.close().await.unwrap();
    let results = appends.join_all().await;
    let written = results.iter().filter(|result| result.is_ok()).count();
    let late = store.append(sample.record(workspace), Settlement::None).await;
    assert!(matches!(late, Err(PortError::Unavailable(_))), "{late:?}");
    let counted = client(&url)
        .await
        .query_one("SELECT COUNT(*) FROM usage_record", &[])
        .await
        .unwrap();
    assert_eq!(usize::try_from(counted.get::<_, i64>(0)), Ok(written));
}
