//! `freehold serve`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use tokio::signal::unix::{SignalKind, signal};

use crate::commands::{runtime, say};
use crate::compose::{self, Parts};
use crate::config::Config;
use crate::exit::Exit;
use crate::first_start::{self, News};
use crate::listen::Listener;
use crate::routes::Routes;
use crate::{openapi, telemetry, worker};

/// How long it may take to settle what was running.
const SETTLE: Duration = Duration::from_secs(20);

/// Runs gateway, management API and pages on one port until the process is asked to stop.
pub(crate) fn serve(config: Config) -> Result<ExitCode, Exit> {
    telemetry::start(&config).map_err(Exit::Usage)?;
    crate::system::keep_memory_private();
    first_start::prepare_directory(&config).map_err(Exit::Usage)?;
    runtime()?.block_on(run(config))
}

async fn run(config: Config) -> Result<ExitCode, Exit> {
    for name in &config.unknown_variables {
        tracing::warn!(
            variable = name,
            "this environment variable is not a setting; is it misspelt?"
        );
    }
    if config.redis_url.is_some() {
        tracing::warn!(
            "redis_url is set, but this version does not use Redis: nodes follow each other through the database"
        );
    }
    // The port is taken before anything is made, so that a start that cannot work leaves nothing behind.
    let listener = Listener::bind(config.listen).await.map_err(Exit::Usage)?;
    let address = format!("http://{}", listener.address()?);
    let Parts {
        store,
        gateway,
        console,
        clock,
        news,
    } = compose::compose(&config).await?;
    let ports = store.ports();
    let mut metrics = Registry::with_prefix("freehold");
    gateway.register_metrics(&mut metrics);
    let routes = Arc::new(Routes {
        gateway: Arc::clone(&gateway),
        console,
        store: Arc::clone(&ports),
        metrics,
        openapi: openapi::document()?.into(),
        address: address.clone(),
    });
    let mut workers = worker::start(&gateway, &ports, &clock);
    announce(&address, &news);
    let drain = Duration::from_millis(config.drain_ms);
    if !listener.serve(routes, stop_signal(&gateway)?, drain).await {
        tracing::warn!("some requests were still running when the time to drain was over; they are ended");
        gateway.end_running_requests();
    }
    let settled = tokio::time::timeout(SETTLE, gateway.drain()).await;
    workers.shutdown().await;
    store.close().await?;
    if settled.is_err() {
        tracing::error!("some requests could not be settled; the next start mends what they held");
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Ends when the process is asked to stop. From then on new requests are refused.
fn stop_signal(gateway: &Arc<freehold_gateway::Gateway>) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let gateway = Arc::clone(gateway);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!(
            "stopping: running requests finish, new ones are refused; a second signal does not wait"
        );
        gateway.refuse_new_requests();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            // Whoever asks twice does not want to wait; what is unsettled is mended by the next start.
            #[expect(clippy::disallowed_methods, reason = "asked twice")]
            std::process::exit(130);
        });
    })
}

/// Says where it is, and once what can never be said again.
fn announce(address: &str, news: &News) {
    tracing::info!(address, "ready");
    if news.operator_token.is_none() && news.virtual_key.is_none() {
        return;
    }
    let mut lines = vec![
        String::new(),
        "  Freehold is set up. This is shown once; keep it.".to_owned(),
        String::new(),
        format!("  Mission Control:  {address}/"),
    ];
    if let Some(token) = &news.operator_token {
        lines.push(format!("  operator token:   {}", token.show_once()));
    }
    if let Some(key) = &news.virtual_key {
        lines.push(format!("  virtual key:      {}", key.show_once()));
    }
    if let Some(file) = &news.root_key_file {
        lines.push(format!("  root key:         {}", file.display()));
        lines.push(String::new());
        lines.push(
            "  BACK UP THE ROOT KEY NOW. Without it every stored provider key is lost for good.".to_owned(),
        );
    }
    lines.push(String::new());
    say(&lines.join("\n"));
}
