//! The first start makes an installation and says once what is secret; later starts say nothing secret.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use freehold_testkit::client::Request;
use freehold_testkit::freehold::Freehold;

use crate::support::command::{Started, freehold};
use crate::support::tenant::ask;
use crate::support::{OPERATOR_TOKEN, Tenant, answer, eventually, options, options_without_token};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .permissions()
        .mode()
        & 0o7777
}

/// The operator token and the virtual key that a first start printed. They may still be on their way when it is ready.
async fn announced(server: &Freehold) -> (String, String) {
    let after = |said: &str, label: &str| {
        let (_, rest) = said.split_once(label)?;
        let (line, _) = rest.split_once('\n')?;
        Some(line.trim().to_owned())
    };
    eventually("what the first start prints", async || {
        let said = server.output();
        Some((after(&said, "operator token:")?, after(&said, "virtual key:")?))
            .filter(|_| said.contains("BACK UP"))
    })
    .await
}

#[tokio::test]
async fn the_first_start_prints_each_secret_once_and_the_second_start_none() {
    let mut server = Freehold::start(options_without_token()).await;
    let (token, key) = announced(&server).await;
    let root_key = std::fs::read_to_string(server.data().join("root.key")).unwrap();
    let first = server.output();
    assert!(token.starts_with("fho_") && key.starts_with("fh_"), "{first}");
    assert_eq!(first.matches(&token).count(), 1, "{first}");
    assert_eq!(first.matches(&key).count(), 1, "{first}");
    let path = server.data().join("root.key").display().to_string();
    assert_eq!(
        first.matches(&path).count(),
        1,
        "where the root key lies is said once: {first}"
    );
    assert!(
        first.contains(&server.url("/")),
        "the address of Mission Control: {first}"
    );
    assert!(
        !first.contains(root_key.trim()),
        "the root key itself is never said"
    );

    assert!(server.terminate().await.success());
    server.restart().await;
    let all = server.output();
    let second = all.strip_prefix(&first).map_or(all.as_str(), |rest| rest);
    assert!(second.contains("ready"), "{second}");
    for secret in ["fho_", "fh_", root_key.trim()] {
        assert!(!second.contains(secret), "{second}");
    }
    for (path, credential) in [("/admin/v1/workspaces", &token), ("/v1/models", &key)] {
        let _ = Request::get(server.url(path))
            .bearer(credential)
            .send()
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn what_was_made_on_the_first_start_works_at_once() {
    let server = Freehold::start(options_without_token()).await;
    let (token, key) = announced(&server).await;
    let get = |path: &str, credential: &str| Request::get(server.url(path)).bearer(credential);
    let workspaces = get("/admin/v1/workspaces", &token)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(workspaces["data"].as_array().unwrap().len(), 1);
    let chat = Request::post(server.url("/v1/chat/completions"))
        .bearer(&key)
        .json(&ask("sandbox/echo", "hello house"));
    assert_eq!(answer::text(&chat.send().await), "hello house");
    let records = get("/v1/usage/records", &key).send().await.expect(200).json();
    assert_eq!(records["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn only_the_owner_can_read_what_lies_in_the_data_directory() {
    let server = Freehold::start(options()).await;
    let data = server.data();
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("root.key")), 0o400);
    assert_eq!(mode(&data.join("freehold.db")), 0o600);
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        let mode = mode(&path);
        assert_eq!(mode & 0o077, 0, "{} is {mode:o}", path.display());
    }
}

#[tokio::test]
async fn with_no_file_and_no_flag_it_makes_its_data_directory_where_it_stands() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = freehold(directory.path());
    // The default port may be taken on the machine of whoever runs this; everything else is left out.
    let mut server = Started(
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .spawn()
            .unwrap(),
    );
    let line = server.line_with("Mission Control");
    let url = line
        .split_whitespace()
        .find(|word| word.starts_with("http://"))
        .unwrap()
        .to_owned();
    assert!(directory.path().join("freehold-data/freehold.db").is_file());
    let ready = Request::get(format!("{url}readyz")).send().await;
    assert_eq!(ready.status, 200);
}

#[tokio::test]
async fn listening_on_port_zero_tells_the_port_that_it_was_given() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Started::serve(
        directory.path(),
        &["--listen", "127.0.0.1:0", "--data-dir", "data"],
    );
    let line = server.line_with("Mission Control");
    let url = line
        .split_whitespace()
        .find(|word| word.starts_with("http://"))
        .unwrap()
        .to_owned();
    assert!(!url.contains(":0/"), "{url}");
    assert_eq!(Request::get(format!("{url}healthz")).send().await.status, 200);
}

#[tokio::test]
async fn an_operator_token_from_the_environment_is_taken_and_not_printed() {
    let server = Freehold::start(options()).await;
    eventually("the announcement", async || {
        server.output().contains("BACK UP").then_some(())
    })
    .await;
    assert!(!server.output().contains(OPERATOR_TOKEN), "{}", server.output());
    assert!(!server.output().contains("fho_"), "{}", server.output());
    let _ = server.admin_get("/admin/v1/workspaces").await.expect(200);
    let _ = Tenant::new(&server).await;
}

#[tokio::test]
async fn secrets_can_be_given_by_file_and_are_neither_copied_nor_printed() {
    let directory = tempfile::tempdir().unwrap();
    let (token, root) = (directory.path().join("token"), directory.path().join("root"));
    std::fs::write(&token, format!("{OPERATOR_TOKEN}\n")).unwrap();
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    std::fs::write(&root, format!("{key}\n")).unwrap();
    let mut server = Started(
        freehold(directory.path())
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"])
            .env("FREEHOLD_ADMIN_TOKEN_FILE", &token)
            .env("FREEHOLD_ROOT_KEY_FILE", &root)
            .spawn()
            .unwrap(),
    );
    let line = server.line_with("Mission Control");
    let url = line
        .split_whitespace()
        .find(|word| word.starts_with("http://"))
        .unwrap();
    let admin = Request::get(format!("{url}admin/v1/workspaces")).bearer(OPERATOR_TOKEN);
    let _ = admin.send().await.expect(200);
    assert!(
        !directory.path().join("data/root.key").exists(),
        "the key stays where its owner keeps it"
    );
    for entry in std::fs::read_dir(directory.path().join("data")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let holds = |secret: &str| {
            bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes())
        };
        assert!(!holds(key) && !holds(OPERATOR_TOKEN));
    }
}
