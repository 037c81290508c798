//! `freehold doctor`: looks at the installation and says what to mend. Changes nothing.

use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;

use anyhow::Context;
use freehold_domain::time::Clock;
use freehold_store::Sharing;

use crate::commands::{runtime, say};
use crate::compose::{self, DATABASE_FILE};
use crate::config::{Config, Database};
use crate::exit::Exit;
use crate::root_key;
use crate::system::SystemClock;

/// Space below which it complains.
const FREE_BYTES_MIN: u64 = 512 * 1024 * 1024;

/// What one check found.
enum Finding {
    Good(String),
    Warning(String),
    Bad(String),
}

/// Prints every finding; exit code 0 if nothing needs mending.
pub(crate) fn doctor(config: &Config) -> Result<ExitCode, Exit> {
    let mut findings = vec![
        directory(config),
        key_file(config),
        disk(config),
        clock(),
        egress(config),
    ];
    findings.extend(
        config
            .unknown_variables
            .iter()
            .map(|name| Finding::Warning(format!("environment: {name} is not a setting; is it misspelt?"))),
    );
    findings.extend(runtime()?.block_on(store(config)));
    let mut bad = 0;
    for finding in findings {
        match finding {
            Finding::Good(text) => say(&format!("ok       {text}")),
            Finding::Warning(text) => say(&format!("warning  {text}")),
            Finding::Bad(text) => {
                bad += 1;
                say(&format!("mend     {text}"));
            }
        }
    }
    Ok(if bad == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn directory(config: &Config) -> Finding {
    let path = config.data_dir.display();
    match std::fs::metadata(&config.data_dir) {
        Err(_) => Finding::Warning(format!(
            "data directory: {path} is not there yet; `freehold serve` makes it"
        )),
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => Finding::Bad(format!(
            "data directory: others can enter {path}; run `chmod 700 {path}`"
        )),
        Ok(_) => Finding::Good(format!("data directory: {path}, for its owner only")),
    }
}

fn key_file(config: &Config) -> Finding {
    match root_key::find(config) {
        Ok(Some(found)) => {
            let place = found
                .file
                .map_or("the configuration".to_owned(), |path| path.display().to_string());
            Finding::Good(format!("root key: from {place}"))
        }
        Ok(None) => {
            Finding::Warning("root key: none yet; `freehold serve` makes one on the first start".to_owned())
        }
        Err(error) => Finding::Bad(format!("root key: {error:#}")),
    }
}

fn disk(config: &Config) -> Finding {
    let place = if config.data_dir.exists() {
        config.data_dir.as_path()
    } else {
        std::path::Path::new(".")
    };
    match rustix::fs::statvfs(place) {
        Ok(numbers) => {
            let free = numbers.f_bavail.saturating_mul(numbers.f_frsize);
            let text = format!("disk: {} MiB free", free / (1024 * 1024));
            if free < FREE_BYTES_MIN {
                Finding::Bad(format!("{text}; make room"))
            } else {
                Finding::Good(text)
            }
        }
        Err(error) => Finding::Warning(format!("disk: free space is unknown: {error}")),
    }
}

fn clock() -> Finding {
    let now = SystemClock.now();
    // The program cannot have been built after today.
    if now.to_jiff() < jiff::Timestamp::from_second(1_760_000_000).unwrap_or(jiff::Timestamp::UNIX_EPOCH) {
        return Finding::Bad(format!("clock: it says {now}, which is in the past; set it"));
    }
    Finding::Good(format!("clock: {now}"))
}

fn egress(config: &Config) -> Finding {
    if config.private_targets.is_empty() {
        Finding::Good("egress: public addresses only".to_owned())
    } else {
        Finding::Good(format!(
            "egress: public addresses, and {}",
            config.private_targets.join(", ")
        ))
    }
}

/// Opens the store only if it is there: a doctor does not set up what is not.
async fn store(config: &Config) -> Vec<Finding> {
    let name = match config.database {
        Database::Embedded => {
            if !config.data_dir.join(DATABASE_FILE).exists() {
                return vec![Finding::Warning(
                    "store: no database yet; `freehold serve` makes it".to_owned(),
                )];
            }
            "SQLite"
        }
        Database::Postgres(_) => "PostgreSQL",
    };
    match check_store(config).await {
        Ok(mut findings) => {
            findings.insert(
                0,
                Finding::Good(format!(
                    "store: {name} answers and can write; its schema is the newest"
                )),
            );
            findings
        }
        Err(error) => vec![Finding::Bad(format!("store: {name}: {error:#}"))],
    }
}

async fn check_store(config: &Config) -> anyhow::Result<Vec<Finding>> {
    let store = compose::open_store(config, Sharing::Beside).await?;
    let ports = store.ports();
    ports.check().await.context("the store cannot write")?;
    let mut findings = Vec::new();
    match (ports.installation().await?, root_key::find(config)) {
        (None, _) => findings.push(Finding::Warning("installation: not set up yet".to_owned())),
        (Some(installation), Ok(Some(found))) => {
            let fits = found.key.check_value(installation.id) == installation.root_check;
            findings.push(if fits {
                Finding::Good("installation: the root key belongs to it".to_owned())
            } else {
                Finding::Bad(
                    "installation: the root key is another one; put the right one in place".to_owned(),
                )
            });
        }
        (Some(_), _) => {
            findings.push(Finding::Bad(
                "installation: its root key is missing; put its backup in place".to_owned(),
            ));
        }
    }
    store.close().await?;
    Ok(findings)
}
