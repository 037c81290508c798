//! The command line of the soak.

use std::path::PathBuf;

pub(crate) const USAGE: &str = "\
usage: freehold-soak [kill] [option]…

  kill                       kills the server under load again and again, and checks the books each time (the default)

  --times <n>                how often (300)
  --store sqlite|postgres    where the books are kept; both in turn if left out
  --seed <n>                 gives the same moments of death again (1)
  --freehold <file>          takes this executable instead of building one";

/// Where the server keeps its books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Sqlite,
    Postgres,
}

impl Store {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flags {
    pub(crate) times: u64,
    pub(crate) stores: Vec<Store>,
    pub(crate) seed: u64,
    pub(crate) freehold: Option<PathBuf>,
}

/// What the words of the command line say; nothing if they ask for help.
pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Option<Flags>, String> {
    let mut words = words.skip_while(|word| word == "kill");
    let mut flags = Flags {
        times: 300,
        stores: vec![Store::Sqlite, Store::Postgres],
        seed: 1,
        freehold: None,
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} wants a value"));
        match word.as_str() {
            "--help" | "-h" => return Ok(None),
            "--times" => flags.times = number(&value()?)?.max(1),
            "--seed" => flags.seed = number(&value()?)?,
            "--freehold" => flags.freehold = Some(value()?.into()),
            "--store" => {
                flags.stores = match value()?.as_str() {
                    "sqlite" => vec![Store::Sqlite],
                    "postgres" => vec![Store::Postgres],
                    other => return Err(format!("{other:?} is neither `sqlite` nor `postgres`")),
                }
            }
            other => return Err(format!("{other:?} is no option")),
        }
    }
    Ok(Some(flags))
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text:?} is no whole number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Option<Flags>, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_command_may_be_left_out_and_so_may_everything_else() {
        assert_eq!(parsed(""), parsed("kill"));
        let flags = parsed("kill --times 20 --store postgres --seed 7")
            .unwrap()
            .unwrap();
        assert_eq!(
            (flags.times, flags.stores, flags.seed),
            (20, vec![Store::Postgres], 7)
        );
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for line in ["live", "--tims 5", "--times", "--times many", "--store redis"] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
