//! The load generator counts what it saw, and nothing that it did not see whole.

use std::time::Duration;

use freehold_testkit::load::{Bound, Load};
use freehold_testkit::simulator::{Outcome, Shape, Simulator, VALID_KEY};
use serde_json::json;

fn load(simulator: &Simulator, model: &str, stream: bool, bound: Bound) -> Load {
    let body = json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "hello"}]});
    Load::post(
        &simulator.address.to_string(),
        "/v1/chat/completions",
        VALID_KEY,
        &body,
        4,
        bound,
    )
}

#[tokio::test]
async fn every_whole_reply_is_acknowledged_once() {
    let simulator = Simulator::start(Shape::OpenAi);
    let report = load(&simulator, "sim-ok", false, Bound::Requests(200))
        .run()
        .await;
    assert_eq!(
        (report.begun, report.seen.len(), report.broken, report.refused),
        (200, 200, 0, 0)
    );
    let mut ids = report.acknowledged(200);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 200);
    assert_eq!(simulator.served(), 200);
    assert!(report.latency(50.0) <= report.latency(99.0) && report.latency(99.0) > Duration::ZERO);
}

#[tokio::test]
async fn what_was_not_seen_whole_is_not_acknowledged() {
    let simulator = Simulator::start(Shape::OpenAi);
    for (model, stream) in [
        ("sim-cut", true),
        ("sim-cut-clean", true),
        ("sim-cut", false),
        ("sim-reset", false),
    ] {
        let report = load(&simulator, model, stream, Bound::Requests(8)).run().await;
        assert_eq!((report.seen.len(), report.broken), (0, 8), "{model}");
    }
    let address = simulator.address;
    drop(simulator);
    let body = json!({});
    let report = Load::post(&address.to_string(), "/", "key", &body, 2, Bound::Requests(4))
        .run()
        .await;
    assert_eq!((report.seen.len(), report.refused), (0, 4));
}

#[tokio::test]
async fn a_caller_may_leave_every_reply_in_the_middle() {
    let simulator = Simulator::start(Shape::OpenAi);
    let report = load(&simulator, "sim-never-stops", true, Bound::Requests(20))
        .leave_after(3000)
        .run()
        .await;
    assert_eq!((report.left, report.seen.len()), (20, 0));
    simulator.idle().await;
    assert!(
        simulator
            .requests()
            .iter()
            .all(|request| request.outcome == Outcome::PeerGone)
    );
}

#[tokio::test]
async fn a_pace_is_kept() {
    let simulator = Simulator::start(Shape::OpenAi);
    let bound = Bound::For(Duration::from_secs(1));
    let report = load(&simulator, "sim-canned", false, bound)
        .per_second(200)
        .run()
        .await;
    assert_eq!(report.statuses(), [(200, 200)].into());
    assert!(
        report.elapsed > Duration::from_millis(980),
        "{:?}",
        report.elapsed
    );
}
