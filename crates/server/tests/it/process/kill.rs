//! Killed under load, at moments of chance: it is ready again at once, and no reply that was seen whole is without its
//! record, none has two, and nothing stays held. `freehold-soak kill` runs the same a few hundred times.

use freehold_testkit::freehold::Options;
use freehold_testkit::postgres::Postgres;

use self::books::Finding;
use self::trial::Trials;
use crate::support::EXECUTABLE;

#[path = "../../../../testkit/src/bin/freehold-soak/books.rs"]
mod books;
#[path = "../../../../testkit/src/bin/freehold-soak/trial.rs"]
mod trial;

/// How often each store goes through it.
const DEATHS: u64 = 10;

async fn die_many_times(options: Options, seed: u64) {
    let mut trials = Trials::start(options, seed).await;
    let (mut acknowledged, mut cut_off) = (0, 0);
    for _ in 0..DEATHS {
        let trial = trials
            .next()
            .await
            .unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
        println!(
            "after {:?} of load, ready again within {:?}",
            trial.life, trial.ready
        );
        acknowledged += trial.acknowledged;
        cut_off += trial.broken;
    }
    let records = trials
        .look_back()
        .await
        .unwrap_or_else(|broken| panic!("seed {seed}, looking back: {broken}"));
    assert!(
        acknowledged > 100,
        "only {acknowledged} replies were seen whole: the load is no load"
    );
    assert!(cut_off > 0, "no request was running at any of the deaths");
    assert!(records >= acknowledged);
}

#[tokio::test]
async fn ten_deaths_under_load_lose_double_and_hold_nothing_on_sqlite() {
    die_many_times(Options::new(EXECUTABLE), 11).await;
}

#[tokio::test]
async fn ten_deaths_under_load_lose_double_and_hold_nothing_on_postgres() {
    die_many_times(
        Options::new(EXECUTABLE).database(Postgres::shared().database()),
        12,
    )
    .await;
}

#[tokio::test]
async fn a_reply_without_a_record_would_be_noticed() {
    let mut trials = Trials::start(Options::new(EXECUTABLE), 13).await;
    trials.next().await.unwrap_or_else(|broken| panic!("{broken}"));
    let lost = "req_0192f0c1e2a37b4c8d5e6f7081920a1a".to_owned();
    trials.past[0].acknowledged.push(lost.clone());
    let broken = trials.look_back().await.expect_err("a reply that has no record");
    assert_eq!(broken.findings, [Finding::Lost(lost)]);
}
