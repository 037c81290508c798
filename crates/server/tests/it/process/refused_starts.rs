//! Starts that are refused: with the right code, a word on what to do, and nothing changed.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use freehold_testkit::freehold::{Freehold, NotReady, Options};
use freehold_testkit::simulator::{Shape, Simulator};

use crate::support::command::{code, run, said};
use crate::support::tenant::ask;
use crate::support::{Tenant, answer, options};

/// The command line or the configuration is wrong.
const USAGE: i32 = 64;
/// The root key is missing or another one.
const ROOT_KEY: i32 = 78;

async fn refused(options: Options) -> (i32, NotReady) {
    match Freehold::try_start(options).await {
        Ok(_) => panic!("it started"),
        Err(failed) => (
            failed
                .status
                .and_then(|status| status.code())
                .expect("an exit code"),
            failed,
        ),
    }
}

/// Every file of a data directory with its bytes, but for those that only say that somebody looked.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                std::fs::read(entry.path()).unwrap_or_default(),
            )
        })
        .filter(|(name, bytes)| !(bytes.is_empty() || name.ends_with("-shm")))
        .collect();
    files.sort();
    files
}

/// A data directory with an installation, a stored provider key, and nobody running on it.
async fn installation(provider: &Simulator) -> (tempfile::TempDir, Tenant) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut server = Freehold::start(options().data(directory.path())).await;
    let tenant = Tenant::new(&server).await;
    tenant.store_key("openai", provider).await;
    assert!(server.terminate().await.success());
    (directory, tenant)
}

#[test]
fn an_unknown_setting_is_named_before_the_port_is_bound_and_before_anything_is_made() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(
        directory.path().join("freehold.toml"),
        "[limits]\nbody_bytes_maximum = 5\n",
    )
    .unwrap();
    let output = run(
        directory.path(),
        &["serve", "--listen", &taken.local_addr().unwrap().to_string()],
    );
    assert_eq!(code(&output), USAGE, "{}", said(&output));
    assert!(said(&output).contains("body_bytes_maximum"), "{}", said(&output));
    assert!(
        !said(&output).contains("cannot listen"),
        "the port was not even tried: {}",
        said(&output)
    );
    assert_eq!(
        std::fs::read_dir(directory.path()).unwrap().count(),
        1,
        "nothing was made"
    );
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [
        &["serv"][..],
        &["serve", "--prot", "1"],
        &["serve", "--listen", "nowhere"],
        &["serve", "--log", "=="],
        &["serve", "--config", "missing.toml"],
        &["serve", "--database-url", "mysql://localhost/x"],
        &["config"],
        &[],
    ] {
        let output = run(directory.path(), arguments);
        assert_eq!(code(&output), USAGE, "{arguments:?}: {}", said(&output));
        assert!(!said(&output).is_empty(), "{arguments:?}");
    }
    assert_eq!(
        std::fs::read_dir(directory.path()).unwrap().count(),
        0,
        "nothing was made"
    );
}

#[test]
fn a_port_that_is_taken_is_a_usage_error_and_leaves_nothing_half_made() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let output = run(directory.path(), &["serve", "--listen", &address]);
    assert_eq!(code(&output), USAGE, "{}", said(&output));
    assert!(said(&output).contains(&address), "{}", said(&output));
    let data = directory.path().join("freehold-data");
    assert!(!data.join("freehold.db").exists() && !data.join("root.key").exists());
}

#[tokio::test]
async fn another_root_key_is_refused_and_nothing_is_changed() {
    let provider = Simulator::start(Shape::OpenAi);
    let (directory, tenant) = installation(&provider).await;
    let before = files(directory.path());
    let other = STANDARD.encode([7; 32]);
    let (code, failed) = refused(
        options()
            .data(directory.path())
            .environment("FREEHOLD_ROOT_KEY", other.as_str()),
    )
    .await;
    assert_eq!(code, ROOT_KEY);
    assert!(failed.stderr.contains("root key"), "{}", failed.stderr);
    assert!(!failed.stderr.contains(&other), "{}", failed.stderr);
    assert_eq!(
        names_of_changed(&before, &files(directory.path())),
        Vec::<String>::new()
    );

    let server = Freehold::start(options().data(directory.path())).await;
    let reply = tenant.at(&server).chat(&ask("openai/sim-ok", "still here")).await;
    assert!(
        answer::text(&reply).contains("still here"),
        "the stored key still opens"
    );
}

fn names_of_changed(before: &[(String, Vec<u8>)], after: &[(String, Vec<u8>)]) -> Vec<String> {
    let differing = |one: &[(String, Vec<u8>)], other: &[(String, Vec<u8>)]| {
        one.iter()
            .filter(|file| !other.contains(file))
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>()
    };
    [differing(before, after), differing(after, before)].concat()
}

#[tokio::test]
async fn a_missing_root_key_is_never_replaced_by_a_fresh_one() {
    let provider = Simulator::start(Shape::OpenAi);
    let (directory, tenant) = installation(&provider).await;
    let key = directory.path().join("root.key");
    let backup = directory.path().join("backup");
    std::fs::rename(&key, &backup).unwrap();
    let (code, failed) = refused(options().data(directory.path())).await;
    assert_eq!(code, ROOT_KEY);
    assert!(
        failed.stderr.contains("root.key"),
        "it says where the backup belongs: {}",
        failed.stderr
    );
    assert!(!key.exists());

    std::fs::rename(&backup, &key).unwrap();
    let server = Freehold::start(options().data(directory.path())).await;
    let reply = tenant.at(&server).chat(&ask("openai/sim-ok", "back again")).await;
    assert!(answer::text(&reply).contains("back again"));
}

#[tokio::test]
async fn a_root_key_that_others_can_read_is_refused() {
    let provider = Simulator::start(Shape::OpenAi);
    let (directory, _) = installation(&provider).await;
    let key = directory.path().join("root.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o444)).unwrap();
    let (code, failed) = refused(options().data(directory.path())).await;
    assert_eq!(code, ROOT_KEY);
    assert!(failed.stderr.contains("chmod"), "{}", failed.stderr);
}

#[tokio::test]
async fn a_data_directory_that_others_can_enter_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let (code, failed) = refused(options().data(directory.path())).await;
    assert_eq!(code, USAGE);
    assert!(failed.stderr.contains("chmod 700"), "{}", failed.stderr);
}

#[tokio::test]
async fn a_second_process_on_the_same_data_directory_is_refused_and_the_first_serves_on() {
    let first = Freehold::start(options()).await;
    let (code, failed) = refused(options().data(first.data())).await;
    assert_ne!(code, 0);
    assert!(
        failed.stderr.contains("in use by another process"),
        "{}",
        failed.stderr
    );
    let reply = Tenant::new(&first)
        .await
        .chat(&ask("sandbox/echo", "undisturbed"))
        .await;
    assert_eq!(answer::text(&reply), "undisturbed");
}

#[tokio::test]
async fn a_secret_in_a_broken_file_is_not_repeated() {
    let canary = "canary-9f3b1c7d5e";
    for line in [
        format!("admin_token = [{canary:?}]"),
        format!("root_key = \"{canary}\" x"),
        format!("[[platform_keys]]\nprovider = \"openai\"\nkey = {{ a = {canary:?} }}"),
    ] {
        let (code, failed) = refused(options().toml(&line)).await;
        assert_eq!(code, USAGE, "{line}");
        assert!(
            !failed.stderr.contains(canary) && !failed.stdout.contains(canary),
            "{}",
            failed.stderr
        );
    }
}
