//! Which layer wins, what is refused, and that no complaint repeats a secret.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::of(
        variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>(),
    )
}

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("freehold.toml");
    std::fs::write(&path, text).unwrap();
    (directory, path)
}

fn with_file(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let (_directory, path) = file(text);
    Config::from_layers(
        Flags {
            config: Some(path),
            ..Flags::default()
        },
        environment(variables),
    )
}

#[test]
fn with_nothing_said_the_defaults_of_the_contract_hold() {
    let config = with_file("", &[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.data_dir, PathBuf::from("./freehold-data"));
    assert!(matches!(config.database, Database::Embedded));
    assert_eq!(config.log, "info");
}

#[test]
fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
    let (_directory, path) = file("listen = \"127.0.0.1:1\"\nlog = \"warn\"\ndata_dir = \"/a\"");
    let flags = Flags {
        config: Some(path),
        listen: Some("127.0.0.1:3".to_owned()),
        ..Flags::default()
    };
    let variables = [("FREEHOLD_LISTEN", "127.0.0.1:2"), ("FREEHOLD_LOG", "debug")];
    let config = Config::from_layers(flags, environment(&variables)).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.log, "debug");
    assert_eq!(config.data_dir, PathBuf::from("/a"));
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let error = with_file("listen = \"127.0.0.1:1\"\nlisten_on = 3\n", &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("line 2") && error.contains("listen_on"), "{error}");
    assert!(with_file("[egress]\nprivate_target = []", &[]).is_err());
    assert!(with_file("[[plans]]\nname = \"x\"\nmonthly_fee = 1", &[]).is_err());
}

#[test]
fn no_complaint_about_a_secret_repeats_it() {
    for text in [
        "root_key = 12345678901",
        "admin_token = [\"canary-0123456789\"]",
        "root_key = \"canary-0123456789\nx",
    ] {
        let error = format!("{:#}", anyhow::Error::from(with_file(text, &[]).unwrap_err()));
        assert!(
            !error.contains("canary") && !error.contains("12345678901"),
            "{error}"
        );
    }
}

#[test]
fn a_secret_can_be_given_by_file_but_not_twice() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    std::fs::write(&path, "a token from a file\n").unwrap();
    let by_file = [("FREEHOLD_ADMIN_TOKEN_FILE", path.to_str().unwrap())];
    assert!(with_file("", &by_file).unwrap().admin_token.is_some());
    let twice = [by_file[0], ("FREEHOLD_ADMIN_TOKEN", "another")];
    assert!(with_file("", &twice).is_err());
}

#[test]
fn a_platform_key_can_come_from_the_environment() {
    let config = with_file("", &[("FREEHOLD_PLATFORM_OPENAI_KEY", "sk-platform-key")]).unwrap();
    assert_eq!(config.platform_keys.len(), 1);
    assert_eq!(config.platform_keys[0].base_url, "https://api.openai.com/v1");
    let error = with_file("[[platform_keys]]\nprovider = \"openai\"", &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("platform_keys[0].key"), "{error}");
}

#[test]
fn a_misspelt_variable_is_reported() {
    let config = with_file(
        "",
        &[("FREEHOLD_LISTN", "127.0.0.1:9"), ("FREEHOLD_ROOT_KEY_FILE", "")],
    )
    .unwrap();
    assert_eq!(config.unknown_variables, ["FREEHOLD_LISTN"]);
}

#[test]
fn limits_outside_their_bounds_are_refused_by_name() {
    let error = with_file("[limits]\nattempts_max = 0", &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("limits.attempts_max"), "{error}");
}
