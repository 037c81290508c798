//! The environment has no say in where requests go.

use std::process::Command;

use super::provider::{Provider, call, text};

#[tokio::test]
async fn a_call_goes_straight_to_the_provider() {
    let provider = Provider::answering(|_| text(200, "{\"ok\":true}")).await;
    let endpoint = provider.endpoint();
    let mut reply = provider.client().send(call(&endpoint)).await.unwrap();
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.collect(100).await.unwrap(), "{\"ok\":true}");
    assert_eq!((provider.connections(), provider.requests().len()), (1, 1));
}

/// The environment of a process that runs threads cannot be changed soundly, so the test above runs again in a new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_named_by_the_environment_is_not_asked() {
    let trap = Provider::answering(|_| text(200, "{}")).await;
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "proxies::a_call_goes_straight_to_the_provider"]);
    for name in [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ] {
        command.env(name, trap.url());
    }
    for name in ["NO_PROXY", "no_proxy"] {
        command.env_remove(name);
    }
    let run = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(trap.connections(), 0);
}
