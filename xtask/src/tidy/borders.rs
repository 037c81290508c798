//! What only one crate may do: write SQL, read the environment, the clock or chance, know a provider's fields, answer HTTP.

use super::exceptions::Exceptions;
use super::finding::{Finding, Rule};
use crate::rust::{Source, line_of, words};
use crate::tree::{File, Tree};

const SQL: Rule = Rule {
    name: "SQL",
    why: "only crates/store contains SQL, in both dialects, every statement of which is prepared in a test",
    way_out: "add the operation to a port in crates/domain and write its SQL in crates/store",
};

/// A border that is seen by names in code.
struct Border {
    rule: Rule,
    /// Separated by white space. A name that ends in `::` is found with whatever follows it.
    names: &'static str,
    /// What may follow such a name all the same.
    harmless: &'static [&'static str],
    /// Whether the names are looked for in string literals too.
    in_literals: bool,
    /// The folders that the border goes through; all crates, if empty.
    within: &'static [&'static str],
    /// The files and, ending in `/`, folders where the names may stand.
    home: &'static [&'static str],
}

const BORDERS: &[Border] = &[
    Border {
        rule: Rule {
            name: "environment",
            why: "settings are read and checked once, by the executable, before any port is bound",
            way_out: "take the value as an argument; crates/server reads it",
        },
        names: "env::var env::vars env::var_os env::vars_os env::set_var env::remove_var",
        harmless: &[],
        in_literals: false,
        within: &[],
        home: &["crates/server/", "crates/testkit/"],
    },
    Border {
        rule: Rule {
            name: "wall clock",
            why: "time of day is passed in, so that a test decides what time it is",
            way_out: "take a `domain::time::Clock`, or a `Timestamp` where one moment is enough",
        },
        names: "SystemTime::now SystemTime::UNIX_EPOCH time::UNIX_EPOCH Timestamp::now Zoned::now Utc::now Local::now
            OffsetDateTime::now_utc Uuid::now_v1 Uuid::now_v6 Uuid::now_v7",
        harmless: &[],
        in_literals: false,
        within: &[],
        home: &["crates/server/", "crates/testkit/"],
    },
    Border {
        rule: Rule {
            name: "chance",
            why: "randomness comes in through ports, so that a run can be repeated and every source of keys is known",
            way_out: "take a `domain::id::IdSource` or the vault's source of entropy",
        },
        names: "rand:: fastrand:: getrandom SystemRandom OsRng SysRng thread_rng Uuid::new_v4",
        harmless: &[],
        in_literals: false,
        within: &[],
        home: &["crates/vault/src/entropy.rs", "crates/server/", "crates/testkit/"],
    },
    Border {
        rule: Rule {
            name: "provider word",
            why: "only crates/wire knows how a provider names things, so that a new provider touches one folder",
            way_out: "let crates/wire read or write the field, and use the word of the glossary outside it",
        },
        names: PROVIDER_WORDS,
        harmless: &[],
        in_literals: true,
        within: &[],
        home: &["crates/wire/", "crates/testkit/"],
    },
    Border {
        rule: Rule {
            name: "HTTP status",
            why: "which refusal has which status is decided in one file per plane, so that it can be read at once",
            way_out: "return the plane's error; its error.rs maps it to a status",
        },
        names: "StatusCode::",
        harmless: &["OK", "CREATED", "ACCEPTED", "NO_CONTENT"],
        in_literals: false,
        within: &["crates/gateway/", "crates/console/"],
        home: &["crates/gateway/src/error.rs", "crates/console/src/error.rs"],
    },
];

/// Names from providers' protocols: usage, requests, replies and streams, headers. Those that are words of ours as well,
/// such as `max_tokens`, `input_tokens` and `finish_reason`, tell nothing and are left out.
const PROVIDER_WORDS: &str = "
    prompt_tokens completion_tokens prompt_tokens_details completion_tokens_details input_tokens_details
    output_tokens_details cached_tokens cache_creation_input_tokens cache_read_input_tokens ephemeral_5m_input_tokens
    ephemeral_1h_input_tokens prompt_cache_hit_tokens prompt_cache_miss_tokens usageMetadata promptTokenCount
    candidatesTokenCount thoughtsTokenCount cachedContentTokenCount prompt_eval_count eval_count x_groq

    max_completion_tokens stream_options include_usage generationConfig maxOutputTokens reasoning_effort budget_tokens
    tool_choice response_format logprobs

    stop_reason finishReason tool_calls tool_use system_fingerprint content_block_delta message_start
    message_delta chat.completion.chunk response.completed [DONE]

    anthropic-version anthropic-beta x-api-key x-goog-api-key openai-organization openai-project retry-after-ms
";

pub(super) fn check(tree: &Tree, exceptions: &mut Exceptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, source) in tree
        .product()
        .filter(|(file, _)| file.path.starts_with("crates/"))
    {
        if !file.path.starts_with("crates/store/") {
            let statements = source
                .product_literals
                .iter()
                .filter(|literal| is_sql(&literal.text));
            findings.extend(statements.map(|literal| {
                let line = line_of(&file.text, literal.offset);
                SQL.at(
                    &file.path,
                    line,
                    format!("SQL statement `{}`", opening(&literal.text)),
                )
            }));
        }
        for border in BORDERS {
            findings.extend(border_findings(border, file, source, exceptions));
        }
    }
    let sql_files = tree
        .files()
        .filter(|file| file.path.ends_with(".sql") && !file.path.starts_with("crates/store/"));
    findings.extend(sql_files.map(|file| SQL.at(&file.path, 0, "SQL file outside crates/store")));
    findings
}

fn border_findings(
    border: &Border,
    file: &File,
    source: &Source,
    exceptions: &mut Exceptions,
) -> Vec<Finding> {
    let within = border.within.is_empty() || border.within.iter().any(|folder| file.path.starts_with(folder));
    let at_home = |place: &&str| file.path == *place || place.ends_with('/') && file.path.starts_with(*place);
    if !within || border.home.iter().any(at_home) {
        return Vec::new();
    }
    let mut found: Vec<(usize, String)> = Vec::new();
    for name in border.names.split_whitespace() {
        for offset in words(&source.product, name) {
            let after = source.product.get(offset + name.len()..).unwrap_or_default();
            let following: &str = if name.ends_with("::") {
                first_word(after)
            } else {
                ""
            };
            if following.is_empty() || !border.harmless.contains(&following) {
                found.push((offset, format!("uses `{name}{following}`")));
            }
        }
        for literal in source.product_literals.iter().filter(|_| border.in_literals) {
            let inside = words(&literal.text, name).into_iter();
            found.extend(inside.map(|offset| (literal.offset + offset, format!("uses `{name}`"))));
        }
    }
    found.retain(|(_, what)| !exceptions.excuse(border.rule.name, &file.path, what));
    let told = found
        .into_iter()
        .map(|(offset, what)| border.rule.at(&file.path, line_of(&file.text, offset), what));
    told.collect()
}

fn first_word(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// Whether a literal reads like a statement. Sentences that begin with "Select" or "Update" are none.
fn is_sql(text: &str) -> bool {
    const STATEMENTS: &[&str] = &[
        "SELECT ",
        "INSERT INTO ",
        "INSERT OR ",
        "REPLACE INTO ",
        "UPDATE % SET ",
        "DELETE FROM ",
        "CREATE TABLE ",
        "CREATE % INDEX ",
        "CREATE INDEX ",
        "CREATE VIEW ",
        "CREATE TRIGGER ",
        "ALTER TABLE ",
        "DROP TABLE ",
        "DROP INDEX ",
        "TRUNCATE ",
        "PRAGMA ",
        "BEGIN IMMEDIATE",
        "SAVEPOINT ",
        "VACUUM INTO ",
        "WITH % AS (",
        "LISTEN ",
        "NOTIFY ",
    ];
    // In small letters it takes a parameter too to tell a statement from a sentence.
    const SMALL: &[&str] = &[
        "select % from ",
        "insert into % values",
        "update % set ",
        "delete from % where ",
    ];
    const PARAMETERS: &[&str] = &["$1", "?1", "= ?", "(?", ", ?"];
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let reads = |text: &str, pattern: &&str| {
        let (start, then) = pattern.split_once('%').unwrap_or((pattern, ""));
        text.strip_prefix(start).is_some_and(|rest| rest.contains(then))
    };
    let small = text.to_lowercase();
    STATEMENTS.iter().any(|pattern| reads(&text, pattern))
        || SMALL.iter().any(|pattern| reads(&small, pattern))
            && PARAMETERS.iter().any(|mark| text.contains(mark))
}

/// The first words of a statement.
fn opening(text: &str) -> String {
    text.split_whitespace().take(4).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(usize, &'static str)> {
        let findings = check(&Tree::of([(path, text)]), &mut Exceptions::none());
        findings
            .into_iter()
            .map(|finding| (finding.line, finding.rule.name))
            .collect()
    }

    #[test]
    fn each_border_is_found_outside_its_crate_and_not_inside() {
        let cases = [
            (
                "SQL",
                "const A: &str = \"SELECT id\n FROM accounts\";",
                "crates/store/src/a.rs",
            ),
            (
                "environment",
                "let a = std::env::var(\"A\");",
                "crates/server/src/config.rs",
            ),
            (
                "wall clock",
                "let a = SystemTime::now();",
                "crates/server/src/clock.rs",
            ),
            (
                "wall clock",
                "let a = jiff::Timestamp::now();",
                "crates/server/src/clock.rs",
            ),
            (
                "chance",
                "aws_lc_rs::rand::fill(&mut a);",
                "crates/vault/src/entropy.rs",
            ),
            (
                "provider word",
                "let a = \"cache_creation_input_tokens\";",
                "crates/wire/src/anthropic.rs",
            ),
            (
                "provider word",
                "struct A { stop_reason: String }",
                "crates/wire/src/openai.rs",
            ),
            (
                "HTTP status",
                "let a = StatusCode::BAD_GATEWAY;",
                "crates/gateway/src/error.rs",
            ),
        ];
        for (rule, text, home) in cases {
            assert_eq!(
                found("crates/gateway/src/stage/a.rs", text),
                [(1, rule)],
                "{text}"
            );
            assert_eq!(found(home, text), [], "{text} in {home}");
        }
    }

    #[test]
    fn comments_tests_and_sentences_cross_no_border() {
        let text = "//! SELECT id FROM a; prompt_tokens\nlet a = \"Select a plan from the list\";\n\
                    let b = \"update the set of keys\"; let c = \"max_tokens\"; let d = my_rand::x;\n\
                    let e = StatusCode::CREATED;\n\
                    #[cfg(test)]\nmod tests { fn a() { SystemTime::now(); \"DELETE FROM a\" } }";
        assert_eq!(found("crates/console/src/a.rs", text), []);
        assert_eq!(found("crates/console/tests/it.rs", "SystemTime::now();"), []);
    }

    #[test]
    fn statements_in_small_letters_are_told_by_their_parameters() {
        assert!(is_sql("select a from b where c = $1"));
        assert!(!is_sql("select a model from the catalogue"));
    }

    #[test]
    fn an_sql_file_has_its_place() {
        assert_eq!(found("crates/console/src/a.sql", ""), [(0, "SQL")]);
    }
}
