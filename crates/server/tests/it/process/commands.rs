//! The commands beside `serve`: they read what is there, say what they find, and change nothing.

use freehold_testkit::freehold::Freehold;

use crate::support::command::{code, run, said};
use crate::support::options;

const SECRETS: &str = r#"
admin_token = "an-operator-token-of-sufficient-length-0123456789"
root_key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
redis_url = "redis://user:redis-password-0123@127.0.0.1:6379"

[[platform_keys]]
provider = "openai"
key = "sk-platform-0123456789abcdef"

[[plans]]
name = "tiny"
max_credits_per_request = "2"
"#;

#[test]
fn a_sound_configuration_is_called_sound() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(directory.path(), &["config", "check"]);
    assert_eq!(code(&output), 0, "{}", said(&output));
    std::fs::write(directory.path().join("freehold.toml"), SECRETS).unwrap();
    let output = run(directory.path(), &["config", "check"]);
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(said(&output).contains("freehold.toml"));
}

#[test]
fn an_unsound_configuration_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    for (text, name) in [
        ("listn = \"127.0.0.1:1\"", "listn"),
        ("[limits]\nattempts_max = 0", "limits.attempts_max"),
        ("[egress]\nprivate_targets = [\"everything\"]", "private_targets"),
        ("[[plans]]\nname = \"a\"\nupgrade_to = \"b\"", "upgrade_to"),
    ] {
        std::fs::write(directory.path().join("freehold.toml"), text).unwrap();
        let output = run(directory.path(), &["config", "check"]);
        assert_eq!(code(&output), 64, "{text}: {}", said(&output));
        assert!(said(&output).contains(name), "{text}: {}", said(&output));
    }
}

#[test]
fn the_dump_of_the_configuration_masks_every_secret_and_can_be_read_again() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("freehold.toml"), SECRETS).unwrap();
    let output = run(
        directory.path(),
        &["config", "dump", "--listen", "127.0.0.1:18099"],
    );
    assert_eq!(code(&output), 0, "{}", said(&output));
    let dump = said(&output);
    for secret in ["an-operator-token", "AAECAwQF", "redis-password", "sk-platform"] {
        assert!(!dump.contains(secret), "{secret} in {dump}");
    }
    assert!(
        dump.contains("127.0.0.1:18099") && dump.contains("tiny"),
        "{dump}"
    );
    assert_eq!(dump.matches("********").count(), 4, "{dump}");
    // Masked secrets are no secrets, but the form is that of the file.
    let parsed: toml::Table = dump.parse().unwrap();
    assert!(parsed.contains_key("limits"));
}

#[tokio::test]
async fn the_doctor_finds_a_live_installation_well() {
    let server = Freehold::start(options()).await;
    let output = server.run(&["doctor"]);
    assert_eq!(code(&output), 0, "{}", said(&output));
    let text = said(&output);
    assert!(text.contains("the root key belongs to it"), "{text}");
    assert!(!text.contains("mend "), "{text}");
    let _ = server.admin_get("/admin/v1/workspaces").await.expect(200);
}

#[tokio::test]
async fn the_doctor_says_what_to_mend() {
    let mut server = Freehold::start(options()).await;
    assert!(server.terminate().await.success());
    std::fs::remove_file(server.data().join("root.key")).unwrap();
    let output = server.run(&["doctor"]);
    assert_eq!(code(&output), 1, "{}", said(&output));
    assert!(said(&output).contains("root key is missing"), "{}", said(&output));
}

#[test]
fn the_doctor_sets_nothing_up() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(directory.path(), &["doctor"]);
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn the_version_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(directory.path(), &["--version"]);
    assert_eq!(code(&output), 0);
    assert!(said(&output).contains(env!("CARGO_PKG_VERSION")));
}
