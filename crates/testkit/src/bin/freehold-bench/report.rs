//! The tables: medians over the rounds, ratios within each round, and whether the targets are met.

use std::fmt::Write as _;
use std::time::Duration;

use crate::flags::{Flags, Store};
use crate::machine;
use crate::phase::{Measured, Phase};
use crate::start::Starts;
use crate::target::Name;

/// Processor time of others above which a run is not to be trusted, as a share of a phase's time on one core.
const OTHERS_MAX: f64 = 0.1;

/// All that a run found.
pub(crate) struct Findings {
    pub(crate) flags: Flags,
    pub(crate) measured: Vec<Measured>,
    pub(crate) starts: Starts,
    pub(crate) idle_bytes: u64,
    pub(crate) loaded_bytes: u64,
    pub(crate) executable_bytes: u64,
    /// Requests the gateway answered.
    pub(crate) answers: u64,
    /// Requests that stand in its books.
    pub(crate) records: u64,
}

/// A value over the rounds.
#[derive(Debug, Clone, Copy)]
struct Spread {
    low: f64,
    middle: f64,
    high: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        let last = values.len().saturating_sub(1);
        // Of an even number of rounds the middle lies between two.
        let middle = f64::midpoint(at(last / 2), at(values.len() / 2));
        Self {
            low: at(0),
            middle,
            high: at(last),
        }
    }
}

impl Findings {
    fn of(&self, phase: Phase, target: Name) -> impl Iterator<Item = &Measured> {
        self.measured
            .iter()
            .filter(move |measured| measured.phase == phase && measured.target == target)
    }

    fn middle(&self, phase: Phase, target: Name, value: impl Fn(&Measured) -> f64) -> f64 {
        Spread::of(self.of(phase, target).map(value)).middle
    }

    /// `value` of the gateway beside that of `base` in the same round.
    fn beside(
        &self,
        phase: Phase,
        base: Name,
        value: impl Fn(&Measured) -> f64,
        join: impl Fn(f64, f64) -> f64,
    ) -> Spread {
        let pairs = self.of(phase, Name::Freehold).filter_map(|ours| {
            let theirs = self.of(phase, base).find(|theirs| theirs.round == ours.round)?;
            Some(join(value(ours), value(theirs)))
        });
        Spread::of(pairs)
    }

    fn ratio(&self, phase: Phase) -> Spread {
        self.beside(phase, Name::Bare, Measured::cost_us, |ours, theirs| ours / theirs)
    }

    fn added(&self, percent: usize) -> Spread {
        let wait = |measured: &Measured| micros(measured.sample.percentile(percent));
        self.beside(Phase::Steady, Name::Direct, wait, |ours, theirs| ours - theirs)
    }

    /// The largest share of one core that others took in a phase.
    fn others(&self) -> f64 {
        let shares = self
            .measured
            .iter()
            .map(|measured| measured.others.as_secs_f64() / measured.sample.elapsed.as_secs_f64());
        shares.fold(0.0, f64::max)
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

/// A table with its heading.
struct Table {
    title: String,
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// The result, ready to be shown.
pub(crate) struct Report {
    tables: Vec<Table>,
    notes: Vec<String>,
}

impl Report {
    pub(crate) fn of(findings: &Findings) -> Self {
        let mut tables = vec![targets(findings)];
        tables.extend(findings.flags.phases.iter().map(|&phase| costs(findings, phase)));
        Self {
            tables,
            notes: notes(findings),
        }
    }

    /// For eyes.
    pub(crate) fn terminal(&self) -> String {
        let mut out = String::new();
        for table in &self.tables {
            let _ = writeln!(out, "\n{}", table.title);
            let head: Vec<String> = table.head.iter().map(|&cell| cell.to_owned()).collect();
            let rows = || std::iter::once(&head).chain(&table.rows);
            let width = |column: usize| {
                rows()
                    .filter_map(|row| row.get(column))
                    .map(|cell| cell.chars().count())
                    .max()
            };
            for row in rows() {
                for (column, cell) in row.iter().enumerate() {
                    let width = width(column).unwrap_or_default();
                    let _ = if column == 0 {
                        write!(out, "  {cell:width$}")
                    } else {
                        write!(out, "  {cell:>width$}")
                    };
                }
                out.push('\n');
            }
        }
        for note in &self.notes {
            let _ = write!(out, "\n{note}");
        }
        out
    }

    /// For `docs/BENCH.md`.
    pub(crate) fn markdown(&self) -> String {
        let mut out = String::new();
        for table in &self.tables {
            let _ = writeln!(out, "### {}\n\n| {} |", table.title, table.head.join(" | "));
            let _ = writeln!(out, "|{}", " --- |".repeat(table.head.len()));
            for row in &table.rows {
                let _ = writeln!(out, "| {} |", row.join(" | "));
            }
            out.push('\n');
        }
        for note in &self.notes {
            let _ = writeln!(out, "* {note}");
        }
        out
    }
}

/// What a value must stay below.
struct Goal {
    what: &'static str,
    value: f64,
    range: Option<Spread>,
    target: Option<f64>,
    goal: Option<f64>,
    unit: &'static str,
    digits: usize,
}

impl Goal {
    fn row(&self) -> Vec<String> {
        let Self { digits, unit, .. } = *self;
        let number = |value: f64| format!("{value:.digits$}{unit}");
        let bound = |bound: Option<f64>| bound.map_or_else(String::new, number);
        let range = self.range.map_or_else(String::new, |range| {
            format!("{:.digits$} to {:.digits$}", range.low, range.high)
        });
        let below = |bound: Option<f64>| bound.is_some_and(|bound| self.value <= bound);
        let verdict = match (below(self.target), below(self.goal)) {
            (_, true) => "goal reached",
            (true, false) => "met",
            (false, false) if self.target.is_none() => "above the goal",
            (false, false) => "MISSED",
        };
        vec![
            self.what.to_owned(),
            number(self.value),
            range,
            bound(self.target),
            bound(self.goal),
            verdict.to_owned(),
        ]
    }
}

fn targets(findings: &Findings) -> Table {
    let spread = |what, range: Spread, target, goal, unit, digits| Goal {
        what,
        value: range.middle,
        range: Some(range),
        target,
        goal,
        unit,
        digits,
    };
    let single = |what, value, target, goal, unit, digits| Goal {
        what,
        value,
        range: None,
        target: Some(target),
        goal,
        unit,
        digits,
    };
    let millis = |duration: Duration| duration.as_secs_f64() * 1e3;
    let goals = [
        spread(
            "CPU per request, times the bare proxy's",
            findings.ratio(Phase::Saturation),
            Some(2.5),
            Some(1.5),
            "",
            2,
        ),
        spread(
            "CPU per streamed event, times the bare proxy's",
            findings.ratio(Phase::Paced),
            Some(1.5),
            Some(1.1),
            "",
            2,
        ),
        spread(
            "added at 500 a second, p50",
            findings.added(50),
            None,
            Some(80.0),
            " us",
            0,
        ),
        spread(
            "added at 500 a second, p99",
            findings.added(99),
            None,
            Some(200.0),
            " us",
            0,
        ),
        single(
            "memory after start",
            mebibytes(findings.idle_bytes),
            30.0,
            Some(20.0),
            " MiB",
            1,
        ),
        single(
            "ready on a fresh directory",
            millis(findings.starts.first),
            150.0,
            None,
            " ms",
            0,
        ),
        single(
            "ready on a known directory",
            millis(findings.starts.again),
            150.0,
            None,
            " ms",
            0,
        ),
    ];
    Table {
        title: "Targets".to_owned(),
        head: vec!["what", "median", "rounds", "target", "goal", ""],
        // Without its phase a value was not measured.
        rows: goals
            .iter()
            .filter(|goal| goal.value.is_finite())
            .map(Goal::row)
            .collect(),
    }
}

fn costs(findings: &Findings, phase: Phase) -> Table {
    let rows = Name::ALL.into_iter().map(|target| {
        let middle = |value: fn(&Measured) -> f64| findings.middle(phase, target, value);
        let (cost, ratio) = match target {
            Name::Direct => (String::new(), String::new()),
            Name::Bare => (format!("{:.1}", middle(Measured::cost_us)), "1".to_owned()),
            Name::Freehold => {
                let Spread {
                    low,
                    middle: ratio,
                    high,
                } = findings.ratio(phase);
                (
                    format!("{:.1}", middle(Measured::cost_us)),
                    format!("{ratio:.2} ({low:.2} to {high:.2})"),
                )
            }
        };
        vec![
            target.text().to_owned(),
            format!("{:.0}", middle(Measured::per_second)),
            format!("{:.0}", middle(|measured| micros(measured.sample.percentile(50)))),
            format!("{:.0}", middle(|measured| micros(measured.sample.percentile(99)))),
            cost,
            ratio,
        ]
    });
    let (rate, wait, cost) = if phase.is_stream() {
        ("events/s", "first byte p50 us", "CPU ms per 1,000 events")
    } else {
        ("requests/s", "p50 us", "CPU us per request")
    };
    Table {
        title: capitalised(phase.name()),
        head: vec!["target", rate, wait, "p99 us", cost, "times bare"],
        rows: rows.collect(),
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

fn notes(findings: &Findings) -> Vec<String> {
    let flags = &findings.flags;
    let store = match flags.store {
        Store::Sqlite => "SQLite",
        Store::Postgres => "PostgreSQL",
    };
    let others = findings.others();
    let trust = if others > OTHERS_MAX {
        ": TOO MUCH, do not trust these numbers"
    } else {
        ""
    };
    vec![
        format!("Machine: {}.", machine::describe()),
        format!(
            "Run: {} rounds of {} s a phase, {} connections at saturation, books in {store}; others took at most {:.0} % of a core in any phase{trust}.",
            flags.rounds,
            flags.duration.as_secs(),
            flags.connections,
            others * 100.0
        ),
        format!(
            "Work done: {} requests answered, {} usage records on disk{}.",
            findings.answers,
            findings.records,
            if findings.answers == findings.records {
                ""
            } else {
                ": THEY DIFFER"
            }
        ),
        format!(
            "Memory {:.1} MiB after start, {:.1} MiB after the load; executable {:.1} MiB.",
            mebibytes(findings.idle_bytes),
            mebibytes(findings.loaded_bytes),
            mebibytes(findings.executable_bytes)
        ),
    ]
}
