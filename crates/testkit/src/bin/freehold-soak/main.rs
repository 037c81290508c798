//! Runs the server under load and faults for as long as it is told to, and checks the books.

mod books;
mod flags;
mod trial;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use freehold_testkit::freehold::Options;
use freehold_testkit::postgres::Postgres;

use flags::{Flags, Store};
use trial::{Trial, Trials};

/// How often it says how far it is.
const TELL_EVERY: u64 = 10;

fn main() -> ExitCode {
    let flags = match flags::parse(std::env::args().skip(1)) {
        Ok(Some(flags)) => flags,
        Ok(None) => {
            say(flags::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(why) => {
            tell(&format!("{why}\n\n{}", flags::USAGE));
            return ExitCode::from(64);
        }
    };
    match soak(&flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            tell(&format!("freehold-soak: {why}"));
            ExitCode::FAILURE
        }
    }
}

fn soak(flags: &Flags) -> Result<(), String> {
    let executable = match &flags.freehold {
        // The server runs in a directory of its own, where a relative path leads elsewhere.
        Some(path) => std::fs::canonicalize(path).map_err(|error| format!("{}: {error}", path.display()))?,
        None => build()?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    for store in &flags.stores {
        runtime.block_on(kill(flags, &executable, *store))?;
    }
    Ok(())
}

/// Kills the server as often as it was told to, and looks at the books each time and once more at the end.
async fn kill(flags: &Flags, executable: &Path, store: Store) -> Result<(), String> {
    let mut options = Options::new(executable).log("warn");
    let postgres = match store {
        Store::Sqlite => None,
        Store::Postgres => Some(Postgres::start_durable()),
    };
    if let Some(postgres) = &postgres {
        options = options.database(postgres.database());
    }
    let began = Instant::now();
    let mut trials = Trials::start(options, flags.seed).await;
    let mut sum = Sum::default();
    for number in 1..=flags.times {
        sum.add(
            trials
                .next()
                .await
                .map_err(|broken| format!("{}, seed {}: {broken}", store.name(), flags.seed))?,
        );
        if number % TELL_EVERY == 0 || number == flags.times {
            tell(&format!(
                "{}: {number} of {} deaths, {}",
                store.name(),
                flags.times,
                sum.text()
            ));
        }
    }
    let records = trials
        .look_back()
        .await
        .map_err(|broken| format!("looking back, {broken}"))?;
    say(&format!(
        "{}: killed {} times (seed {}) in {:.0?}\n  {} replies seen whole, 0 of them without their record, 0 recorded twice\n  \
         {} requests broke off, {records} records in all, 0 credits left held, ledger and records agree\n  \
         ready again within {:.0?} at most\n  0 of {} deaths: the rate of a loss lies below {:.2} % at 95 % confidence",
        store.name(),
        flags.times,
        flags.seed,
        began.elapsed(),
        sum.acknowledged,
        sum.broken,
        sum.ready_max,
        flags.times,
        300.0 / f64::from(u32::try_from(flags.times).unwrap_or(u32::MAX)),
    ));
    Ok(())
}

/// What all trials saw together.
#[derive(Debug, Default)]
struct Sum {
    acknowledged: usize,
    broken: u64,
    life: Duration,
    ready_max: Duration,
}

impl Sum {
    fn add(&mut self, trial: Trial) {
        self.acknowledged += trial.acknowledged;
        self.broken += trial.broken;
        self.life += trial.life;
        self.ready_max = self.ready_max.max(trial.ready);
    }

    fn text(&self) -> String {
        let Self {
            acknowledged,
            broken,
            life,
            ready_max,
        } = self;
        format!(
            "{acknowledged} replies seen whole in {life:.0?} of load, {broken} broken off, ready within {ready_max:.0?}"
        )
    }
}

/// The executable, built as it is shipped.
fn build() -> Result<PathBuf, String> {
    tell("building freehold");
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let status = Command::new("cargo")
        .args([
            "build",
            "--release",
            "--locked",
            "--package",
            "freehold-server",
            "--bin",
            "freehold",
        ])
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    let target = here
        .ancestors()
        .nth(2)
        .ok_or("this program lies in no target directory")?;
    let executable = target.join("release/freehold");
    if status.success() && executable.is_file() {
        return Ok(executable);
    }
    Err("freehold could not be built; name an executable with --freehold".to_owned())
}

/// Writes a result.
#[expect(clippy::print_stdout, reason = "this is a program that talks on a terminal")]
fn say(text: &str) {
    println!("{text}");
}

/// Writes how far it is.
#[expect(clippy::print_stderr, reason = "this is a program that talks on a terminal")]
fn tell(text: &str) {
    eprintln!("{text}");
}
