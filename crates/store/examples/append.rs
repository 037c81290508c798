//! Measures how fast usage records reach the disk: records a second and commit latency, by how many callers append at once.
//!
//! `cargo run --release -p freehold-store --example append -- [PLACE] [SECONDS]` measures SQLite in a new directory below
//! `PLACE`, by default the system's for temporary files, or PostgreSQL if `PLACE` is the address of an empty database.
#![expect(clippy::print_stdout, reason = "it is a program that prints figures")]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use freehold_domain::id::{ProviderKeyId, RequestId, VirtualKeyId, WorkspaceId, uuid_v7};
use freehold_domain::ledger::Settlement;
use freehold_domain::money::{Credits, Nanodollars};
use freehold_domain::port::Records;
use freehold_domain::record::{
    Attempt, Attribution, Expected, KeyName, Outcome, PriceStamp, UsageRecord, Variance, VarianceCause,
};
use freehold_domain::time::Timestamp;
use freehold_domain::tokens::{TokenUsage, UsageSource};
use freehold_store::{PostgresOptions, PostgresStore, SqliteOptions, SqliteStore};

type Fault = Box<dyn std::error::Error + Send + Sync>;

const USAGE: &str = r#"{"prompt_tokens":1204,"completion_tokens":311,"total_tokens":1515,"prompt_tokens_details":{"cached_tokens":1024,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":128,"audio_tokens":0}}"#;

/// A record as an ordinary answered request leaves it.
fn record(workspace: WorkspaceId, number: u64) -> Box<UsageRecord> {
    let micros = 1_790_000_000_000_000 + i64::try_from(number).unwrap_or(0) * 20;
    let created_at = Timestamp::from_micros(micros);
    let mut chance = [7; 10];
    chance[..8].copy_from_slice(&number.to_be_bytes());
    let key = ProviderKeyId::from_uuid(uuid_v7(created_at, [3; 10]));
    let provider: Arc<str> = Arc::from("openai");
    Box::new(UsageRecord {
        request_id: RequestId::from_uuid(uuid_v7(created_at, chance)),
        created_at,
        outcome: Outcome::Ok,
        workspace_id: workspace,
        virtual_key: KeyName {
            id: VirtualKeyId::from_uuid(uuid_v7(created_at, [4; 10])),
            label: Some(Arc::from("production")),
        },
        surface: Cow::Borrowed("chat_completions"),
        stream: true,
        provider: Some(Arc::clone(&provider)),
        provider_key: Some(KeyName {
            id: key,
            label: Some(Arc::from("main")),
        }),
        model_requested: Arc::from("openai/gpt-5-mini"),
        model_used: Some(Arc::from("gpt-5-mini-2026-03-01")),
        cost_attribution: Some(Attribution::Byok),
        tokens: TokenUsage {
            input: 180,
            cache_read: 1_024,
            output: 311,
            reasoning: 128,
            ..TokenUsage::default()
        },
        usage_source: UsageSource::Provider,
        provider_usage: Some(Arc::from(USAGE)),
        cost_usd: Some(Nanodollars::from_units(1_234_567)),
        price: Some(PriceStamp {
            source: Arc::from("built-in"),
            date: Arc::from("2026-09-01"),
        }),
        credits_charged: Credits::ZERO,
        expected: Some(Expected {
            input_tokens: 1_190,
            output_tokens: 280,
            cost_usd: Some(Nanodollars::from_units(1_100_000)),
        }),
        variance: Some(Variance {
            tokens: 45,
            cost_usd: Some(Nanodollars::from_units(134_567)),
            cause: VarianceCause::OutputLonger,
        }),
        attempts: vec![Attempt {
            provider,
            provider_key: Some(key),
            outcome: Cow::Borrowed("ok"),
            status: Some(200),
            ms: 812,
        }],
        finish_reason: Some(Cow::Borrowed("stop")),
        latency_ms: 2_140,
        first_byte_ms: Some(431),
        overhead_us: 190,
        tags: BTreeMap::new(),
        denial: None,
    })
}

/// What one number of callers reached.
struct Figures {
    elapsed: Duration,
    latencies: Vec<Duration>,
}

async fn measure<S: Records + 'static>(
    store: &Arc<S>,
    callers: usize,
    seconds: u64,
    counter: &Arc<AtomicU64>,
) -> Result<Figures, Fault> {
    let start = Instant::now();
    let end = start + Duration::from_secs(seconds);
    let mut tasks = Vec::new();
    for caller in 0..callers {
        let (store, counter) = (Arc::clone(store), Arc::clone(counter));
        let owner = u8::try_from(caller % 16)?;
        let workspace = WorkspaceId::from_uuid(uuid_v7(
            Timestamp::from_micros(1_780_000_000_000_000),
            [owner; 10],
        ));
        tasks.push(tokio::spawn(async move {
            let mut latencies = Vec::new();
            while Instant::now() < end {
                let record = record(workspace, counter.fetch_add(1, Ordering::Relaxed));
                let asked = Instant::now();
                store.append(record, Settlement::None).await?;
                latencies.push(asked.elapsed());
            }
            Ok::<_, Fault>(latencies)
        }));
    }
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    let elapsed = start.elapsed();
    latencies.sort_unstable();
    Ok(Figures { elapsed, latencies })
}

async fn measure_all<S: Records + 'static>(store: &Arc<S>, seconds: u64) -> Result<u64, Fault> {
    let counter = Arc::new(AtomicU64::new(0));
    println!("callers  records/s      p50 us      p99 us    p99.9 us      max us");
    for callers in [1, 16, 64, 256] {
        let figures = measure(store, callers, seconds, &counter).await?;
        let at = |permille: usize| {
            let last = figures.latencies.len().saturating_sub(1);
            let latency = figures.latencies.get(last * permille / 1000);
            latency.map_or(0, Duration::as_micros)
        };
        println!(
            "{callers:>7} {:>10.0} {:>11} {:>11} {:>11} {:>11}",
            figures.latencies.len() as f64 / figures.elapsed.as_secs_f64(),
            at(500),
            at(990),
            at(999),
            at(1000),
        );
    }
    Ok(counter.load(Ordering::Relaxed))
}

#[tokio::main]
async fn main() -> Result<(), Fault> {
    let mut arguments = std::env::args().skip(1);
    let place = arguments.next();
    let seconds = arguments.next().map_or(Ok(3), |text| text.parse())?;
    if let Some(url) = place.as_deref().filter(|place| place.starts_with("postgres")) {
        let store = Arc::new(PostgresStore::connect(url, &PostgresOptions::default()).await?);
        measure_all(&store, seconds).await?;
        return Ok(store.close().await?);
    }
    let directory = tempfile::tempdir_in(place.map_or_else(std::env::temp_dir, PathBuf::from))?;
    let file = directory.path().join("freehold.db");
    let store = Arc::new(SqliteStore::open(&file, &SqliteOptions::default())?);
    let records = measure_all(&store, seconds).await?;
    store.close().await?;
    let size = std::fs::metadata(file)?.len();
    println!("{} bytes a record on disk", size / records.max(1));
    Ok(())
}
