//! The command line of the benchmark.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::phase::Phase;

pub(crate) const USAGE: &str = "\
usage: freehold-bench [option]…

  --quick              short phases and one round: shows that the rig works, not what the gateway costs
  --rounds <n>         how often everything is measured (3); medians are shown
  --seconds <n>        how long each phase lasts (5)
  --connections <n>    connections that saturate (64)
  --phase <name>       measures this phase alone, for profiling: requests, steady, streams or fast
  --store postgres     keeps the books in a throw-away PostgreSQL instead of SQLite
  --freehold <file>    measures this executable instead of building one
  --markdown <file>    writes the tables there too";

/// What the process is to do.
#[derive(Debug)]
pub(crate) enum Command {
    Help,
    /// Be the provider.
    Provider,
    /// Be the bare proxy before the provider at this address.
    Bare(SocketAddr),
    /// Run the benchmark.
    Measure(Flags),
}

/// Where the gateway keeps its books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Sqlite,
    Postgres,
}

/// How to measure.
#[derive(Debug, Clone)]
pub(crate) struct Flags {
    pub(crate) rounds: usize,
    pub(crate) duration: Duration,
    pub(crate) connections: u32,
    pub(crate) phases: Vec<Phase>,
    pub(crate) store: Store,
    pub(crate) freehold: Option<PathBuf>,
    pub(crate) markdown: Option<PathBuf>,
}

impl Default for Flags {
    fn default() -> Self {
        Self {
            rounds: 3,
            duration: Duration::from_secs(5),
            connections: 64,
            phases: Phase::ALL.to_vec(),
            store: Store::Sqlite,
            freehold: None,
            markdown: None,
        }
    }
}

/// What the words of the command line say.
pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut words = words.peekable();
    match words.peek().map(String::as_str) {
        Some("provider") => return Ok(Command::Provider),
        Some("bare") => {
            let address = words.nth(1).ok_or("bare wants the provider's address")?;
            return Ok(Command::Bare(number(&address)?));
        }
        _ => {}
    }
    let mut flags = Flags::default();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} wants a value"));
        match word.as_str() {
            "--help" | "-h" => return Ok(Command::Help),
            "--quick" => (flags.rounds, flags.duration) = (1, Duration::from_secs(1)),
            "--rounds" => flags.rounds = number::<u8>(&value()?)?.max(1).into(),
            "--seconds" => flags.duration = Duration::from_secs(number::<u8>(&value()?)?.max(1).into()),
            "--connections" => flags.connections = number::<u16>(&value()?)?.max(1).into(),
            "--phase" => {
                let name = value()?;
                let phase = Phase::named(&name).ok_or(format!("{name:?} is no phase"))?;
                flags.phases = vec![phase];
            }
            "--store" => {
                flags.store = match value()?.as_str() {
                    "sqlite" => Store::Sqlite,
                    "postgres" => Store::Postgres,
                    other => return Err(format!("{other:?} is neither `sqlite` nor `postgres`")),
                }
            }
            "--freehold" => flags.freehold = Some(value()?.into()),
            "--markdown" => flags.markdown = Some(value()?.into()),
            other => return Err(format!("{other:?} is no option")),
        }
    }
    Ok(Command::Measure(flags))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| format!("{text:?}: {error}"))
}
