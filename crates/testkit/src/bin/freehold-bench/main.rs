//! Measures the gateway against a bare proxy: one run, on loopback, the same load in turns. `docs/BENCH.md` tells how
//! to read it.

mod flags;
mod line;
mod load;
mod machine;
mod phase;
mod process;
mod proxy;
mod report;
mod start;
mod target;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use flags::{Command, Flags};
use phase::Measured;
use process::Servant;
use report::{Findings, Report};
use target::{Name, Target};

/// How many times each kind of start is timed.
const STARTS: usize = 7;
/// How long the gateway is left alone before its memory is read.
const REST: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let result = match flags::parse(std::env::args().skip(1)) {
        Err(why) => {
            say(&format!("{why}\n\n{}", flags::USAGE));
            return ExitCode::from(64);
        }
        Ok(Command::Help) => {
            say(flags::USAGE);
            Ok(())
        }
        Ok(Command::Provider) => process::provider(),
        Ok(Command::Bare(provider)) => proxy::run(provider),
        Ok(Command::Measure(flags)) => measure(&flags),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("freehold-bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn measure(flags: &Flags) -> io::Result<()> {
    let executable = match &flags.freehold {
        Some(path) => path.clone(),
        None => process::build()?,
    };
    tell("timing starts");
    let starts = start::time(&executable, STARTS)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let findings = runtime.block_on(run(flags, &executable, starts))?;
    let report = Report::of(&findings);
    say(&report.terminal());
    if let Some(path) = &flags.markdown {
        std::fs::write(path, report.markdown())?;
    }
    if findings.records == findings.answers {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "{} answers and {} records: what was measured is not the whole work",
        findings.answers, findings.records
    )))
}

async fn run(flags: &Flags, executable: &std::path::Path, starts: start::Starts) -> io::Result<Findings> {
    let provider = Servant::start(&["provider".to_owned()])?;
    let bare = Servant::start(&["bare".to_owned(), provider.address.to_string()])?;
    let (mut server, gateway) = target::gateway(flags, executable, provider.address).await?;
    tokio::time::sleep(REST).await;
    let idle_bytes = machine::resident_bytes(server.process_id())?;
    let targets = [
        Target::direct(provider.address),
        Target::bare(bare.address, bare.id()),
        gateway,
    ];
    let mut measured: Vec<Measured> = Vec::new();
    let mut answers = target::PROBES;
    for round in 0..flags.rounds {
        for &phase in &flags.phases {
            for target in in_turn(&targets, round) {
                tell(&format!(
                    "round {} of {}: {}, {}",
                    round + 1,
                    flags.rounds,
                    phase.name(),
                    target.name.text()
                ));
                let result = phase::run(flags, phase, round, target, provider.id()).await?;
                if target.name == Name::Freehold {
                    answers += result.sample.answered + result.warm_up;
                }
                measured.push(result);
            }
        }
    }
    tokio::time::sleep(REST).await;
    let loaded_bytes = machine::resident_bytes(server.process_id())?;
    tell("counting records");
    let records = target::count_records(&server).await?;
    let ended = server.terminate().await;
    if !ended.success() {
        return Err(io::Error::other(format!(
            "the gateway did not end well: {ended}\n{}",
            server.output()
        )));
    }
    Ok(Findings {
        flags: flags.clone(),
        measured,
        starts,
        idle_bytes,
        loaded_bytes,
        executable_bytes: std::fs::metadata(executable)?.len(),
        answers,
        records,
    })
}

/// The targets, in the other order every second round: what drifts, drifts for all.
fn in_turn(targets: &[Target; 3], round: usize) -> Vec<&Target> {
    let mut order: Vec<&Target> = targets.iter().collect();
    if round % 2 == 1 {
        order.reverse();
    }
    order
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
